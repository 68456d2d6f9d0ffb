import type { Limit } from '../../src/domain/quota.ts';
import type {
  LedgerModel,
  ModelJob,
  ModelPool,
  ModelScope,
  ModelTenant,
  ResourceName,
} from './ledger-rules.ts';

export type ModelBurstState =
  'requested' | 'approved' | 'active' | 'ended' | 'denied' | 'cancelled' | 'lapsed';

/** A session; its times are in epoch milliseconds. */
export interface ModelBurst {
  id: string;
  tenant: ModelTenant;
  pool: ModelPool | null;
  state: ModelBurstState;
  /** To so many per cent; null: by so much more of each resource. */
  percentage: number | null;
  /** Which limits it lifts, by how much where it goes by amounts. */
  lifts: Partial<Record<ResourceName, number>>;
  seconds: number;
  startsAt: number | null;
  endsAt: number | null;
  lapsesAt: number;
  noticeAt: number | null;
  endedAt: number | null;
  onEnd: 'keep' | 'evict';
  requestedBy: string;
  required: number;
  approvals: string[];
  /** Jobs that were admitted only because of it, and run. */
  jobs: ModelJob[];
}

/** What sessions have to keep to; times in minutes, null: no bound. */
export interface ModelBurstRules {
  readonly policy: 'reject' | 'queue' | 'burst';
  readonly secondChoice: 'reject' | 'queue';
  readonly threshold: number;
  readonly most: number;
  readonly cooldown: number;
  readonly perDay: number | null;
  readonly atOnce: number | null;
  readonly required: number;
  readonly timeout: number;
  readonly notice: number;
  readonly duration: number;
}

/** The state that reads show, whatever was written down. */
export function shownState(burst: ModelBurst, now: number): ModelBurstState {
  const { state, startsAt, endsAt, lapsesAt } = burst;
  if (state === 'requested' && now >= lapsesAt) return 'lapsed';
  if (state !== 'approved' && state !== 'active') return state;
  if (now >= (endsAt ?? Infinity)) return 'ended';
  return now >= (startsAt ?? Infinity) ? 'active' : 'approved';
}

/** A limit that so many per cent, or so much more, is made of. */
export function raised(limit: number, percentage: number | null, add: number): number {
  return percentage === null ? limit + add : Math.floor((limit * percentage) / 100);
}

export interface ModelLifted {
  readonly limit: number;
  readonly burst: ModelBurst;
}

/** What sessions make of a limit now: the highest, and of equal ones the oldest session. */
export function bestLift(
  { bursts, now }: Pick<LedgerModel, 'bursts' | 'now'>,
  { tenant, pool }: ModelScope,
  resource: ResourceName,
  limit: Limit,
): ModelLifted | undefined {
  if (tenant === null || limit === null) return undefined;
  const all = bursts
    .filter((burst) => burst.tenant === tenant && burst.pool === pool)
    .filter((burst) => burst.lifts[resource] !== undefined && shownState(burst, now) === 'active')
    .map((burst) => ({
      burst,
      limit: raised(limit, burst.percentage, burst.lifts[resource] ?? 0),
    }));
  const highest = Math.max(...all.map((lift) => lift.limit));
  return highest > limit ? all.find((lift) => lift.limit === highest) : undefined;
}

/** What a limit can become without a person. */
export function freeLimit({ scheduling }: LedgerModel, scope: ModelScope, limit: Limit): Limit {
  if (scope.tenant === null || limit === null) return limit;
  const { threshold, most } = scheduling.burst;
  return raised(limit, Math.max(100, Math.min(threshold, most)), 0);
}
