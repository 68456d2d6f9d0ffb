import type { EntryKind, OnExceeded } from '../../domain/budget.ts';
import type {
  BudgetEntryRow,
  BudgetEntryTable,
  BudgetRow,
  BudgetTable,
  BudgetUseRow,
  BudgetUseTable,
} from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  tenant: number;
  monthly: number;
  warning: number | null;
  critical: number | null;
  on_exceeded: OnExceeded;
  level: number;
  level_month: number;
  version: number;
  updated_at: number;
}

const columns =
  'tenant, monthly, warning, critical, on_exceeded, level, level_month, version, updated_at';

export function budgetTable(database: Database): BudgetTable {
  return {
    isAny: async () => (await database.get(`select 1 as found from budget limit 1`)) !== undefined,
    async ofEach(tenants) {
      const rows = await database.each<Row>(
        `select ${columns} from budget where tenant = ?`,
        tenants.map((tenant) => [tenant]),
      );
      return rows.map((row) => row && toBudget(row));
    },
    async list(after, limit) {
      const rows = await database.all<Row>(
        `select ${columns} from budget where tenant > ? order by tenant limit ?`,
        ...[after, limit],
      );
      return rows.map(toBudget);
    },
    insert: (row) =>
      database.run(
        `insert into budget (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[row.tenant, row.monthly, row.warning, row.critical, row.onExceeded],
        ...[row.level, row.levelMonth, row.version, row.updatedAt],
      ),
    update: (row) =>
      database.run(
        `update budget set monthly = ?, warning = ?, critical = ?, on_exceeded = ?, level = ?,
           level_month = ?, version = ?, updated_at = ? where tenant = ?`,
        ...[row.monthly, row.warning, row.critical, row.onExceeded, row.level],
        ...[row.levelMonth, row.version, row.updatedAt, row.tenant],
      ),
    remove: (tenant) => database.run(`delete from budget where tenant = ?`, tenant),
  };
}

function toBudget({ on_exceeded, level_month, updated_at, ...row }: Row): BudgetRow {
  return { ...row, onExceeded: on_exceeded, levelMonth: level_month, updatedAt: updated_at };
}

interface EntryRow {
  id: number;
  tenant: number;
  time: number;
  kind: EntryKind;
  amount: number;
  reason: string;
  principal: string;
}

const entryColumns = 'id, tenant, time, kind, amount, reason, principal';

export function budgetEntryTable(database: Database): BudgetEntryTable {
  return {
    insert: ({ tenant, time, kind, amount, reason, principal }) =>
      database.run(
        `insert into budget_entry (tenant, time, kind, amount, reason, principal)
         values (?, ?, ?, ?, ?, ?)`,
        ...[tenant, time, kind, amount, reason, principal],
      ),
    async between(tenant, from, to) {
      const rows = await database.all<EntryRow>(
        `select ${entryColumns} from budget_entry
         where tenant = ? and time >= ? and time < ? order by time, id`,
        ...[tenant, from, to],
      );
      return rows.map(toEntry);
    },
    async list(tenant, before, limit) {
      const rows = await database.all<EntryRow>(
        `select ${entryColumns} from budget_entry
         where tenant = ? and id < ? order by id desc limit ?`,
        ...[tenant, before ?? Number.MAX_SAFE_INTEGER, limit],
      );
      return rows.map(toEntry);
    },
  };
}

function toEntry({ id, ...row }: EntryRow): BudgetEntryRow {
  return { key: id, ...row };
}

interface UseRow {
  tenant: number;
  month: number;
  total: string;
  look_at: number;
}

export function budgetUseTable(database: Database): BudgetUseTable {
  return {
    async of(tenant) {
      const row = await database.get<UseRow>(
        `select tenant, month, total, look_at from budget_use where tenant = ?`,
        tenant,
      );
      return row && toUse(row);
    },
    put: ({ tenant, month, total, lookAt }) =>
      database.run(
        `insert into budget_use (tenant, month, total, look_at) values (?, ?, ?, ?)
         on conflict (tenant) do update set
           month = excluded.month, total = excluded.total, look_at = excluded.look_at`,
        ...[tenant, month, String(total), lookAt],
      ),
    remove: (tenant) => database.run(`delete from budget_use where tenant = ?`, tenant),
    forget: (now) => database.run(`update budget_use set month = 0, look_at = ?`, now),
    async due(now, limit) {
      const rows = await database.all<UseRow>(
        `select tenant, month, total, look_at from budget_use
         where look_at <= ? order by look_at, tenant limit ?`,
        ...[now, limit],
      );
      return rows.map(toUse);
    },
  };
}

function toUse({ look_at, total, ...row }: UseRow): BudgetUseRow {
  return { ...row, total: BigInt(total), lookAt: look_at };
}
