import type { BudgetEntryTable, BudgetTable, BudgetUseTable } from './store-budgets.ts';
import type { BurstTable } from './store-bursts.ts';
import type { ClockTable, EventTable, RevisionTable } from './store-events.ts';
import type { DecisionTable, JobTable, RequestKeyTable, WakeupTable } from './store-jobs.ts';
import type { RecentUseTable, ReservationTable, WaitingTable } from './store-queue.ts';
import type {
  BalanceTable,
  PoolTable,
  QuotaNoticeTable,
  QuotaTable,
  ScopeTable,
} from './store-quotas.ts';
import type { ResourceTable, TenantTable } from './store-tenants.ts';
import type { TokenTable } from './store-tokens.ts';
import type {
  FormerParentTable,
  JobUseTable,
  RateTable,
  RollupTable,
  UsageHourTable,
} from './store-usage.ts';
import type { WebhookTable } from './store-webhooks.ts';

export type * from './store-budgets.ts';
export type * from './store-bursts.ts';
export type * from './store-events.ts';
export type * from './store-jobs.ts';
export * from './store-queue.ts';
export type * from './store-quotas.ts';
export type * from './store-tenants.ts';
export type * from './store-tokens.ts';
export type * from './store-usage.ts';
export type * from './store-webhooks.ts';

export interface Tables {
  readonly tenants: TenantTable;
  readonly resources: ResourceTable;
  readonly pools: PoolTable;
  readonly scopes: ScopeTable;
  readonly quotas: QuotaTable;
  readonly balances: BalanceTable;
  readonly quotaNotices: QuotaNoticeTable;
  readonly jobs: JobTable;
  readonly decisions: DecisionTable;
  readonly requestKeys: RequestKeyTable;
  readonly waiting: WaitingTable;
  readonly wakeups: WakeupTable;
  readonly reservations: ReservationTable;
  readonly recentUse: RecentUseTable;
  readonly clock: ClockTable;
  readonly events: EventTable;
  readonly settings: RevisionTable;
  readonly policies: RevisionTable;
  readonly tokens: TokenTable;
  readonly bursts: BurstTable;
  readonly webhooks: WebhookTable;
  readonly rates: RateTable;
  readonly formerParents: FormerParentTable;
  readonly usageHours: UsageHourTable;
  readonly rollup: RollupTable;
  readonly jobUses: JobUseTable;
  readonly budgets: BudgetTable;
  readonly budgetEntries: BudgetEntryTable;
  readonly budgetUses: BudgetUseTable;
}

export interface Transaction {
  readonly tables: Tables;
  /**
   * Runs work in a savepoint of its own: what it wrote stays only if it returns and `keep` is true.
   * @throws what work throws, or TransactionLost when nothing of the transaction is left.
   */
  attempt<T>(work: () => Promise<T>, keep: boolean): Promise<T>;
  /**
   * Runs work without a savepoint, for which every page that it changes would be copied.
   * @throws what work throws where it had written nothing by then; else NotUndone, or TransactionLost.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export interface Store {
  /** One snapshot, read only. */
  read<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
  /**
   * One transaction: committed and durable when the promise resolves.
   * @throws unavailable (nothing was done) or unknown_outcome (the commit itself failed).
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Work without a savepoint has failed half way, so that nothing of the transaction may be committed. */
export class NotUndone extends Error {
  constructor(cause: unknown) {
    super('a part of the transaction has failed and cannot be undone alone', { cause });
    this.name = 'NotUndone';
  }
}

/** The database gave the whole transaction up, as SQLite does when the disk is full. */
export class TransactionLost extends Error {
  constructor(cause: unknown) {
    super('the transaction was rolled back by the database', { cause });
    this.name = 'TransactionLost';
  }
}
