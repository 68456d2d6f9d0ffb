import type { JobRow, JobTable, Key, LiveSum, ResourceAmount } from '../store.ts';
import { condition, marks, valuesOf, where, type Database } from './database.ts';
import { listJobs } from './job-list.ts';
import { columns, toJob, type Row } from './job-row.ts';

export function jobTable(database: Database): JobTable {
  const one = async (sql: string, ...values: (string | number)[]) => {
    const row = await database.get<Row>(sql, ...values);
    return row && toJob(row);
  };
  const all = async (sql: string, ...values: (string | number)[]) =>
    (await database.all<Row>(sql, ...values)).map(toJob);
  const count = async (sql: string, ...values: (string | number)[]) =>
    (await database.get<{ jobs: number }>(sql, ...values))?.jobs ?? 0;
  return {
    insert: (job, amounts) => insert(database, job, amounts),
    update: (job) => update(database, job),
    byKey: (key) => one(`select ${columns} from job j where j.id = ?`, key),
    byId: (id) => one(`select ${columns} from job j where j.public_id = ?`, id),
    byJobId: (tenant, jobId) =>
      one(
        `select ${columns} from job j where j.tenant = ? and j.job_id = ?
         order by j.id desc limit 1`,
        tenant,
        jobId,
      ),
    amounts: (job) =>
      database.all<ResourceAmount>(
        `select resource, amount from job_resource where job = ? order by resource`,
        job,
      ),
    async replaceAmounts(job, amounts) {
      await database.run(`delete from job_resource where job = ?`, job);
      await insertAmounts(database, job, amounts);
    },
    list: (filter, before, limit) => listJobs(database, filter, before, limit),
    between: (after, until) =>
      all(`select ${columns} from job j where j.id > ? and j.id <= ? order by j.id`, after, until),
    due: (now, limit) =>
      all(
        `select ${columns} from job j where j.due_at <= ? order by j.due_at, j.id limit ?`,
        now,
        limit,
      ),
    livingOf: (tenant, limit) =>
      all(
        `select ${columns} from job j where j.tenant = ? and j.state in ('queued', 'admitted')
         order by j.id limit ?`,
        tenant,
        limit,
      ),
    countIn: (pool, state) =>
      count(`select count(*) as jobs from job where pool = ? and state = ?`, pool, state),
    youngestUnder: (burst, limit) =>
      all(
        `select ${columns} from burst_job u join job j on j.id = u.job
         where u.burst = ? and j.state = 'admitted'
         order by j.admitted_at desc, j.id desc limit ?`,
        burst,
        limit,
      ),
    heaviest: (...asked) => heaviest(database, ...asked),
    countAdmitted: (tenants) =>
      count(
        `select count(*) as jobs from job
         where tenant in (${marks(tenants.length)}) and state = 'admitted'`,
        ...tenants,
      ),
    heldInPools: () => heldInPools(database),
    liveSums: (tenants) => liveSums(database, tenants),
  };
}

async function insert(
  database: Database,
  job: Omit<JobRow, 'key'>,
  amounts: readonly ResourceAmount[],
): Promise<Key> {
  const row = await database.get<{ id: number }>(
    `insert into job (public_id, tenant, pool, job_id, state, priority, labels, ttl_seconds,
       queue_ttl_seconds, due_at, requested_at, admitted_at, ended_at, mark, claim_due,
       request_hash, burst, decision, version)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning id`,
    job.id,
    job.tenant,
    job.pool,
    job.jobId,
    job.state,
    job.priority,
    JSON.stringify(job.labels),
    job.ttlSeconds,
    job.queueTtlSeconds,
    job.dueAt,
    job.requestedAt,
    job.admittedAt,
    job.endedAt,
    job.mark,
    job.isClaimDue ? 1 : 0,
    job.requestHash,
    job.burst,
    job.decision,
    job.version,
  );
  if (row === undefined) throw new Error('insert into job returned no row');
  await insertAmounts(database, row.id, amounts);
  return row.id;
}

async function insertAmounts(
  database: Database,
  job: Key,
  amounts: readonly ResourceAmount[],
): Promise<void> {
  const rows = amounts.map(() => '(?, ?, ?)').join(', ');
  await database.run(
    `insert into job_resource (job, resource, amount) values ${rows}`,
    ...amounts.flatMap(({ resource, amount }) => [job, resource, amount]),
  );
}

async function update(database: Database, job: JobRow): Promise<void> {
  await database.run(
    `update job set state = ?, ttl_seconds = ?, due_at = ?, admitted_at = ?, ended_at = ?,
       mark = ?, claim_due = ?, burst = ?, version = ?
     where id = ?`,
    job.state,
    job.ttlSeconds,
    job.dueAt,
    job.admittedAt,
    job.endedAt,
    job.mark,
    job.isClaimDue ? 1 : 0,
    job.burst,
    job.version,
    job.key,
  );
}

async function heaviest(
  database: Database,
  tenant: Key,
  pool: Key | null,
  resource: Key,
  now: number,
  limit: number,
): Promise<JobRow[]> {
  const conditions = [
    condition(`j.tenant = ? and j.state = 'admitted' and a.resource = ?`, tenant, resource),
    condition('(j.due_at is null or j.due_at > ?)', now),
    ...(pool === null ? [] : [condition('j.pool = ?', pool)]),
  ];
  const rows = await database.all<Row>(
    `select ${columns} from job j join job_resource a on a.job = j.id
     ${where(conditions)} order by a.amount desc, j.id limit ?`,
    ...valuesOf(conditions),
    limit,
  );
  return rows.map(toJob);
}

async function liveSums(database: Database, tenants: readonly Key[]): Promise<LiveSum[]> {
  // PostgreSQL would add up what is a bigint as numeric.
  return database.all<LiveSum>(
    `select j.tenant, j.pool, a.resource, cast(sum(a.amount) as bigint) as amount
     from job j join job_resource a on a.job = j.id
     where j.tenant in (${marks(tenants.length)}) and j.state = 'admitted'
     group by j.tenant, j.pool, a.resource`,
    ...tenants,
  );
}

async function heldInPools(database: Database): Promise<Omit<LiveSum, 'tenant'>[]> {
  return database.all<Omit<LiveSum, 'tenant'>>(
    `select j.pool, a.resource, cast(sum(a.amount) as bigint) as amount
     from job j join job_resource a on a.job = j.id
     where j.state = 'admitted' group by j.pool, a.resource`,
  );
}
