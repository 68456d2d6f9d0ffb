import type Sqlite from 'better-sqlite3';

interface Waits {
  readonly job: number;
  readonly in_pool: number;
  readonly of_tenant: number;
  readonly amount: number;
  readonly asked: number | null;
  readonly is_shared: number;
  readonly scope: number;
  readonly tenant: number | null;
  readonly pool: number | null;
  readonly resource: number;
}

/** Something in every row that a limit can come from. */
interface Limits {
  readonly has_own: number;
  readonly own: number | null;
  readonly used: number;
  readonly name: string;
  readonly by_default: number | null;
}

interface PoolSeen {
  readonly status: string;
  readonly size: number;
  readonly max_jobs: number | null;
  readonly max_jobs_per_tenant: number | null;
  readonly per_worker: number | null;
}

interface Kept {
  readonly job: number;
  readonly amount: number;
}

/**
 * Finds in a file who waits where nothing would ever wake it: at a place that is not on its path, or
 * that does not lack room for it, though nobody has been told to look there again. Computed from the
 * rows alone, each time.
 */
export function strayFinder(connection: Sqlite.Database): () => string[] {
  const waiting = connection.prepare(WAITING);
  const isPending = connection.prepare('select 1 from wakeup where scope = ? and resource = ?');
  const why = whyNotWaiting(connection);
  return () =>
    (waiting.all() as Waits[])
      .filter((row) => isPending.get(row.scope, row.resource) === undefined)
      .flatMap((row) => {
        const reason = why(row);
        return reason === undefined ? [] : [`job ${row.job}: ${reason}`];
      });
}

function whyNotWaiting(connection: Sqlite.Database): (row: Waits) => string | undefined {
  const line = connection.prepare(LINE).pluck();
  const status = connection.prepare('select status from tenant where id = ?').pluck();
  const room = roomFinder(connection);
  return (row) => {
    const { tenant, pool, of_tenant: asker, in_pool: inPool, amount, asked } = row;
    const isOnPath =
      (pool === null || pool === inPool) &&
      (tenant === null ? pool !== null : line.all(asker).includes(tenant));
    if (!isOnPath) return 'its place is not on its path';
    // Until a rule lets it go on, or until its end is written down.
    if (amount < 0) return undefined;
    const isShut =
      tenant === null
        ? room.poolOf(inPool, row.resource)?.status === 'held'
        : status.get(tenant) === 'suspended';
    if (amount === 0) return isShut ? undefined : 'it waits for something to open that is open';
    if (amount !== asked) return `it waits for ${amount}, and asks for ${asked}`;
    const free = room.freeFor(row);
    return free < amount ? undefined : `it waits for ${amount}, and ${free} is free`;
  };
}

function roomFinder(connection: Sqlite.Database) {
  const settings = connection
    .prepare('select document from settings_revision order by revision desc limit 1')
    .pluck();
  const limits = connection.prepare(LIMITS);
  const pools = connection.prepare(POOL);
  const reserved = connection.prepare(
    'select job, amount from reservation where scope = ? and resource = ?',
  );
  const isHolder = connection.prepare('select 1 from reservation where job = ?');
  const poolOf = (pool: number, resource: number) =>
    pools.get(resource, pool) as PoolSeen | undefined;

  const limitOf = ({ tenant, pool, of_tenant: asker, resource, scope }: Waits): Limits => {
    const seen = limits.get(scope, resource) as Limits;
    const document = JSON.parse(settings.get() as string) as {
      resource_pools?: { enabled?: boolean };
    };
    if (pool !== null && document.resource_pools?.enabled === false) {
      return { ...seen, own: null };
    }
    if (seen.has_own === 1) return seen;
    if (pool === null) return { ...seen, own: seen.by_default };
    const definition = poolOf(pool, resource);
    if (definition === undefined) throw new Error(`there is no pool ${pool}`);
    const { max_jobs, max_jobs_per_tenant, per_worker, size } = definition;
    if (tenant !== null) {
      return {
        ...seen,
        own: seen.name === 'jobs' && tenant === asker ? max_jobs_per_tenant : null,
      };
    }
    const ofWorkers = per_worker === null ? null : per_worker * size;
    return { ...seen, own: seen.name === 'jobs' ? max_jobs : ofWorkers };
  };
  return {
    poolOf,
    freeFor(row: Waits): number {
      const { own, used } = limitOf(row);
      const holds = isHolder.get(row.job) !== undefined;
      const kept = (reserved.all(row.scope, row.resource) as Kept[])
        .filter(({ job }) => !holds || job < row.job)
        .reduce((sum, { amount }) => sum + amount, 0);
      return (own ?? Number.MAX_SAFE_INTEGER) - used - kept;
    },
  };
}

const WAITING = `
  select w.job, w.pool as in_pool, w.tenant as of_tenant, w.amount, w.is_shared, w.scope, w.resource,
    s.tenant, s.pool, a.amount as asked
  from waiting w join scope s on s.id = w.scope
  left join job_resource a on a.job = w.job and a.resource = w.resource`;

const LINE = `
  with recursive line (id, parent) as (
    select id, parent from tenant where id = ?
    union all
    select t.id, t.parent from tenant t join line l on t.id = l.parent
  )
  select id from line`;

const LIMITS = `
  select q.scope is not null as has_own, q.ceiling as own, coalesce(b.used, 0) as used, r.name,
    r.default_limit as by_default
  from scope s join resource r
  left join quota q on q.scope = s.id and q.resource = r.id
  left join balance b on b.scope = s.id and b.resource = r.id
  where s.id = ? and r.id = ?`;

const POOL = `
  select p.status, p.size, p.max_jobs, p.max_jobs_per_tenant, w.per_worker
  from pool p left join pool_resource w on w.pool = p.id and w.resource = ? where p.id = ?`;
