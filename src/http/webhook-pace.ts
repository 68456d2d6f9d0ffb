import { setTimeout as wait } from 'node:timers/promises';

/** How fast webhooks are delivered to; tests hand in another one. */
export interface Pace {
  /** Epoch milliseconds, as receivers compare them with their own clock. */
  now(): number;
  /** Milliseconds since some moment: no clock that is set moves them. */
  passed(): number;
  /** Waits, and no longer than until the signal is aborted. */
  pause(milliseconds: number, until: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
  /** So long a receiver may take to answer. */
  readonly answerMs: number;
}

export const usualPace: Pace = {
  now: Date.now,
  passed: () => performance.now(),
  pause: (milliseconds, signal) =>
    wait(milliseconds, undefined, { signal, ref: false }).catch(() => undefined),
  random: Math.random,
  answerMs: 10_000,
};
