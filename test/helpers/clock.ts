import { START } from './store.ts';

export interface Clock {
  readonly now: () => number;
  /** Moves it on, or with a negative number back. */
  advance(milliseconds: number): void;
}

/** A clock that stands still until it is moved. */
export function stoppedClock(start = START): Clock {
  let time = start;
  return {
    now: () => time,
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}
