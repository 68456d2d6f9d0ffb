import Sqlite from 'better-sqlite3';
import { fullAuthority } from '../src/service/authority.ts';
import { defaultSettings } from '../src/domain/settings.ts';
import { ID_ALPHABET, ID_LENGTH } from '../src/domain/tenant.ts';
import { newId } from '../src/main/caller.ts';
import { callLocal, type Service } from '../src/service/call.ts';
import { beginSettings } from '../src/service/settings.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import type { Store } from '../src/store/store.ts';

export const caller = { ...fullAuthority, principal: 'bench', traceId: '0'.repeat(32) };

/** The id of the nth tenant. */
export function idOf(n: number): string {
  let rest = n;
  let id = '';
  for (let i = 0; i < ID_LENGTH; i++) {
    id = (ID_ALPHABET[rest % ID_ALPHABET.length] ?? '') + id;
    rest = Math.floor(rest / ID_ALPHABET.length);
  }
  return `tenant-${id}`;
}

export function nameOf(n: number): string {
  return `t-${String(n).padStart(7, '0')}`;
}

/** The first hundred are roots, all others are under them: the depth is the same at every size. */
export function parentOf(n: number): number | null {
  return n <= 100 ? null : 1 + (n % 100);
}

export interface Filled {
  readonly path: string;
  readonly store: Store;
  readonly service: Service;
}

/** A database with so many tenants, each of which has as many live jobs. */
export interface Size extends Filled {
  readonly tenants: number;
}

/** What every tenant but the hundred roots holds with its one job: by key of resource. */
const heldByEach = [
  [1, 100],
  [2, 128],
  [4, 1],
] as const;

/** Limits by key of resource: cpu, memory, gpu and jobs; so high that a benchmark never meets them. */
const limitsOfEach = [400_000_000, 800_000_000, 0, 1_000_000];

/** A database of so many tenants, each with the default quota and, below the roots, one live job. */
export async function fill(path: string, tenants: number): Promise<Filled> {
  const environment = { now: () => Date.now(), newId };
  const store = openSqliteStore({ path, create: true, now: environment.now });
  await beginSettings(store, environment, caller, defaultSettings);
  insertRows(path, tenants);
  return { path, store, service: callLocal(store, environment) };
}

function insertRows(path: string, tenants: number): void {
  const connection = new Sqlite(path);
  connection.pragma('synchronous = OFF');
  connection.transaction(() => {
    insertTenants(connection, tenants);
    insertJobs(connection, tenants);
  })();
  connection.close();
}

function insertTenants(connection: Sqlite.Database, tenants: number): void {
  const tenant = connection.prepare(
    `insert into tenant (id, public_id, name, email, parent, weight, status, version, created_at, updated_at)
     values (?, ?, ?, 'ops@acme.example', ?, 1, 'active', 1, 0, 0)`,
  );
  const quota = connection.prepare(`insert into quota (scope, resource, ceiling) values (?, ?, ?)`);
  const label = connection.prepare(
    `insert into tenant_label (tenant, label_key, label_value) values (?, 'cc', ?)`,
  );
  const insertScope = scopeInserter(connection);
  for (let n = 1; n <= tenants; n++) {
    tenant.run(n, idOf(n), nameOf(n), parentOf(n));
    insertScope(n, n, null);
    // A root is an organisation, so that those below it are what limits.
    limitsOfEach.forEach((limit, i) => quota.run(n, i + 1, parentOf(n) === null ? null : limit));
    label.run(n, String(n % 1000));
  }
}

/** In the numbers of the tenants: their scopes in the pool come after those everywhere, then the pool. */
function insertJobs(connection: Sqlite.Database, tenants: number): void {
  const job = connection.prepare(
    `insert into job (id, public_id, tenant, pool, state, priority, labels, queue_ttl_seconds,
       requested_at, admitted_at, claim_due, request_hash, version)
     values (?, ?, ?, 1, 'admitted', 0, '{}', 86400, 0, 0, 0, '', 1)`,
  );
  const amount = connection.prepare(`insert into job_resource values (?, ?, ?)`);
  const balance = connection.prepare(`insert into balance values (?, ?, ?)`);
  const insertScope = scopeInserter(connection);
  const below = new Map<number, number>();
  for (let n = 1; n <= tenants; n++) {
    insertScope(tenants + n, n, 1);
    const parent = parentOf(n);
    if (parent === null) continue;
    below.set(parent, (below.get(parent) ?? 0) + 1);
    job.run(n, `job-0${idOf(n).slice(-12)}`, n);
    for (const [resource, held] of heldByEach) amount.run(n, resource, held);
  }
  insertScope(2 * tenants + 1, null, 1);
  const jobsOf = (n: number) => (parentOf(n) === null ? (below.get(n) ?? 0) : 1);
  const charge = (scope: number, jobs: number) =>
    heldByEach.forEach(([resource, held]) => balance.run(scope, resource, held * jobs));
  for (let n = 1; n <= tenants; n++) charge(n, jobsOf(n));
  for (let n = 1; n <= tenants; n++) charge(tenants + n, jobsOf(n));
  charge(2 * tenants + 1, tenants - 100);
}

function scopeInserter(connection: Sqlite.Database) {
  const scope = connection.prepare(
    `insert into scope (id, tenant, pool, version, updated_at) values (?, ?, ?, 1, 0)`,
  );
  return (id: number, tenant: number | null, pool: number | null) => scope.run(id, tenant, pool);
}
