import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openConnection, sqliteVersion } from '../../src/store/sqlite/connection.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { openTestStore, newFolder, onFile, removeFolder, START } from '../helpers/store.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = newFolder();
  path = join(folder, 'hodei.db');
  const connection = openConnection(path, 'create');
  migrate(connection, START);
  connection.close();
});
afterEach(() => removeFolder(folder));

function pragmas(access: 'create' | 'write' | 'read', names: readonly string[]) {
  const connection = openConnection(path, access);
  const values = names.map((name) => connection.pragma(name, { simple: true }));
  connection.close();
  return values;
}

describe('a connection that writes', () => {
  it.each(['create', 'write'] as const)(
    'is in WAL, with every commit synced, foreign keys on and a busy timeout (%s)',
    (access) => {
      const names = ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'];
      expect(pragmas(access, names)).toEqual(['wal', 2, 1, 10_000]);
    },
  );

  it('puts a file into WAL again that somebody took out of it', () => {
    onFile(path, (connection) => connection.pragma('journal_mode = delete'));
    expect(pragmas('write', ['journal_mode', 'synchronous'])).toEqual(['wal', 2]);
  });

  it('is refused where there is no WAL to be had', () => {
    const open = () => openConnection(':memory:', 'create');
    expect(open).toThrow(/^Database error: the file does not take WAL with synchronous FULL/);
  });

  it('does not let a row point at nothing', () => {
    const connection = openConnection(path, 'write');
    const orphan = `insert into scope (tenant, version, updated_at) values (99, 1, 1)`;
    expect(() => connection.exec(orphan)).toThrow('FOREIGN KEY constraint failed');
    connection.close();
  });
});

describe('a connection that reads', () => {
  it('cannot write', () => {
    const connection = openConnection(path, 'read');
    expect(() => connection.exec('delete from event')).toThrow(/readonly/);
    expect(() => connection.exec('create table mine (x)')).toThrow(/readonly/);
    connection.close();
  });

  it('waits as long as one that writes', () => {
    expect(pragmas('read', ['journal_mode', 'busy_timeout'])).toEqual(['wal', 10_000]);
  });
});

it('SQLite is one that does not corrupt what several processes write', () => {
  const connection = openConnection(path, 'read');
  expect(sqliteVersion(connection)).toMatch(/^3\.(5[1-9]|[6-9]\d)\./);
  connection.close();
});

it('what the schema forbids cannot be written, even past hodei', () => {
  const attempts = [
    `insert into tenant values (1, 'x', 'x', 'x', null, 0, 'active', 1, 0, 0, null)`,
    `insert into tenant values (1, 'x', 'x', 'x', null, 1000001, 'active', 1, 0, 0, null)`,
    `insert into tenant values (1, 'x', 'x', 'x', null, 1, 'dead', 1, 0, 0, null)`,
    `insert into tenant values (1, 'x', 'x', 'x', 7, 1, 'active', 1, 0, 0, null)`,
    `insert into tenant values (1, 'x', 'x', 'x', null, 1.5, 'active', 1, 0, 0, null)`,
    `insert into resource values (1, 'r', 'u', -1, 0, 0)`,
    `insert into resource values (1, 'r', 'u', 9007199254740992, 0, 0)`,
    `insert into resource values (1, 'r', 'u', 0, 0, 2)`,
    `insert into balance values (1, 1, -1)`,
    `insert into balance values (1, 1, 9007199254740992)`,
    `insert into quota values (1, 1, -1)`,
    `insert into quota values (1, 1, 9007199254740992)`,
    `insert into event values (0, 0, 'p', null, 'o', null, 'o', null, null, null, 't', '', '')`,
  ];
  const connection = openConnection(path, 'write');
  for (const sql of attempts) {
    expect(() => connection.exec(sql), sql).toThrow(/constraint failed|cannot store REAL/);
  }
  connection.close();
});

describe('the files of a database', () => {
  it('are nobody else’s to read, under the umask that hodei sets', async () => {
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    const { store, path: file, close } = openTestStore();
    await store.transaction(async ({ tables }) => {
      await tables.settings.insert({ revision: 1, appliedAt: 0, document: '{}' });
    });
    await store.read(async (tables) => tables.settings.current());
    for (const suffix of ['', '-wal', '-shm']) {
      expect([suffix, statSync(`${file}${suffix}`).mode & 0o777]).toEqual([suffix, 0o600]);
    }
    await close();
  });
});
