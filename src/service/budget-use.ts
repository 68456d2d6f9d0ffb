import { committedUntil, levelsReached, thresholdsOf } from '../domain/budget.ts';
import { moneyOf, type Money } from '../domain/money.ts';
import { monthOf } from '../domain/period.ts';
import { cellsBetween, Tallies } from '../domain/timed-use.ts';
import type {
  BudgetRow,
  BudgetUseRow,
  Instant,
  JobRow,
  Key,
  Place,
  ResourceAmount,
  Tables,
} from '../store/store.ts';
import { measureBudgets, totalOf, type Measured } from './budget-measure.ts';
import { pricingOf, type Pricing } from './cost-report.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';
import { ancestorsOf, existing } from './tenant-lookup.ts';

// What a month costs a budget with all that running jobs are committed to does not depend on now: a
// lease is paid for when it begins, and what is left of it is given back when it ends before its time.
// So it is kept as a sum, to which each change of a job adds what it changes; and summed up anew where
// something else changed: a rate, the tree, the month.

type At = Pick<Context, 'tables' | 'now'>;

/** So much from one time until another that a job is to pay for, or, with -1, is not any more. */
export interface Holding {
  readonly sign: 1 | -1;
  readonly amounts: readonly ResourceAmount[];
  readonly isBurst: boolean;
  readonly from: Instant;
  /** Infinity: it has no lease. */
  readonly to: Instant;
}

/** What a job that begins is to pay for. */
export function startOf(job: Omit<JobRow, 'key'>, amounts: readonly ResourceAmount[]): Holding {
  const from = job.admittedAt ?? job.requestedAt;
  return { sign: 1, amounts, isBurst: job.burst !== null, from, to: committedUntil(job) };
}

/** What a job had to pay for, and needs not when it ends. */
export function restOf(job: JobRow, amounts: readonly ResourceAmount[], endedAt: Instant): Holding {
  const isBurst = job.burst !== null;
  return { sign: -1, amounts, isBurst, from: endedAt, to: committedUntil(job) };
}

/** What another lease changes; a shorter one takes away. */
export function extensionOf(
  before: JobRow,
  after: JobRow,
  amounts: readonly ResourceAmount[],
): Holding {
  const [was, is] = [committedUntil(before), committedUntil(after)];
  const isBurst = before.burst !== null;
  if (is < was) return { sign: -1, amounts, isBurst, from: is, to: was };
  return { sign: 1, amounts, isBurst, from: was, to: is };
}

/** The budgets of a tenant and those above it, nearest first. */
export async function budgetsOf(tables: Tables, tenant: Key): Promise<BudgetRow[]> {
  if (!(await tables.budgets.isAny())) return [];
  const own = await existing(tables, tenant);
  const line = [own, ...(await ancestorsOf(tables, own))].map(({ key }) => key);
  return (await tables.budgets.ofEach(line)).filter((row) => row !== undefined);
}

/** By what it was made, and for which month. */
let lastPricing: { readonly of: readonly unknown[]; readonly pricing: Pricing } | undefined;

/** How use is priced in the month of now: the same as before, while all that it is made from is. */
async function pricingNow({ tables, now }: At): Promise<Pricing> {
  const period = monthOf(now);
  const rates = await tables.rates.list();
  const moves = await tables.formerParents.list();
  const of = [
    period.from,
    rates,
    moves,
    await tables.settings.list(),
    await tables.resources.list(),
  ];
  if (lastPricing === undefined || of.some((part, i) => part !== lastPricing?.of[i])) {
    lastPricing = { of, pricing: await pricingOf(tables, { period, begins: [] }) };
  }
  return lastPricing.pricing;
}

/** What holdings cost within the month of now. */
export async function costOfHoldings(
  at: At,
  { tenant, pool }: Pick<JobRow, 'tenant' | 'pool'>,
  holdings: readonly Holding[],
): Promise<Money> {
  const pricing = await pricingNow(at);
  let sum = 0n;
  for (const { sign, amounts, ...span } of holdings) {
    const tallies = new Tallies(cellsBetween(pricing.edges));
    for (const each of amounts) tallies.add({ ...each, ...span, tenant, pool });
    for (const use of tallies.sums) sum += BigInt(sign) * pricing.price(use).money;
  }
  return sum;
}

/** Adds what a change of a job changes to the budgets that pay for it. */
export async function recommit(
  at: At,
  job: Pick<JobRow, 'tenant' | 'pool'>,
  holdings: readonly Holding[],
): Promise<void> {
  const { tables, now } = at;
  const budgets = await budgetsOf(tables, job.tenant);
  if (budgets.length === 0) return;
  if (await reachesBehindMove(tables, holdings, now)) return forgetUses(at);
  const change = await costOfHoldings(at, job, holdings);
  if (change === 0n) return;
  for (const budget of budgets) {
    const use = await tables.budgetUses.of(budget.tenant);
    if (use?.month === monthOf(now).from) await addTo(at, budget, use, change);
  }
}

/** Adds to what a budget has to pay for; where it is less, who waits for it is looked at. */
export async function addTo(
  at: At,
  budget: BudgetRow,
  use: BudgetUseRow,
  change: Money,
): Promise<void> {
  const { tables } = at;
  const total = use.total + change;
  const lookAt = Math.min(use.lookAt, await nextLook(at, budget, total));
  await tables.budgetUses.put({ ...use, total, lookAt });
  if (change < 0n) await wakeBudget(at, budget.tenant);
}

/** What was held before a tenant was moved was paid for by others than those above it now. */
async function reachesBehindMove(
  tables: Tables,
  holdings: readonly Holding[],
  now: Instant,
): Promise<boolean> {
  const first = Math.min(...holdings.map(({ from }) => from));
  if (first >= now) return false;
  return (await tables.formerParents.list()).some(({ untilAt }) => untilAt > first);
}

/** What it costs or who pays for it has changed: all is summed up anew, and who waits is looked at. */
export async function forgetUses({ tables, now }: At): Promise<void> {
  if (!(await tables.budgets.isAny())) return;
  await tables.budgetUses.forget(now);
  await tables.waiting.hasten(now);
}

/** How often it is looked at whether a level is reached, while that may happen. */
const LOOKED_AT_EVERY_MS = 60_000;

/** When to look again: what running jobs are committed to may reach another level, or else the month ends. */
export async function nextLook(
  { tables, now }: At,
  budget: BudgetRow,
  total: Money,
): Promise<Instant> {
  const { from, to } = monthOf(now);
  const { costTracking } = await settingsInForce(tables);
  const told = budget.levelMonth === from ? budget.level : 0;
  const thresholds = thresholdsOf(budget, costTracking.budgetAlerts);
  if (levelsReached(total, budget.monthly, thresholds) <= told) return to;
  return soon(now);
}

/** When to look again at what may have changed: not in another month without looking. */
export function soon(now: Instant): Instant {
  return Math.min(monthOf(now).to, now + LOOKED_AT_EVERY_MS);
}

/** Where those wait for whom a budget does not pay: at its tenant, for leave to start. */
async function placeOf(tables: Tables, tenant: Key): Promise<Place | undefined> {
  const scope = await tables.scopes.of({ tenant, pool: null });
  const resource = (await tables.resources.list()).find(({ name }) => name === 'jobs');
  return scope && resource && { scope: scope.key, resource: resource.key };
}

/**
 * There may be money for who waits for it: at the end of the group they are asked about again. The
 * place is woken so that somebody looks; no amount of room there says who of them would fit.
 */
export async function wakeBudget({ tables, now }: At, tenant: Key): Promise<void> {
  if (!(await tables.waiting.isAny())) return;
  const place = await placeOf(tables, tenant);
  if (place === undefined || !(await tables.waiting.isAnyAt(place))) return;
  await tables.waiting.hastenAt(place, now);
  await tables.wakeups.put(place);
}

/** What budgets have to pay for in this month. Reads sum up where nothing is kept, and keep nothing. */
export async function totalsOf(
  at: At,
  budgets: readonly BudgetRow[],
  isReading: boolean,
): Promise<ReadonlyMap<Key, Money>> {
  const { tables, now } = at;
  const totals = new Map<Key, Money>();
  const unknown: BudgetRow[] = [];
  for (const budget of budgets) {
    const use = await tables.budgetUses.of(budget.tenant);
    if (use?.month === monthOf(now).from) totals.set(budget.tenant, use.total);
    else unknown.push(budget);
  }
  if (unknown.length === 0) return totals;
  const measured = await measureBudgets(at, unknown);
  for (const budget of unknown) {
    const found = measured.get(budget.tenant);
    if (found === undefined) continue;
    totals.set(budget.tenant, totalOf(found));
    if (!isReading) await keepUse(at, budget, found);
  }
  return totals;
}

/** Keeps what was summed up. */
export async function keepUse(at: At, budget: BudgetRow, measured: Measured): Promise<void> {
  const total = totalOf(measured);
  await at.tables.budgetUses.put({
    tenant: budget.tenant,
    month: monthOf(at.now).from,
    total,
    lookAt: await nextLook(at, budget, total),
  });
}

/** By how much a budget would be overrun. */
export function overrunOf(budget: Pick<BudgetRow, 'monthly'>, total: Money, cost: Money): Money {
  return total + cost - moneyOf(budget.monthly);
}
