/** The closed list of what can go wrong. A code exists because some caller acts differently on it. */
export const errorCodes = [
  'invalid',
  'not_found',
  'conflict',
  'stale_version',
  'gone',
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'unavailable',
  'database',
  'unknown_outcome',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetail {
  /** What to do about it: one sentence, or a command to type. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The only error that a user may read. Anything else that is thrown is a bug. */
export class HodeiError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, { cause: detail.cause });
    this.name = 'HodeiError';
    this.code = code;
    this.hint = detail.hint;
  }
}

export function invalid(message: string, hint?: string): HodeiError {
  return new HodeiError('invalid', message, { hint });
}

export function notFound(message: string, hint?: string): HodeiError {
  return new HodeiError('not_found', message, { hint });
}

export function forbidden(message: string, hint?: string): HodeiError {
  return new HodeiError('forbidden', message, { hint });
}

export function conflict(message: string, hint?: string): HodeiError {
  return new HodeiError('conflict', message, { hint });
}

export function unavailable(message: string, detail: ErrorDetail = {}): HodeiError {
  return new HodeiError('unavailable', message, detail);
}

export function databaseError(why: string, detail: ErrorDetail = {}): HodeiError {
  return new HodeiError('database', `Database error: ${why}`, detail);
}

const PASSING: readonly ErrorCode[] = [
  'unavailable',
  'unknown_outcome',
  'database',
  'rate_limited',
];

/** What may be over when it is tried again. */
export function isPassing(error: unknown): error is HodeiError {
  return error instanceof HodeiError && PASSING.includes(error.code);
}
