import type { FastifyReply, FastifyRequest } from 'fastify';
import { toFailure, type Failure } from './errors.ts';
import { hostCheck } from './hosts.ts';
import type { RequestLog } from './logger.ts';
import { originCheck } from './origins.ts';

export interface GateOptions {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
}

/** What every request passes first, whatever it asks for. Returns why it may not go on. */
export function gate({ host, allowedHosts, corsOrigins }: GateOptions, log: RequestLog) {
  const checkHost = hostCheck(host, allowedHosts);
  const checkOrigin = originCheck(corsOrigins);
  return (request: FastifyRequest, reply: FastifyReply): Failure | undefined => {
    log.watch(request, reply);
    reply.header('x-trace-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    const error = checkHost(request.raw) ?? checkOrigin(request.raw);
    return error && toFailure(error);
  };
}
