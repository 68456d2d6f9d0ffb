import { invalid } from '../domain/errors.ts';

export const KEY_HEADER = 'idempotency-key';
export const MAX_KEY_LENGTH = 200;

/** What every program sends and reads as it is: a space at an end gets lost on the way. */
export const KEY_PATTERN = /^[!-~]([ -~]*[!-~])?$/;

/** @throws invalid when it is no key that a header could carry unchanged. */
export function requireKey(key: string): string {
  if (key.length <= MAX_KEY_LENGTH && KEY_PATTERN.test(key)) return key;
  throw invalid(
    `Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} printable ASCII characters, ` +
      'without spaces at its ends.',
  );
}
