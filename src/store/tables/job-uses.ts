import type { JobSegmentRow, JobsOfUse, JobUseRow, JobUseTable, Key } from '../store.ts';
import { condition, marks, type Condition, type Database } from './database.ts';

/** The events with which a job ends that may have held something. */
const ENDINGS = ['job.release', 'job.expire', 'job.evict'];

export function jobUseTable(database: Database): JobUseTable {
  return {
    list: (jobs) => list(database, jobs),
    segments: (jobs) => segments(database, jobs),
    async endSegment(job, endsAt, isBurst, amounts) {
      const there = await database.get(
        `select 1 as one from job_segment where job = ? and ends_at = ? limit 1`,
        ...[job, endsAt],
      );
      if (there !== undefined) return;
      const rows = amounts.map(() => '(?, ?, ?, ?, ?)').join(', ');
      await database.run(
        `insert into job_segment (job, ends_at, resource, amount, is_burst) values ${rows}`,
        ...amounts.flatMap(({ resource, amount }) => {
          return [job, endsAt, resource, amount, isBurst ? 1 : 0];
        }),
      );
    },
    async last() {
      const row = await database.get<{ id: number }>(`select id from job order by id desc limit 1`);
      return row?.id ?? 0;
    },
    async endedBefore(before, after, limit) {
      const rows = await database.all<{ id: number; ended: number }>(
        `select id, case when ended_at < ? then 1 else 0 end as ended
         from job where id > ? order by id limit ?`,
        ...[before, after, limit],
      );
      const jobs = rows.filter(({ ended }) => ended === 1).map(({ id }) => id);
      return { jobs, last: rows.at(-1)?.id };
    },
    remove: (jobs) => remove(database, jobs),
  };
}

/** From which rows the jobs `j` come. */
function source(jobs: JobsOfUse): { readonly from: string; readonly which: Condition } {
  if (jobs.of === 'living') {
    const { tenants } = jobs;
    const ofTenants = tenants === undefined ? '' : ` and j.tenant in (${marks(tenants.length)})`;
    return {
      from: 'job j',
      which: condition(`j.state = 'admitted'${ofTenants}`, ...(tenants ?? [])),
    };
  }
  if (jobs.of === 'events') {
    return {
      from: 'event e join job j on j.public_id = e.object',
      which: condition(
        `e.sequence > ? and e.sequence <= ? and e.operation in (${marks(ENDINGS.length)})`,
        ...[jobs.after, jobs.until, ...ENDINGS],
      ),
    };
  }
  const { after, until, from, to, tenant } = jobs;
  const ran = `j.id > ? and j.id <= ? and j.admitted_at < ? and
      (j.ended_at is null or j.ended_at > ?)`;
  const which = [after, until, to, from];
  return {
    from: 'job j',
    which:
      tenant === undefined
        ? condition(ran, ...which)
        : condition(`${ran} and j.tenant = ?`, ...which, tenant),
  };
}

interface UseRow {
  job: number;
  tenant: number;
  pool: number;
  admitted_at: number;
  ended_at: number | null;
  due_at: number | null;
  ttl_seconds: number | null;
  claim_due: number;
  is_burst: number;
  resource: number;
  amount: number;
}

async function list(database: Database, jobs: JobsOfUse): Promise<JobUseRow[]> {
  const { from, which } = source(jobs);
  const rows = await database.all<UseRow>(
    `select j.id as job, j.tenant, j.pool, j.admitted_at, j.ended_at, j.due_at,
       j.ttl_seconds, j.claim_due, case when j.burst is null then 0 else 1 end as is_burst, a.resource, a.amount
     from ${from} join job_resource a on a.job = j.id
     where ${which.sql} and j.admitted_at is not null order by j.id, a.resource`,
    ...which.values,
  );
  return rows.map((row) => ({
    job: row.job,
    tenant: row.tenant,
    pool: row.pool,
    admittedAt: row.admitted_at,
    endedAt: row.ended_at,
    dueAt: row.due_at,
    ttlSeconds: row.ttl_seconds,
    isClaimDue: row.claim_due === 1,
    isBurst: row.is_burst === 1,
    resource: row.resource,
    amount: row.amount,
  }));
}

async function segments(database: Database, jobs: JobsOfUse): Promise<JobSegmentRow[]> {
  // Few jobs are resized: where none is kept, nobody has to be looked for.
  const any = await database.get(`select 1 as one from job_segment limit 1`);
  if (any === undefined) return [];
  const { from, which } = source(jobs);
  const rows = await database.all<
    Omit<JobSegmentRow, 'endsAt' | 'isBurst'> & { ends_at: number; is_burst: number }
  >(
    `select s.job, s.ends_at, s.resource, s.amount, s.is_burst
     from ${from} join job_segment s on s.job = j.id
     where ${which.sql} order by s.job, s.ends_at, s.resource`,
    ...which.values,
  );
  return rows.map(({ ends_at, is_burst, ...rest }) => {
    return { ...rest, endsAt: ends_at, isBurst: is_burst === 1 };
  });
}

async function remove(database: Database, jobs: readonly Key[]): Promise<void> {
  if (jobs.length === 0) return;
  const these = marks(jobs.length);
  await database.run(`delete from job_segment where job in (${these})`, ...jobs);
  await database.run(`delete from job_resource where job in (${these})`, ...jobs);
  await database.run(`delete from burst_job where job in (${these})`, ...jobs);
  await database.run(`delete from request_key where job in (${these})`, ...jobs);
  await database.run(`delete from job where id in (${these})`, ...jobs);
}
