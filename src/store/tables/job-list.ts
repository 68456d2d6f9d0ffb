import type { JobState } from '../../domain/job.ts';
import type { JobFilter, JobRow, Key } from '../store.ts';
import { condition, valuesOf, where, type Condition, type Database } from './database.ts';
import { columns, toJob, type Row } from './job-row.ts';
import { subtreeCondition } from './tenants.ts';

/**
 * A page of jobs, the newest first. Each state is searched by an index of its own and gives at most
 * a page, so that the cost does not grow with the number of jobs in other states.
 */
export async function listJobs(
  database: Database,
  filter: JobFilter,
  before: Key | undefined,
  limit: number,
): Promise<JobRow[]> {
  const searches = filter.states.flatMap((state) => searchesFor(state, filter.now));
  const parts = searches.map((state) => [...state, ...conditionsOf(filter, before)]);
  const selects = parts.map(
    (conditions, index) =>
      `select * from (select ${columns} from job j ${where(conditions)}
       order by j.id desc limit ?) s${index}`,
  );
  const rows = await database.all<Row>(
    `select * from (${selects.join(' union all ')}) found order by id desc limit ?`,
    ...parts.flatMap((conditions) => [...valuesOf(conditions), limit]),
    limit,
  );
  return rows.map(toJob);
}

/** Whose time has run out counts as expired, whether or not a write has settled it. */
function searchesFor(state: JobState, now: number): Condition[][] {
  if (state === 'queued' || state === 'admitted') {
    return [[living(state), condition('(j.due_at is null or j.due_at > ?)', now)]];
  }
  if (state !== 'expired') return [[condition('j.state = ?', state)]];
  return [
    [condition('j.state = ?', state)],
    [living('queued'), condition('j.due_at <= ?', now)],
    [living('admitted'), condition('j.due_at <= ?', now)],
  ];
}

/** With the words of the partial index, without which SQLite would not see that it fits. */
function living(state: 'queued' | 'admitted'): Condition {
  return condition(`j.state in ('queued', 'admitted') and j.state = ?`, state);
}

function conditionsOf(filter: JobFilter, before: Key | undefined): Condition[] {
  const conditions = [];
  if (filter.tenant !== undefined) conditions.push(condition('j.tenant = ?', filter.tenant));
  conditions.push(...subtreeCondition('j.tenant', filter.within));
  if (filter.pool !== undefined) conditions.push(condition('j.pool = ?', filter.pool));
  if (filter.burst !== undefined) {
    const under = 'j.id in (select u.job from burst_job u where u.burst = ?)';
    conditions.push(condition(under, filter.burst));
  }
  if (filter.before !== undefined) {
    conditions.push(condition('j.requested_at < ?', filter.before));
  }
  if (before !== undefined) conditions.push(condition('j.id < ?', before));
  return conditions;
}
