import Sqlite from 'better-sqlite3';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/store/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

/** When every test begins. */
export const START = Date.parse('2026-11-23T09:00:00.000Z');

export interface TestStore {
  readonly store: Store;
  /** The file itself, to look at what is really there or to break it on purpose. */
  readonly path: string;
  /** Closes the store and removes its folder. */
  close(): Promise<void>;
}

/** A store on a new file in a folder of its own, in memory: what a disk keeps is not its subject. */
export function openTestStore(now: () => number = () => START): TestStore {
  const folder = memoryFolder();
  const path = join(folder, 'hodei.db');
  const store = openSqliteStore({ path, create: true, now });
  return {
    store,
    path,
    async close() {
      await store.close();
      removeFolder(folder);
    },
  };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'hodei-test-'));
}

const MEMORY = '/dev/shm';
/** More than all tests together put there; in a container there is often less. */
const ENOUGH_MEMORY = 512 * 2 ** 20;

/** A folder on a disk of memory, where there is one: for tests in which an fsync proves nothing. */
export function memoryFolder(): string {
  return mkdtempSync(join(hasMemory() ? MEMORY : tmpdir(), 'hodei-test-'));
}

function hasMemory(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ENOUGH_MEMORY;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Work on a connection that is not hodei's, as another program would have. */
export function onFile<T>(path: string, work: (connection: Sqlite.Database) => T): T {
  const connection = new Sqlite(path, { timeout: 10_000 });
  try {
    return work(connection);
  } finally {
    connection.close();
  }
}

/** Every row of every table, to compare a database before and after. */
export function dump(path: string): Record<string, unknown[]> {
  return onFile(path, (connection) => {
    const tables = connection
      .prepare(`select name from sqlite_schema where type = 'table' order by name`)
      .pluck()
      .all() as string[];
    const rowsOf = (table: string) =>
      connection.prepare(`select * from "${table}" order by 1, 2`).all();
    return Object.fromEntries(tables.map((table) => [table, rowsOf(table)]));
  });
}
