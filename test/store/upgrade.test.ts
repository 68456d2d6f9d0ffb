import Sqlite from 'better-sqlite3';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { defaultSettings, settingsDocument } from '../../src/domain/settings.ts';
import { callLocal } from '../../src/service/call.ts';
import { getJob, releaseJob } from '../../src/service/jobs.ts';
import { verifyUsage } from '../../src/service/usage.ts';
import { APPLICATION_ID } from '../../src/store/sqlite/connection.ts';
import { migrations } from '../../src/store/sqlite/migrations/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { requireBalanced } from '../helpers/balances.ts';
import { countingIds } from '../helpers/ids.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { newFolder, removeFolder, START } from '../helpers/store.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = newFolder();
  path = join(folder, 'hodei.db');
});
afterEach(() => removeFolder(folder));

/** A file as the second schema had it: acme has one core, one job holds it, and two wait for it. */
function writeSecondSchema(): void {
  const file = new Sqlite(path);
  file.pragma(`application_id = ${APPLICATION_ID}`);
  file.exec(`create table migration (number integer primary key, name text not null,
    applied_at integer not null) strict`);
  for (const { number, name, sql } of migrations.slice(0, 2)) {
    file.prepare('insert into migration values (?, ?, ?)').run(number, name, START);
    file.exec(sql);
  }
  const document = JSON.stringify(settingsDocument(defaultSettings));
  file.prepare('insert into settings_revision values (1, ?, ?)').run(START, document);
  file.exec(`
    insert into resource (id, name, unit, default_limit, position) values
      (1, 'cpu_m', 'millicores', 0, 0), (2, 'memory_mb', 'MiB', 0, 1),
      (3, 'gpu', 'count', 0, 2), (4, 'jobs', 'count', 0, 3);
    insert into pool (id, name, title, type, status, min_size, max_size, size, source, version,
      created_at, updated_at)
    values (1, 'default', 'default', 'static', 'active', 1, 1, 1, 'built_in', 1, 0, 0);
    insert into tenant (id, public_id, name, email, weight, status, version, created_at, updated_at)
    values (1, 'tenant-aaaaaaaaaaaa', 'acme', 'ops@acme.example', 1, 'active', 1, 0, 0);
    insert into scope (id, tenant, pool, version, updated_at) values
      (1, 1, null, 1, 0), (2, 1, 1, 1, 0), (3, null, 1, 1, 0);
    insert into quota values (1, 1, 1000), (1, 4, 10);
    insert into balance values (1, 1, 1000), (1, 4, 1), (2, 1, 1000), (2, 4, 1), (3, 1, 1000), (3, 4, 1);
    insert into decision (id, public_id, outcome, code, retryable, decided_by, tenant, pool, principal,
      request, likeness, times, first_at, last_at)
    values (1, 'dec-1', 'queued', 'over_quota', 1, 'on_full', 1, 1, 'ana', '{}', '', 1, ${START}, ${START});
  `);
  const job = file.prepare(
    `insert into job (id, public_id, tenant, pool, job_id, state, priority, labels, queue_ttl_seconds,
       due_at, requested_at, admitted_at, claim_due, request_hash, decision, version, blocked_scope,
       blocked_resource)
     values (?, ?, 1, 1, ?, ?, 0, '{}', 86400, ?, ${START}, ?, 0, '', ?, 1, ?, ?)`,
  );
  job.run(1, 'job-1', 'runs', 'admitted', null, START, null, null, null);
  const due = START + 86_400_000;
  job.run(2, 'job-2', 'first', 'queued', due, null, 1, 1, 1);
  job.run(3, 'job-3', 'second', 'queued', due, null, 1, 1, 1);
  file.exec(`insert into job_resource values (1, 1, 1000), (1, 4, 1), (2, 1, 600), (2, 4, 1),
    (3, 1, 600), (3, 4, 1)`);
  file.close();
}

it('who waited before the queue had a table of its own still waits, and starts in turn', async () => {
  writeSecondSchema();
  const store = openSqliteStore({ path, create: true, now: () => START });
  const environment = { now: () => START + 1000, newId: countingIds().newId };
  const call = callAs(callLocal(store, environment), {
    ...fullAuthority,
    principal: 'ana',
    traceId: TRACE_ID,
  });
  const states = async () => {
    const jobs = ['runs', 'first', 'second'].map((name) => call(getJob, { job: `acme:${name}` }));
    return (await Promise.all(jobs)).map(({ state }) => state);
  };
  expect(await states()).toEqual(['admitted', 'queued', 'queued']);
  await call(releaseJob, { job: 'acme:runs' });
  expect(await states()).toEqual(['released', 'admitted', 'queued']);
  await call(releaseJob, { job: 'acme:first' });
  expect(await states()).toEqual(['released', 'released', 'admitted']);
  expect((await call(verifyUsage, {})).differences).toEqual([]);
  await store.close();
  requireBalanced(path);
});
