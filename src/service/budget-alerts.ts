import { budgetLevels, levelsReached, thresholdsOf, type BudgetLevel } from '../domain/budget.ts';
import type { EventName } from '../domain/event-names.ts';
import { roundToMicros } from '../domain/money.ts';
import { monthOf } from '../domain/period.ts';
import type { BudgetRow, Tables } from '../store/store.ts';
import { measureBudgets, spentOf, type Measured } from './budget-measure.ts';
import { keepUse } from './budget-use.ts';
import { recordEvent } from './event-log.ts';
import type { Context } from './operation.ts';
import { toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';
import { asSystem } from './system.ts';
import { existing } from './tenant-lookup.ts';

/** So many budgets are looked at with one change; what is left waits for the next one. */
const JUDGED_AT_ONCE = 500;

/**
 * So long after its time a change looks at a budget itself: a server has the thread that reads do it
 * before, so that no change waits while all that runs is summed up.
 */
const LATE_MS = 60_000;

/** Whether it is long time to look whether a budget has reached another level. */
export async function areBudgetsDue(tables: Tables, now: number): Promise<boolean> {
  return (await dueBudgets(tables, now - LATE_MS, 1)).length > 0;
}

/** The budgets that shall be looked at by a time. */
export async function dueBudgets(
  tables: Tables,
  time: number,
  limit = JUDGED_AT_ONCE,
): Promise<BudgetRow[]> {
  if (!(await tables.budgets.isAny())) return [];
  if (!(await settingsInForce(tables)).costTracking.enabled) return [];
  const due = await tables.budgetUses.due(time, limit);
  const budgets = await tables.budgets.ofEach(due.map(({ tenant }) => tenant));
  return budgets.filter((budget) => budget !== undefined);
}

/** Looks at the budgets that nobody has looked at. */
export async function judgeDueBudgets(context: Context): Promise<void> {
  const budgets = await dueBudgets(context.tables, context.now - LATE_MS);
  if (budgets.length > 0) await judgeBudgets(context, budgets);
}

/**
 * Tells of each level that was reached since it was looked at last, once in a month; one that is not
 * reached any more, after a credit or with a higher budget, is told of again when it is.
 */
export async function judgeBudgets(context: Context, budgets: readonly BudgetRow[]): Promise<void> {
  const measured = await measureBudgets(context, budgets);
  for (const budget of budgets) {
    const found = measured.get(budget.tenant);
    if (found === undefined) continue;
    await keepUse(context, await tellLevels(context, budget, found), found);
  }
}

const eventOf: Readonly<Record<BudgetLevel, EventName>> = {
  warning: 'budget.warning',
  critical: 'budget.critical',
  exceeded: 'budget.exceeded',
};

/** Tells of the levels that were reached. @returns the budget as it is then. */
export async function tellLevels(
  context: Context,
  budget: BudgetRow,
  measured: Measured,
): Promise<BudgetRow> {
  const { tables, now } = context;
  const { from } = monthOf(now);
  const { budgetAlerts } = (await settingsInForce(tables)).costTracking;
  const told = budget.levelMonth === from ? budget.level : 0;
  const thresholds = thresholdsOf(budget, budgetAlerts);
  const reached = levelsReached(spentOf(measured), budget.monthly, thresholds);
  for (const level of budgetLevels.slice(told, reached)) {
    const { id } = await existing(tables, budget.tenant);
    await recordEvent(asSystem(context), {
      ...{ operation: eventOf[level], tenant: id, object: id, before: null },
      after: {
        month: toInstant(from),
        monthly_micro: budget.monthly,
        spent_micro: roundToMicros(spentOf(measured)),
        committed_micro: roundToMicros(measured.committed),
      },
    });
  }
  const judged = { ...budget, level: reached, levelMonth: from };
  if (reached !== told) await tables.budgets.update(judged);
  return judged;
}
