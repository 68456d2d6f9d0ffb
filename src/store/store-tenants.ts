import type { Limit } from '../domain/quota.ts';
import type { TenantStatus } from '../domain/tenant.ts';

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

/** Who stands under whom. */
export interface TenantLink {
  readonly key: Key;
  readonly parent: Key | null;
}

export interface TenantFilter {
  /** Children of this tenant; null: the roots. */
  readonly parent?: Key | null;
  readonly status?: TenantStatus;
  readonly namePrefix?: string;
  readonly labels?: Labels;
  /** Only this tenant and those below it. */
  readonly within?: Key;
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
  byIdPrefix(prefix: string, limit: number, within?: Key): Promise<TenantRow[]>;
  /** Names that stand next to this one in the alphabet, up to `limit` on each side. */
  namesAround(name: string, limit: number, within?: Key): Promise<string[]>;
  listByName(filter: TenantFilter, after: string | undefined, limit: number): Promise<TenantRow[]>;
  listByCreation(filter: TenantFilter, after: Key | undefined, limit: number): Promise<TenantRow[]>;
  /** Children in order of name; of null: the roots. */
  children(parent: Key | null, afterName: string, limit: number): Promise<TenantRow[]>;
  /** In order of key, after the key `after`; tombstones too. */
  links(after: Key, limit: number): Promise<TenantLink[]>;
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
