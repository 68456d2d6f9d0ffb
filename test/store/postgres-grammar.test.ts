import { parse } from 'libpg-query';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callLocal } from '../../src/service/call.ts';
import { listAudit } from '../../src/service/events.ts';
import {
  getQuota,
  listQuotas,
  quotaHistory,
  setQuota,
  unsetQuota,
} from '../../src/service/quotas.ts';
import { applySettings, getSettings } from '../../src/service/settings.ts';
import { deleteTenant, getTenant, listTenants, updateTenant } from '../../src/service/tenants.ts';
import { migrations as postgresMigrations } from '../../src/store/postgres/migrations/index.ts';
import { openConnection, type Connection } from '../../src/store/sqlite/connection.ts';
import { sqliteDatabase, statementsOf } from '../../src/store/sqlite/driver.ts';
import { migrations as sqliteMigrations } from '../../src/store/sqlite/migrations/index.ts';
import type { Store, Tables } from '../../src/store/store.ts';
import type { Database } from '../../src/store/tables/database.ts';
import { tablesOf } from '../../src/store/tables/index.ts';
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
    transaction: (work) => work({ tables, attempt: (step) => step() }),
    close: async () => undefined,
  };
  const environment = { now: () => START, newId: countingIds().newId };
  const call = callAs(callLocal(store, environment), { principal: 'ana', traceId: TRACE_ID });
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
  await call(quotaHistory, { tenant: 'web' });
  const time = new Date(START).toISOString();
  const audits = [
    { tenant: 'web' },
    { principal: 'ana' },
    { operation: 'quota.set' },
    { since: time },
  ];
  for (const filter of [...audits, { until: time }, { limit: 1 }]) await call(listAudit, filter);
  await tables.events.following(0, 1);
  await call(deleteTenant, { tenant: 'acme', cascade: true });
}

function mapColumns(schema: Schema, change: (column: string) => string): Schema {
  const columns = Object.entries(schema.columns).map(([table, list]) => [table, list.map(change)]);
  return { ...schema, columns: Object.fromEntries(columns) as Schema['columns'] };
}
