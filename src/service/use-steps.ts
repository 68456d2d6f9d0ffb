import type { TwoDigits } from '../domain/money.ts';
import type { Period } from '../domain/period.ts';
import { addDigits, cellsBetween, hoursCutAt, Tallies, type Span } from '../domain/timed-use.ts';
import { averageOf, Changes, sweep, type Step } from '../domain/usage-profile.ts';
import type { Key, Tables } from '../store/store.ts';
import { JOBS_AT_ONCE, spansNotSummedUp } from './cost-report.ts';
import { spansOfJobs } from './job-spans.ts';
import { treeOfTime } from './tree-of-time.ts';

/** Of what use is asked: all of it, or that of a tenant and those that stood below it then. */
export interface UseScope {
  readonly root: Key | undefined;
  readonly resource: Key;
  readonly pool: Key | undefined;
}

const HOUR = 3_600_000;

/** So many tenants are named in one statement. */
const TENANTS_AT_ONCE = 500;

/** Where the use of single jobs is known: those that ended before are kept by the hour only. */
export async function exactFrom(tables: Tables, { from, to }: Period): Promise<number> {
  const { prunedBefore } = await tables.rollup.get();
  return Math.min(Math.max(from, prunedBefore), to);
}

/**
 * What was used in a time, one step after the other: hour by hour its average where jobs were
 * removed, else exactly.
 * @param period from a whole hour until now at the latest
 */
export async function stepsOfUse(
  tables: Tables,
  scope: UseScope,
  period: Period,
  now: number,
  visit: (step: Step) => void,
): Promise<void> {
  const edge = await exactFrom(tables, period);
  const below = await subtreeOf(tables, scope, period);
  const averaged = { from: period.from, to: edge };
  if (edge > period.from) {
    const hours = await useByHour(tables, scope, averaged, below, now);
    for (let from = averaged.from; from < edge; from += HOUR) {
      const use = hours.get(from) ?? { high: 0, low: 0 };
      visit({ from, to: from + HOUR, amount: averageOf(use, HOUR), use });
    }
  }
  const exact = { from: edge, to: period.to };
  sweep(await changesOf(tables, scope, exact, below, now), exact, visit);
}

/** Who stood below the tenant that is asked about. Between moves that is always the same. */
interface Subtree {
  /** The times of moves, with both ends of the period, in order. */
  readonly edges: readonly number[];
  /** The tenant, where nothing ever stood below it. */
  readonly leaf: Key | undefined;
  includes(tenant: Key, time: number): Promise<boolean>;
}

async function subtreeOf(
  tables: Tables,
  { root }: UseScope,
  { from, to }: Period,
): Promise<Subtree> {
  if (root === undefined) {
    return { edges: [from, to], leaf: undefined, includes: () => Promise.resolve(true) };
  }
  const moves = (await tables.formerParents.list()).map(({ untilAt }) => untilAt);
  const inside = moves.filter((time) => time > from && time < to);
  const edges = [...new Set([from, ...inside, to])].sort((a, b) => a - b);
  const cellAt = cellsBetween(edges);
  const tree = await treeOfTime(tables);
  const known = new Map<string, boolean>();
  return {
    edges,
    leaf: (await tree.isLeaf(root)) ? root : undefined,
    async includes(tenant, time) {
      const begins = cellAt(time)?.begins ?? from;
      const name = `${tenant}/${begins}`;
      const answer = known.get(name) ?? (await tree.line(tenant, begins)).includes(root);
      known.set(name, answer);
      return answer;
    },
  };
}

function isOf({ resource, pool }: UseScope, span: Pick<Span, 'resource' | 'pool'>): boolean {
  return span.resource === resource && (pool === undefined || span.pool === pool);
}

async function changesOf(
  tables: Tables,
  scope: UseScope,
  { from, to }: Period,
  below: Subtree,
  now: number,
): Promise<Changes> {
  const changes = new Changes();
  const last = await tables.jobUses.last();
  for (let after = 0; after < last; after += JOBS_AT_ONCE) {
    const until = after + JOBS_AT_ONCE;
    const jobs = { of: 'keys' as const, after, until, from, to, tenant: below.leaf };
    for (const { spans } of await spansOfJobs(tables, jobs, now)) {
      for (const span of spans) if (isOf(scope, span)) await addBelow(changes, span, below);
    }
  }
  return changes;
}

/** The parts of a span in which its tenant stood there. */
async function addBelow(changes: Changes, span: Span, { edges, includes }: Subtree): Promise<void> {
  for (const [i, begins] of edges.slice(0, -1).entries()) {
    const from = Math.max(span.from, begins);
    const to = Math.min(span.to, edges[i + 1] ?? begins);
    if (to > from && (await includes(span.tenant, begins))) {
      changes.add({ from, to, amount: span.amount });
    }
  }
}

type Hours = Map<number, { high: number; low: number }>;

function addToHour(hours: Hours, time: number, { high, low }: TwoDigits): void {
  const hour = Math.floor(time / HOUR) * HOUR;
  const sum = hours.get(hour) ?? { high: 0, low: 0 };
  addDigits(sum, high, low);
  hours.set(hour, sum);
}

/** @param period of whole hours */
async function useByHour(
  tables: Tables,
  scope: UseScope,
  period: Period,
  below: Subtree,
  now: number,
): Promise<Hours> {
  const hours: Hours = new Map();
  const edges = [...below.edges.filter((edge) => edge < period.to), period.to];
  for (const [i, from] of edges.slice(0, -1).entries()) {
    await addSummedUp(tables, hours, scope, { from, to: edges[i + 1] ?? from }, below);
  }
  const tallies = new Tallies(hoursCutAt(below.edges));
  for (const { spans } of await spansNotSummedUp(tables, {}, now)) {
    for (const span of spans) {
      if (!isOf(scope, span)) continue;
      const from = Math.max(span.from, period.from);
      tallies.add({ ...span, from, to: Math.min(span.to, period.to) });
    }
  }
  for (const sum of tallies.sums) {
    if (await below.includes(sum.tenant, sum.begins)) addToHour(hours, sum.begins, sum);
  }
  return hours;
}

/** @param period in which nobody was moved */
async function addSummedUp(
  tables: Tables,
  hours: Hours,
  scope: UseScope,
  { from, to }: Period,
  below: Subtree,
): Promise<void> {
  const { root, resource, pool = null } = scope;
  const add = async (tenants: readonly Key[] | null) => {
    const rows = await tables.usageHours.series(tenants, resource, pool, from, to);
    for (const { beginsAt, ...use } of rows) addToHour(hours, beginsAt, use);
  };
  if (root === undefined) return add(null);
  if (below.leaf !== undefined) return add([below.leaf]);
  const users = new Set<Key>();
  for (const sum of await tables.usageHours.sums(from, to)) {
    if (isOf(scope, sum) && (await below.includes(sum.tenant, from))) users.add(sum.tenant);
  }
  const tenants = [...users];
  for (let i = 0; i < tenants.length; i += TENANTS_AT_ONCE) {
    await add(tenants.slice(i, i + TENANTS_AT_ONCE));
  }
}
