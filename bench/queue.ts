import Sqlite from 'better-sqlite3';
import { defaultSettings } from '../src/domain/settings.ts';
import { newId } from '../src/main/caller.ts';
import { callLocal, type Service } from '../src/service/call.ts';
import { admitJob, releaseJob } from '../src/service/jobs.ts';
import { listQueue } from '../src/service/queue.ts';
import { beginSettings } from '../src/service/settings.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import { caller, idOf, nameOf } from './fill.ts';
import { median, ms, percentile, timeEach, type Figure } from './measure.ts';

/** How many wait, for how many tenants in a tree of four levels. */
const WAITING = 100_000;
const LEAVES = 1_000;
const TIMES = 300;
const WARM_UP = 50;
const READS = 20;

/** Keys of the pools: one in which all of it wait, and one in which nobody does. */
const POOLS = { full: 1, quiet: 2 } as const;

/** The root, ten below it, a hundred below these, and a thousand below these. */
const TENANTS = 1 + 10 + 100 + LEAVES;
const FIRST_LEAF = TENANTS - LEAVES + 1;

/** Keys begin at 1, and so does each level behind the one above it. */
function parentOf(n: number): number | null {
  return n === 1 ? null : 1 + Math.floor((n - 2) / 10);
}

/** A release that lets one of very many start, beside one that lets nobody. */
export async function measureQueue(path: string): Promise<Figure[]> {
  const environment = { now: () => Date.now(), newId };
  const store = openSqliteStore({ path, create: true, now: environment.now });
  await beginSettings(store, environment, caller, settings);
  write(path, (file) => {
    insertPools(file);
    insertTenants(file);
    insertRunning(file);
  });
  const service = callLocal(store, environment);
  const alone = await timeEach(TIMES, (i) => ask(service, i));
  write(path, insertWaiting);
  const quiet = await timeReleases(service, 'quiet');
  const full = await timeReleases(service, 'default');
  const beside = await timeEach(TIMES, (i) => ask(service, i));
  const page = { pool: 'default', limit: 100 };
  const pages = await timeEach(READS, () => service(listQueue, page, caller));
  const figures = [
    ...releases(quiet.slice(WARM_UP), full.slice(WARM_UP)),
    admissions(alone.slice(WARM_UP), beside.slice(WARM_UP)),
    {
      what: 'queue list, first page of 100',
      measured: `${ms(median(pages))} (the first: ${ms(pages[0] ?? 0)})`,
      ...{ against: '', ratio: undefined, target: '≤ 50 ms' },
    },
  ];
  await store.close();
  return figures;
}

const settings = {
  ...defaultSettings,
  // Nobody has waited too long in a file that has just been written.
  jobs: { ...defaultSettings.jobs, queueTtlSeconds: 2_000_000 },
};

/** Each of a job of its own; what is admitted in its place is released in its turn. */
async function timeReleases(service: Service, pool: string): Promise<number[]> {
  const offset = pool === 'quiet' ? LEAVES : 0;
  return timeEach(TIMES, (i) => service(releaseJob, { job: jobIdOf(offset + i) }, caller));
}

async function ask(service: Service, i: number): Promise<void> {
  const request = { tenant: nameOf(FIRST_LEAF + i), cpu_m: 100, pool: 'quiet' };
  const { state } = await service(admitJob, request, caller);
  if (state !== 'admitted') throw new Error(`a job was ${state}`);
}

function releases(quiet: number[], full: number[]): Figure[] {
  const above = percentile(full, 99) - percentile(quiet, 99);
  return [
    {
      what: 'a release that promotes, 100,000 waiting in 1,000 tenants: p99',
      measured: `${ms(percentile(full, 99))} (half: ${ms(median(full))})`,
      against: `one that does not: ${ms(percentile(quiet, 99))} (half: ${ms(median(quiet))})`,
      ratio: percentile(full, 99) / percentile(quiet, 99),
      target: `≤ 10 ms above, here ${ms(above)}`,
    },
  ];
}

function admissions(alone: number[], beside: number[]): Figure {
  return {
    what: 'an admission while 100,000 wait',
    measured: ms(median(beside)),
    against: `while nobody waits: ${ms(median(alone))}`,
    ratio: median(alone) / median(beside),
    target: '',
  };
}

function jobIdOf(n: number): string {
  return `job-0${idOf(n).slice(-12)}`;
}

function write(path: string, insert: (file: Sqlite.Database) => void): void {
  const file = new Sqlite(path);
  file.pragma('synchronous = OFF');
  file.transaction(insert)(file);
  file.close();
}

/** So much does every job ask for: of cpu, and as one job. */
const asked = [
  [1, 100],
  [4, 1],
] as const;

function insertPools(connection: Sqlite.Database): void {
  connection
    .prepare(
      `insert into pool (id, name, title, type, status, min_size, max_size, size, source, version,
         created_at, updated_at)
       values (2, 'quiet', 'quiet', 'static', 'active', 1, 1, 1, 'operator', 1, 0, 0)`,
    )
    .run();
  const room = connection.prepare(`insert into pool_resource values (?, 1, ?)`);
  room.run(POOLS.full, LEAVES * 100);
  room.run(POOLS.quiet, 1_000_000_000);
}

/** Scopes: n everywhere, TENANTS + n and 2 × TENANTS + n in the pools, then the pools. */
function insertTenants(connection: Sqlite.Database): void {
  const tenant = connection.prepare(
    `insert into tenant (id, public_id, name, email, parent, weight, status, version, created_at, updated_at)
     values (?, ?, ?, 'ops@acme.example', ?, ?, 'active', 1, 0, 0)`,
  );
  const scope = connection.prepare(
    `insert into scope (id, tenant, pool, version, updated_at) values (?, ?, ?, 1, 0)`,
  );
  const quota = connection.prepare(
    `insert into quota (scope, resource, ceiling) values (?, ?, null)`,
  );
  for (let n = 1; n <= TENANTS; n++) {
    tenant.run(n, idOf(n), nameOf(n), parentOf(n), 1 + (n % 7));
    scope.run(n, n, null);
    scope.run(TENANTS + n, n, POOLS.full);
    scope.run(2 * TENANTS + n, n, POOLS.quiet);
    for (const resource of [1, 2, 3, 4]) quota.run(n, resource);
  }
  scope.run(3 * TENANTS + POOLS.full, null, POOLS.full);
  scope.run(3 * TENANTS + POOLS.quiet, null, POOLS.quiet);
}

/** One of every tenant in either pool, with all that it charges. */
function insertRunning(connection: Sqlite.Database): void {
  const insert = jobInserter(connection);
  const used = new Map<number, number>();
  for (const [p, pool] of [POOLS.full, POOLS.quiet].entries()) {
    for (let i = 0; i < LEAVES; i++) {
      insert(p * LEAVES + i, FIRST_LEAF + i, pool, 'admitted');
      const scopes = [3 * TENANTS + pool];
      for (let n: number | null = FIRST_LEAF + i; n !== null; n = parentOf(n)) {
        scopes.push(n, (p + 1) * TENANTS + n);
      }
      for (const scope of scopes) used.set(scope, (used.get(scope) ?? 0) + 1);
    }
  }
  const balance = connection.prepare(`insert into balance values (?, ?, ?)`);
  for (const [scope, jobs] of [...used].sort(([a], [b]) => a - b)) {
    for (const [resource, amount] of asked) balance.run(scope, resource, amount * jobs);
  }
}

function insertWaiting(connection: Sqlite.Database): void {
  const insert = jobInserter(connection);
  const waiting = connection.prepare(
    `insert into waiting (job, pool, tenant, priority, scope, resource, amount, is_shared)
     values (?, ?, ?, 0, ?, 1, 100, 1)`,
  );
  for (let i = 0; i < WAITING; i++) {
    const tenant = FIRST_LEAF + (i % LEAVES);
    const job = insert(2 * LEAVES + i, tenant, POOLS.full, 'queued');
    waiting.run(job, POOLS.full, tenant, 3 * TENANTS + POOLS.full);
  }
  connection.prepare(`insert into queue values (?, ?)`).run(POOLS.full, WAITING);
}

function jobInserter(connection: Sqlite.Database) {
  const now = Date.now();
  const job = connection.prepare(
    `insert into job (public_id, tenant, pool, state, priority, labels, queue_ttl_seconds, due_at,
       requested_at, admitted_at, claim_due, request_hash, version)
     values (?, ?, ?, ?, 0, '{}', 2000000, ?, ?, ?, 0, '', 1) returning id`,
  );
  const amount = connection.prepare(`insert into job_resource values (?, ?, ?)`);
  return (n: number, tenant: number, pool: number, state: 'admitted' | 'queued'): number => {
    const isQueued = state === 'queued';
    const due = isQueued ? now + 2_000_000_000 : null;
    const values = [jobIdOf(n), tenant, pool, state, due, now, isQueued ? null : now];
    const { id } = job.get(...values) as { id: number };
    for (const [resource, held] of asked) amount.run(id, resource, held);
    return id;
  };
}
