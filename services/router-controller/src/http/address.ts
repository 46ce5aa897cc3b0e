/** Where a request comes from. */
import type { Request } from 'express';

/**
 * The client's address: the peer's own, or what `server.trusted_proxies` say of it by X-Forwarded-For (express' `trust
 * proxy`). Anybody else's header is not read.
 */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '';
