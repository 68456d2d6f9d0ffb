import Sqlite from 'better-sqlite3';
import { hash } from 'node:crypto';
import { newId } from '../src/main/caller.ts';
import { idOf, type Size } from './fill.ts';

/** Of a request for cpu, memory and one job: keys of the resources, and amounts. */
const amounts = [
  [1, 100],
  [2, 128],
  [4, 1],
] as const;

/** The rows of 64 callers in two transactions, with nothing looked up that is not needed for them. */
export function handWritten({ path, tenants }: Pick<Size, 'path' | 'tenants'>) {
  const connection = new Sqlite(path);
  for (const pragma of ['synchronous = FULL', 'foreign_keys = ON', 'wal_autocheckpoint = 4096']) {
    connection.pragma(pragma);
  }
  const write = statementsOf(connection);
  const head = connection.prepare(
    'select sequence, hash from event order by sequence desc limit 1',
  );
  let { sequence, hash: previous } = head.get() as { sequence: number; hash: string };
  const event = (operation: string, tenant: string, object: string, state: string) => {
    sequence += 1;
    const text = JSON.stringify([sequence, Date.now(), 'bench', operation, tenant, object, state]);
    const next = hash('sha256', text + previous);
    write.event.run(sequence, Date.now(), operation, tenant, object, state, previous, next);
    previous = next;
  };
  const charge = (scopes: readonly number[], sign: 1 | -1) => {
    for (const scope of scopes) {
      for (const [resource, amount] of amounts) write.charge.run(sign * amount, scope, resource);
    }
  };
  const admit = connection.transaction((asking: readonly number[]) =>
    asking.map((tenant) => {
      const id = newId('job');
      const now = Date.now();
      const request = hash('sha256', JSON.stringify([idOf(tenant), 'default', amounts]));
      const job = write.job.get(id, tenant, now + 600_000, now, now, request) as { id: number };
      for (const [resource, amount] of amounts) write.amount.run(job.id, resource, amount);
      charge(scopesOf(tenant, tenants), 1);
      event('job.admit', idOf(tenant), id, '{"pool":"default","resources":{"cpu_m":100}}');
      return { ...job, publicId: id, tenant };
    }),
  );
  type Admitted = ReturnType<typeof admit>;
  const release = connection.transaction((jobs: Admitted) => {
    for (const { id, publicId, tenant } of jobs) {
      charge(scopesOf(tenant, tenants), -1);
      write.end.run(Date.now(), id);
      event('job.release', idOf(tenant), publicId, '{"state":"released"}');
    }
  });
  return {
    admit: (asking: readonly number[]) => admit.immediate(asking),
    release: (jobs: Admitted) => release.immediate(jobs),
    close: () => connection.close(),
  };
}

/** As `fill` numbers them: the tenant and the one above it, everywhere and in the pool, and the pool. */
function scopesOf(tenant: number, tenants: number): number[] {
  const parent = 1 + (tenant % 100);
  return [tenant, tenants + tenant, parent, tenants + parent, 2 * tenants + 1];
}

function statementsOf(connection: Sqlite.Database) {
  return {
    job: connection.prepare(
      `insert into job (public_id, tenant, pool, state, priority, labels, ttl_seconds,
         queue_ttl_seconds, due_at, requested_at, admitted_at, claim_due, request_hash, version)
       values (?, ?, 1, 'admitted', 0, '{}', 600, 86400, ?, ?, ?, 0, ?, 1) returning id`,
    ),
    amount: connection.prepare(`insert into job_resource values (?, ?, ?)`),
    charge: connection.prepare(
      `update balance set used = used + ? where scope = ? and resource = ?`,
    ),
    end: connection.prepare(
      `update job set state = 'released', due_at = null, ended_at = ?, version = 2 where id = ?`,
    ),
    event: connection.prepare(
      `insert into event (sequence, time, principal, operation, tenant, object, after_state,
         trace_id, previous_hash, hash)
       values (?, ?, 'bench', ?, ?, ?, ?, '${'0'.repeat(32)}', ?, ?)`,
    ),
  };
}
