import type { AuditFile } from './audit-file.ts';
import { chainStart, type ChainPlace } from './event-log.ts';

/** Where a database and an export are two histories. */
export interface Divergence {
  readonly why: 'missing' | 'other';
  /** The number up to which both are known to have the same events. */
  readonly agreed: number;
  /** The number at which they are known to differ: the next one, or one of those after it. */
  readonly differs: number;
}

/** Whether there is an event of this number and hash. */
export type Probe = (place: ChainPlace) => Promise<'same' | Divergence['why']>;

/**
 * Compares an export that is sound with what a database has now. One hash stands for all events up to
 * it, so that those at its ends are enough; only where they differ it is looked where that begins.
 */
export async function compareWithFile(
  probe: Probe,
  { from, last, head, marks }: AuditFile,
): Promise<Divergence | undefined> {
  const places = [from, ...marks, last, ...(head === null ? [] : [head])];
  const ends = [from, last, head ?? last];
  for (const end of ends) {
    if (isStart(end) || (await probe(end)) === 'same') continue;
    return findDivergence(probe, places);
  }
  return undefined;
}

/** Halves what is between the last place that is the same and the first that is not. */
async function findDivergence(probe: Probe, places: readonly ChainPlace[]): Promise<Divergence> {
  let same = -1;
  let other = places.length - 1;
  while (other - same > 1) {
    const middle = (same + other) >> 1;
    const place = places[middle] ?? chainStart;
    if (isStart(place) || (await probe(place)) === 'same') same = middle;
    else other = middle;
  }
  const differs = places[other] ?? chainStart;
  const why = (await probe(differs)) === 'missing' ? 'missing' : 'other';
  return { why, agreed: places[same]?.sequence ?? 0, differs: differs.sequence };
}

/** Every history begins there. */
function isStart({ sequence, hash }: ChainPlace): boolean {
  return sequence === chainStart.sequence && hash === chainStart.hash;
}
