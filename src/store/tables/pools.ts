import type { PoolSource, PoolStatus, PoolType } from '../../domain/pool.ts';
import type { Key, PoolRow, PoolTable, ResourceAmount } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  id: number;
  name: string;
  title: string;
  type: string;
  status: string;
  provider: string | null;
  min_size: number;
  max_size: number;
  size: number;
  max_jobs: number | null;
  max_jobs_per_tenant: number | null;
  source: string;
  version: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  held_until: number | null;
  held_reason: string | null;
}

const columns = `p.id, p.name, p.title, p.type, p.status, p.provider, p.min_size, p.max_size, p.size,
  p.max_jobs, p.max_jobs_per_tenant, p.source, p.version, p.created_at, p.updated_at, p.deleted_at,
  p.held_until, p.held_reason`;

export function poolTable(database: Database): PoolTable {
  const one = async (sql: string, value: string | number) => {
    const row = await database.get<Row>(sql, value);
    return row && toPool(row);
  };
  return {
    insert: (pool) => insert(database, pool),
    update: (pool) => update(database, pool),
    byKey: (key) => one(`select ${columns} from pool p where p.id = ?`, key),
    byName: (name) =>
      one(`select ${columns} from pool p where p.name = ? and p.deleted_at is null`, name),
    async list(afterName, limit) {
      const rows = await database.all<Row>(
        `select ${columns} from pool p where p.name > ? and p.deleted_at is null
         order by p.name limit ?`,
        afterName,
        limit,
      );
      return rows.map(toPool);
    },
    async heldUntil(time) {
      const rows = await database.all<Row>(
        `select ${columns} from pool p where p.held_until <= ? order by p.held_until, p.id`,
        time,
      );
      return rows.map(toPool);
    },
    resources: (pool) =>
      database.all<ResourceAmount>(
        `select resource, per_worker as amount from pool_resource where pool = ?`,
        pool,
      ),
    replaceResources: (pool, perWorker) => replaceResources(database, pool, perWorker),
  };
}

async function insert(database: Database, pool: Omit<PoolRow, 'key'>): Promise<Key> {
  const row = await database.get<{ id: number }>(
    `insert into pool (name, title, type, status, provider, min_size, max_size, size, max_jobs,
       max_jobs_per_tenant, source, version, created_at, updated_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning id`,
    pool.name,
    pool.title,
    pool.type,
    pool.status,
    pool.provider,
    pool.minSize,
    pool.maxSize,
    pool.size,
    pool.maxJobs,
    pool.maxJobsPerTenant,
    pool.source,
    pool.version,
    pool.createdAt,
    pool.updatedAt,
  );
  if (row === undefined) throw new Error('insert into pool returned no row');
  return row.id;
}

async function update(database: Database, pool: PoolRow): Promise<void> {
  await database.run(
    `update pool set title = ?, type = ?, status = ?, provider = ?, min_size = ?, max_size = ?,
       size = ?, max_jobs = ?, max_jobs_per_tenant = ?, source = ?, version = ?, updated_at = ?,
       deleted_at = ?, held_until = ?, held_reason = ?
     where id = ?`,
    pool.title,
    pool.type,
    pool.status,
    pool.provider,
    pool.minSize,
    pool.maxSize,
    pool.size,
    pool.maxJobs,
    pool.maxJobsPerTenant,
    pool.source,
    pool.version,
    pool.updatedAt,
    pool.deletedAt,
    pool.heldUntil,
    pool.heldReason,
    pool.key,
  );
}

async function replaceResources(
  database: Database,
  pool: Key,
  perWorker: readonly ResourceAmount[],
): Promise<void> {
  await database.run(`delete from pool_resource where pool = ?`, pool);
  for (const { resource, amount } of perWorker) {
    await database.run(
      `insert into pool_resource (pool, resource, per_worker) values (?, ?, ?)`,
      pool,
      resource,
      amount,
    );
  }
}

function toPool(row: Row): PoolRow {
  return {
    key: row.id,
    name: row.name,
    title: row.title,
    type: row.type as PoolType,
    status: row.status as PoolStatus,
    provider: row.provider,
    minSize: row.min_size,
    maxSize: row.max_size,
    size: row.size,
    maxJobs: row.max_jobs,
    maxJobsPerTenant: row.max_jobs_per_tenant,
    source: row.source as PoolSource,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
    heldUntil: row.held_until,
    heldReason: row.held_reason,
  };
}
