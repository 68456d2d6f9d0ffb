import { limitField } from '../domain/resource.ts';
import type { PoolChangeView, PoolView } from '../service/pool-view.ts';
import { quotaListing, type QuotaRow } from './quota-words.ts';
import type { Column, Listing } from './render.ts';
import { print, type Run } from './run.ts';
import { documentOf } from './selection.ts';
import { count, sayAmount, sayChange, sayField, sayList, sayMoment } from './words.ts';

/** One resource of a pool: as of a quota, with the capacity as its limit. */
export interface PoolResource extends QuotaRow {
  /** The limits of all tenants together; null: unlimited, undefined: not looked up. */
  readonly promised: number | null | undefined;
}

export function resourcesOf(pool: PoolView): PoolResource[] {
  return Object.entries(pool.units).map(([name, unit]) => ({
    field: limitField(name),
    unit,
    limit: pool.capacity[name] ?? null,
    inForce: pool.capacity[name] ?? null,
    lentUntil: null,
    isUnset: false,
    used: pool.used[name] ?? 0,
    bound: undefined,
    promised: pool.promised?.[name],
  }));
}

/** Whole per cent; undefined of what has no end, and of nothing. */
function percentOf(amount: number | null | undefined, whole: number | null): number | undefined {
  if (amount == null || whole === null) return undefined;
  if (whole === 0) return amount === 0 ? 0 : undefined;
  return Number((BigInt(amount) * 100n) / BigInt(whole));
}

function sayPromised({ promised, limit }: PoolResource): string {
  if (limit === null) return '-';
  if (promised === null) return 'unlimited';
  const percent = percentOf(promised, limit);
  return percent === undefined ? '-' : `${percent} %`;
}

/** A column of a quota's table, which a pool's resources have too. */
function columnOf(hasBar: boolean, header: string): Column<QuotaRow> {
  const column = quotaListing(hasBar, 0).columns.find((each) => each.header === header);
  if (column === undefined) throw new Error(`a quota has no column ${header}`);
  return column;
}

/** One pool, a line for each resource. */
export function poolListing(hasBar: boolean): Listing<PoolResource> {
  return {
    name: ({ field }) => field,
    columns: [
      columnOf(hasBar, 'RESOURCE'),
      { ...columnOf(hasBar, 'LIMIT'), header: 'CAPACITY' },
      columnOf(hasBar, 'USED'),
      columnOf(hasBar, 'FREE'),
      {
        header: 'PROMISED',
        text: sayPromised,
        value: ({ promised, limit }) => percentOf(promised, limit) ?? null,
      },
      columnOf(hasBar, 'USE'),
    ],
  };
}

/** Several pools, a line for each: used of capacity. */
export function poolsListing(pools: readonly PoolView[]): Listing<PoolView> {
  const names = new Set(pools.flatMap(({ units }) => Object.keys(units)));
  names.delete('jobs');
  return {
    name: ({ id }) => id,
    columns: [
      { header: 'POOL', text: ({ id }) => id },
      { header: 'STATUS', text: ({ status }) => status, isAlarming: isHeld },
      { header: 'TYPE', text: ({ type }) => type },
      { header: 'SIZE', text: saySize, value: ({ size }) => size },
      ...[...names].map(resourceColumn),
      {
        header: 'JOBS',
        text: ({ jobs, quotas: { max_concurrent_jobs: most } }) =>
          most === null ? String(jobs) : `${jobs} of ${most}`,
        value: ({ jobs }) => jobs,
      },
      {
        header: 'WAITING',
        text: ({ waiting }) => String(waiting),
        value: ({ waiting }) => waiting,
      },
    ],
  };
}

function isHeld({ status }: PoolView): boolean {
  return status === 'held';
}

function saySize({ type, size, min_size: min, max_size: max }: PoolView): string {
  return type === 'static' ? String(size) : `${size} (${min} to ${max})`;
}

function resourceColumn(name: string): Column<PoolView> {
  const field = limitField(name);
  const [used, capacity] = [columnOf(false, 'USED'), columnOf(false, 'LIMIT')];
  const free = columnOf(false, 'FREE');
  const of = (pool: PoolView) => resourcesOf(pool).find((each) => each.field === field);
  return {
    header: sayField(field).toUpperCase(),
    text: (pool) => {
      const row = of(pool);
      if (row === undefined) return '-';
      return row.limit === null ? used.text(row) : `${used.text(row)} of ${capacity.text(row)}`;
    },
    isAlarming: (pool) => {
      const row = of(pool);
      return row !== undefined && free.isAlarming?.(row) === true;
    },
  };
}

/**
 * `active, static, 4 workers, 3 jobs run, 1 waits`, or first of all how it is held:
 * `held until 18:00 (driver), 3 jobs left to drain, static, 4 workers, 1 waits`
 */
export function sayState(pool: PoolView, now: number): string {
  const kind = `${pool.type}, ${sayWorkers(pool)}`;
  return isHeld(pool)
    ? `held${sayHold(pool, now)}, ${sayDrain(pool)}, ${kind}, ${sayWaiting(pool)}`
    : `active, ${kind}, ${sayRunning(pool)}, ${sayWaiting(pool)}`;
}

/** ` until 18:00 (driver)`, as far as it is known. */
function sayHold({ held_until: until, held_reason: reason }: PoolView, now: number): string {
  const time = until === null ? '' : ` until ${sayMoment(until, now)}`;
  return reason === null ? time : `${time} (${reason})`;
}

function sayDrain({ jobs }: PoolView): string {
  return jobs === 0 ? 'nothing left to drain' : `${count(jobs, 'job')} left to drain`;
}

function sayRunning({ jobs }: PoolView): string {
  if (jobs === 0) return 'no jobs run';
  return jobs === 1 ? '1 job runs' : `${count(jobs, 'job')} run`;
}

function sayWaiting({ waiting }: PoolView): string {
  if (waiting === 0) return 'none waits';
  return waiting === 1 ? '1 waits' : `${waiting.toLocaleString('en-US')} wait`;
}

/** `Held gpu until 18:00 (driver): 12 jobs left to drain, nothing new starts.` */
export function sayHeld(pool: PoolView, now: number, isDryRun: boolean): string {
  const state = `${pool.id}${sayHold(pool, now)}: ${sayDrain(pool)}, nothing new starts.`;
  return isDryRun ? `Would hold ${state} Nothing was changed.` : `Held ${state}`;
}

function sayWorkers({ type, size, min_size: min, max_size: max }: PoolView): string {
  const workers = count(size, 'worker');
  return type === 'static' ? workers : `${workers} (${min} to ${max})`;
}

/** `limits 620 %, used 71 %`: of the fullest resource; undefined where nothing is limited. */
export function saySummary(pool: PoolView): string | undefined {
  const limited = resourcesOf(pool).filter(({ limit }) => limit !== null);
  if (limited.length === 0) return undefined;
  const isUnlimited = limited.some(({ promised }) => promised === null);
  const promised = isUnlimited ? 'unlimited' : sayMost(limited, (row) => row.promised);
  return `limits ${promised}, used ${sayMost(limited, (row) => row.used)}`;
}

/** The largest per cent; a pool without workers has nothing to compare with. */
function sayMost(
  rows: readonly PoolResource[],
  amountOf: (row: PoolResource) => number | null | undefined,
): string {
  const percents = rows.flatMap((row) => percentOf(amountOf(row), row.limit) ?? []);
  return percents.length === 0 ? '-' : `${Math.max(...percents)} %`;
}

/** `4 workers of 9 cores, 18 GiB, 2 GPU, at most 20 jobs` */
export function sayPool(pool: PoolView): string {
  const amounts = Object.entries(pool.resources).map(([name, amount]) =>
    sayAmount(amount, limitField(name), pool.units[name] ?? 'count'),
  );
  const { max_concurrent_jobs: most, max_jobs_per_tenant: perTenant } = pool.quotas;
  const parts = [
    sayWorkers(pool) + (amounts.length === 0 ? '' : ` of ${amounts.join(', ')}`),
    ...(most === null ? [] : [`at most ${count(most, 'job')}`]),
    ...(perTenant === null ? [] : [`at most ${count(perTenant, 'job')} of each tenant`]),
  ];
  return amounts.length === 0 && parts.length === 1
    ? `${parts.join('')}, without limits`
    : parts.join(', ');
}

/** What differs between two states of a pool, in phrases: `4 → 2 workers`, `cpu 9 → 12 cores`. */
export function sayChanges(before: PoolView, after: PoolView): string[] {
  const isAnotherSize = before.size !== after.size;
  return [
    ...sayDifference('name', before.name, after.name),
    ...sayDifference('type', before.type, after.type),
    ...(isAnotherSize ? [`${before.size} → ${count(after.size, 'worker')}`] : []),
    ...sayDifference('min_size', before.min_size, after.min_size),
    // Of a static pool that is the number of its workers.
    ...(after.type === 'static' && isAnotherSize
      ? []
      : sayDifference('max_size', before.max_size, after.max_size)),
    ...sayWorkerChanges(before, after),
    ...sayDifference('provider', before.provider ?? '-', after.provider ?? '-'),
    ...sayJobsChange('', before.quotas.max_concurrent_jobs, after.quotas.max_concurrent_jobs),
    ...sayJobsChange(
      ' of each tenant',
      before.quotas.max_jobs_per_tenant,
      after.quotas.max_jobs_per_tenant,
    ),
  ];
}

function sayDifference(name: string, before: string | number, after: string | number): string[] {
  return before === after ? [] : [`${name} ${before} → ${after}`];
}

function sayJobsChange(of: string, before: number | null, after: number | null): string[] {
  return before === after ? [] : [sayChange('max_concurrent_jobs', 'count', before, after) + of];
}

function sayWorkerChanges(before: PoolView, after: PoolView): string[] {
  const changed = Object.entries(after.units).filter(
    ([name]) => before.resources[name] !== after.resources[name],
  );
  const said = changed.map(([name, unit]) => {
    const [old, now] = [before.resources[name] ?? null, after.resources[name] ?? null];
    return sayChange(limitField(name), unit, old, now);
  });
  return said.length === 0 ? [] : [`${said.join(', ')} a worker`];
}

/** `gpu is over by 6 cores: …`, for who takes room away from what runs. */
export function sayOver(pool: PoolChangeView, isDryRun: boolean): string[] {
  if (pool.effects.over.length === 0) return [];
  const amounts = pool.effects.over.map(({ resource, over_by: amount }) =>
    sayAmount(amount, limitField(resource), pool.units[resource] ?? 'count'),
  );
  const verb = isDryRun ? 'would be' : 'is';
  return [
    `${pool.id} ${verb} over by ${sayList(amounts)}: its jobs keep running, nothing new starts until that is released.`,
  ];
}

/** What became of pools that were changed, in sentences. */
export async function printPools(
  run: Run,
  isOne: boolean,
  pools: readonly PoolView[],
  sentences: readonly string[],
): Promise<void> {
  if (pools.length === 0) return;
  const document = documentOf(isOne, pools);
  await print(run, { document, rows: pools, listing: poolsListing(pools), sentences });
}
