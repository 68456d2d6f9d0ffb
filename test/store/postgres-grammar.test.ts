import { parse } from 'libpg-query';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import {
  approveBurstSession,
  getBurst,
  listBursts,
  requestBurstSession,
} from '../../src/service/bursts.ts';
import {
  creditBudget,
  listBudgetEntries,
  listBudgets,
  setBudget,
  unsetBudget,
} from '../../src/service/budgets.ts';
import { callLocal, type Service } from '../../src/service/call.ts';
import { exportAudit, verifyAudit } from '../../src/service/audit.ts';
import { reportCost } from '../../src/service/costs.ts';
import { listAudit } from '../../src/service/events.ts';
import { explainDecision, explainJob, explainTenant } from '../../src/service/explain.ts';
import { adoptJobs, batchJobs } from '../../src/service/job-batch.ts';
import {
  admitJob,
  cancelJob,
  checkJob,
  getJob,
  listJobs,
  releaseJob,
  renew,
  resizeJob,
} from '../../src/service/jobs.ts';
import { getMetrics } from '../../src/service/metrics.ts';
import type { Call, Caller } from '../../src/service/operation.ts';
import {
  createPool,
  deletePool,
  getPool,
  holdPool,
  listPools,
  resumePool,
  updatePool,
} from '../../src/service/pools.ts';
import {
  getQuota,
  listQuotas,
  quotaHistory,
  setQuota,
  unsetQuota,
} from '../../src/service/quotas.ts';
import { listRates, setRate } from '../../src/service/rates.ts';
import { applySettings, getSettings } from '../../src/service/settings.ts';
import { deleteTenant, getTenant, listTenants, updateTenant } from '../../src/service/tenants.ts';
import { findKnownToken, noteTokenUse } from '../../src/service/token-identity.ts';
import { createToken, listTokens, revokeToken } from '../../src/service/tokens.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { getUsage, listUsage, repairUsage, verifyUsage } from '../../src/service/usage.ts';
import { listViolations } from '../../src/service/violations.ts';
import { noteWebhookProgress, registerWebhooks } from '../../src/service/webhook-progress.ts';
import { listWebhooks, testWebhook } from '../../src/service/webhooks.ts';
import { migrations as postgresMigrations } from '../../src/store/postgres/migrations/index.ts';
import { openConnection, type Connection } from '../../src/store/sqlite/connection.ts';
import { sqliteDatabase, statementsOf } from '../../src/store/sqlite/driver.ts';
import { migrations as sqliteMigrations } from '../../src/store/sqlite/migrations/index.ts';
import type { Store, Tables } from '../../src/store/store.ts';
import type { Database } from '../../src/store/tables/database.ts';
import { tablesOf } from '../../src/store/tables/index.ts';
import { stoppedClock, type Clock } from '../helpers/clock.ts';
import { countingIds } from '../helpers/ids.ts';
import { factsOfSqlite, schemaOfText, textOfSqlite, type Schema } from '../helpers/schema.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { openTestStore, START, type TestStore } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

let opened: TestStore;
let connection: Connection;

beforeAll(() => {
  opened = openTestStore();
  connection = openConnection(opened.path, 'write');
});
afterAll(async () => {
  connection.close();
  await opened.close();
});

describe('every statement of the tables', () => {
  it('is one that PostgreSQL can read', async () => {
    const sent = new Set<string>();
    const called = new Set<string>();
    const tables = noting(
      tablesOf(recording(sqliteDatabase(statementsOf(connection)), sent)),
      called,
    );
    await doEverything(tables);
    expect(called).toEqual(new Set(methodsOf(tables)));
    expect(sent.size).toBeGreaterThan(40);
    for (const sql of sent) {
      const { stmts } = await parse(numbered(sql)).catch((cause: unknown) => {
        throw new Error(`not PostgreSQL: ${sql}`, { cause });
      });
      expect(stmts).toHaveLength(1);
    }
  });

  it('would be found out if it were not', async () => {
    await expect(parse(numbered('insert or replace into tenant values (?)'))).rejects.toThrow();
    await expect(parse('select * from tenant where name = ?')).rejects.toThrow();
  });

  it('has its question marks numbered, but for those that are text', () => {
    expect(numbered(`select '?', 'it''s ?' from t where a = ? and b = ?`)).toBe(
      `select '?', 'it''s ?' from t where a = $1 and b = $2`,
    );
  });
});

describe('the migrations of both databases', () => {
  it('have the same numbers and names, from 1 on without a gap', () => {
    const list = ({ number, name }: { number: number; name: string }) => `${number} ${name}`;
    expect(sqliteMigrations.map(list)).toEqual(postgresMigrations.map(list));
    expect(sqliteMigrations.map(({ number }) => number)).toEqual(
      sqliteMigrations.map((_, index) => index + 1),
    );
  });

  it('make the same tables, columns, constraints and indexes', async () => {
    const sqlite = await schemaOfText(textOfSqlite(connection));
    const postgres = await schemaOfText(postgresMigrations.map(({ sql }) => sql).join('\n'));
    expect(Object.keys(sqlite.columns).length).toBeGreaterThan(7);
    expect(
      mapColumns(sqlite, (column) => column.replace(/^(\w+) text/, '$1 text collate C')),
    ).toEqual(postgres);
  });

  it('have a name for every constraint but the primary keys, which errors are told by', async () => {
    const { constraints } = await schemaOfText(postgresMigrations.map(({ sql }) => sql).join('\n'));
    const names = Object.values(constraints)
      .flat()
      .map((text) => text.split(' ')[0]);
    expect(names).not.toContain('unnamed');
    const own = names.filter((name) => name !== 'primary');
    expect(new Set(own).size).toBe(own.length);
  });

  it('were read as SQLite understands them', async () => {
    const facts = factsOfSqlite(connection);
    const read = await schemaOfText(textOfSqlite(connection));
    expect(mapColumns(read, (column) => column.replace(/ default .*/, '')).columns).toEqual(
      facts.columns,
    );
    const structural = Object.entries(read.constraints).map(([table, constraints]) => {
      const plain = constraints.map((text) => text.replace(/^\w+ (references .*)/, '$1'));
      const known = plain.filter((text) => /^(primary key|references) /.test(text)).sort();
      return [table, known] as const;
    });
    expect(Object.fromEntries(structural)).toEqual(facts.constraints);
    const columns = Object.entries(read.indexes).map(([name, text]) => {
      return [name, /\((.*?)\)/.exec(text)?.[1]] as const;
    });
    expect(Object.fromEntries(columns)).toEqual(facts.indexes);
  });
});

/** As the PostgreSQL driver will send it: `?` becomes `$1`, `$2` …, but not within a literal. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replace(/'(?:[^']|'')*'|\?/g, (found) => (found === '?' ? `$${++count}` : found));
}

function recording(database: Database, sent: Set<string>): Database {
  const noted = <A extends [string, ...unknown[]], R>(send: (...statement: A) => R) => {
    return (...statement: A): R => {
      sent.add(statement[0]);
      return send(...statement);
    };
  };
  return {
    get: noted(database.get),
    all: noted(database.all),
    run: noted(database.run),
    each: noted(database.each),
  } as Database;
}

/** The same tables, noting which of their methods were called. */
function noting(tables: Tables, called: Set<string>): Tables {
  const watched = Object.entries(tables).map(([name, table]: [string, object]) => {
    const methods = Object.entries(table).map(
      ([method, run]: [string, (...values: unknown[]) => unknown]) => [
        method,
        (...values: unknown[]): unknown => {
          called.add(`${name}.${method}`);
          return run(...values);
        },
      ],
    );
    return [name, Object.fromEntries(methods) as object];
  });
  return Object.fromEntries(watched) as Tables;
}

function methodsOf(tables: Tables): string[] {
  return Object.entries(tables).flatMap(([name, table]: [string, object]) =>
    Object.keys(table).map((method) => `${name}.${method}`),
  );
}

/** What the service does in all its ways, every filter alone and all together. */
async function doEverything(tables: Tables): Promise<void> {
  const store: Store = {
    read: (work) => work(tables),
    transaction: (work) => work({ tables, attempt: (step) => step(), run: (step) => step() }),
    close: async () => undefined,
  };
  const clock = stoppedClock();
  const environment = { now: clock.now, newId: countingIds().newId };
  const service = callLocal(store, environment);
  const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
  const call = callAs(service, ana);
  await call(applySettings, { resources: [{ name: 'license' }, { name: 'tape' }] });
  await call(applySettings, { resources: [{ name: 'license', default_limit: 3 }] });
  await call(getSettings, {});
  const { id } = await makeTenant(call, 'acme', { labels: { tier: 'gold', cc: '1' } });
  await makeTenant(call, 'web', { parent: 'acme' });
  await call(updateTenant, { tenant: 'web', labels: { tier: 'gold' } });
  await call(setQuota, { tenant: 'web', gpu: 3 });
  await call(unsetQuota, { tenant: 'web', resource: 'gpu' });
  await call(getQuota, { tenant: 'web' });
  for (const tenant of ['acme', id, id.slice(0, -1)]) await call(getTenant, { tenant });
  await call(getTenant, { tenant: 'amce' }).catch(() => undefined);
  await useTokens(call);
  await useWebhooks(call);
  const bound = callAs(service, { ...ana, boundTo: id });
  await call(getTenant, { tenant: id });
  for (const tenant of ['web', id.slice(0, -1)]) await bound(getTenant, { tenant });
  await bound(getTenant, { tenant: 'amce' }).catch(() => undefined);

  const filters = [
    {},
    { parent: 'acme' },
    { status: 'active' as const },
    { name_prefix: 'a' },
    { label: 'tier=gold' },
    { label: ['tier=gold', 'cc=1'] },
  ];
  const together = Object.assign({}, ...filters) as object;
  for (const filter of [...filters, together]) {
    for (const order of [{}, { sort: 'created' as const }, { tree: true }]) {
      const { next_cursor: next } = await call(listTenants, { ...filter, ...order, limit: 1 });
      if (next !== null) await call(listTenants, { ...filter, ...order, cursor: next });
    }
    await call(listQuotas, { ...filter, sort: 'used' });
    await call(listQuotas, { ...filter, over: 80 });
    await tables.balances.fullest({ tenants: {}, overPercent: 80 }, { tenant: 1, permille: 1 }, 1);
  }
  await bound(listTenants, { ...together, limit: 1 });
  await bound(listQuotas, { over: 80 });
  await bound(listAudit, {});
  await call(quotaHistory, { tenant: 'web' });
  await call(getUsage, { tenant: 'web' });
  await call(listUsage, { roots: true });
  await tables.balances.set(1, 1, 5);
  await call(verifyUsage, {});
  await call(repairUsage, {});
  const time = new Date(START).toISOString();
  const audits = [
    { tenant: 'web' },
    { principal: 'ana' },
    { operation: 'quota.set' },
    { since: time },
  ];
  for (const filter of [...audits, { until: time }, { limit: 1 }]) await call(listAudit, filter);
  await call(verifyAudit, {});
  for (const period of [{}, { since: time, until: time }]) await call(exportAudit, period);
  await useBudgets(callAs(service, { ...ana, reason: 'a test' }), tables);
  await useBursts(service, ana, clock, tables);
  await fillPool(call, clock);
  for (const each of [call, bound]) await readJobs(each);
  await endJobs(call, clock, tables);
  await readQueue(tables);
  await useCosts(call, clock, tables);
  await call(deleteTenant, { tenant: 'acme', cascade: true });
}

/** What the queue asks for only where many wait, wait for a rule, or have waited too long. */
async function readQueue(tables: Tables): Promise<void> {
  const place = { scope: 1, resource: 1 };
  const head = { job: 1, pool: 1, tenant: 1, priority: 0, amount: 1 };
  await tables.waiting.headsAt(place, 0, 5, 9);
  await tables.waiting.nextAt(place, head);
  await tables.waiting.at(place, undefined, 9);
  await tables.waiting.firstOfEach(1);
  await tables.waiting.behind(1, head, 9);
  await tables.waiting.byAge(1, 0, 9);
  await tables.waiting.oldestShared();
  await tables.waiting.nextShared(1, 0);
  const row = { ...head, ...place, isShared: false, lookAt: null };
  await tables.waiting.update(row);
  await tables.waiting.hasten(START);
  await tables.waiting.hastenAt(place, START);
  await tables.waiting.countIn(1);
  await tables.waiting.countOf(1, 1, 9);
  await tables.balances.ofChildren(1, 1);
  await tables.recentUse.put({ ...place, amount: 0.5, measuredAt: START });
  await tables.recentUse.at([place]);
  await tables.quotaNotices.levelsAt([place]);
  await tables.quotaNotices.put(place, 'warning');
  await tables.quotaNotices.remove(place);
  await tables.reservations.insert({ ...place, pool: 1, job: 1, amount: 1 });
  await tables.reservations.list();
  await tables.reservations.remove(1);
  await tables.policies.insert({ revision: 1, appliedAt: START, document: '{"rules":[]}' });
  await tables.policies.current();
  await tables.policies.list();
}

/** Sessions in every state, one of them with jobs that have to go. */
async function useBursts(
  service: Service,
  ana: Caller,
  clock: Clock,
  tables: Tables,
): Promise<void> {
  const call = callAs(service, ana);
  const ben = callAs(service, { ...ana, principal: 'ben' });
  await makeTenant(call, 'lent');
  const asked = { tenant: 'lent', percentage: 140, reason: 'a week', on_end: 'evict' as const };
  const { id } = await call(requestBurstSession, { ...asked, duration_seconds: 60 });
  await ben(approveBurstSession, { burst: id });
  await call(admitJob, { tenant: 'lent', cpu_m: 5000 });
  await call(listBursts, { tenant: 'lent', pool: 'default', limit: 1 });
  await call(listBursts, { state: 'all', limit: 1 });
  await tables.bursts.list({ states: ['active'], now: START, tenant: 1 }, 1, 1);
  await tables.bursts.removeJobFrom(0, 0);
  clock.advance(60_000);
  await call(getBurst, { burst: id });
  await call(setQuota, { tenant: 'lent', gpu: 1 });
}

/** Prices, a resized job, the hours of ended ones, and the removal of these. */
async function useCosts(call: Call, clock: Clock, tables: Tables): Promise<void> {
  for (const price_micro of [1, 2]) await call(setRate, { resource: 'cpu_m', price_micro });
  await makeTenant(call, 'costly', {
    quota: { cpu_m: 9_000, memory_mb: 0, gpu: 0, max_concurrent_jobs: 9 },
  });
  const { id } = await call(admitJob, { tenant: 'costly', cpu_m: 1000 });
  clock.advance(60_000);
  const job = String(id);
  await call(listRates, { all: true });
  await call(resizeJob, { job, cpu_m: 2000 });
  await call(updateTenant, { tenant: 'costly', parent: 'web', force: true });
  for (const group of ['tenant', 'job']) await call(reportCost, { tenant: 'costly', group });
  await call(releaseJob, { job });
  clock.advance(3_600_000);
  const before = new Date(clock.now()).toISOString();
  await call(pruneUsage, { before });
  await tables.usageHours.series([1], 1, 1, 0, START);
}

async function useBudgets(call: Call, tables: Tables): Promise<void> {
  await call(setBudget, { tenant: 'acme', monthly_micro: 5 });
  await call(setBudget, { tenant: 'acme', monthly_micro: 6 });
  await call(creditBudget, { tenant: 'acme', amount_micro: 1 });
  await call(listBudgetEntries, { tenant: 'acme' });
  await call(listBudgets, {});
  await tables.budgetUses.forget(0);
  await call(setQuota, { tenant: 'web', gpu: 2 });
  await call(admitJob, { tenant: 'web', cpu_m: 1 });
  await call(unsetBudget, { tenant: 'acme' });
}

async function useTokens(call: Call): Promise<void> {
  const { id } = await call(createToken, { name: 'ci', role: 'agent', tenant: 'web' });
  for (const revoked of [false, true]) await call(listTokens, { revoked });
  await call(findKnownToken, { id });
  await call(findKnownToken, { id: null });
  await call(noteTokenUse, { uses: [{ id, at: START }] });
  await call(revokeToken, { token: 'ci' });
}

async function useWebhooks(call: Call): Promise<void> {
  const webhooks = ['chat', 'pager'].map((name) => ({ name, url: 'http://a', kinds: ['job'] }));
  await call(registerWebhooks, { webhooks });
  await call(testWebhook, { webhook: 'pager' });
  const { next_cursor: next } = await call(listWebhooks, { limit: 1 });
  await call(listWebhooks, { cursor: next ?? '' });
  const progress = { name: 'pager', sequence: 1, attempt: null };
  await call(noteWebhookProgress, { progress });
  await call(registerWebhooks, { webhooks: [] });
}

/** A pool in which jobs run, wait, were refused, and are overdue. */
async function fillPool(call: Call, clock: Clock): Promise<void> {
  await call(createPool, { id: 'ci', max_size: 2, resources: { cpu_m: 1000 } });
  await call(createPool, { id: 'gone' });
  await call(setQuota, { tenant: 'web', pool: 'ci', cpu_m: 2000, max_concurrent_jobs: 900 });
  const job = { tenant: 'web', pool: 'ci', cpu_m: 900 };
  const key = { idempotencyKey: 'k' };
  for (let i = 0; i < 2; i++) await call(admitJob, { ...job, labels: { a: 'b' } }, key);
  await call(admitJob, { ...job, job_id: 'a', ttl_seconds: 60 });
  await call(admitJob, { ...job, job_id: 'w', on_full: 'queue' });
  for (let i = 0; i < 2; i++) await call(admitJob, job);
  await call(checkJob, job);
  await call(adoptJobs, { jobs: [{ ...job, memory_mb: 5 }] });
  await call(batchJobs, { jobs: [{ ...job, on_full: 'queue', job_id: 'v' }] });
  await call(deleteTenant, { tenant: 'web' }).catch(() => undefined);
  await call(getMetrics, {});
  clock.advance(60_000);
}

/** Every filter alone and all together, and while leases are overdue. */
async function readJobs(call: Call): Promise<void> {
  const time = new Date(START).toISOString();
  const [tenant, pool] = ['web', 'ci'];
  const ofJobs = [{ tenant }, { pool }, { older_than_seconds: 1 }, { limit: 1 }];
  for (const state of ['live', 'ended', 'all', 'queued', 'expired'] as const) {
    for (const filter of [...ofJobs, Object.assign({}, ...ofJobs) as object]) {
      const { next_cursor: next } = await call(listJobs, { state, ...filter });
      if (next !== null) await call(listJobs, { state, ...filter, cursor: next });
    }
  }
  const code = 'over_quota' as const;
  const ofDecisions = [{ tenant }, { pool }, { resource: 'cpu_m' }, { code }, { limit: 1 }];
  const within = [{ since: time }, { until: '2027-01-01T00:00:00Z' }];
  const filters = [...ofDecisions, ...within];
  for (const filter of [...filters, Object.assign({}, ...filters) as object]) {
    const { items, next_cursor: next } = await call(listViolations, filter);
    if (next !== null) await call(listViolations, { ...filter, cursor: next });
    for (const { id } of items) await call(explainDecision, { decision: id });
  }
  await call(getJob, { job: 'web:w' });
  await call(explainJob, { job: 'web:w' });
  await call(explainTenant, { tenant });
  await call(getQuota, { tenant, pool });
  await call(getPool, { pool });
  await call(listPools, {});
}

async function endJobs(call: Call, clock: Clock, tables: Tables): Promise<void> {
  const { items } = await call(listJobs, { state: 'admitted' });
  await call(renew, { job: items[0]?.id ?? '' });
  await call(resizeJob, { job: items[0]?.id ?? '', cpu_m: 800 });
  await call(cancelJob, { job: 'web:v' });
  await call(holdPool, { pool: 'ci', until: '2027-01-01T00:00:00Z' });
  await tables.pools.heldUntil(START);
  await call(updatePool, { pool: 'ci', max_size: 5, quotas: { max_jobs_per_tenant: 9 } });
  await call(resumePool, { pool: 'ci' });
  await call(deletePool, { pool: 'gone' });
  await call(updateTenant, { tenant: 'web', parent: null });
  await call(updateTenant, { tenant: 'web', parent: 'acme' });
  await call(releaseJob, { job: items[0]?.id ?? '' });
  const keyed = { tenant: 'web', pool: 'ci', cpu_m: 1 };
  for (const [key, days] of Object.entries({ l: 2, m: 2, n: 0 })) {
    await call(admitJob, keyed, { idempotencyKey: key });
    clock.advance(days * 24 * 60 * 60 * 1000);
  }
  await tables.clock.put({ boot: 'a', offset: 1 });
  await tables.clock.get();
  const [scope] = await tables.scopes.ofTenant(1);
  const wakeup = { scope: scope?.key ?? 0, resource: 1, afterJob: 0 };
  await tables.wakeups.put(wakeup);
  await tables.wakeups.list(1);
  await tables.wakeups.remove(wakeup);
}

function mapColumns(schema: Schema, change: (column: string) => string): Schema {
  const columns = Object.entries(schema.columns).map(([table, list]) => [table, list.map(change)]);
  return { ...schema, columns: Object.fromEntries(columns) as Schema['columns'] };
}
