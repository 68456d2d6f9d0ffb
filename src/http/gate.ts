import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid } from '../domain/errors.ts';
import { toFailure, type Failure } from './errors.ts';
import { hostCheck } from './hosts.ts';
import type { ServerLog } from './logger.ts';
import { originCheck } from './origins.ts';
import type { ConnectionLimit } from './overload.ts';
import { pathOf } from './paths.ts';
import { bypassCheck, type Trust } from './proxies.ts';

export interface GateOptions {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  /** In the proxies in front of the server; undefined when there are none. */
  readonly trust: Trust | undefined;
  readonly connections: ConnectionLimit;
}

/** Node would drop those beyond its own limit in silence, and with them a second Host. */
const MAX_HEADERS = 100;

/** What every request passes first, whatever it asks for. Returns why it may not go on. */
export function gate(options: GateOptions, log: ServerLog) {
  const { host, connections } = options;
  const checkHost = hostCheck(host, options.allowedHosts);
  const checkOrigin = originCheck(options.corsOrigins);
  const checkBypass = bypassCheck(options.trust, host);
  return (request: FastifyRequest, reply: FastifyReply): Failure | undefined => {
    log.watch(request, reply);
    reply.header('x-trace-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (request.raw.rawHeaders.length > 2 * MAX_HEADERS) return tooManyHeaders;
    const tooMuch = connections.check(request.raw.socket);
    if (tooMuch !== undefined) reply.header('connection', 'close');
    // Whoever looks after the server has to know that it lives, also when it has too much to do.
    const error =
      (isProbe(request) ? undefined : (tooMuch ?? checkBypass(request))) ??
      checkHost(request.raw) ??
      checkOrigin(request.raw);
    return error && toFailure(error);
  };
}

function isProbe({ raw }: FastifyRequest): boolean {
  const path = pathOf(raw.url);
  return path === '/healthz' || path === '/readyz';
}

const tooManyHeaders: Failure = {
  error: invalid(`The request has more than ${MAX_HEADERS} headers.`),
  status: 431,
};
