import {
  UNTIL_ALLOWED,
  type Head,
  type InLine,
  type Key,
  type Place,
  type WaitingRow,
  type WaitingTable,
} from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  job: number;
  pool: number;
  tenant: number;
  priority: number;
  scope: number;
  resource: number;
  amount: number;
  is_shared: number;
  look_at: number | null;
}

const columns = 'job, pool, tenant, priority, scope, resource, amount, is_shared, look_at';

export function waitingTable(database: Database): WaitingTable {
  return {
    insert: (row) => insert(database, row),
    update: (row) => update(database, row),
    async remove({ job, pool }) {
      await database.run(`delete from waiting where job = ?`, job);
      await database.run(`update queue set waiting = waiting - 1 where pool = ?`, pool);
    },
    async byJob(job) {
      const row = await database.get<Row>(`select ${columns} from waiting where job = ?`, job);
      return row && toWaiting(row);
    },
    isAny: async () =>
      (await database.get(`select 1 as found from queue where waiting > 0 limit 1`)) !== undefined,
    isAnyAt: async ({ scope, resource }) =>
      (await database.get(
        `select 1 as found from waiting where scope = ? and resource = ? limit 1`,
        scope,
        resource,
      )) !== undefined,
    headsAt: (...asked) => headsAt(database, ...asked),
    nextAt: (place, head) => nextAt(database, place, head),
    at: (place, after, limit) => at(database, place, after, limit),
    firstOfEach: (pool) => firstOfEach(database, pool),
    behind: (pool, after, limit) => behind(database, pool, after, limit),
    byAge: (pool, after, limit) =>
      database.all<InLine>(
        `select job, tenant, priority from waiting where pool = ? and job > ? order by job limit ?`,
        pool,
        after,
        limit,
      ),
    oldestShared: () => oldestShared(database),
    async nextShared(pool, after) {
      const row = await database.get<{ job: number }>(
        `select job from waiting where pool = ? and is_shared = 1 and job > ? order by job limit 1`,
        pool,
        after,
      );
      return row?.job;
    },
    async toLookAt(now, limit) {
      const rows = await database.all<Row>(
        `select ${columns} from waiting where look_at <= ? order by look_at, job limit ?`,
        now,
        limit,
      );
      return rows.map(toWaiting);
    },
    hasten: (now) => database.run(`update waiting set look_at = ? where look_at > ?`, now, now),
    hastenAt: ({ scope, resource }, now) =>
      database.run(
        `update waiting set look_at = ?
         where scope = ? and resource = ? and amount = ? and look_at > ?`,
        ...[now, scope, resource, UNTIL_ALLOWED, now],
      ),
    places: () => database.all<Place>(`select distinct scope, resource from waiting`),
    countOf: (...asked) => countOf(database, ...asked),
    async countIn(pool) {
      const row = await database.get<{ waiting: number }>(
        `select waiting from queue where pool = ?`,
        pool,
      );
      return row?.waiting ?? 0;
    },
  };
}

async function insert(database: Database, row: WaitingRow): Promise<void> {
  await database.run(
    `insert into waiting (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.job,
    row.pool,
    row.tenant,
    row.priority,
    row.scope,
    row.resource,
    row.amount,
    row.isShared ? 1 : 0,
    row.lookAt,
  );
  await database.run(
    `insert into queue (pool, waiting) values (?, 1)
     on conflict (pool) do update set waiting = queue.waiting + 1`,
    row.pool,
  );
}

function update(database: Database, row: WaitingRow): Promise<void> {
  return database.run(
    `update waiting set scope = ?, resource = ?, amount = ?, is_shared = ?, look_at = ?
     where job = ?`,
    row.scope,
    row.resource,
    row.amount,
    row.isShared ? 1 : 0,
    row.lookAt,
    row.job,
  );
}

/** The first of those who wait there, and for whom the condition is true, in the order of the index. */
function nextHead(condition: string): string {
  return `(
    select n.job from waiting n where n.scope = w.scope and n.resource = w.resource and ${condition}
    order by n.amount, n.pool, n.tenant, n.priority, n.job limit 1
  )`;
}

/**
 * From one head to the next along the index, so that the many behind each are not read: first within
 * the tenant, then in the pool, then of the amount. One comparison of rows would say the same, but
 * SQLite searches with it by its first column alone.
 */
const following = `coalesce(
  ${nextHead('n.amount = w.amount and n.pool = w.pool and n.tenant = w.tenant and n.priority > w.priority')},
  ${nextHead('n.amount = w.amount and n.pool = w.pool and n.tenant > w.tenant')},
  ${nextHead('n.amount = w.amount and n.pool > w.pool')},
  ${nextHead('n.amount > w.amount and n.amount <= ?')}
)`;

function headsAt(
  database: Database,
  { scope, resource }: Place,
  least: number,
  most: number,
  limit: number,
): Promise<Head[]> {
  return database.all<Head>(
    `with recursive head (job) as (
       select * from (
         select job from waiting where scope = ? and resource = ? and amount >= ? and amount <= ?
         order by amount, pool, tenant, priority, job limit 1
       ) first
       union all
       select ${following} from head h join waiting w on w.job = h.job
     )
     select w.job, w.pool, w.tenant, w.priority, w.amount
     from (select job from head limit ?) h join waiting w on w.job = h.job`,
    scope,
    resource,
    least,
    most,
    most,
    limit,
  );
}

function nextAt(database: Database, { scope, resource }: Place, head: Head) {
  return database.get<Head>(
    `select job, pool, tenant, priority, amount from waiting
     where scope = ? and resource = ? and amount = ? and pool = ? and tenant = ? and priority = ?
     order by job limit 1`,
    scope,
    resource,
    head.amount,
    head.pool,
    head.tenant,
    head.priority,
  );
}

/** Before the first of all. */
const beforeAll: Head = { amount: -2, pool: 0, tenant: 0, priority: 0, job: 0 };

async function at(
  database: Database,
  { scope, resource }: Place,
  after: Head = beforeAll,
  limit: number,
): Promise<WaitingRow[]> {
  const rows = await database.all<Row>(
    `select ${columns} from waiting
     where scope = ? and resource = ?
       and (amount, pool, tenant, priority, job) > (?, ?, ?, ?, ?)
     order by amount, pool, tenant, priority, job limit ?`,
    scope,
    resource,
    ...[after.amount, after.pool, after.tenant, after.priority, after.job],
    limit,
  );
  return rows.map(toWaiting);
}

async function oldestShared(database: Database): Promise<Key[]> {
  const rows = await database.all<{ job: number }>(
    `select job from (
       select (
         select job from waiting w where w.pool = q.pool and w.is_shared = 1
         order by job limit 1
       ) as job
       from queue q where q.waiting > 0
     ) oldest
     where job > 0 order by job`,
  );
  return rows.map(({ job }) => job);
}

/** As `headsAt` goes: from one tenant to the next. */
function firstOfEach(database: Database, pool: Key): Promise<InLine[]> {
  return database.all<InLine>(
    `with recursive head (job) as (
       select * from (
         select job from waiting where pool = ? order by tenant, priority desc, job limit 1
       ) first
       union all
       select (
         select n.job from waiting n where n.pool = w.pool and n.tenant > w.tenant
         order by n.tenant, n.priority desc, n.job limit 1
       )
       from head h join waiting w on w.job = h.job
     )
     select w.job, w.tenant, w.priority from head h join waiting w on w.job = h.job`,
    pool,
  );
}

async function behind(
  database: Database,
  pool: Key,
  { tenant, priority, job }: InLine,
  limit: number,
): Promise<InLine[]> {
  const alike = await database.all<InLine>(
    `select job, tenant, priority from waiting
     where pool = ? and tenant = ? and priority = ? and job > ? order by job limit ?`,
    ...[pool, tenant, priority, job, limit],
  );
  if (alike.length === limit) return alike;
  const below = await database.all<InLine>(
    `select job, tenant, priority from waiting
     where pool = ? and tenant = ? and priority < ? order by priority desc, job limit ?`,
    ...[pool, tenant, priority, limit - alike.length],
  );
  return [...alike, ...below];
}

async function countOf(database: Database, pool: Key, tenant: Key, most: number): Promise<number> {
  const row = await database.get<{ counted: number }>(
    `select count(*) as counted from (
       select 1 from waiting where pool = ? and tenant = ? limit ?
     ) behind`,
    ...[pool, tenant, most],
  );
  return row?.counted ?? 0;
}

function toWaiting(row: Row): WaitingRow {
  const { job, pool, tenant, priority, scope, resource, amount } = row;
  const isShared = row.is_shared === 1;
  return { job, pool, tenant, priority, scope, resource, amount, isShared, lookAt: row.look_at };
}
