import Sqlite from 'better-sqlite3';
import { defaultSettings } from '../src/domain/settings.ts';
import { ID_ALPHABET, ID_LENGTH } from '../src/domain/tenant.ts';
import { callLocal, type Service } from '../src/service/call.ts';
import { beginSettings } from '../src/service/settings.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import type { Store } from '../src/store/store.ts';

export const caller = { principal: 'bench', traceId: '0'.repeat(32) };

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
  readonly store: Store;
  readonly service: Service;
}

/** A database of so many tenants, each with the default quota. */
export async function fill(path: string, tenants: number): Promise<Filled> {
  const environment = { now: () => Date.now(), newId: (kind: string) => `${kind}-` };
  const store = openSqliteStore({ path, create: true, now: environment.now });
  await beginSettings(store, environment, caller, defaultSettings);
  insertTenants(path, tenants);
  return { store, service: callLocal(store, environment) };
}

function insertTenants(path: string, tenants: number): void {
  const connection = new Sqlite(path);
  connection.pragma('synchronous = OFF');
  const tenant = connection.prepare(
    `insert into tenant (id, public_id, name, email, parent, weight, status, version, created_at, updated_at)
     values (?, ?, ?, 'ops@acme.example', ?, 1, 'active', 1, 0, 0)`,
  );
  const scope = connection.prepare(
    `insert into scope (id, tenant, version, updated_at) values (?, ?, 1, 0)`,
  );
  const quota = connection.prepare(`insert into quota (scope, resource, ceiling) values (?, ?, ?)`);
  const label = connection.prepare(
    `insert into tenant_label (tenant, label_key, label_value) values (?, 'cc', ?)`,
  );
  const limits = [4000, 8192, 0, 10];
  connection.transaction(() => {
    for (let n = 1; n <= tenants; n++) {
      tenant.run(n, idOf(n), nameOf(n), parentOf(n));
      scope.run(n, n);
      limits.forEach((limit, i) => quota.run(n, i + 1, limit));
      label.run(n, String(n % 1000));
    }
  })();
  connection.close();
}
