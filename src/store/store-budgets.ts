import type { EntryKind, OnExceeded } from '../domain/budget.ts';
import type { Instant, Key } from './store-tenants.ts';

/** What a tenant and all below it may cost in a month. */
export interface BudgetRow {
  readonly tenant: Key;
  /** In millionths of the currency, as all amounts here. */
  readonly monthly: number;
  /** From which part on somebody is told, in millionths; null: as the config says. */
  readonly warning: number | null;
  readonly critical: number | null;
  readonly onExceeded: OnExceeded;
  /** How many of its levels have been told of in the month that begins at `levelMonth`. */
  readonly level: number;
  readonly levelMonth: Instant;
  readonly version: number;
  readonly updatedAt: Instant;
}

export interface BudgetTable {
  isAny(): Promise<boolean>;
  /** Of each of these tenants the budget, where it has one. */
  ofEach(tenants: readonly Key[]): Promise<(BudgetRow | undefined)[]>;
  /** All, by tenant, after one. */
  list(after: Key, limit: number): Promise<BudgetRow[]>;
  insert(row: BudgetRow): Promise<void>;
  update(row: BudgetRow): Promise<void>;
  remove(tenant: Key): Promise<void>;
}

/** A credit or a correction. */
export interface BudgetEntryRow {
  readonly key: Key;
  readonly tenant: Key;
  readonly time: Instant;
  readonly kind: EntryKind;
  /** A credit is positive; what a correction adds to what was spent. */
  readonly amount: number;
  readonly reason: string;
  readonly principal: string;
}

export interface BudgetEntryTable {
  insert(row: Omit<BudgetEntryRow, 'key'>): Promise<void>;
  /** Of a tenant in a range of time, the oldest first. */
  between(tenant: Key, from: Instant, to: Instant): Promise<BudgetEntryRow[]>;
  /** Of a tenant, newest first, below the key `before`. */
  list(tenant: Key, before: Key | undefined, limit: number): Promise<BudgetEntryRow[]>;
}

/** What a budget has to pay for in a month. */
export interface BudgetUseRow {
  readonly tenant: Key;
  /** When the month begins; 0: it has to be summed up anew. */
  readonly month: Instant;
  /** What was spent and what running jobs are committed to, credits taken off: exact. */
  readonly total: bigint;
  /** When it is looked at again whether a level is reached. */
  readonly lookAt: Instant;
}

export interface BudgetUseTable {
  of(tenant: Key): Promise<BudgetUseRow | undefined>;
  put(row: BudgetUseRow): Promise<void>;
  remove(tenant: Key): Promise<void>;
  /** All have to be summed up anew, and looked at. */
  forget(now: Instant): Promise<void>;
  /** Those that shall be looked at by now. */
  due(now: Instant, limit: number): Promise<BudgetUseRow[]>;
}
