import type { ErrorCode } from '../domain/errors.ts';

export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  invalid: 2,
  not_found: 3,
  gone: 3,
  unauthenticated: 4,
  forbidden: 4,
  conflict: 5,
  stale_version: 5,
  rate_limited: 7,
  unavailable: 7,
  database: 7,
  unknown_outcome: 7,
  internal: 1,
};

export const USAGE = 2;
export const REJECTED = 6;
export const UNAVAILABLE = 7;
export const QUEUED = 8;
export const FOUND_SOMETHING = 9;
export const INTERRUPTED = 130;
/** `hodei run` returns its command's code; codes of its own are so much higher. */
export const RUN_REFUSED = 120;

/** Every exit code and its meaning, for the documentation. */
export const exitCodeMeanings: readonly (readonly [number, string])[] = [
  [0, 'done'],
  [1, 'a bug in hodei'],
  [2, 'wrong usage or invalid input'],
  [3, 'not found, or not there any more'],
  [4, 'not allowed'],
  [5, 'conflict: the name is taken, the version is stale, something is in the way'],
  [6, 'rejected: over quota now, or impossible'],
  [7, 'unavailable, rate limited, or the outcome is unknown'],
  [8, 'queued, and not admitted; also where --wait was not long enough'],
  [9, 'a check found something (usage verify, audit verify, webhook test, doctor)'],
  [RUN_REFUSED, 'hodei run adds this to a code of its own; any other is that of its command'],
  [130, 'interrupted'],
  [143, 'hodei run: its job was evicted, and the command has ended by the SIGTERM that it got'],
];

/** Ends a command with an exit code after it has said what there was to say. */
export class Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.name = 'Exit';
    this.exitCode = exitCode;
  }
}
