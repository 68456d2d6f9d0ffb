import type Sqlite from 'better-sqlite3';
import { afterEach, expect } from 'vitest';
import { useDoor, type Door, type ServiceBehindDoor } from './doors.ts';
import { onFile } from './store.ts';
import { strayFinder } from './waiting-places.ts';

interface Held {
  readonly tenant: number;
  readonly pool: number;
  readonly resource: number;
  readonly amount: number;
}

/** As useDoor; and after every test the balances are compared with the jobs. */
export function useLedger(door: Door): ServiceBehindDoor {
  const hodei = useDoor(door);
  // Runs before the service is closed, since later hooks run first.
  afterEach(() => requireBalanced(hodei.path));
  return hodei;
}

/**
 * Every balance in the file is what the admitted jobs add up to, counted anew from their own rows;
 * no job is half in one state and half in another; and nobody waits where nothing would wake it.
 */
export function requireBalanced(path: string): void {
  onFile(path, (connection) => {
    expect(balancesIn(connection)).toEqual(sumOfJobs(connection));
    expect(halfJobs(connection)).toEqual([]);
    expect(strayFinder(connection)()).toEqual([]);
  });
}

/** What is used anywhere: nothing, once everything has ended. */
export function usedAnywhere(path: string): Record<string, number> {
  return onFile(path, balancesIn);
}

/** By scope and resource, such as `12/- 3` for resource row 3 of tenant row 12. */
function balancesIn(connection: Sqlite.Database): Record<string, number> {
  const rows = connection.prepare(
    `select s.tenant, s.pool, b.resource, b.used from balance b join scope s on s.id = b.scope
     where b.used <> 0`,
  );
  const used = rows.all() as (Omit<Held, 'amount'> & { used: number })[];
  return Object.fromEntries(
    used.map((row) => [placeOf(row.tenant, row.pool, row.resource), row.used]),
  );
}

function sumOfJobs(connection: Sqlite.Database): Record<string, number> {
  const parents = new Map(
    connection.prepare('select id, parent from tenant').raw().all() as [number, number | null][],
  );
  const held = connection
    .prepare(
      `select j.tenant, j.pool, a.resource, a.amount from job j join job_resource a on a.job = j.id
       where j.state = 'admitted'`,
    )
    .all() as Held[];
  const sums: Record<string, number> = {};
  const add = (place: string, amount: number) => (sums[place] = (sums[place] ?? 0) + amount);
  for (const { tenant, pool, resource, amount } of held) {
    add(placeOf(null, pool, resource), amount);
    for (let of: number | null = tenant; of !== null; of = parents.get(of) ?? null) {
      add(placeOf(of, null, resource), amount);
      add(placeOf(of, pool, resource), amount);
    }
  }
  return sums;
}

function placeOf(tenant: number | null, pool: number | null, resource: number): string {
  return `${tenant ?? '-'}/${pool ?? '-'} ${resource}`;
}

/** What one state says and another column, or the queue, denies. */
function halfJobs(connection: Sqlite.Database): unknown[] {
  const jobs = connection.prepare(
    `select j.* from job j left join waiting w on w.job = j.id where case j.state
       when 'queued' then w.job is null or w.pool <> j.pool or w.tenant <> j.tenant
         or w.priority <> j.priority or j.due_at is null or j.admitted_at is not null
         or j.ended_at is not null or j.decision is null or j.claim_due = 1
       when 'admitted' then w.job is not null or j.admitted_at is null
         or j.ended_at is not null or (j.claim_due = 1 and j.due_at is null)
       else w.job is not null or j.due_at is not null or j.ended_at is null
         or j.claim_due = 1 end`,
  );
  const counts = connection.prepare(
    `select q.*, (select count(*) from waiting w where w.pool = q.pool) as counted from queue q
     where waiting <> counted`,
  );
  const kept = connection.prepare(
    `select r.* from reservation r left join waiting w on w.job = r.job
     where w.job is null or w.pool <> r.pool`,
  );
  return [...jobs.all(), ...counts.all(), ...kept.all()];
}
