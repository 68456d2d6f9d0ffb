import { effectOf } from '../domain/budget.ts';
import { moneyOf, type Money } from '../domain/money.ts';
import { monthOf } from '../domain/period.ts';
import type { BudgetRow, Key, Tables } from '../store/store.ts';
import { pricedRest, pricedUse, type Priced } from './cost-report.ts';
import type { Context } from './operation.ts';
import { treeOfTime } from './tree-of-time.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** What a budget has to pay for in the month of now. */
export interface Measured {
  /** What was used until now costs. */
  readonly cost: Money;
  /** What running jobs will cost from now until their leases or the month end. */
  readonly committed: Money;
  readonly credits: Money;
  /** What corrections add to the cost. */
  readonly corrections: Money;
}

/** What was spent: the cost, less credits, as corrected. */
export function spentOf({ cost, credits, corrections }: Measured): Money {
  return cost - credits + corrections;
}

export function totalOf(measured: Measured): Money {
  return spentOf(measured) + measured.committed;
}

/** Sums up from the hours, the jobs and the entries what each budget has to pay for: by tenant. */
export async function measureBudgets(
  { tables, now }: At,
  budgets: readonly Pick<BudgetRow, 'tenant'>[],
): Promise<ReadonlyMap<Key, Measured>> {
  const period = monthOf(now);
  const costs = new Map(budgets.map(({ tenant }) => [tenant, { cost: 0n, committed: 0n }]));
  const tree = await treeOfTime(tables);
  const scope = { period, begins: [] };
  const { parts } = await pricedUse(tables, scope, now);
  const add = async (kind: 'cost' | 'committed', { tenant, begins, money }: Priced) => {
    for (const above of await tree.line(tenant, begins)) {
      const sums = costs.get(above);
      if (sums !== undefined) sums[kind] += money;
    }
  };
  for (const part of parts) await add('cost', part);
  for (const part of await pricedRest(tables, scope, now)) await add('committed', part);
  const measured = new Map<Key, Measured>();
  for (const [tenant, sums] of costs) {
    measured.set(tenant, { ...sums, ...(await entriesOf(tables, tenant, now)) });
  }
  return measured;
}

async function entriesOf(
  tables: Tables,
  tenant: Key,
  now: number,
): Promise<Pick<Measured, 'credits' | 'corrections'>> {
  const { from, to } = monthOf(now);
  const sums = { credit: 0n, correction: 0n };
  for (const { kind, amount } of await tables.budgetEntries.between(tenant, from, to)) {
    sums[kind] += moneyOf(effectOf(kind, amount));
  }
  return { credits: -sums.credit, corrections: sums.correction };
}
