import { MICROS, roundToMicros, type Money } from '../domain/money.ts';
import { thresholdsOf } from '../domain/budget.ts';
import type { MetricFamily } from '../domain/metrics.ts';
import type { BudgetRow, Tables } from '../store/store.ts';
import { measureBudgets, spentOf, type Measured } from './budget-measure.ts';
import { family } from './metric-families.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';

interface Named {
  readonly tenant: string;
  readonly budget: BudgetRow;
  readonly measured: Measured;
}

/** Of the budgets of which most is spent: what they are, and what was spent and is committed. */
export async function budgetFamilies(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  most: number,
): Promise<MetricFamily[]> {
  const { costTracking } = await settingsInForce(tables);
  const named = costTracking.enabled ? await fullestOf({ tables, now }, most) : [];
  return [
    family(
      'hodei_budget_limit',
      named.map(({ tenant, budget }) => [{ tenant }, budget.monthly / MICROS]),
    ),
    family(
      'hodei_budget_spent',
      named.map(({ tenant, measured }) => [{ tenant }, unitsOf(spentOf(measured))]),
    ),
    family(
      'hodei_budget_committed',
      named.map(({ tenant, measured }) => [{ tenant }, unitsOf(measured.committed)]),
    ),
    family(
      'hodei_budget_threshold_ratio',
      named.flatMap(({ tenant, budget }) => {
        const { warning, critical } = thresholdsOf(budget, costTracking.budgetAlerts);
        return [
          [{ tenant, level: 'warning' }, warning / MICROS] as const,
          [{ tenant, level: 'critical' }, critical / MICROS] as const,
        ];
      }),
    ),
  ];
}

function unitsOf(money: Money): number {
  return roundToMicros(money) / MICROS;
}

async function fullestOf(
  at: Pick<Context, 'tables' | 'now'>,
  most: number,
): Promise<readonly Named[]> {
  const budgets = await allBudgets(at.tables);
  if (budgets.length === 0) return [];
  const measured = await measureBudgets(at, budgets);
  const all = budgets.flatMap((budget) => {
    const found = measured.get(budget.tenant);
    if (found === undefined) return [];
    return [{ budget, measured: found, ratio: unitsOf(spentOf(found)) / budget.monthly }];
  });
  const fullest = all.sort((a, b) => b.ratio - a.ratio).slice(0, most);
  const named: Named[] = [];
  for (const each of fullest) {
    named.push({ ...each, tenant: (await existing(at.tables, each.budget.tenant)).name });
  }
  return named;
}

const BUDGETS_AT_ONCE = 500;

async function allBudgets(tables: Tables): Promise<BudgetRow[]> {
  const budgets: BudgetRow[] = [];
  for (let after = 0; ;) {
    const page = await tables.budgets.list(after, BUDGETS_AT_ONCE);
    budgets.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < BUDGETS_AT_ONCE) return budgets;
    after = last.tenant;
  }
}
