import type { FastifyInstance } from 'fastify';
import { createServer, type AddressInfo } from 'node:net';
import { invalid, unavailable, type HodeiError } from '../domain/errors.ts';
import { createApp, type AppOptions } from './app.ts';
import { createAuthentication } from './authentication.ts';
import { trackConnections, type Connections } from './connections.ts';
import { createStreams, type StreamOptions } from './event-stream.ts';
import { isLoopback } from './hosts.ts';
import { requireOrigins } from './origins.ts';
import { createRateLimits, type RateLimitOptions } from './rate-limits.ts';
import { createRefusals } from './refusals.ts';

type MadeHere = 'streams' | 'authentication' | 'rateLimits' | 'refusals';

export interface ServerOptions
  extends Omit<AppOptions, MadeHere>, Omit<StreamOptions, 'authentication'> {
  readonly rateLimiting: RateLimitOptions;
  /** Address or name to listen on; `localhost` is 127.0.0.1. */
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Names by which clients may call the server, beside its own. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may read answers and make changes. */
  readonly corsOrigins: readonly string[];
  /** Whether to listen where other machines reach it, although nobody is asked who they are. */
  readonly allowUnauthenticated: boolean;
}

export interface RunningServer {
  readonly url: string;
  /** Takes no more requests, and resolves when those under way are answered. */
  close(): Promise<void>;
}

/**
 * Opens the second door: everything that hodei can do, by REST.
 * @throws invalid when it would be open to everybody, unavailable when it cannot listen there.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  requireSafe(options);
  const { service, newTraceId } = options;
  const authentication = createAuthentication(service, newTraceId);
  const refusals = createRefusals(service, newTraceId);
  const streams = createStreams({ ...options, authentication });
  const rateLimits = createRateLimits(options.rateLimiting);
  const app = await createApp({ ...options, streams, authentication, rateLimits, refusals });
  const connections = trackConnections(app.server);
  const url = await listen(app, options);
  let closed: Promise<void> | undefined;
  const end = async () => {
    streams.close();
    await close(app, connections);
    await Promise.all([authentication.close(), refusals.close()]);
  };
  return { url, close: () => (closed ??= end()) };
}

type Exposure = Pick<ServerOptions, 'host' | 'port' | 'corsOrigins' | 'allowUnauthenticated'>;

/**
 * What would make the server refuse to start, found before anything is done for it.
 * @throws as `startServer` does.
 */
export async function requireStartable(options: Exposure): Promise<void> {
  requireSafe(options);
  const { host, port } = options;
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, addressOf(host), resolve);
    });
  } catch (error) {
    throw cannotListen(error, host, port);
  }
  await new Promise((resolve) => probe.close(resolve));
}

function requireSafe(options: Exposure): void {
  requireClosedOrAllowed(options);
  requireOrigins(options.corsOrigins);
}

function requireClosedOrAllowed({ host, allowUnauthenticated }: Exposure): void {
  if (host === '') throw invalid('The host to listen on is empty.', 'Write 127.0.0.1.');
  if (allowUnauthenticated || isLoopback(host)) return;
  throw invalid(
    `On ${host} other machines could change everything: nobody is asked who they are.`,
    'Listen on 127.0.0.1, or accept it with security.allow_unauthenticated: true.',
  );
}

async function listen(app: FastifyInstance, { host, port }: ServerOptions): Promise<string> {
  try {
    await app.listen({ host: addressOf(host), port });
  } catch (error) {
    await app.close();
    throw cannotListen(error, host, port);
  }
  const bound = app.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}

/** One address: Fastify would open a second server for ::1, and not wait for it when it closes. */
function addressOf(host: string): string {
  return host.toLowerCase() === 'localhost' ? '127.0.0.1' : host;
}

function cannotListen(cause: unknown, host: string, port: number): HodeiError {
  const { code, message } = Object(cause) as Record<string, unknown>;
  if (code === 'EADDRINUSE') {
    return unavailable(`Port ${port} of ${host} is in use.`, {
      hint: 'Stop what uses it, or take another one: server.port in the config file.',
      cause,
    });
  }
  return unavailable(`Cannot listen on port ${port} of ${host}: ${String(message)}.`, {
    hint: 'Look at server.host and server.port in the config file.',
    cause,
  });
}

/** After it, what is still under way is cut off. */
const CLOSE_TIMEOUT_MS = 10_000;
const RELEASE_INTERVAL_MS = 50;

async function close(app: FastifyInstance, connections: Connections): Promise<void> {
  // A connection whose answer has just left is idle only now, so that one look is not enough.
  const release = setInterval(() => connections.release(), RELEASE_INTERVAL_MS);
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  connections.release();
  try {
    await app.close();
  } finally {
    clearInterval(release);
    clearTimeout(cut);
  }
}
