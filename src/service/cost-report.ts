import { kindOf } from '../domain/job.ts';
import { costOf, MICROS, pricedUnit, unitHours, type Money } from '../domain/money.ts';
import type { Period } from '../domain/period.ts';
import type { PriceBook } from '../domain/rate.ts';
import { cellsBetween, Tallies, type Span } from '../domain/timed-use.ts';
import type { JobsOfUse, Key, ResourceRow, Tables } from '../store/store.ts';
import { restsOfJobs, spansOfJobs, type JobSpans } from './job-spans.ts';
import { cutsOf, priceBookOf } from './price-book.ts';

/** One part of the cost of a time: of a stretch in which no price and no place in the tree changed. */
export interface Priced {
  readonly begins: number;
  readonly tenant: Key;
  readonly pool: Key;
  readonly group: string;
  /** What it is a kind of, where it is a kind. */
  readonly resource: string;
  readonly money: Money;
  /** Of the resource itself; of a kind 0, since its parent counts it. */
  readonly unitHours: number;
}

/** What a cost is asked of. */
export interface CostScope {
  readonly period: Period;
  /** Where else it is cut: so that each part lies in one cell of the report. */
  readonly begins: readonly number[];
  /** Only of these tenants themselves; undefined: of all. */
  readonly tenants?: readonly Key[] | undefined;
  readonly pool?: Key | undefined;
}

/** Prices uses, and sums nothing up. */
export interface Pricing {
  readonly edges: readonly number[];
  price(use: {
    readonly begins: number;
    readonly tenant: Key;
    readonly pool: Key;
    readonly resource: Key;
    readonly isBurst: boolean;
    readonly group?: string;
    readonly high: number;
    readonly low: number;
  }): Priced;
}

/** How uses in a time are priced: between its edges every price holds. */
export async function pricingOf(
  tables: Tables,
  { period, begins }: Pick<CostScope, 'period' | 'begins'>,
): Promise<Pricing> {
  const catalogue = await tables.resources.list();
  const book = await priceBookOf(tables, catalogue);
  const cuts = await cutsOf(tables, book);
  const { from, to } = period;
  const all = [from, ...begins, ...cuts, to].filter((time) => time >= from && time <= to);
  const edges = [...new Set(all)].sort((a, b) => a - b);
  const resources = new Map(catalogue.map((resource) => [resource.key, resource]));
  const priceAt = remembered(book);
  return {
    edges,
    price({ begins: at, tenant, pool, resource: key, isBurst, group = '', ...digits }) {
      const resource = resources.get(key);
      if (resource === undefined) throw new Error(`resource row ${key} is gone`);
      const { unit, surcharge, multiplier } = priceAt(at, resource, pool);
      const parent = kindOf(resource.name);
      return {
        ...{ begins: at, tenant, pool, group, resource: parent ?? resource.name },
        money: costOf(digits, unit, surcharge, isBurst ? multiplier : MICROS),
        unitHours: parent === undefined ? unitHours(digits, unit) : 0,
      };
    },
  };
}

interface UnitPrice {
  readonly unit: number;
  readonly surcharge: number;
  readonly multiplier: number;
}

/** What was looked up once holds for every tenant. */
function remembered(book: PriceBook) {
  const known = new Map<string, UnitPrice>();
  return (time: number, resource: ResourceRow, pool: Key): UnitPrice => {
    const name = `${time}/${resource.key}/${pool}`;
    let price = known.get(name);
    if (price === undefined) {
      price = {
        unit: pricedUnit(resource),
        surcharge: book.surcharge(time, resource.name, pool),
        multiplier: book.burstMultiplier(time, pool).price,
      };
      known.set(name, price);
    }
    return price;
  };
}

/** All that was used: the hours that are summed up, jobs that ended since, and those that run. */
export async function pricedUse(
  tables: Tables,
  scope: CostScope,
  now: number,
): Promise<{ readonly parts: Priced[]; readonly edges: readonly number[] }> {
  const pricing = await pricingOf(tables, scope);
  const { edges } = pricing;
  const parts: Priced[] = [];
  for (const [i, begins] of edges.slice(0, -1).entries()) {
    const ends = edges[i + 1] ?? begins;
    for (const tenant of scope.tenants ?? [undefined]) {
      for (const sum of await tables.usageHours.sums(begins, ends, tenant)) {
        if (isIn(sum, scope)) parts.push(pricing.price({ ...sum, begins }));
      }
    }
  }
  const tallies = new Tallies(cellsBetween(edges));
  for (const { spans } of await spansNotSummedUp(tables, scope, now)) {
    for (const span of spans) if (isIn(span, scope)) tallies.add(span);
  }
  parts.push(...tallies.sums.map((sum) => pricing.price(sum)));
  return { parts, edges };
}

/** Of jobs that ended since the hours were summed up last, and of those that run. */
export async function spansNotSummedUp(
  tables: Tables,
  { tenants }: Pick<CostScope, 'tenants'>,
  now: number,
): Promise<JobSpans[]> {
  const { sequence: after } = await tables.rollup.get();
  const until = (await tables.events.head())?.sequence ?? after;
  const ended = await spansOfJobs(tables, { of: 'events', after, until }, now);
  const living = await spansOfJobs(tables, { of: 'living', tenants }, now);
  return [...ended, ...living];
}

/** What jobs that run will hold until their leases, or the time, end. */
export async function pricedRest(tables: Tables, scope: CostScope, now: number): Promise<Priced[]> {
  const pricing = await pricingOf(tables, scope);
  const tallies = new Tallies(cellsBetween(pricing.edges));
  for (const span of await restsOfJobs(tables, now)) if (isIn(span, scope)) tallies.add(span);
  return tallies.sums.map((sum) => pricing.price(sum));
}

/** So many jobs are read and priced at once, so that a year of them need not fit into memory. */
export const JOBS_AT_ONCE = 10_000;

/**
 * The same from the jobs themselves, as far as they are kept one by one, in groups; some jobs at a time,
 * so that what one group costs can come in several parts.
 * @param groupsOf by job, of those in a range of keys; jobs that are not in it are left out
 */
export async function* pricedJobs(
  tables: Tables,
  scope: CostScope,
  now: number,
  groupsOf: (jobs: JobsOfUse & { readonly of: 'keys' }) => Promise<ReadonlyMap<Key, string>>,
): AsyncGenerator<Priced[]> {
  const pricing = await pricingOf(tables, scope);
  const { from, to } = scope.period;
  const last = await tables.jobUses.last();
  for (let after = 0; after < last; after += JOBS_AT_ONCE) {
    const tallies = new Tallies(cellsBetween(pricing.edges));
    const jobs = { of: 'keys' as const, after, until: after + JOBS_AT_ONCE, from, to };
    const groups = await groupsOf(jobs);
    for (const { job, spans } of await spansOfJobs(tables, jobs, now)) {
      const group = groups.get(job);
      if (group === undefined) continue;
      for (const span of spans) if (isIn(span, scope)) tallies.add({ ...span, group });
    }
    yield tallies.sums.map((sum) => pricing.price(sum));
  }
}

function isIn({ tenant, pool }: Pick<Span, 'tenant' | 'pool'>, scope: CostScope): boolean {
  if (scope.tenants?.includes(tenant) === false) return false;
  return scope.pool === undefined || pool === scope.pool;
}
