import { liftedFor, type Ceiling } from '../domain/ceiling.ts';
import { burstStateAsOf, lifted, type Lift } from '../domain/burst.ts';
import { freePercentage } from '../domain/burst-capacity.ts';
import type { Amounts } from '../domain/job.ts';
import type { Limit } from '../domain/quota.ts';
import type { BurstRow, Key, ScopeSubject, StandingBurst } from '../store/store.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

/** A limit as the sessions in force make it. */
export interface LiftedLimit {
  readonly limit: Limit;
  /** What it is without them; null where none lifts it. */
  readonly base: number | null;
  /** The session that makes it so high. */
  readonly burst: BurstRow | undefined;
  /** The highest that it can become without a person. */
  readonly most: Limit;
}

/** What the sessions in force make of limits. */
export interface Lifts {
  /** Of a tenant, everywhere or in one pool; the limit of a pool itself is never lifted. */
  lift(subject: ScopeSubject, resource: Key, limit: Limit): LiftedLimit;
}

const unlifted: Lifts = {
  lift: (_, __, limit) => ({ limit, base: null, burst: undefined, most: limit }),
};

/** Sessions as of now, settled or not, so that none lasts a moment longer than was agreed. */
export async function liftsInForce({
  tables,
  now,
}: Pick<Context, 'tables' | 'now'>): Promise<Lifts> {
  const standing = await tables.bursts.standing();
  const { burstCapacity } = await settingsInForce(tables);
  const free = freePercentage(burstCapacity);
  // Switched off, no session lifts anything.
  const active = burstCapacity.enabled
    ? standing.filter(({ burst }) => burstStateAsOf(burst, now) === 'active')
    : [];
  if (active.length === 0 && free === undefined) return unlifted;
  return {
    lift(subject, resource, limit) {
      if (subject.tenant === null || limit === null) {
        return { limit, base: null, burst: undefined, most: limit };
      }
      const opened = free === undefined ? limit : (lifted(limit, { percentage: free }) ?? limit);
      const best = bestOf(active, subject, resource, limit);
      if (best === undefined) return { limit, base: null, burst: undefined, most: opened };
      return { ...best, base: limit, most: Math.max(best.limit, opened) };
    },
  };
}

/** Of several sessions the one that lifts the limit most. */
function bestOf(
  active: readonly StandingBurst[],
  { tenant, pool }: ScopeSubject,
  resource: Key,
  limit: number,
): { readonly limit: number; readonly burst: BurstRow } | undefined {
  let best: { readonly limit: number; readonly burst: BurstRow } | undefined;
  for (const { burst, lifts } of active) {
    if (burst.tenant !== tenant || burst.pool !== pool) continue;
    const found = lifts.find((each) => each.resource === resource);
    const reached = found && lifted(limit, liftOf(burst, found.amount));
    if (reached === undefined || reached === null || reached <= (best?.limit ?? limit)) continue;
    best = { limit: reached, burst };
  }
  return best;
}

/** What a session does to one of its resources. */
export function liftOf({ percentage }: Pick<BurstRow, 'percentage'>, amount: number | null): Lift {
  if (percentage !== null) return { percentage };
  if (amount === null) throw new Error('a session lifts neither to a percentage nor by an amount');
  return { add: amount };
}

/** A ceiling, and the session that lifts it. */
interface LiftedCeiling extends Ceiling {
  readonly burst: BurstRow | undefined;
}

/** The sessions without which a request would not fit, the nearest first. */
export function burstsFor(ceilings: readonly LiftedCeiling[], amounts: Amounts): BurstRow[] {
  return [...new Set(liftedFor(ceilings, amounts).flatMap(({ burst }) => burst ?? []))];
}
