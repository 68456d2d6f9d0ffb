import type { Overrun } from '../domain/admission.ts';
import { boundedMicros } from '../domain/money.ts';
import { burstsFor } from './burst-lifts.ts';
import { budgetsOf, costOfHoldings, overrunOf, totalsOf, type Holding } from './budget-use.ts';
import { chargesOf, type Question } from './job-question.ts';
import type { PathCeilings, PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

type At = Pick<Context, 'tables' | 'now'>;

export interface OverrunOptions {
  /** Whether it would run under a burst session, which costs more. */
  readonly isBurst?: boolean;
  readonly isReading: boolean;
}

/** The budgets that block, and would be overrun if the request were admitted: nearest first. */
export async function overrunsBy(
  at: At,
  question: Question,
  path: PathCeilings,
  options: OverrunOptions,
): Promise<Overrun<PathScope>[]> {
  const { tables } = at;
  const budgets = await budgetsOf(tables, question.tenant.key);
  const blocking = budgets.filter(({ onExceeded }) => onExceeded === 'block');
  if (blocking.length === 0) return [];
  if (!(await settingsInForce(tables)).costTracking.enabled) return [];
  const isBurst = options.isBurst ?? burstsFor(path.ceilings, question.amounts).length > 0;
  const { tenant, pool } = question;
  const holdings = await holdingsAsked(at, question, isBurst);
  const cost = await costOfHoldings(at, { tenant: tenant.key, pool: pool.key }, holdings);
  // What costs nothing more is always allowed, also above a budget that was lowered.
  if (cost <= 0n) return [];
  const totals = await totalsOf(at, blocking, options.isReading);
  return blocking.flatMap((budget) => {
    const total = totals.get(budget.tenant) ?? 0n;
    const over = overrunOf(budget, total, cost);
    const isOf = ({ subject }: PathScope) =>
      subject.tenant === budget.tenant && subject.pool === null;
    const scope = path.scopes.find(isOf);
    if (over <= 0n || scope === undefined) return [];
    const [used, requested] = [boundedMicros(total), boundedMicros(cost)];
    const overBy = Math.max(1, boundedMicros(over));
    return [{ scope, limit: budget.monthly, used, requested, overBy }];
  });
}

/** What would be held, until the lease ends; of a job that changes, in place of what it holds. */
async function holdingsAsked(
  { tables, now }: At,
  { amounts, about, running, whole }: Question,
  isBurst: boolean,
): Promise<Holding[]> {
  const resources = await tables.resources.list();
  if (running !== undefined && whole !== undefined) {
    const { until } = running;
    const after = chargesOf({ amounts: whole, resources });
    const before = chargesOf({ amounts: running.amounts, resources });
    const isUnder = running.isBurst || isBurst;
    return [
      { sign: 1, amounts: after, isBurst: isUnder, from: now, to: until },
      { sign: -1, amounts: before, isBurst: running.isBurst, from: now, to: until },
    ];
  }
  // Of a decision of the past nobody knows for how long it was asked.
  if (about === undefined) return [];
  const to = about.ttlSeconds === null ? Infinity : now + about.ttlSeconds * 1000;
  return [{ sign: 1, amounts: chargesOf({ amounts, resources }), isBurst, from: now, to }];
}
