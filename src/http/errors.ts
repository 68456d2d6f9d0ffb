import type { FastifyReply, FastifyRequest } from 'fastify';
import { HodeiError, invalid } from '../domain/errors.ts';
import { MAX_BODY_BYTES, tooLargeText } from './body.ts';
import { TooMany } from './rate-limits.ts';
import { statusOf } from './status.ts';
import { jsonLine } from './wire.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Why the request was refused, for the log. */
    failure: Failure | null;
  }
}

export interface Failure {
  readonly error: HodeiError;
  readonly status: number;
  /** When to try again, where nothing was done and it may work then. */
  readonly retryAfterSeconds?: number | undefined;
}

/** What every error body says. */
export function errorBody({ message, code, hint }: HodeiError, traceId: string) {
  return { error: message, code, ...(hint !== undefined && { hint }), trace_id: traceId };
}

/** Answers with an error, and notes it for the log. */
export function refuse(request: FastifyRequest, reply: FastifyReply, failure: Failure): void {
  request.failure = failure;
  const { retryAfterSeconds } = failure;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  void reply
    .code(failure.status)
    .type('application/json; charset=utf-8')
    // A path without a route has no part in the server's own serializer.
    .serializer(jsonLine)
    .send(errorBody(failure.error, request.id));
}

/**
 * What was thrown, as it is answered: anything but a HodeiError is a bug, and is not shown.
 * `bodyLimit` is that of the route.
 */
export function toFailure(thrown: unknown, bodyLimit = MAX_BODY_BYTES): Failure {
  if (thrown instanceof HodeiError) {
    return { error: thrown, status: statusOf[thrown.code], retryAfterSeconds: retryAfter(thrown) };
  }
  return transportFailure(thrown, bodyLimit) ?? internal(thrown);
}

/** Too much at once is over in a moment. Nobody should repeat by himself what may be done already. */
const RETRY_AFTER_SECONDS = 1;

function retryAfter(error: HodeiError): number | undefined {
  if (error instanceof TooMany) return error.retryAfter;
  return error.code === 'unavailable' ? RETRY_AFTER_SECONDS : undefined;
}

function internal(cause: unknown): Failure {
  const hint = 'This is a fault in hodei. The log of the server has the cause under the trace id.';
  const error = new HodeiError('internal', 'Internal error', { hint, cause });
  return { error, status: statusOf.internal };
}

/** Errors of Fastify about requests that no operation could read carry a status of their own. */
function transportFailure(thrown: unknown, bodyLimit: number): Failure | undefined {
  const { code, statusCode: status, message } = Object(thrown) as Record<string, unknown>;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  return { error: transportError(String(code), String(message), bodyLimit), status };
}

function transportError(code: string, message: string, bodyLimit: number): HodeiError {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return invalid(tooLargeText(bodyLimit));
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return invalid(
        'The body is not declared as JSON.',
        'Send it with the header content-type: application/json',
      );
    case 'FST_ERR_BAD_URL':
      return invalid('The path cannot be decoded: a % in it does not begin an encoded character.');
    default:
      return invalid(`The request cannot be read: ${message}`);
  }
}
