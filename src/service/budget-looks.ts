import * as z from 'zod';
import { monthOf } from '../domain/period.ts';
import { ADMINS } from '../domain/role.ts';
import type { BudgetRow, Instant, Key, Tables } from '../store/store.ts';
import { dueBudgets, tellLevels } from './budget-alerts.ts';
import { measureBudgets, type Measured } from './budget-measure.ts';
import { keepUse, nextLook, soon } from './budget-use.ts';
import { operation, type Context } from './operation.ts';

// What a server has its threads do: the one that reads sums up what was spent of the budgets whose time
// it is, the one that writes tells of it. It is bookkeeping, of which events tell by themselves.

/** What was seen of budgets in one snapshot. */
export interface BudgetLooks {
  /** The last change there was. */
  readonly head: number;
  readonly month: Instant;
  readonly looks: readonly BudgetLook[];
}

interface BudgetLook {
  readonly tenant: Key;
  readonly version: number;
  /** Its last credit or correction. */
  readonly entry: Key | undefined;
  readonly measured: Measured;
}

const internal = { path: '', roles: ADMINS, reach: 'all', isVersioned: false } as const;
const nothing: BudgetLooks = { head: 0, month: 0, looks: [] };

export const lookAtBudgets = operation({
  ...internal,
  name: 'budget.look',
  summary: 'Sum up what was spent of the budgets whose time it is',
  method: 'GET',
  isReadOnly: true,
  input: () => z.strictObject({}),
  output: () => z.custom<BudgetLooks>(),
  example: { input: {}, output: nothing },

  async run({ tables, now }) {
    const budgets = await dueBudgets(tables, now);
    if (budgets.length === 0) return nothing;
    const all = await measureBudgets({ tables, now }, budgets);
    const looks: BudgetLook[] = [];
    for (const { tenant, version } of budgets) {
      const measured = all.get(tenant);
      const entry = await lastEntry(tables, tenant);
      if (measured !== undefined) looks.push({ tenant, version, entry, measured });
    }
    return { head: await headOf(tables), month: monthOf(now).from, looks };
  },
});

export const tellOfBudgets = operation({
  ...internal,
  name: 'budget.tell',
  summary: 'Tell of the levels that budgets have reached',
  method: 'POST',
  isReadOnly: false,
  input: () => z.strictObject({ seen: z.custom<BudgetLooks>() }),
  output: () => z.undefined(),
  example: { input: { seen: nothing }, output: undefined },

  async run(context, { seen }) {
    const { tables, now } = context;
    if (seen.month !== monthOf(now).from) return undefined;
    const isSame = (await headOf(tables)) === seen.head;
    for (const look of seen.looks) {
      const [budget] = await tables.budgets.ofEach([look.tenant]);
      // Another budget, or another credit: that has been looked at when it was made.
      if (budget?.version !== look.version) continue;
      if ((await lastEntry(tables, look.tenant)) !== look.entry) continue;
      await tell(context, budget, look.measured, isSame);
    }
    return undefined;
  },
});

/** What was spent is told of; what it has to pay for is kept only where nothing has changed since. */
async function tell(
  context: Context,
  budget: BudgetRow,
  measured: Measured,
  isSame: boolean,
): Promise<void> {
  const { tables, now } = context;
  const told = await tellLevels(context, budget, measured);
  if (isSame) return keepUse(context, told, measured);
  const use = await tables.budgetUses.of(budget.tenant);
  if (use === undefined) return;
  const isKept = use.month === monthOf(now).from;
  const lookAt = isKept ? await nextLook(context, told, use.total) : soon(now);
  await tables.budgetUses.put({ ...use, lookAt });
}

async function headOf(tables: Tables): Promise<number> {
  return (await tables.events.head())?.sequence ?? 0;
}

async function lastEntry(tables: Tables, tenant: Key): Promise<Key | undefined> {
  return (await tables.budgetEntries.list(tenant, undefined, 1))[0]?.key;
}
