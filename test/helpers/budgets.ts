import { monthOf } from '../../src/domain/period.ts';
import { measureBudgets, totalOf } from '../../src/service/budget-measure.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { BudgetRow, Store } from '../../src/store/store.ts';

/** What is kept of a budget, and what it comes to when it is summed up anew. */
interface Counted {
  readonly budget: BudgetRow;
  /** Undefined: it would be summed up anew. */
  readonly kept: bigint | undefined;
  readonly measured: bigint;
}

export function countBudgets(store: Store, now: number): Promise<Counted[]> {
  return store.read(async (tables) => {
    const budgets = await tables.budgets.list(0, 100);
    const measured = await measureBudgets({ tables, now }, budgets);
    const counted: Counted[] = [];
    for (const budget of budgets) {
      const use = await tables.budgetUses.of(budget.tenant);
      const sum = measured.get(budget.tenant);
      if (sum === undefined) throw new Error('a budget was not summed up');
      const kept = use?.month === monthOf(now).from ? use.total : undefined;
      counted.push({ budget, kept, measured: totalOf(sum) });
    }
    return counted;
  });
}

/** The same of a file that nobody holds. */
export async function countBudgetsIn(path: string): Promise<Counted[]> {
  const store = openSqliteStore({ path, create: false, now: Date.now });
  try {
    return await countBudgets(store, Date.now());
  } finally {
    await store.close();
  }
}
