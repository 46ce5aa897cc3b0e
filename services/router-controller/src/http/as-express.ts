/** Requests and responses that are express' from the start. */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';

/**
 * Classes for `http.createServer`, whose objects have the prototypes that an app gives to each request and response. Express
 * then has nothing to change: another prototype costs V8 the shape of an object, and with it all that it has learned of it.
 *
 * @example
 * createServer(classesOf(app), app)
 */
export function classesOf(app: Express): {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
} {
  return {
    IncomingMessage: withPrototype(IncomingMessage, app.request),
    ServerResponse: withPrototype(ServerResponse, app.response),
  };
}

function withPrototype<Class extends abstract new (...args: never[]) => object>(
  base: Class,
  prototype: object,
): Class {
  // A class' own prototype can't be replaced; a function's can.
  function made(...args: unknown[]): object {
    return Reflect.construct(base, args, made) as object;
  }
  made.prototype = prototype;
  return made as unknown as Class;
}
