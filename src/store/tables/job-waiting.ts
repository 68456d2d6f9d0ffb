import type { JobTable, Key, Place } from '../store.ts';
import type { Database } from './database.ts';
import { columns, toJob, type Row } from './job-row.ts';

type Waiting = Pick<JobTable, 'blockedAt' | 'placesAwaited' | 'isAnyQueued' | 'countBefore'>;

/** What is asked of the jobs that wait: each search by an index that has no others. */
export function waitingJobs(database: Database): Waiting {
  return {
    async blockedAt(scope, resource, after, limit) {
      const rows = await database.all<Row>(
        `select ${columns} from job j where j.blocked_scope = ? and j.blocked_resource = ?
         and j.state = 'queued' and j.id > ? order by j.id limit ?`,
        scope,
        resource,
        after,
        limit,
      );
      return rows.map(toJob);
    },

    placesAwaited: () =>
      database.all<Place>(
        `select distinct blocked_scope as scope, blocked_resource as resource from job
         where state = 'queued' and blocked_scope > 0`,
      ),

    isAnyQueued: async () =>
      (await database.get(
        `select 1 as found from job where state = 'queued' and blocked_scope > 0 limit 1`,
      )) !== undefined,

    countBefore: (pool, job, now, most) => countBefore(database, pool, job, now, most),
  };
}

/** The few that are overdue are taken off, so that the many are counted in an index alone. */
async function countBefore(
  database: Database,
  pool: Key,
  job: Key,
  now: number,
  most: number,
): Promise<number> {
  const row = await database.get<{ jobs: number }>(
    `select (select count(*) from (
         select id from job where pool = ? and state = 'queued' and id < ? order by id limit ?
       ) counted)
       - (select count(*) from job
          where due_at <= ? and pool = ? and state = 'queued' and id < ?) as jobs`,
    ...[pool, job, most, now, pool, job],
  );
  return row?.jobs ?? 0;
}
