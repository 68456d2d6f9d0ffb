import { sayBreak } from '../cli/chain-words.ts';
import { databaseError } from '../domain/errors.ts';
import { checkPiece, followChain, type Followed } from '../service/event-chain.ts';
import type { Store } from '../store/store.ts';

/** So many are looked at in one snapshot, so that a long look does not keep the WAL from shrinking. */
const EVENTS_AT_ONCE = 10_000;

/** Follows the chain of events from its first to its last. */
export function checkChain(store: Store): Promise<Followed> {
  return followChain((from) => store.read((tables) => checkPiece(tables, from, EVENTS_AT_ONCE)));
}

/** @throws database when somebody or something changed the events. */
export async function requireUnbrokenChain(store: Store): Promise<void> {
  const { broken } = await checkChain(store);
  if (broken === undefined) return;
  throw databaseError(`the chain of events is ${sayBreak(broken)}`, {
    hint: 'Something other than hodei changed the events. Nothing was written.',
  });
}
