import type { FastifyReply, FastifyRequest } from 'fastify';
import { pino, type DestinationStream, type LevelWithSilent } from 'pino';
import { withoutTokens } from '../domain/token.ts';
import { pathOf } from './paths.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Name of the operation that the route carries out. */
    readonly operation?: string;
  }

  interface FastifyRequest {
    /** Code of an answer that says no, for the log. */
    rejection: string | null;
  }
}

export interface LogOptions {
  readonly logLevel: LevelWithSilent;
  /** Takes the log, one line of JSON at a time. */
  readonly log: DestinationStream;
}

/** What one operation was, that took long. */
export interface SlowOperation {
  readonly operation: string;
  readonly ms: number;
  readonly traceId: string;
  readonly principal: string;
  /** As far as it is known. */
  readonly tenant: string | undefined;
}

export interface ServerLog {
  /** Logs the request when its answer has left, or its client has. */
  watch(request: FastifyRequest, reply: FastifyReply): void;
  /** Logs what could not be read as a request; without a status where it could not be answered. */
  unreadable(
    status: number | undefined,
    traceId: string,
    error: Error & { readonly code?: string },
  ): void;
  /** Names an operation that took long. */
  slow(operation: SlowOperation): void;
  /** Tells what the server noticed by itself. */
  warn(message: string): void;
}

/** Writes one line for each request, also for those that broke off or could not be read. */
export function serverLog({ logLevel, log }: LogOptions): ServerLog {
  const logger = pino(
    {
      level: logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    log,
  );
  return {
    watch(request, reply) {
      const start = performance.now();
      reply.raw.once('close', () => {
        const line = describe(request, reply, performance.now() - start);
        if (line.status < 500) logger.info(line);
        else logger.error({ ...line, err: request.failure?.error });
      });
    },
    unreadable(status, traceId, { code: reason }) {
      logger.info({ status, trace_id: traceId, code: 'invalid', reason });
    },
    slow({ ms, traceId, ...named }) {
      logger.warn({ ...named, ms: rounded(ms), trace_id: traceId }, 'slow operation');
    },
    warn: (message) => logger.warn(message),
  };
}

function describe(
  { id, raw, routeOptions, failure, rejection, identity }: FastifyRequest,
  reply: FastifyReply,
  ms: number,
) {
  return {
    method: raw.method,
    // Without the query: what it says is in the audit, where it belongs.
    path: withoutTokens(pathOf(raw.url)),
    status: reply.raw.statusCode,
    ms: rounded(ms),
    trace_id: id,
    principal: identity?.principal,
    token: identity?.token,
    operation: routeOptions.config.operation,
    code: failure?.error.code ?? rejection ?? undefined,
    ...(!reply.raw.writableFinished && { aborted: true }),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
