import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TlsIdentity } from './tls.ts';

/** How long the server waits, in milliseconds. */
export interface Timeouts {
  /** For a request to arrive: its headers, and all of it. */
  readonly headers: number;
  readonly request: number;
  /** How often Node looks for what takes longer. */
  readonly look: number;
  /** For connections on which nothing moves, also while an operation runs. */
  readonly silence: number;
  readonly keepAlive: number;
}

export const usualTimeouts: Timeouts = {
  headers: 15_000,
  request: 30_000,
  look: 5_000,
  silence: 120_000,
  // Longer than the 60 s after which most proxies give up an idle connection themselves.
  keepAlive: 72_000,
};

/** Of the first line and the headers together; said here, since the environment can change Node's. */
const MAX_HEADER_BYTES = 16 * 1024;

/** The server of Node behind the routes: with TLS where it has an identity. */
export function createListener(
  handler: RequestListener,
  timeouts: Timeouts,
  identity: TlsIdentity | undefined,
): Server {
  const options: ServerOptions = {
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    connectionsCheckingInterval: timeouts.look,
    keepAliveTimeout: timeouts.keepAlive,
    maxHeaderSize: MAX_HEADER_BYTES,
    // A missing Host is refused by the gate, as JSON.
    requireHostHeader: false,
  };
  const server =
    identity === undefined
      ? createServer(options, handler)
      : // A handshake is to be done as fast as headers are.
        createTlsServer(
          { ...options, ...identity.secure, handshakeTimeout: timeouts.headers },
          handler,
        );
  server.setTimeout(timeouts.silence);
  return server;
}
