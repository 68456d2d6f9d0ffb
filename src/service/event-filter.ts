import { invalid } from '../domain/errors.ts';
import type { EventRow, Key, Tables } from '../store/store.ts';
import type { FollowedView } from './event-page.ts';
import { eventNouns } from '../domain/event-names.ts';
import { nearest } from './nearest.ts';

/** Which events somebody wants to see; all, where nothing is said. */
export interface EventWishes {
  /** Public id. */
  readonly tenant?: string | undefined;
  readonly pool?: string | undefined;
  /** Nouns such as `job`, or whole names such as `job.promote`. */
  readonly kinds: readonly string[];
  /** Public id of what was changed. */
  readonly object?: string | undefined;
}

/** @throws invalid for a noun that no event is about, which would be waited for in vain. */
export function requireKnownKinds(kinds: readonly string[]): void {
  for (const kind of kinds) {
    const [noun = ''] = kind.split('.');
    if (eventNouns.includes(noun)) continue;
    const meant = nearest(noun, eventNouns);
    throw invalid(
      `kind: no event is about "${noun}".`,
      `${meant === undefined ? '' : `Did you mean ${meant}? `}There are: ${eventNouns.join(', ')}.`,
    );
  }
}

/** Whether an event is wanted, as far as its own row tells: all but the pool. */
export function isWantedRow(
  { tenant, kinds, object }: EventWishes,
  event: Pick<EventRow, 'tenant' | 'operation' | 'object'>,
): boolean {
  if (tenant !== undefined && event.tenant !== tenant) return false;
  if (object !== undefined && event.object !== object) return false;
  const isMeant = (kind: string) =>
    kind === event.operation || event.operation.startsWith(`${kind}.`);
  return kinds.length === 0 || kinds.some(isMeant);
}

export function isWanted(wishes: EventWishes, event: FollowedView): boolean {
  return isWantedRow(wishes, event) && (wishes.pool === undefined || event.pool === wishes.pool);
}

type State = Readonly<Record<string, unknown>> | null;

/** Finds the pool that an event is about: most say it themselves, that of a job is known by the job. */
export function poolFinder(tables: Tables) {
  const names = new Map<Key, string | null>();
  const nameOf = async (key: Key) => {
    if (!names.has(key)) names.set(key, (await tables.pools.byKey(key))?.name ?? null);
    return names.get(key) ?? null;
  };
  return async (event: Pick<EventRow, 'operation' | 'object'>, before: State, after: State) => {
    const named = after?.['pool'] ?? before?.['pool'];
    if (typeof named === 'string') return named;
    if (event.operation.startsWith('pool.')) return event.object;
    if (!event.operation.startsWith('job.')) return null;
    const job = await tables.jobs.byId(event.object);
    return job === undefined ? null : nameOf(job.pool);
  };
}
