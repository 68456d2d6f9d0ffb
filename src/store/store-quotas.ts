import type { PoolSource, PoolStatus, PoolType } from '../domain/pool.ts';
import type { Limit } from '../domain/quota.ts';
import type { NoticeLevel } from '../domain/quota-notice.ts';
import type { Instant, Key, TenantFilter } from './store-tenants.ts';

/** Where jobs run. A pool that is deleted stays as a tombstone. */
export interface PoolRow {
  readonly key: Key;
  /** By which requests name it. */
  readonly name: string;
  readonly title: string;
  readonly type: PoolType;
  readonly status: PoolStatus;
  /** When it is resumed by itself; null: by a person only. */
  readonly heldUntil: Instant | null;
  /** Why it is held, in the words of who did it. */
  readonly heldReason: string | null;
  readonly provider: string | null;
  readonly minSize: number;
  readonly maxSize: number;
  /** Workers there are now. */
  readonly size: number;
  readonly maxJobs: Limit;
  readonly maxJobsPerTenant: Limit;
  /** Who wrote it, and therefore may change it. */
  readonly source: PoolSource;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly deletedAt: Instant | null;
}

export interface ResourceAmount {
  readonly resource: Key;
  readonly amount: number;
}

/** Pools; those that are deleted are found by key only. */
export interface PoolTable {
  /** @throws conflict when the name is taken. */
  insert(pool: Omit<PoolRow, 'key'>): Promise<Key>;
  update(pool: PoolRow): Promise<void>;
  byKey(key: Key): Promise<PoolRow | undefined>;
  byName(name: string): Promise<PoolRow | undefined>;
  /** In order of name. */
  list(afterName: string, limit: number): Promise<PoolRow[]>;
  /** Those that are held no longer than to this moment. */
  heldUntil(time: Instant): Promise<PoolRow[]>;
  /** What one worker has. */
  resources(pool: Key): Promise<ResourceAmount[]>;
  replaceResources(pool: Key, perWorker: readonly ResourceAmount[]): Promise<void>;
}

/** A tenant, a tenant in a pool, or a pool. */
export interface ScopeSubject {
  readonly tenant: Key | null;
  readonly pool: Key | null;
}

/** What has a ceiling and a usage. `version` counts the changes of its limits. */
export interface ScopeRow extends ScopeSubject {
  readonly key: Key;
  readonly version: number;
  readonly updatedAt: Instant;
}

export interface ScopeTable {
  insert(subject: ScopeSubject, now: Instant): Promise<Key>;
  of(subject: ScopeSubject): Promise<ScopeRow | undefined>;
  byKey(key: Key): Promise<ScopeRow | undefined>;
  /** Writes version and time of change. */
  touch(scope: ScopeRow): Promise<void>;
  /** Of each subject; undefined where it has none yet. */
  ofEach(subjects: readonly ScopeSubject[]): Promise<(ScopeRow | undefined)[]>;
  /** The key of the one that was made last; 0 where there is none. */
  last(): Promise<Key>;
  /** Of one tenant: everywhere, and in each pool in which it has one. */
  ofTenant(tenant: Key): Promise<ScopeRow[]>;
}

export interface ResourceLimit {
  readonly resource: Key;
  readonly limit: Limit;
}

export interface ScopeLimit extends ResourceLimit {
  readonly scope: Key;
}

/** One resource of one scope. */
export interface Place {
  readonly scope: Key;
  readonly resource: Key;
}

export interface QuotaTable {
  /** The limit at each place; undefined where it is unset. */
  limitsAt(places: readonly Place[]): Promise<(Limit | undefined)[]>;
  /** All limits that are set for these scopes. */
  limits(scopes: readonly Key[]): Promise<ScopeLimit[]>;
  setLimit(scope: Key, resource: Key, limit: Limit): Promise<void>;
  unsetLimit(scope: Key, resource: Key): Promise<void>;
  /** How many tenants have a limit of their own on a resource. */
  countLimits(resource: Key): Promise<number>;
  /** What is promised of a pool: by resource the sum of the limits of all roots; null: unlimited. */
  promised(pool: Key): Promise<ResourceLimit[]>;
}

export interface Use {
  readonly resource: Key;
  readonly used: number;
}

export interface ScopeUse extends Use {
  readonly scope: Key;
}

export interface SubjectUse extends Use, ScopeSubject {}

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

/** A tenant and how much of a resource it uses. */
export interface TenantUse {
  readonly tenant: Key;
  readonly used: number;
}

/** The ledger: scope and resource → used. */
/** How much of one resource is used. */
export interface ResourceUse {
  readonly resource: Key;
  readonly used: number;
}

export interface BalanceTable {
  /** What is used at each place; undefined where nothing ever was. */
  usedAt(places: readonly Place[]): Promise<(number | undefined)[]>;
  /** All there are of these scopes, also those at 0. */
  used(scopes: readonly Key[]): Promise<ScopeUse[]>;
  insert(scope: Key, resource: Key, used: number): Promise<void>;
  /** Adds to balances that exist; a negative amount takes away. */
  add(scopes: readonly Key[], charges: readonly ResourceAmount[]): Promise<void>;
  set(scope: Key, resource: Key, used: number): Promise<void>;
  /** Tenants that use something, the fullest first. */
  fullest(filter: UseFilter, after: UseRank | undefined, limit: number): Promise<UseRank[]>;
  /** Children of a tenant (null: roots) that use most of a resource, in one pool or everywhere. */
  heaviest(
    parent: Key | null,
    pool: Key | null,
    resource: Key,
    limit: number,
  ): Promise<TenantUse[]>;
  /** Of the tenants whose scopes come after one key, up to another: those that use most of a resource. */
  heaviestWithin(after: Key, to: Key, resource: Key, limit: number): Promise<TenantUse[]>;
  /** What all directly below a tenant, with those below them, use in a pool. */
  ofChildren(parent: Key, pool: Key): Promise<ResourceUse[]>;
  /** All there are of these tenants, everywhere and in pools. */
  ofTenants(tenants: readonly Key[]): Promise<SubjectUse[]>;
  /** All there are of pools as a whole. */
  ofPools(): Promise<SubjectUse[]>;
}

/** Of which level of a use somebody was told last; none where it was below every threshold since. */
export interface QuotaNoticeTable {
  levelsAt(places: readonly Place[]): Promise<(NoticeLevel | undefined)[]>;
  put(place: Place, level: NoticeLevel): Promise<void>;
  remove(place: Place): Promise<void>;
}
