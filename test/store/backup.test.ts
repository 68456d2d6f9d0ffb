import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import type { EventRow, Store } from '../../src/store/store.ts';
import { APPLICATION_ID } from '../../src/store/sqlite/connection.ts';
import { backupTo } from '../../src/store/sqlite/backup.ts';
import { restoreFrom } from '../../src/store/sqlite/restore.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { emailsIn, makeLarge, requireSound, TENANTS } from '../helpers/large.ts';
import { bundleWorker, startWorker, type Process } from '../helpers/processes.ts';
import { newFolder, onFile, removeFolder } from '../helpers/store.ts';

const door = join(import.meta.dirname, '../../bin/hodei.js');

let folder: string;
let path: string;
let backup: string;
let started: Process[];

beforeEach(() => {
  folder = newFolder();
  path = join(folder, 'hodei.db');
  backup = join(folder, 'backup.db');
  started = [];
});
afterEach(async () => {
  for (const child of started) await child.kill();
  removeFolder(folder);
});

/** A store that is used once, to read. */
async function withStore<T>(file: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqliteStore({ path: file, create: false, now: () => 0 });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function allEvents(store: Store): Promise<EventRow[]> {
  return store.read((tables) => tables.events.following(0, 1_000_000));
}

async function headOf(file: string): Promise<number> {
  const head = await withStore(file, (store) => store.read((tables) => tables.events.head()));
  return head?.sequence ?? 0;
}

function requireUnbroken(events: readonly EventRow[]): void {
  expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, events)).toBeUndefined();
}

const options = { now: () => 0, verifyContents: async () => undefined, dryRun: false };

describe('with other processes that write all the time', () => {
  let writers: Process[];

  beforeEach(async () => {
    const worker = await bundleWorker(folder);
    expect((await startWorker(worker, 'begin', path).end()).code).toBe(0);
    writers = ['one', 'two'].map((name) => startWorker(worker, 'write', path, name, '1000000'));
    started.push(...writers);
    for (const writer of writers) expect(await writer.hear()).toBe('ready');
  });

  /** Each of them goes on: it is told of several more changes. */
  async function requireProgress(): Promise<void> {
    for (const writer of writers) {
      for (let heard = 0; heard < 5; heard++) expect(await writer.hear()).toMatch(/-\d+[abc]$/);
    }
  }

  it('a backup is what was committed at one moment, and the next one has more', async () => {
    let events = 0;
    for (let round = 0; round < 5; round++) {
      // What is heard may have been said before the last backup, so that the file itself is asked.
      await vi.waitFor(async () => expect(await headOf(path)).toBeGreaterThan(events));
      const file = join(folder, `backup-${round}.db`);
      const { facts } = await backupTo(path, file, async (copy) =>
        requireUnbroken(await allEvents(copy)),
      );
      const copied = await withStore(file, allEvents);
      expect(copied).toHaveLength(facts.events);
      expect(facts.events).toBeGreaterThan(events);
      events = facts.events;
      const { hash } = copied.at(-1)!;
      const then = await withStore(path, (store) =>
        store.read((tables) => tables.events.following(events - 1, 1)),
      );
      expect(then[0]?.hash).toBe(hash);
    }
  });

  it('a restore is seen whole or not at all, and nobody fails by it', async () => {
    await requireProgress();
    await backupTo(path, backup, async () => undefined);
    let hasEnded = false;
    const watching = watch(path, () => hasEnded);
    for (let round = 0; round < 5; round++) {
      await requireProgress();
      const facts = await restoreFrom(path, backup, { ...options, record: recordNothing });
      expect(facts.events).toBeGreaterThan(0);
    }
    await requireProgress();
    hasEnded = true;
    const seen = await watching;
    expect(seen.reads).toBeGreaterThan(5);
    expect(seen.steppedBack).toBeGreaterThan(0);
    requireSound(path);
  });
});

async function recordNothing(): Promise<void> {}

/** Reads everything again and again on one open store: each time the chain must be whole. */
async function watch(file: string, hasEnded: () => boolean) {
  const seen = { reads: 0, steppedBack: 0 };
  await withStore(file, async (store) => {
    let last = 0;
    while (!hasEnded()) {
      const events = await allEvents(store);
      requireUnbroken(events);
      seen.reads += 1;
      if (events.length < last) seen.steppedBack += 1;
      last = events.length;
      await sleep(1);
    }
  });
  return seen;
}

describe('a restore', () => {
  it('brings an older schema up to date before it is in force', async () => {
    await openSqliteStore({ path, create: true, now: () => 0 }).close();
    onFile(backup, (connection) => {
      connection.pragma(`application_id = ${APPLICATION_ID}`);
      connection.exec(
        'create table migration (number integer primary key, name text, applied_at integer) strict',
      );
    });
    const facts = await restoreFrom(path, backup, { ...options, record: recordNothing });
    expect(facts.schema).toBe(facts.schemaKnown);
    requireSound(path);
  });

  it('leaves everything as it was when its event cannot be written', async () => {
    await makeLarge(path, 'old@a.example');
    await makeLarge(backup, 'new@a.example');
    const record = async () => {
      throw new Error('no event');
    };
    await expect(restoreFrom(path, backup, { ...options, record })).rejects.toThrow('no event');
    expect(emailsIn(path)).toEqual([`old@a.example ${TENANTS}`]);
    expect(readdirSync(folder).filter((name) => name.includes('restore'))).toEqual([]);
  });

  it('waits for a writer, and gives up on one that does not end', { timeout: 30_000 }, async () => {
    await openSqliteStore({ path, create: true, now: () => 0 }).close();
    await backupTo(path, backup, async () => undefined);
    const holder = openSqliteStore({ path, create: false, now: () => 0 });
    const holding = holder.transaction(() => sleep(500));
    await restoreFrom(path, backup, { ...options, record: recordNothing });
    await holding;
    const tooLong = holder.transaction(() => sleep(11_000));
    await expect(
      restoreFrom(path, backup, { ...options, record: recordNothing }),
    ).rejects.toMatchObject({ code: 'unavailable', message: /^The database is busy/ });
    await tooLong;
    await holder.close();
  });

  it('sees what is really the last event that it replaces', async () => {
    const store = openSqliteStore({ path, create: true, now: () => 0 });
    await backupTo(path, backup, async () => undefined);
    const record = async (_: Store, replaced: unknown) => {
      expect(replaced).toBeUndefined();
      // The lock is held: nobody adds an event between this and the new contents.
      onFile(path, (connection) => {
        connection.pragma('busy_timeout = 0');
        expect(() => connection.exec('begin immediate')).toThrow('database is locked');
      });
    };
    await restoreFrom(path, backup, { ...options, record });
    expect.assertions(2);
    await store.close();
  });

  const hasStrace = spawnSync('which', ['strace']).status === 0;

  it.skipIf(!hasStrace)(
    'is on the disk when it is done, also where others hold the file',
    async () => {
      const holder = openSqliteStore({ path, create: true, now: () => 0 });
      await holder.read((tables) => tables.settings.current());
      await backupTo(path, backup, async () => undefined);
      const trace = join(folder, 'trace');
      const calls = ['-e', 'trace=pwrite64,fsync,fdatasync'];
      const command = [process.execPath, door, 'db', 'restore', backup, '--yes', '--db', path];
      expect(spawnSync('strace', ['-f', '-y', ...calls, '-o', trace, ...command]).status).toBe(0);
      const onWal = readFileSync(trace, 'utf8')
        .split('\n')
        .filter((line) => line.includes(`${path}-wal>`));
      expect(onWal.filter((line) => line.includes('pwrite64')).length).toBeGreaterThan(10);
      expect(onWal.at(-1)).toContain('sync(');
      await holder.close();
    },
  );
});

describe('a backup', () => {
  it('that does not verify leaves no file behind', async () => {
    await openSqliteStore({ path, create: true, now: () => 0 }).close();
    const refuse = async () => {
      throw new Error('wrong contents');
    };
    await expect(backupTo(path, backup, refuse)).rejects.toThrow('wrong contents');
    expect(existsSync(backup)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('part'))).toEqual([]);
  });

  it('is refused by a database with a damaged index', async () => {
    await makeLarge(path, 'old@a.example');
    onFile(path, (connection) => {
      connection.unsafeMode(true);
      connection.pragma('writable_schema = ON');
      connection.exec(`update sqlite_schema set rootpage = 2 where name = 'tenant_living'`);
    });
    await expect(backupTo(path, backup, async () => undefined)).rejects.toMatchObject({
      code: 'database',
    });
    expect(existsSync(backup)).toBe(false);
  });
});
