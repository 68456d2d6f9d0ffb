import { HodeiError, type ErrorCode } from '../../src/domain/errors.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** What a call was refused with, as a user would read it. Anything else is a failed test. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    const { code, message, hint } = error;
    return hint === undefined ? { code, message } : { code, message, hint };
  }
  throw new Error(`was not refused but answered ${JSON.stringify(answer)}`);
}
