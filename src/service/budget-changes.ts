import { thresholdsOf, type EntryKind, type OnExceeded } from '../domain/budget.ts';
import { invalid, notFound } from '../domain/errors.ts';
import type { BudgetRow, Tables, TenantRow } from '../store/store.ts';
import { judgeBudgets } from './budget-alerts.ts';
import { wakeBudget } from './budget-use.ts';
import { partOf, viewBudgets, type BudgetView } from './budget-view.ts';
import { costsAreOff } from './costs.ts';
import { recordEvent } from './event-log.ts';
import { expectVersion, type Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

/** A budget as it is sent: what is left out stays as it is. */
export interface SentBudget {
  readonly monthly_micro?: number | undefined;
  readonly warn_percent?: number | null | undefined;
  readonly critical_percent?: number | null | undefined;
  readonly on_exceeded?: OnExceeded | undefined;
}

export async function requireCostTracking(tables: Tables): Promise<void> {
  if (!(await settingsInForce(tables)).costTracking.enabled) throw costsAreOff();
}

/** @throws not_found */
export async function budgetOf(tables: Tables, { key, name }: TenantRow): Promise<BudgetRow> {
  const [budget] = await tables.budgets.ofEach([key]);
  if (budget !== undefined) return budget;
  throw notFound(`${name} has no budget.`, `Give it one: hodei budget set ${name} --monthly 500`);
}

export async function saveBudget(
  context: Context,
  tenant: TenantRow,
  sent: SentBudget,
): Promise<BudgetView> {
  const { tables } = context;
  const [before] = await tables.budgets.ofEach([tenant.key]);
  expectVersion(context, before?.version ?? 0, `The budget of ${tenant.name}`);
  const after = budgetAfter(context, tenant, before, sent);
  await requireOrder(tables, after);
  if (before === undefined || isOther(before, after)) {
    await (before === undefined ? tables.budgets.insert(after) : tables.budgets.update(after));
    await recordEvent(context, {
      ...{ operation: 'budget.set', tenant: tenant.id, object: tenant.id },
      ...{ before: before === undefined ? null : fieldsOf(before), after: fieldsOf(after) },
    });
    await judgeBudgets(context, [after]);
    await wakeBudget(context, tenant.key);
  }
  return viewOne(context, tenant);
}

function budgetAfter(
  { now }: Context,
  tenant: TenantRow,
  before: BudgetRow | undefined,
  sent: SentBudget,
): BudgetRow {
  const monthly = sent.monthly_micro ?? before?.monthly;
  if (monthly === undefined) {
    throw invalid(
      `${tenant.name} has no budget yet: how much may a month cost?`,
      `Such as: hodei budget set ${tenant.name} --monthly 500`,
    );
  }
  return {
    ...{ tenant: tenant.key, monthly },
    warning: partSent(sent.warn_percent, before?.warning),
    critical: partSent(sent.critical_percent, before?.critical),
    onExceeded: sent.on_exceeded ?? before?.onExceeded ?? 'warn',
    ...{ level: before?.level ?? 0, levelMonth: before?.levelMonth ?? 0 },
    ...{ version: (before?.version ?? 0) + 1, updatedAt: now },
  };
}

function partSent(percent: number | null | undefined, before: number | null = null): number | null {
  if (percent === undefined) return before;
  return percent === null ? null : partOf(percent);
}

/** @throws invalid where the second threshold would come before the first. */
async function requireOrder(tables: Tables, budget: BudgetRow): Promise<void> {
  const { budgetAlerts } = (await settingsInForce(tables)).costTracking;
  const { warning } = thresholdsOf(budget, budgetAlerts);
  const { critical } = thresholdsOf({ ...budget, warning: 1 }, budgetAlerts);
  if (warning <= critical) return;
  const [first, second] = [partText(warning), partText(critical)];
  throw invalid(`Critical at ${second} would come before the warning at ${first}.`);
}

function partText(part: number): string {
  return `${part / partOf(1)} %`;
}

function isOther(before: BudgetRow, after: BudgetRow): boolean {
  return JSON.stringify(fieldsOf(before)) !== JSON.stringify(fieldsOf(after));
}

function fieldsOf({ monthly, warning, critical, onExceeded }: BudgetRow) {
  return {
    monthly_micro: monthly,
    warn_percent: warning === null ? null : warning / partOf(1),
    critical_percent: critical === null ? null : critical / partOf(1),
    on_exceeded: onExceeded,
  };
}

export async function removeBudget(context: Context, tenant: TenantRow): Promise<void> {
  const { tables } = context;
  const [present] = await tables.budgets.ofEach([tenant.key]);
  expectVersion(context, present?.version ?? 0, `The budget of ${tenant.name}`);
  const budget = await budgetOf(tables, tenant);
  await dropBudget(tables, tenant);
  await recordEvent(context, {
    ...{ operation: 'budget.unset', tenant: tenant.id, object: tenant.id },
    ...{ before: fieldsOf(budget), after: null },
  });
  await wakeBudget(context, tenant.key);
}

/** What there is of a budget but its entries, which are history. */
export async function dropBudget(tables: Tables, { key }: Pick<TenantRow, 'key'>): Promise<void> {
  if (!(await tables.budgets.isAny())) return;
  await tables.budgets.remove(key);
  await tables.budgetUses.remove(key);
}

/** Writes a credit or a correction down, which is never changed after. */
export async function addEntry(
  context: Context,
  tenant: TenantRow,
  kind: EntryKind,
  amount: number,
): Promise<BudgetView> {
  const { tables, now, caller } = context;
  const budget = await budgetOf(tables, tenant);
  const { reason, principal } = caller;
  if (reason === undefined) {
    throw invalid(
      `A ${kind} wants a reason.`,
      'Say why: --reason TEXT at a terminal, reason=… in the query of a request.',
    );
  }
  const entry = { tenant: tenant.key, time: now, kind, amount, reason, principal };
  await tables.budgetEntries.insert(entry);
  await recordEvent(context, {
    operation: kind === 'credit' ? 'budget.credit' : 'budget.correct',
    ...{ tenant: tenant.id, object: tenant.id, before: null, after: { amount_micro: amount } },
  });
  await judgeBudgets(context, [budget]);
  await wakeBudget(context, tenant.key);
  return viewOne(context, tenant);
}

export async function viewOne(
  at: Pick<Context, 'tables' | 'now'>,
  tenant: TenantRow,
): Promise<BudgetView> {
  const [view] = await viewBudgets(at, [await budgetOf(at.tables, tenant)]);
  if (view === undefined) throw new Error(`the budget of ${tenant.name} was not summed up`);
  return view;
}
