import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HodeiError } from '../../src/domain/errors.ts';
import { listTenants } from '../../src/service/tenants.ts';
import { TransactionLost, type Store, type Tables } from '../../src/store/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { onFile, openTestStore, START, type TestStore } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

/** One row that is easy to recognise. */
function put(tables: Tables, revision: number): Promise<void> {
  return tables.settings.insert({ revision, appliedAt: START, document: `{"n":${revision}}` });
}

function revisionsIn(path: string): unknown[] {
  return onFile(path, (db) =>
    db.prepare('select revision from settings_revision order by 1').pluck().all(),
  );
}

describe('a transaction', () => {
  let opened: TestStore;
  let store: Store;
  beforeEach(() => {
    opened = openTestStore();
    store = opened.store;
  });
  afterEach(() => opened.close());

  it('answers what its work answers, and is there for everybody when it does', async () => {
    const answer = await store.transaction(async ({ tables }) => {
      await put(tables, 1);
      expect(revisionsIn(opened.path)).toEqual([]);
      return 'answer';
    });
    expect(answer).toBe('answer');
    expect(revisionsIn(opened.path)).toEqual([1]);
  });

  it('leaves nothing where its work fails, and the next one is not disturbed', async () => {
    const bug = new Error('a bug');
    const failed = store.transaction(async ({ tables }) => {
      await put(tables, 1);
      throw bug;
    });
    await expect(failed).rejects.toBe(bug);
    await store.transaction(({ tables }) => put(tables, 2));
    expect(revisionsIn(opened.path)).toEqual([2]);
  });

  it('comes after those that were asked for before it, however long these take', async () => {
    const order: string[] = [];
    const begin = (name: string, revision: number) =>
      store.transaction(async ({ tables }) => {
        order.push(`${name} begins`);
        await setImmediate();
        await put(tables, revision);
        order.push(`${name} ends`);
      });
    await Promise.all([begin('first', 1), begin('second', 2), begin('third', 3)]);
    expect(order.join(', ')).toBe(
      'first begins, first ends, second begins, second ends, third begins, third ends',
    );
    expect(revisionsIn(opened.path)).toEqual([1, 2, 3]);
  });

  it('keeps of its attempts those that returned and are to be kept', async () => {
    await store.transaction(async ({ tables, attempt }) => {
      await attempt(() => put(tables, 1), true);
      await attempt(() => put(tables, 2), false);
      const failed = attempt(async () => {
        await put(tables, 3);
        throw new Error('a refusal');
      }, true);
      await expect(failed).rejects.toThrow('a refusal');
      await attempt(() => put(tables, 4), true);
    });
    expect(revisionsIn(opened.path)).toEqual([1, 4]);
  });

  it('goes on after work without a savepoint that failed before it wrote', async () => {
    const bug = new Error('a bug');
    await store.transaction(async ({ tables, run }) => {
      await run(() => put(tables, 1));
      const failed = run(async () => {
        await tables.settings.current();
        throw bug;
      });
      await expect(failed).rejects.toBe(bug);
      await run(() => put(tables, 2));
    });
    expect(revisionsIn(opened.path)).toEqual([1, 2]);
  });

  it('is given up where work without a savepoint failed after it wrote', async () => {
    const bug = new Error('a bug');
    const failed = store.transaction(async ({ tables, run }) => {
      await run(() => put(tables, 1));
      await run(async () => {
        await put(tables, 2);
        throw bug;
      });
    });
    await expect(failed).rejects.toMatchObject({ name: 'NotUndone', cause: bug });
    expect(revisionsIn(opened.path)).toEqual([]);
  });

  it('goes on after a statement that broke a constraint, without what that attempt did', async () => {
    await store.transaction(async ({ tables, attempt }) => {
      await attempt(() => put(tables, 1), true);
      const twice = attempt(async () => {
        await put(tables, 2);
        await put(tables, 1);
      }, true);
      expect((await refusal(twice)).code).toBe('database');
      await attempt(() => put(tables, 3), true);
    });
    expect(revisionsIn(opened.path)).toEqual([1, 3]);
  });

  /** Inserting revision 13 makes the database roll everything back. */
  const poison = () =>
    onFile(opened.path, (db) =>
      db.exec(`create trigger poison after insert on settings_revision when new.revision = 13
        begin select raise(rollback, 'poison'); end`),
    );

  it('undoes an attempt within another one alone, or both', async () => {
    await store.transaction(async ({ tables, attempt }) => {
      const inner = (revision: number, keep: boolean) => attempt(() => put(tables, revision), keep);
      await attempt(async () => {
        await inner(1, true);
        await inner(2, false);
        expect((await refusal(inner(1, true))).code).toBe('database');
        await inner(3, true);
      }, true);
      await attempt(() => inner(4, true), false);
    });
    expect(revisionsIn(opened.path)).toEqual([1, 3]);
  });

  it('is lost with all its attempts where the database rolls it back, and says so', async () => {
    poison();
    const lost = store.transaction(async ({ tables, attempt }) => {
      await attempt(() => put(tables, 1), true);
      await attempt(() => put(tables, 13), true);
    });
    await expect(lost).rejects.toBeInstanceOf(TransactionLost);
    await expect(lost).rejects.toMatchObject({ cause: { message: 'Database error: poison' } });
    expect(revisionsIn(opened.path)).toEqual([]);
    await store.transaction(({ tables }) => put(tables, 2));
    expect(revisionsIn(opened.path)).toEqual([2]);
  });

  it('that is lost says why also from an attempt within another one', async () => {
    poison();
    const lost = store.transaction(({ tables, attempt }) =>
      attempt(() => attempt(() => put(tables, 13), true), true),
    );
    await expect(lost).rejects.toBeInstanceOf(TransactionLost);
    await expect(lost).rejects.toMatchObject({ cause: { message: 'Database error: poison' } });
  });

  it('whose commit fails has an unknown outcome, and the next one is not disturbed', async () => {
    onFile(opened.path, (db) => db.exec(brokenAtCommit('settings_revision', 'new.revision = 13')));
    const broken = store.transaction(({ tables }) => put(tables, 13));
    expect(await refusal(broken)).toEqual({
      code: 'unknown_outcome',
      message: 'The database failed while it wrote the change down.',
      hint: 'It may or may not have been done: look before you repeat it.',
    });
    await store.transaction(({ tables }) => put(tables, 2));
    expect(revisionsIn(opened.path)).toEqual([2]);
  });
});

describe('a snapshot', () => {
  let opened: TestStore;
  let store: Store;
  beforeEach(() => {
    opened = openTestStore();
    store = opened.store;
  });
  afterEach(() => opened.close());
  const current = async (tables: Tables) => (await tables.settings.current())?.revision;

  it('stays as it was, whatever is written meanwhile', async () => {
    await store.transaction(({ tables }) => put(tables, 1));
    const seen = await store.read(async (tables) => {
      const before = await current(tables);
      await store.transaction((transaction) => put(transaction.tables, 2));
      return [before, await current(tables)];
    });
    expect(seen).toEqual([1, 1]);
    expect(await store.read(current)).toBe(2);
  });

  it('does not see what is not committed, and does not wait for it', async () => {
    await store.transaction(async ({ tables }) => {
      await put(tables, 1);
      expect(await store.read(current)).toBeUndefined();
    });
    expect(await store.read(current)).toBe(1);
  });

  it('cannot be written to', async () => {
    const attempt = store.read((tables) => put(tables, 1));
    expect((await refusal(attempt)).code).toBe('unavailable');
    expect(revisionsIn(opened.path)).toEqual([]);
  });

  it('comes after those that were asked for before it, and after one that failed', async () => {
    const order: number[] = [];
    const read = (n: number) =>
      store.read(async () => {
        await setImmediate();
        order.push(n);
        if (n === 2) throw new Error('a bug');
      });
    await Promise.allSettled([read(1), read(2), read(3)]);
    expect(order).toEqual([1, 2, 3]);
  });
});

describe('a store', () => {
  it('leaves one file without a log when it is closed, and opens again', async () => {
    const opened = openTestStore();
    await opened.store.transaction(({ tables }) => put(tables, 1));
    await opened.store.read((tables) => tables.settings.current());
    await opened.store.close();
    expect(onFile(opened.path, (db) => db.pragma('wal_checkpoint', { simple: true }))).toBe(0);
    const again = openSqliteStore({ path: opened.path, create: false, now: () => START });
    expect(await again.read((tables) => tables.settings.current())).toMatchObject({ revision: 1 });
    await again.close();
    await opened.close();
  });
});

describe('calls of one transaction', () => {
  let hodei: TestService;
  beforeEach(async () => {
    hodei = await testService();
  });
  afterEach(() => hodei.close());
  const outcomesOf = async (...names: string[]) => {
    const outcomes = await Promise.allSettled(names.map((name) => makeTenant(hodei.call, name)));
    return outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? 'done' : (outcome.reason as HodeiError).code,
    );
  };
  const names = async () => (await hodei.call(listTenants, {})).items.map(({ name }) => name);

  it('are all refused as not done where the database rolled it back for one of them', async () => {
    onFile(hodei.path, (db) =>
      db.exec(`create trigger poison after insert on tenant when new.name = 'poison'
        begin select raise(rollback, 'poison'); end`),
    );
    expect(await outcomesOf('a', 'b', 'poison', 'c')).toEqual(Array(4).fill('unavailable'));
    expect(await names()).toEqual([]);
    expect(await outcomesOf('a', 'c')).toEqual(['done', 'done']);
    expect((await hodei.events()).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('all have an unknown outcome where the commit fails', async () => {
    onFile(hodei.path, (db) => db.exec(brokenAtCommit('tenant', `new.name = 'poison'`)));
    expect(await outcomesOf('a', 'poison')).toEqual(['unknown_outcome', 'unknown_outcome']);
    expect(await outcomesOf('a', 'b')).toEqual(['done', 'done']);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('are answered with a database error alone where a statement fails for one of them', async () => {
    onFile(hodei.path, (db) =>
      db.exec(`create trigger poison after insert on tenant when new.name = 'poison'
        begin select raise(abort, 'poison'); end`),
    );
    expect(await outcomesOf('a', 'poison', 'b')).toEqual(['done', 'database', 'done']);
    expect(await names()).toEqual(['a', 'b']);
    expect(await refusal(makeTenant(hodei.call, 'poison'))).toEqual({
      code: 'database',
      message: 'Database error: poison',
    });
  });
});

/** A row that points at nothing, which SQLite is told to notice at the commit only. */
function brokenAtCommit(table: string, when: string): string {
  return `
    create table loose (tenant integer references tenant (id) deferrable initially deferred);
    create trigger loose after insert on ${table} when ${when} begin
      insert into loose values (-1);
    end`;
}
