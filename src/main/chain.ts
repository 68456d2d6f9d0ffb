import { databaseError } from '../domain/errors.ts';
import { findBreak, GENESIS_HASH } from '../service/event-log.ts';
import type { Store, Tables } from '../store/store.ts';

/** What was found of the chain of events. */
export interface Chain {
  readonly events: number;
  /** The first sequence number at which it is broken. */
  readonly brokenAt: number | undefined;
}

const EVENTS_AT_ONCE = 1000;

/** Follows the chain of events from its first to its last. */
export function checkChain(store: Store): Promise<Chain> {
  return store.read(followChain);
}

async function followChain(tables: Tables): Promise<Chain> {
  let last = { sequence: 0, hash: GENESIS_HASH };
  for (;;) {
    const events = await tables.events.following(last.sequence, EVENTS_AT_ONCE);
    const brokenAt = findBreak(last, events);
    if (brokenAt !== undefined) return { events: last.sequence, brokenAt };
    const next = events.at(-1);
    if (next === undefined) return { events: last.sequence, brokenAt: undefined };
    last = next;
  }
}

/** @throws database when somebody or something changed the events. */
export async function requireUnbrokenChain(store: Store): Promise<void> {
  const { brokenAt } = await checkChain(store);
  if (brokenAt === undefined) return;
  throw databaseError(`the chain of events is broken at number ${brokenAt}`, {
    hint: 'Something other than hodei changed it. Nothing was written.',
  });
}
