import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate, LATEST_SCHEMA } from '../../src/store/sqlite/migrate.ts';
import { migrations } from '../../src/store/sqlite/migrations/index.ts';
import { APPLICATION_ID, openConnection } from '../../src/store/sqlite/connection.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { bundleWorker, startWorker } from '../helpers/processes.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump, newFolder, onFile, removeFolder, START } from '../helpers/store.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = newFolder();
  path = join(folder, 'hodei.db');
});
afterEach(() => removeFolder(folder));

const everything = migrations.map(({ number, name }) => ({ number, name, applied_at: START }));

function create(): Promise<void> {
  return openSqliteStore({ path, create: true, now: () => START }).close();
}

/** Ways to use a file that was not asked to be created. */
const uses = {
  read: () => useOnce((store) => store.read(async (tables) => tables.events.head())),
  write: () => useOnce((store) => store.transaction(async ({ tables }) => tables.events.head())),
};

async function useOnce(work: (store: ReturnType<typeof openSqliteStore>) => Promise<unknown>) {
  const store = openSqliteStore({ path, create: false, now: () => START });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

const every = { create, ...uses };

describe('a new database', () => {
  it('has every migration, in order, with the time at which it was applied', async () => {
    await create();
    expect(dump(path)['migration']).toEqual(everything);
    expect(everything.map(({ number }) => number)).toEqual(everything.map((_, i) => i + 1));
  });

  it('is marked as hodei’s', async () => {
    await create();
    expect(readFileSync(path).readUInt32BE(68)).toBe(APPLICATION_ID);
    expect(readFileSync(path).subarray(68, 72).toString()).toBe('hode');
  });

  it('is left as it is when it is opened again', async () => {
    await create();
    const before = dump(path);
    await openSqliteStore({ path, create: true, now: () => START + 1 }).close();
    expect(dump(path)).toEqual(before);
  });

  it('tells once what was applied', () => {
    const connection = openConnection(path, 'create');
    expect(migrate(connection, START)).toEqual(migrations);
    expect(migrate(connection, START)).toEqual([]);
    connection.close();
  });

  it('is made in folders that are made too', async () => {
    path = join(folder, 'a', 'b', 'hodei.db');
    await create();
    expect(existsSync(path)).toBe(true);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  });

  it('may be made in a file that is there and empty', async () => {
    writeFileSync(path, '');
    await create();
    expect(dump(path)['migration']).toEqual(everything);
  });
});

describe('eight processes that begin one database at once', () => {
  const bundle = newFolder();
  afterAll(() => removeFolder(bundle));

  it('make one of it, and none of them fails, thirty times over', async () => {
    const worker = await bundleWorker(bundle);
    const processes = Array.from({ length: 8 }, () => startWorker(worker, 'open'));
    await Promise.all(processes.map(({ hear }) => hear()));
    for (let round = 0; round < 30; round++) {
      path = join(folder, `round-${round}`, 'hodei.db');
      const moment = Date.now() + 10;
      // All at once, or each a little later than the one before it.
      processes.forEach(({ say }, i) => say(`${moment + i * (round % 3)} ${path}`));
      const answers = await Promise.all(processes.map(({ hear }) => hear()));
      expect(answers).toEqual(processes.map(() => 'done'));
      expect(dump(path)['migration']).toHaveLength(migrations.length);
      expect(onFile(path, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    }
    for (const process of processes) expect(await process.end()).toEqual({ code: 0, stderr: '' });
  }, 120_000);
});

describe('a database of a newer hodei', () => {
  it.each(Object.keys(every))('is refused to who would %s, and left as it is', async (use) => {
    await create();
    const insert = `insert into migration values (${LATEST_SCHEMA + 1}, 'from-the-future', 1)`;
    onFile(path, (connection) => connection.exec(insert));
    const before = dump(path);
    expect(await refusal(inPromise(every[use as keyof typeof every]))).toEqual({
      code: 'unavailable',
      message: `The database has schema ${LATEST_SCHEMA + 1}, and this hodei knows schemas up to ${LATEST_SCHEMA}: it was written by a newer hodei.`,
      hint: 'Run the newer hodei, or restore a backup made before the upgrade.',
    });
    expect(dump(path)).toEqual(before);
  });
});

describe('a database of an older hodei', () => {
  /** All that the first migration can be preceded by: a file that is marked and has no tables. */
  const age = () =>
    onFile(path, (connection) => connection.pragma(`application_id = ${APPLICATION_ID}`));

  it.each(Object.keys(uses))('is refused to who would %s, with what to do', async (use) => {
    age();
    expect(await refusal(inPromise(uses[use as keyof typeof uses]))).toEqual({
      code: 'unavailable',
      message: `The database has schema 0, and this hodei needs ${LATEST_SCHEMA}.`,
      hint: 'Back it up, then bring it up to date: hodei db migrate',
    });
    expect(dump(path)).toEqual({});
  });

  it('is brought up to date where that is asked for', async () => {
    age();
    await create();
    expect(dump(path)['migration']).toEqual(everything);
    await uses.read();
  });
});

describe('a file that is not hodei’s', () => {
  it.each(Object.keys(every))('is refused to who would %s, and left as it is', async (use) => {
    onFile(path, (connection) => connection.exec('create table mine (x)'));
    const before = readFileSync(path);
    expect(await refusal(inPromise(every[use as keyof typeof every]))).toEqual({
      code: 'unavailable',
      message: `${path} is not a hodei database.`,
      hint: 'Name another file with --db, or move this one away.',
    });
    expect(readFileSync(path)).toEqual(before);
  });

  it.each(Object.keys(every))(
    'but another program’s and empty is refused to who would %s',
    async (use) => {
      onFile(path, (connection) => connection.pragma('application_id = 42'));
      const { message } = await refusal(inPromise(every[use as keyof typeof every]));
      expect(message).toBe(`${path} is not a hodei database.`);
    },
  );

  it.each(Object.keys(every))('nor any database is refused to who would %s', async (use) => {
    writeFileSync(path, 'these are my notes, and they are dear to me\n'.repeat(100));
    const before = readFileSync(path);
    const refused = await refusal(inPromise(every[use as keyof typeof every]));
    expect(refused).toMatchObject({
      code: 'database',
      message: 'Database error: file is not a database',
    });
    expect(readFileSync(path)).toEqual(before);
  });

  it.each(Object.keys(every))('but a folder is refused to who would %s', async (use) => {
    mkdirSync(path);
    const refused = await refusal(inPromise(every[use as keyof typeof every]));
    expect(refused.code).toBe('unavailable');
  });
});

describe('a database that is missing', () => {
  it.each(Object.keys(uses))(
    'is not created by who would %s, and is said to be missing',
    async (use) => {
      for (const missing of [path, join(folder, 'nowhere', 'hodei.db')]) {
        path = missing;
        expect(await refusal(inPromise(uses[use as keyof typeof uses]))).toEqual({
          code: 'unavailable',
          message: `There is no database at ${path}.`,
          hint: 'Create the first tenant there, or an empty database: hodei db migrate',
        });
        expect(existsSync(path)).toBe(false);
      }
    },
  );

  it.each(Object.keys(uses))(
    'but for an empty file is not created by who would %s',
    async (use) => {
      writeFileSync(path, '');
      const { message } = await refusal(inPromise(uses[use as keyof typeof uses]));
      expect(message).toBe(`There is no database at ${path}.`);
      expect(statSync(path).size).toBe(0);
    },
  );

  it('is found once it is there, by the same store', async () => {
    const store = openSqliteStore({ path, create: false, now: () => START });
    const head = () => store.read(async (tables) => (await tables.events.head()) ?? 'none');
    expect((await refusal(head())).code).toBe('unavailable');
    await create();
    expect(await head()).toBe('none');
    await store.close();
  });

  it('cannot be created where a file stands in the way of its folder', async () => {
    writeFileSync(join(folder, 'notes'), '');
    path = join(folder, 'notes', 'hodei.db');
    const refused = await refusal(inPromise(create));
    expect(refused.code).toBe('unavailable');
    expect(refused.message).toContain(join(folder, 'notes'));
  });
});

/** Opening to create throws at once; the rest answers with a promise. */
async function inPromise(use: () => Promise<void>): Promise<void> {
  await use();
}
