/** What the steps know of tracing: a span, and nothing of the library behind it. */

export type SpanAttributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Span {
  /** W3C trace id, hex; null while tracing is off. */
  readonly traceId: string | null;
  /** W3C `traceparent` for whoever is called under this span; null while tracing is off. */
  readonly traceparent: string | null;
  /** @param kind client: it stands for a call to another service. */
  child(name: string, attributes: SpanAttributes, kind?: 'client' | 'internal'): Span;
  /** Attributes without a value are left out. */
  set(attributes: SpanAttributes): void;
  event(name: string): void;
  /**
   * Ends the span; later calls do nothing.
   *
   * @param error what kind of failure it was, for `error.type`; null: none.
   * @param agoMs how long ago it ended; default: it ends now.
   */
  end(error?: string | null, agoMs?: number): void;
}

/** Stands in for every span while tracing is off. */
export const NO_SPAN: Span = {
  traceId: null,
  traceparent: null,
  child: () => NO_SPAN,
  set: () => {},
  event: () => {},
  end: () => {},
};

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface Tracing {
  /** The span of a whole request, under the caller's own where its headers name one. */
  request(name: string, headers: Headers, startedAgoMs: number): Span;
  /** Sends what is left. */
  close(): Promise<void>;
}

export const NO_TRACING: Tracing = { request: () => NO_SPAN, close: async () => {} };
