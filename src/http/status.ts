import type { ErrorCode } from '../domain/errors.ts';

/** The HTTP status of each error. Some share one: the code in the body tells them apart. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  stale_version: 412,
  rate_limited: 429,
  database: 500,
  internal: 500,
  unavailable: 503,
  unknown_outcome: 503,
};
