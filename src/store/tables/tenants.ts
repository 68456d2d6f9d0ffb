import type { TenantStatus } from '../../domain/tenant.ts';
import type { Key, Labels, TenantFilter, TenantLink, TenantRow, TenantTable } from '../store.ts';
import { condition, valuesOf, where, type Condition, type Database } from './database.ts';

interface Row {
  id: number;
  public_id: string;
  name: string;
  email: string;
  parent: number | null;
  weight: number;
  status: string;
  version: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

const columns = `t.id, t.public_id, t.name, t.email, t.parent, t.weight, t.status, t.version,
  t.created_at, t.updated_at, t.deleted_at`;

export function tenantTable(database: Database): TenantTable {
  const one = async (sql: string, value: string | number) => {
    const row = await database.get<Row>(sql, value);
    return row && toTenant(row);
  };
  return {
    insert: (tenant) => insert(database, tenant),
    update: (tenant) => update(database, tenant),
    byKey: (key) => one(`select ${columns} from tenant t where t.id = ?`, key),
    byId: (id) => one(`select ${columns} from tenant t where t.public_id = ?`, id),
    byName: (name) =>
      one(`select ${columns} from tenant t where t.name = ? and t.deleted_at is null`, name),
    byIdPrefix: (prefix, limit, within) => byIdPrefix(database, prefix, limit, within),
    namesAround: (name, limit, within) => namesAround(database, name, limit, within),
    listByName: (filter, after, limit) => listByName(database, filter, after, limit),
    listByCreation: (filter, after, limit) => listByCreation(database, filter, after, limit),
    children: (parent, afterName, limit) => children(database, parent, afterName, limit),
    links: (after, limit) =>
      database.all<TenantLink>(
        `select id as key, parent from tenant where id > ? order by id limit ?`,
        after,
        limit,
      ),
    labels: (key) => labels(database, key),
    replaceLabels: (key, next) => replaceLabels(database, key, next),
  };
}

async function insert(database: Database, tenant: Omit<TenantRow, 'key'>): Promise<Key> {
  const row = await database.get<{ id: number }>(
    `insert into tenant
       (public_id, name, email, parent, weight, status, version, created_at, updated_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning id`,
    tenant.id,
    tenant.name,
    tenant.email,
    tenant.parent,
    tenant.weight,
    tenant.status,
    tenant.version,
    tenant.createdAt,
    tenant.updatedAt,
  );
  if (row === undefined) throw new Error('insert into tenant returned no row');
  return row.id;
}

async function update(database: Database, tenant: TenantRow): Promise<void> {
  await database.run(
    `update tenant
     set name = ?, email = ?, parent = ?, weight = ?, status = ?, version = ?, updated_at = ?,
       deleted_at = ?
     where id = ?`,
    tenant.name,
    tenant.email,
    tenant.parent,
    tenant.weight,
    tenant.status,
    tenant.version,
    tenant.updatedAt,
    tenant.deletedAt,
    tenant.key,
  );
}

async function byIdPrefix(
  database: Database,
  prefix: string,
  limit: number,
  within: Key | undefined,
): Promise<TenantRow[]> {
  const conditions = [
    condition('t.public_id >= ? and t.public_id < ?', prefix, endOfPrefix(prefix)),
    condition('t.deleted_at is null'),
    ...subtreeCondition('t.id', within),
  ];
  const rows = await database.all<Row>(
    `select ${columns} from tenant t ${where(conditions)} order by t.public_id limit ?`,
    ...valuesOf(conditions),
    limit,
  );
  return rows.map(toTenant);
}

async function namesAround(
  database: Database,
  name: string,
  limit: number,
  within: Key | undefined,
): Promise<string[]> {
  const living = [condition('t.deleted_at is null'), ...subtreeCondition('t.id', within)];
  const names = (side: Condition, order: string) =>
    database.all<{ name: string }>(
      `select t.name from tenant t ${where([side, ...living])} order by t.name ${order} limit ?`,
      ...valuesOf([side, ...living]),
      limit,
    );
  const before = await names(condition('t.name < ?', name), 'desc');
  const after = await names(condition('t.name >= ?', name), 'asc');
  return [...before, ...after].map((row) => row.name);
}

async function listByName(
  database: Database,
  filter: TenantFilter,
  after: string | undefined,
  limit: number,
): Promise<TenantRow[]> {
  const conditions = tenantConditions(filter);
  if (after !== undefined) conditions.push(condition('t.name > ?', after));
  const rows = await database.all<Row>(
    `select ${columns} from tenant t ${where(conditions)} order by t.name limit ?`,
    ...valuesOf(conditions),
    limit,
  );
  return rows.map(toTenant);
}

async function listByCreation(
  database: Database,
  filter: TenantFilter,
  after: Key | undefined,
  limit: number,
): Promise<TenantRow[]> {
  const conditions = tenantConditions(filter);
  const [label, ...more] = Object.entries(filter.labels ?? {});
  if (label === undefined) {
    if (after !== undefined) conditions.push(condition('t.id > ?', after));
    const rows = await database.all<Row>(
      `select ${columns} from tenant t ${where(conditions)} order by t.id limit ?`,
      ...valuesOf(conditions),
      limit,
    );
    return rows.map(toTenant);
  }
  // Led by the label's own index, so that a rare label is found without reading every tenant.
  const led = [
    condition('l.label_key = ? and l.label_value = ?', ...label),
    ...tenantConditions({ ...filter, labels: Object.fromEntries(more) }),
  ];
  if (after !== undefined) led.push(condition('l.tenant > ?', after));
  const rows = await database.all<Row>(
    `select ${columns} from tenant_label l join tenant t on t.id = l.tenant
     ${where(led)} order by l.tenant limit ?`,
    ...valuesOf(led),
    limit,
  );
  return rows.map(toTenant);
}

async function children(
  database: Database,
  parent: Key | null,
  afterName: string,
  limit: number,
): Promise<TenantRow[]> {
  const of = childOf(parent);
  const rows = await database.all<Row>(
    `select ${columns} from tenant t
     where ${of.sql} and t.name > ? and t.deleted_at is null order by t.name limit ?`,
    ...of.values,
    afterName,
    limit,
  );
  return rows.map(toTenant);
}

async function labels(database: Database, key: Key): Promise<Labels> {
  const rows = await database.all<{ label_key: string; label_value: string }>(
    `select label_key, label_value from tenant_label where tenant = ? order by label_key`,
    key,
  );
  return Object.fromEntries(rows.map((row) => [row.label_key, row.label_value]));
}

async function replaceLabels(database: Database, key: Key, next: Labels): Promise<void> {
  await database.run(`delete from tenant_label where tenant = ?`, key);
  for (const [labelKey, labelValue] of Object.entries(next)) {
    await database.run(
      `insert into tenant_label (tenant, label_key, label_value) values (?, ?, ?)`,
      key,
      labelKey,
      labelValue,
    );
  }
}

/** The filter as conditions on `tenant t`, the undeleted ones only. */
export function tenantConditions(filter: TenantFilter): Condition[] {
  const conditions = [
    condition('t.deleted_at is null'),
    ...subtreeCondition('t.id', filter.within),
  ];
  if (filter.parent !== undefined) conditions.push(childOf(filter.parent));
  if (filter.status !== undefined) conditions.push(condition('t.status = ?', filter.status));
  if (filter.namePrefix !== undefined) {
    const { namePrefix } = filter;
    conditions.push(condition('t.name >= ? and t.name < ?', namePrefix, endOfPrefix(namePrefix)));
  }
  for (const [key, value] of Object.entries(filter.labels ?? {})) {
    conditions.push(
      condition(
        `exists (select 1 from tenant_label x
           where x.tenant = t.id and x.label_key = ? and x.label_value = ?)`,
        key,
        value,
      ),
    );
  }
  return conditions;
}

/** That a column names a tenant or one below it; no condition where there is no such tenant. */
export function subtreeCondition(column: string, root: Key | undefined): Condition[] {
  return root === undefined ? [] : [condition(`${column} in (${subtree})`, root)];
}

const subtree = `
  with recursive below(id) as (
    select r.id from tenant r where r.id = ?
    union all
    select c.id from tenant c join below b on c.parent = b.id
  ) select id from below`;

function childOf(parent: Key | null): Condition {
  return parent === null ? condition('t.parent is null') : condition('t.parent = ?', parent);
}

/** Names and ids are ASCII below this character, so it ends the range of a prefix. */
function endOfPrefix(prefix: string): string {
  return `${prefix}~`;
}

function toTenant(row: Row): TenantRow {
  return {
    key: row.id,
    id: row.public_id,
    name: row.name,
    email: row.email,
    parent: row.parent,
    weight: row.weight,
    status: row.status as TenantStatus,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  };
}
