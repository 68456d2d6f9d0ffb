import * as z from 'zod';
import { OPERATORS, READERS } from '../domain/role.ts';
import type { BudgetRow, TenantRow } from '../store/store.ts';
import { cutPage, decodeNumber } from './cursor.ts';
import {
  addEntry,
  removeBudget,
  requireCostTracking,
  saveBudget,
  viewOne,
} from './budget-changes.ts';
import { budgetEntryExample, budgetExample } from './budget-examples.ts';
import { viewBudgets, viewEntry } from './budget-view.ts';
import { operation, type Context } from './operation.ts';
import {
  BudgetCorrectRequest,
  BudgetCreditRequest,
  BudgetEntriesRequest,
  BudgetEntryResponse,
  BudgetListRequest,
  BudgetResponse,
  BudgetSetRequest,
  BudgetTenant,
} from './schemas/budget.ts';
import { pageOutput } from './schemas/common.ts';
import { findTenantOrTombstone, findTenantToChange, findTenantToRead } from './tenant-lookup.ts';

export const getBudget = operation({
  name: 'budget.get',
  summary: "Get a tenant's budget: what was spent of it this month, and what is committed",
  method: 'GET',
  path: '/tenants/{tenant}/budget',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: true,
  input: BudgetTenant,
  output: BudgetResponse,
  example: { input: { tenant: 'acme' }, output: budgetExample },

  async run(context, input) {
    await requireCostTracking(context.tables);
    return viewOne(context, await findTenantToRead(context.tables, input.tenant));
  },
});

export const setBudget = operation({
  name: 'budget.set',
  summary: 'Say what a tenant and all below it may cost in a month, and what follows beyond',
  method: 'PUT',
  path: '/tenants/{tenant}/budget',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  requestName: 'BudgetSetRequest',
  input: BudgetSetRequest,
  output: BudgetResponse,
  example: {
    input: { tenant: 'acme', monthly_micro: 500_000_000, on_exceeded: 'block' as const },
    output: budgetExample,
  },

  async run(context, input) {
    return saveBudget(context, await tenantToChange(context, input), input);
  },
});

export const unsetBudget = operation({
  name: 'budget.unset',
  summary: "Take a tenant's budget away; its entries stay",
  method: 'DELETE',
  path: '/tenants/{tenant}/budget',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  status: 204,
  input: BudgetTenant,
  output: () => z.undefined(),
  example: { input: { tenant: 'acme' }, output: undefined },

  async run(context, input) {
    await removeBudget(context, await tenantToChange(context, input));
    return undefined;
  },
});

export const creditBudget = operation({
  name: 'budget.credit',
  summary: 'Credit a tenant with money that it need not spend of its budget this month',
  method: 'POST',
  path: '/tenants/{tenant}/budget/credits',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  status: 201,
  requestName: 'BudgetCreditRequest',
  input: BudgetCreditRequest,
  output: BudgetResponse,
  example: { input: { tenant: 'acme', amount_micro: 50_000_000 }, output: budgetExample },

  async run(context, input) {
    return addEntry(context, await tenantToChange(context, input), 'credit', input.amount_micro);
  },
});

export const correctBudget = operation({
  name: 'budget.correct',
  summary: 'Correct what a tenant has spent of its budget this month',
  method: 'POST',
  path: '/tenants/{tenant}/budget/corrections',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  status: 201,
  requestName: 'BudgetCorrectRequest',
  input: BudgetCorrectRequest,
  output: BudgetResponse,
  example: { input: { tenant: 'acme', amount_micro: -12_500_000 }, output: budgetExample },

  async run(context, input) {
    return addEntry(
      context,
      await tenantToChange(context, input),
      'correction',
      input.amount_micro,
    );
  },
});

export const listBudgetEntries = operation({
  name: 'budget.entries',
  summary: "List the credits and corrections of a tenant's budget, the newest first",
  method: 'GET',
  path: '/tenants/{tenant}/budget/entries',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: BudgetEntriesRequest,
  output: () => pageOutput(BudgetEntryResponse()),
  example: {
    input: { tenant: 'acme', limit: 20 },
    output: { items: [budgetEntryExample], next_cursor: null },
  },

  async run({ tables }, { tenant: reference, cursor, limit }) {
    await requireCostTracking(tables);
    const { key } = await findTenantOrTombstone(tables, reference);
    const before = decodeNumber('entry', cursor);
    const found = await tables.budgetEntries.list(key, before, limit + 1);
    const { rows, next } = cutPage(found, limit, 'entry', (last) => [last.key]);
    return { items: rows.map(viewEntry), next_cursor: next };
  },
});

export const listBudgets = operation({
  name: 'budget.list',
  summary: 'List budgets, with what was spent of each this month',
  method: 'GET',
  path: '/budgets',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: BudgetListRequest,
  output: () => pageOutput(BudgetResponse()),
  example: { input: { limit: 50 }, output: { items: [budgetExample], next_cursor: null } },

  async run(context, { cursor, limit }) {
    await requireCostTracking(context.tables);
    const after = decodeNumber('budget', cursor) ?? 0;
    const found = await budgetsAfter(context, after, limit + 1);
    const { rows, next } = cutPage(found, limit, 'budget', (last) => [last.tenant]);
    return { items: await viewBudgets(context, rows), next_cursor: next };
  },
});

/** So many budgets are read at once. */
const BUDGETS_READ = 500;

/** Those within the caller's reach, by age of their tenants. */
async function budgetsAfter(
  { tables, reach }: Context,
  after: number,
  limit: number,
): Promise<BudgetRow[]> {
  const found: BudgetRow[] = [];
  for (let last = after; ;) {
    const page = await tables.budgets.list(last, BUDGETS_READ);
    for (const budget of page) {
      if (await reach.includes(budget.tenant)) found.push(budget);
      if (found.length === limit) return found;
    }
    const end = page.at(-1);
    if (end === undefined || page.length < BUDGETS_READ) return found;
    last = end.tenant;
  }
}

async function tenantToChange(
  context: Context,
  { tenant }: { readonly tenant: string },
): Promise<TenantRow> {
  await requireCostTracking(context.tables);
  return findTenantToChange(context, tenant);
}
