import type * as z from 'zod';
import { budgetLevels, levelsReached, thresholdsOf } from '../domain/budget.ts';
import { MICROS, roundToMicros } from '../domain/money.ts';
import { monthOf } from '../domain/period.ts';
import type { BudgetEntryRow, BudgetRow } from '../store/store.ts';
import { measureBudgets, spentOf, totalOf, type Measured } from './budget-measure.ts';
import type { Context } from './operation.ts';
import type { BudgetEntryResponse, BudgetResponse } from './schemas/budget.ts';
import { toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';

export type BudgetView = z.output<ReturnType<typeof BudgetResponse>>;
export type BudgetEntryView = z.output<ReturnType<typeof BudgetEntryResponse>>;

/** Per cent are written; millionths are kept. */
const PER_CENT = MICROS / 100;

export function partOf(percent: number): number {
  return Math.round(percent * PER_CENT);
}

function percentOf(part: number | null): number | null {
  return part === null ? null : part / PER_CENT;
}

/** Budgets with what was spent of them, summed up for all of them at once. */
export async function viewBudgets(
  at: Pick<Context, 'tables' | 'now'>,
  budgets: readonly BudgetRow[],
): Promise<BudgetView[]> {
  const measured = await measureBudgets(at, budgets);
  const views: BudgetView[] = [];
  for (const budget of budgets) {
    const found = measured.get(budget.tenant);
    if (found !== undefined) views.push(await viewBudget(at, budget, found));
  }
  return views;
}

async function viewBudget(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  budget: BudgetRow,
  measured: Measured,
): Promise<BudgetView> {
  const { costTracking } = await settingsInForce(tables);
  const { id, name } = await existing(tables, budget.tenant);
  const { from, to } = monthOf(now);
  const { monthly } = budget;
  const thresholds = thresholdsOf(budget, costTracking.budgetAlerts);
  const spent = spentOf(measured);
  const reached = levelsReached(spent, monthly, thresholds);
  return {
    ...{ tenant_id: id, tenant_name: name, currency: costTracking.currency },
    monthly_micro: monthly,
    warn_percent: percentOf(budget.warning),
    critical_percent: percentOf(budget.critical),
    on_exceeded: budget.onExceeded,
    ...{ month: toInstant(from), ends_at: toInstant(to) },
    cost_micro: roundToMicros(measured.cost),
    credits_micro: roundToMicros(measured.credits),
    corrections_micro: roundToMicros(measured.corrections),
    spent_micro: roundToMicros(spent),
    committed_micro: roundToMicros(measured.committed),
    left_micro: monthly - roundToMicros(totalOf(measured)),
    warn_at_micro: Math.ceil((monthly * thresholds.warning) / MICROS),
    critical_at_micro: Math.ceil((monthly * thresholds.critical) / MICROS),
    level: reached === 0 ? 'ok' : (budgetLevels[reached - 1] ?? 'exceeded'),
    version: budget.version,
    updated_at: toInstant(budget.updatedAt),
  };
}

export function viewEntry(entry: BudgetEntryRow): BudgetEntryView {
  const { time, kind, amount, reason, principal } = entry;
  return { time: toInstant(time), kind, amount_micro: amount, reason, principal };
}
