import type { Tables } from '../store/store.ts';

/** What the system says of time. */
export interface SystemTime {
  /** Epoch milliseconds, which somebody can set. */
  readonly wallClock: () => number;
  /** Whole milliseconds since the machine started, which nobody can set. */
  readonly uptime: () => number;
  /** Which start of the machine it is; undefined where the system does not tell. */
  readonly boot: string | undefined;
}

/** Epoch milliseconds as an operation sees them; one that writes may keep what it found out. */
export type Clock = (tables: Tables, writes: boolean) => number | Promise<number>;

/**
 * hodei's clock: within one start of the machine it advances with the uptime, so that setting the
 * wall clock neither ends nor extends a lease. What the wall clock said first since that start is kept
 * in the database, so that all processes agree.
 */
export function steadyClock({ wallClock, uptime, boot }: SystemTime): Clock {
  if (boot === undefined) return wallClock;
  let known: number | undefined;
  return async (tables, writes) => {
    if (known !== undefined) return uptime() + known;
    const row = await tables.clock.get();
    if (row?.boot === boot) {
      known = row.offset;
      return uptime() + known;
    }
    const offset = wallClock() - uptime();
    // Read again next time: this transaction may yet be rolled back, and another one be the first.
    if (writes) await tables.clock.put({ boot, offset });
    return uptime() + offset;
  };
}
