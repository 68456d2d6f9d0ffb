import type Sqlite from 'better-sqlite3';
import { onFile } from './store.ts';

/** A tenant of a made-up file; its key is its place in the list, from 1. */
export interface MadeTenant {
  /** Key of the tenant above. */
  readonly parent: number | null;
}

export interface MadeJob {
  readonly tenant: number;
  readonly pool: number;
  readonly state: string;
  /** By key of resource. */
  readonly amounts: Readonly<Record<number, number>>;
}

/** What is used at a place: key of tenant, key of pool, key of resource. */
export interface MadeBalance {
  readonly tenant: number | null;
  readonly pool: number | null;
  readonly resource: number;
  readonly used: number;
}

export interface Made {
  readonly tenants: readonly MadeTenant[];
  /** How many pools there are beside `default`, which has the key 1. */
  readonly pools?: number;
  readonly jobs: readonly MadeJob[];
  readonly balances: readonly MadeBalance[];
}

/** Writes rows into a new database past hodei, whether or not they agree with each other. */
export function writeRows(path: string, made: Made): void {
  onFile(path, (connection) => {
    // A tenant may stand under one that is written later.
    connection.pragma('foreign_keys = OFF');
    connection.transaction(() => {
      insertTenants(connection, made.tenants);
      insertPools(connection, made.pools ?? 0);
      insertJobs(connection, made.jobs);
      insertBalances(connection, made.balances);
    })();
  });
}

function insertTenants(connection: Sqlite.Database, tenants: readonly MadeTenant[]): void {
  const insert = connection.prepare(
    `insert into tenant (id, public_id, name, email, parent, weight, status, version, created_at,
       updated_at)
     values (?, ?, ?, 'ops@acme.example', ?, 1, 'active', 1, 0, 0)`,
  );
  tenants.forEach(({ parent }, i) => insert.run(i + 1, `tenant-${i + 1}`, `t${i + 1}`, parent));
}

function insertPools(connection: Sqlite.Database, pools: number): void {
  const insert = connection.prepare(
    `insert into pool (id, name, title, type, status, min_size, max_size, size, source, version,
       created_at, updated_at)
     values (?, ?, 'p', 'static', 'active', 1, 1, 1, 'operator', 1, 0, 0)`,
  );
  for (let n = 2; n < pools + 2; n++) insert.run(n, `p${n}`);
}

function insertJobs(connection: Sqlite.Database, jobs: readonly MadeJob[]): void {
  const insert = connection.prepare(
    `insert into job (id, public_id, tenant, pool, state, priority, labels, queue_ttl_seconds,
       requested_at, claim_due, request_hash, version)
     values (?, ?, ?, ?, ?, 0, '{}', 1, 0, 0, '', 1)`,
  );
  const amount = connection.prepare(`insert into job_resource values (?, ?, ?)`);
  jobs.forEach((job, i) => {
    insert.run(i + 1, `job-${i + 1}`, job.tenant, job.pool, job.state);
    for (const [resource, held] of Object.entries(job.amounts)) {
      amount.run(i + 1, Number(resource), held);
    }
  });
}

function insertBalances(connection: Sqlite.Database, balances: readonly MadeBalance[]): void {
  const scopes = new Map<string, number | bigint>();
  const scope = connection.prepare(
    `insert into scope (tenant, pool, version, updated_at) values (?, ?, 1, 0)`,
  );
  const insert = connection.prepare(`insert into balance (scope, resource, used) values (?, ?, ?)`);
  for (const { tenant, pool, resource, used } of balances) {
    const name = `${tenant}/${pool}`;
    const key = scopes.get(name) ?? scope.run(tenant, pool).lastInsertRowid;
    scopes.set(name, key);
    insert.run(key, resource, used);
  }
}

/** What the admitted jobs explain, in the plainest way: `3/2/1` (tenant, pool, resource) → amount. */
export function explained({ tenants, jobs }: Pick<Made, 'tenants' | 'jobs'>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { tenant, pool, state, amounts } of jobs) {
    if (state !== 'admitted') continue;
    const scopes = [`-/${pool}`];
    for (let key: number | null = tenant; key !== null; key = tenants[key - 1]?.parent ?? null) {
      scopes.push(`${key}/-`, `${key}/${pool}`);
    }
    for (const [resource, held] of Object.entries(amounts)) {
      for (const scope of scopes) {
        const place = `${scope}/${resource}`;
        sums.set(place, (sums.get(place) ?? 0) + held);
      }
    }
  }
  return sums;
}

/** All that `explained` says, as balances. */
export function balancesFrom(sums: ReadonlyMap<string, number>): MadeBalance[] {
  return [...sums].map(([place, used]) => {
    const [tenant, pool, resource] = place
      .split('/')
      .map((part) => (part === '-' ? null : Number(part)));
    return { tenant: tenant ?? null, pool: pool ?? null, resource: resource ?? 0, used };
  });
}

/** All balances of the file, those at 0 too, in the words of `explained`. */
export function balancesIn(path: string): Map<string, number> {
  return onFile(path, (connection) => {
    const rows = connection
      .prepare(
        `select coalesce(s.tenant, '-') || '/' || coalesce(s.pool, '-') || '/' || b.resource as place,
           b.used
         from balance b join scope s on s.id = b.scope`,
      )
      .all() as { place: string; used: number }[];
    return new Map(rows.map(({ place, used }) => [place, used]));
  });
}
