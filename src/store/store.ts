import type { TenantStatus } from '../domain/tenant.ts';
import type { Limit } from '../domain/quota.ts';

/** The integer by which rows refer to each other; it never leaves the program. */
export type Key = number;

/** Epoch milliseconds, UTC. */
export type Instant = number;

export interface TenantRow {
  readonly key: Key;
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly parent: Key | null;
  readonly weight: number;
  readonly status: TenantStatus;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** Set on the tombstone of a deleted tenant. */
  readonly deletedAt: Instant | null;
}

export type Labels = Readonly<Record<string, string>>;

export interface TenantFilter {
  readonly parent?: Key;
  readonly status?: TenantStatus;
  readonly namePrefix?: string;
  readonly labels?: Labels;
}

/** Tenants; those that are deleted are found by key and by id only. */
export interface TenantTable {
  /** @throws conflict when the name or id is taken. */
  insert(tenant: Omit<TenantRow, 'key'>): Promise<Key>;
  /** Writes everything that may change. @throws conflict when the name is taken. */
  update(tenant: TenantRow): Promise<void>;
  byKey(key: Key): Promise<TenantRow | undefined>;
  byId(id: string): Promise<TenantRow | undefined>;
  byName(name: string): Promise<TenantRow | undefined>;
  byIdPrefix(prefix: string, limit: number): Promise<TenantRow[]>;
  /** Names that stand next to this one in the alphabet, up to `limit` on each side. */
  namesAround(name: string, limit: number): Promise<string[]>;
  listByName(filter: TenantFilter, after: string | undefined, limit: number): Promise<TenantRow[]>;
  listByCreation(filter: TenantFilter, after: Key | undefined, limit: number): Promise<TenantRow[]>;
  /** Children in order of name; of null: the roots. */
  children(parent: Key | null, afterName: string, limit: number): Promise<TenantRow[]>;
  labels(key: Key): Promise<Labels>;
  replaceLabels(key: Key, labels: Labels): Promise<void>;
}

export interface ResourceRow {
  readonly key: Key;
  readonly name: string;
  readonly unit: string;
  readonly defaultLimit: Limit;
  /** Taken out of the catalogue; limits and use are kept for the day it comes back. */
  readonly retired: boolean;
}

export interface ResourceTable {
  /** In the order of the catalogue. */
  list(): Promise<ResourceRow[]>;
  insert(resource: Omit<ResourceRow, 'key'>, position: number): Promise<void>;
  update(resource: ResourceRow, position: number): Promise<void>;
}

/** What has a ceiling and a usage. `version` counts the changes of its limits. */
export interface ScopeRow {
  readonly key: Key;
  readonly version: number;
  readonly updatedAt: Instant;
}

export interface ResourceLimit {
  readonly resource: Key;
  readonly limit: Limit;
}

export interface QuotaTable {
  insertScope(tenant: Key, now: Instant): Promise<Key>;
  scopeOf(tenant: Key): Promise<ScopeRow | undefined>;
  touch(scope: ScopeRow): Promise<void>;
  /** The limits that are set; a resource without a row is unset. */
  limits(scope: Key): Promise<ResourceLimit[]>;
  setLimit(scope: Key, resource: Key, limit: Limit): Promise<void>;
  unsetLimit(scope: Key, resource: Key): Promise<void>;
  /** How many tenants have a limit of their own on a resource. */
  countLimits(resource: Key): Promise<number>;
}

export interface Use {
  readonly resource: Key;
  readonly used: number;
}

export interface UseFilter {
  readonly tenants: TenantFilter;
  /** Only tenants that use more than so many per cent of some limit, 0–1000. */
  readonly overPercent?: number;
}

/** How much of its tightest limit a tenant uses, in thousandths, and which tenant. */
export interface UseRank {
  readonly tenant: Key;
  readonly permille: number;
}

/** The ledger: scope and resource → used. */
export interface BalanceTable {
  used(scope: Key): Promise<Use[]>;
  /** Tenants that use something, the fullest first. */
  fullest(filter: UseFilter, after: UseRank | undefined, limit: number): Promise<UseRank[]>;
}

export interface EventRow {
  readonly sequence: number;
  readonly time: Instant;
  readonly principal: string;
  readonly actingAs: string | null;
  readonly operation: string;
  /** Public id of the tenant it concerns. */
  readonly tenant: string | null;
  /** What was changed: a public id, or the name of something there is one of. */
  readonly object: string;
  readonly reason: string | null;
  /** JSON texts of what changed, as hashed. */
  readonly before: string | null;
  readonly after: string | null;
  readonly traceId: string;
  readonly previousHash: string;
  readonly hash: string;
}

export interface EventFilter {
  readonly tenant?: string;
  readonly principal?: string;
  /** Operations by name. */
  readonly operations?: readonly string[];
  readonly since?: Instant;
  readonly until?: Instant;
}

export interface EventTable {
  head(): Promise<EventRow | undefined>;
  insert(event: EventRow): Promise<void>;
  /** Newest first, below the sequence number `before`. */
  list(filter: EventFilter, before: number | undefined, limit: number): Promise<EventRow[]>;
  /** Oldest first, above the sequence number `after`. */
  following(after: number, limit: number): Promise<EventRow[]>;
}

export interface SettingsRow {
  readonly revision: number;
  readonly appliedAt: Instant;
  /** JSON text of the settings in force. */
  readonly document: string;
}

export interface SettingsTable {
  current(): Promise<SettingsRow | undefined>;
  insert(settings: SettingsRow): Promise<void>;
}

export interface Tables {
  readonly tenants: TenantTable;
  readonly resources: ResourceTable;
  readonly quotas: QuotaTable;
  readonly balances: BalanceTable;
  readonly events: EventTable;
  readonly settings: SettingsTable;
}

export interface Transaction {
  readonly tables: Tables;
  /**
   * Runs work in a savepoint of its own: what it wrote stays only if it returns and `keep` is true.
   * @throws what work throws, or TransactionLost when nothing of the transaction is left.
   */
  attempt<T>(work: () => Promise<T>, keep: boolean): Promise<T>;
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

/** The database gave the whole transaction up, as SQLite does when the disk is full. */
export class TransactionLost extends Error {
  constructor(cause: unknown) {
    super('the transaction was rolled back by the database', { cause });
    this.name = 'TransactionLost';
  }
}
