import type { FastifyInstance } from 'fastify';
import { createServer, type AddressInfo } from 'node:net';
import { unavailable, type HodeiError } from '../domain/errors.ts';
import { createApp, type AppOptions } from './app.ts';
import { createAuthentication } from './authentication.ts';
import { trackConnections, type Connections } from './connections.ts';
import { createStreams } from './event-stream.ts';
import { exposureRefusal, type Exposure } from './exposure.ts';
import { createHub, type WatchChanges } from './hub.ts';
import { serverLog, type LogOptions, type ServerLog } from './logger.ts';
import { requireOrigins } from './origins.ts';
import { createRateLimits, type RateLimitOptions } from './rate-limits.ts';
import { createRefusals } from './refusals.ts';
import { namingSlow } from './slow.ts';
import { readTlsIdentity, renewTlsIdentity } from './tls.ts';
import { registerTargets, startDeliveries, type WebhookTarget } from './webhook-delivery.ts';
import { usualPace, type Pace } from './webhook-pace.ts';

type MadeHere = 'streams' | 'serverLog' | 'authentication' | 'rateLimits' | 'refusals';

export interface ServerOptions extends Omit<AppOptions, MadeHere>, LogOptions, Exposure {
  /** Operations that take longer, in milliseconds, are named in the log; 0: none is. */
  readonly slowMs: number;
  /** Tells of what others commit; without it only what this server is asked for is noticed. */
  readonly watchChanges?: WatchChanges;
  /** Who is told of events; of those that were there before, it is forgotten who is not among them. */
  readonly webhooks?: readonly WebhookTarget[];
  /** The usual one, where nothing is said. */
  readonly webhookPace?: Pace;
  readonly rateLimiting: RateLimitOptions;
  /** Address or name to listen on; `localhost` is 127.0.0.1. */
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Names by which clients may call the server, beside its own. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may read answers and make changes. */
  readonly corsOrigins: readonly string[];
  /** Tells whoever runs the server what it noticed by itself. */
  readonly say: (line: string) => void;
}

export interface RunningServer {
  readonly url: string;
  /** Reads the files for TLS again, and says whether they were put in place. */
  renewTlsIdentity(): void;
  /** Says it in the log. */
  warn(message: string): void;
  /** Takes no more requests, and resolves when those under way are answered. */
  close(): Promise<void>;
}

/**
 * Opens the second door: everything that hodei can do, by REST.
 * @throws invalid when it would be open to everybody, unavailable when it cannot listen there.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  requireSafe(options);
  const log = serverLog(options);
  return open({ ...options, service: namingSlow(options.service, options.slowMs, log) }, log);
}

async function open(options: ServerOptions, log: ServerLog): Promise<RunningServer> {
  const { tls, say, service, newTraceId } = options;
  const tlsIdentity = tls && readTlsIdentity(tls);
  if (tlsIdentity?.warning !== undefined) say(tlsIdentity.warning);
  const { webhooks, webhookPace: pace = usualPace } = options;
  const registered = webhooks && (await registerTargets(webhooks, options));
  const authentication = createAuthentication(service, newTraceId);
  const refusals = createRefusals(service, newTraceId);
  const hub = createHub(service, newTraceId, options.watchChanges);
  const streams = createStreams({ service, authentication, hub });
  const rateLimits = createRateLimits(options.rateLimiting);
  const guard = { authentication, rateLimits, refusals };
  const app = await createApp({ ...options, ...guard, streams, serverLog: log }, tlsIdentity);
  const connections = trackConnections(app.server);
  const url = await listen(app, options);
  const deliveries = registered && startDeliveries(registered, { ...options, hub, pace });
  let closed: Promise<void> | undefined;
  const end = async () => {
    const delivered = deliveries?.close();
    streams.close();
    await close(app, connections);
    await Promise.all([authentication.close(), refusals.close(), delivered]);
  };
  return {
    url,
    renewTlsIdentity: () => say(renewTlsIdentity(app.server, tls)),
    warn: (message) => log.warn(message),
    close: () => (closed ??= end()),
  };
}

type Opening = Exposure & Pick<ServerOptions, 'port' | 'corsOrigins'>;

/**
 * What would make the server refuse to start, found before anything is done for it.
 * @throws as `startServer` does.
 */
export async function requireStartable(options: Opening): Promise<void> {
  requireSafe(options);
  const { host, port, tls } = options;
  if (tls !== undefined) readTlsIdentity(tls);
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

function requireSafe(options: Opening): void {
  const refusal = exposureRefusal(options);
  if (refusal !== undefined) throw refusal;
  requireOrigins(options.corsOrigins);
}

async function listen(app: FastifyInstance, { host, port, tls }: ServerOptions): Promise<string> {
  try {
    await app.listen({ host: addressOf(host), port });
  } catch (error) {
    await app.close();
    throw cannotListen(error, host, port);
  }
  const bound = app.server.address() as AddressInfo;
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
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
  const cut = setTimeout(() => connections.cut(), CLOSE_TIMEOUT_MS);
  // At once: Fastify begins with what its plugins have to end, and connections would still come.
  const closed = new Promise((resolve) => app.server.close(resolve));
  connections.release();
  try {
    await app.close();
    await closed;
  } finally {
    clearInterval(release);
    clearTimeout(cut);
  }
}
