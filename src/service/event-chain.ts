import { HodeiError } from '../domain/errors.ts';
import type { EventRow, Tables } from '../store/store.ts';
import { chainStart, findBreak, type ChainBreak, type ChainPlace } from './event-log.ts';

/** So many events are read at once, however many are looked at: some of them are large. */
const EVENTS_AT_ONCE = 100;

/** A piece ends where it has become so large, so that nobody has to wait for it for long. */
const PIECE_CHARACTERS = 4 * 1024 * 1024;

/** What one look at a part of the chain has found. */
export interface Piece {
  /** Events that were found in order. */
  readonly checked: number;
  /** The last of them; the next piece begins behind it. */
  readonly last: ChainPlace;
  readonly broken: ChainBreak | undefined;
  /** The last event there is. */
  readonly head: ChainPlace | undefined;
  /** Nothing stands behind the last one that was checked. */
  readonly isEnd: boolean;
}

/** Looks whether the chain goes on in order behind a place, for at most so many events. */
export async function checkPiece(tables: Tables, from: ChainPlace, limit: number): Promise<Piece> {
  const head = await tables.events.head();
  let last = from;
  let checked = 0;
  const ended = (broken: ChainBreak | undefined, isEnd: boolean): Piece => ({
    ...{ checked, last, broken, head, isEnd },
  });
  const misplaced = await findMisplaced(tables, from);
  if (misplaced !== undefined) return ended(misplaced, false);
  for await (const { events, next } of batches(tables, from, limit)) {
    for (const event of events) {
      const broken = findBreak(last, [event]);
      if (broken !== undefined) return ended(broken, false);
      last = { sequence: event.sequence, hash: event.hash };
      checked += 1;
    }
    // One further is looked at, so that no number can be there twice between two pieces.
    const broken = next && findBreak(last, [next]);
    if (broken !== undefined) return ended(broken, false);
    if (next === undefined) return ended(undefined, true);
  }
  return ended(undefined, false);
}

/** Whether the place from which to go on is one of this chain, and nothing stands before the first. */
async function findMisplaced(tables: Tables, from: ChainPlace): Promise<ChainBreak | undefined> {
  const { sequence, hash } = from;
  if (sequence === chainStart.sequence) {
    const first = await tables.events.first();
    const isBefore = first !== undefined && !(first.sequence > sequence);
    return isBefore ? findBreak(from, [first]) : undefined;
  }
  const [event] = await tables.events.following(sequence - 1, 1);
  if (event?.sequence !== sequence) return { sequence, why: 'missing' };
  return event.hash === hash ? undefined : { sequence, why: 'unlinked' };
}

interface Batch {
  readonly events: readonly EventRow[];
  /** The one behind them. */
  readonly next: EventRow | undefined;
}

/** Events behind a place, few at once: until there were enough, or they have become too large. */
export async function* batches(
  tables: Tables,
  { sequence }: Pick<ChainPlace, 'sequence'>,
  limit: number,
): AsyncGenerator<Batch> {
  let after = sequence;
  let left = limit;
  let characters = 0;
  while (left > 0 && characters < PIECE_CHARACTERS) {
    const size = Math.min(EVENTS_AT_ONCE, left);
    const rows = await tables.events.following(after, size + 1);
    const events = rows.slice(0, size);
    yield { events, next: rows[size] };
    const last = events.at(-1);
    if (last === undefined || rows.length <= size) return;
    after = last.sequence;
    left -= size;
    for (const { before, after: changed } of events) {
      characters += (before?.length ?? 0) + (changed?.length ?? 0);
    }
  }
}

/** What became of following the chain from its first event on. */
export interface Followed {
  /** The last event that is in order. */
  readonly last: ChainPlace;
  readonly broken: ChainBreak | undefined;
}

/**
 * Follows the chain piece by piece, each of which is a snapshot of its own, up to where its head was
 * at the beginning. `hear` is told how far it came.
 * @throws unavailable when other histories take each other's place meanwhile.
 */
export async function followChain(
  ask: (from: ChainPlace) => Promise<Piece>,
  hear: (last: ChainPlace, head: ChainPlace) => void = () => undefined,
): Promise<Followed> {
  // A restore puts another history in the place of the one that was begun with: once is bad luck.
  const once = await followOnce(ask, hear);
  const followed = once.isReplaced ? await followOnce(ask, hear) : once;
  if (!followed.isReplaced) return followed;
  throw new HodeiError('unavailable', 'The events were replaced while they were followed.', {
    hint: 'A restore does that. Try again when it is over.',
  });
}

async function followOnce(
  ask: (from: ChainPlace) => Promise<Piece>,
  hear: (last: ChainPlace, head: ChainPlace) => void,
): Promise<Followed & { readonly isReplaced: boolean }> {
  let last = chainStart;
  let end: ChainPlace | undefined;
  for (;;) {
    const piece = await ask(last);
    end ??= piece.head ?? chainStart;
    const { broken } = piece;
    // What the piece before has seen is not there any more.
    const isSeen = broken !== undefined && broken.sequence <= last.sequence && broken.sequence > 0;
    const isReplaced = isSeen || (piece.isEnd && piece.last.sequence < end.sequence);
    ({ last } = piece);
    if (broken !== undefined || isReplaced) return { last, broken, isReplaced };
    hear(last, end);
    if (piece.isEnd || last.sequence >= end.sequence) {
      return { last, broken, isReplaced };
    }
  }
}
