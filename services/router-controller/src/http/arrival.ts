/** The first look at a request: its name, its time, and the signal that ends it. */
import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import type { RouterError } from '../errors.ts';
import { InFlight } from '../in-flight.ts';
import { carry } from './carried.ts';

/** What the first middleware notes of a request before its body is read. */
export interface Arrival {
  readonly id: string;
  readonly receivedAt: number;
  readonly signal: AbortSignal;
}

const ID = /^[\x21-\x7e]{1,128}$/;

/** Requests that the router may have to give up of itself. */
export class Arrivals {
  readonly #open = new InFlight<AbortController>();

  get size(): number {
    return this.#open.size;
  }

  add(controller: AbortController): () => void {
    const place = this.#open.add(controller);
    return () => this.#open.remove(place);
  }

  /** Ends all that is under way with this error: a 503, or the last event of a stream that has begun. */
  giveUp(error: RouterError): void {
    for (const controller of [...this.#open]) controller.abort(error);
  }
}

/** Notes arrival, names the request, and turns the client's leaving into a signal. */
export function arrive(request: Request, response: Response, arrivals: Arrivals): Arrival {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && ID.test(given) ? given : `req_${randomUUID()}`;
  const controller = new AbortController();
  const ended = arrivals.add(controller);
  response.once('close', () => {
    ended();
    if (!response.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  carry(response, { 'x-request-id': id });
  const arrival = { id, receivedAt: performance.now(), signal: controller.signal };
  response.locals.arrival = arrival;
  return arrival;
}

/** The request's name; absent where it was refused before it got one. */
export const requestIdOf = ({ locals }: Response): string | undefined =>
  (locals.arrival as Arrival | undefined)?.id;
