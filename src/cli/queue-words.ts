import { scopeText } from '../domain/ceiling.ts';
import { formatDuration } from '../domain/duration.ts';
import type { QueuedJobView } from '../service/queue.ts';
import type { QueueStatus } from '../service/queue-status.ts';
import { sayNeed, sayNeeds } from './decision-words.ts';
import { sayJob } from './job-words.ts';
import { sayDominant, sayShares } from './line-words.ts';
import type { Column, Listing } from './render.ts';
import { count } from './words.ts';

/** What a waiting job waits for: `2 cores in acme`. */
export function sayAwaited({ scope, resource, amount, code }: QueuedJobView['waits_for']): string {
  if (resource !== null) {
    const need = `${sayNeed(resource, amount ?? 0)} in ${scopeText(scope)}`;
    if (code === 'impossible') return `${need}, more than there can be`;
    return code === 'reserved' ? `${need}, kept for another` : need;
  }
  if (code === 'suspended') return `${scopeText(scope)}, which is suspended`;
  if (code === 'pool_held') return `${scopeText(scope)}, which is held`;
  if (code === 'over_budget') return `the budget of ${scopeText(scope)}`;
  return code === 'policy' ? 'a policy rule' : 'its turn';
}

export function sayAge(since: string, now: number): string {
  return formatDuration((now - Date.parse(since)) / 1000);
}

/** The line of one pool, or of several one after the other. */
export function queueListing(now: number, hasPools: boolean): Listing<QueuedJobView> {
  const pool: Column<QueuedJobView> = { header: 'POOL', text: (job) => job.pool };
  return {
    name: ({ id }) => id,
    columns: [
      ...(hasPools ? [pool] : []),
      {
        header: 'POSITION',
        text: ({ position }) => String(position),
        value: ({ position }) => position,
      },
      { header: 'JOB', text: ({ job_id: own, id }) => own ?? id },
      { header: 'TENANT', text: ({ tenant }) => tenant },
      {
        header: 'PRIORITY',
        text: ({ priority }) => String(priority),
        value: ({ priority }) => priority,
      },
      { header: 'ASKS FOR', text: ({ resources }) => sayNeeds(resources).join(', ') },
      {
        header: 'WAITS FOR',
        text: ({ waits_for: awaited }) => sayAwaited(awaited),
        isAlarming: ({ waits_for: { code } }) => code === 'suspended' || code === 'pool_held',
      },
      {
        header: 'WAITED',
        text: ({ waiting_since: since }) => sayAge(since, now),
        value: ({ waiting_since: since }) => since,
        isDim: true,
      },
    ],
  };
}

/** `gpu`, then how many wait there and how their order comes about. */
export function sayQueue(
  { strategy, status, waiting, oldest_since: oldest }: QueueStatus,
  now: number,
): string {
  const who = waiting === 0 ? 'nobody waits' : `${count(waiting, 'job')} in line`;
  const since = oldest === null ? [] : [`the oldest for ${sayAge(oldest, now)}`];
  const held = status === 'held' ? ['held: nothing new starts'] : [];
  return [...held, who, ...since, strategy].join(', ');
}

type Next = NonNullable<QueueStatus['next']>;

const reasons: Readonly<Record<Next['why'], (next: Next) => string>> = {
  alone: ({ tenant }) => `only ${tenant} waits`,
  share: () => 'the lowest share',
  age: () => 'the oldest',
  priority: () => 'the highest priority',
};

/** Whose turn it is and for whom room is kept, each with what it waits for or since when. */
export function sayTurns({ next, reserved_for: kept }: QueueStatus, now: number): string[] {
  const first =
    next === null
      ? []
      : [`next: ${sayJob(next)} (${reasons[next.why](next)}), for ${sayAwaited(next.waits_for)}`];
  const favoured =
    kept === null ? [] : [`kept: room for ${sayJob(kept)}, after ${sayAge(kept.since, now)}`];
  return [...first, ...favoured];
}

/** A tenant in the line of a pool. */
export interface TenantInLine {
  readonly queue: QueueStatus;
  readonly tenant: QueueStatus['tenants'][number];
  readonly share: string;
}

export function tenantsOf(queue: QueueStatus): TenantInLine[] {
  const shares = sayShares(queue.tenants.map(({ share }) => share));
  return queue.tenants.map((tenant, i) => ({ queue, tenant, share: shares[i] ?? '' }));
}

/** `all (0.7), eng (0.65)`: whose shares count before its own. */
function sayUnder({ under }: TenantInLine['tenant']): string {
  const shares = sayShares(under.map(({ share }) => share));
  return under.map(({ tenant }, i) => `${tenant} (${shares[i] ?? ''})`).join(', ');
}

/** The tenants of a pool in the order of their turn. */
export function tenantsListing(hasPool: boolean): Listing<TenantInLine> {
  const pool: Column<TenantInLine> = { header: 'POOL', text: ({ queue }) => queue.pool };
  return {
    name: ({ tenant }) => tenant.tenant,
    columns: [
      ...(hasPool ? [pool] : []),
      {
        header: 'TENANT',
        text: ({ tenant }) => (tenant.is_own ? `${tenant.tenant} itself` : tenant.tenant),
        value: ({ tenant }) => tenant.tenant,
      },
      {
        header: 'UNDER',
        text: ({ tenant }) => sayUnder(tenant) || '-',
        value: ({ tenant }) => tenant.under.map((above) => above.tenant).join('/'),
        isDim: true,
      },
      {
        header: 'SHARE',
        text: ({ share }) => share,
        value: ({ tenant }) => tenant.share,
      },
      {
        header: 'WEIGHT',
        text: ({ tenant }) => String(tenant.weight),
        value: ({ tenant }) => tenant.weight,
      },
      {
        header: 'USES',
        text: ({ queue, tenant: { dominant } }) =>
          dominant === null ? 'nothing' : sayDominant(dominant, queue.units),
      },
      {
        header: 'WAITING',
        text: ({ tenant }) => String(tenant.waiting),
        value: ({ tenant }) => tenant.waiting,
      },
      { header: 'NEXT', text: ({ tenant: { next } }) => next.job_id ?? next.id },
    ],
  };
}
