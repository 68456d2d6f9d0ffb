import Sqlite from 'better-sqlite3';
import { mkdirSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { HodeiError } from '../../domain/errors.ts';
import { databaseError, unavailable } from '../../domain/errors.ts';
import { isBusy, systemCode, toHodeiError } from './errors.ts';

export type Connection = Sqlite.Database;

/** `hode`: marks a SQLite file as hodei's. */
export const APPLICATION_ID = 0x686f6465;

/** How long a process waits for another one to finish writing. */
const BUSY_TIMEOUT_MS = 10_000;
const BUSY_PAUSE_MS = 10;
/** Taken only as pages are read: enough for the upper levels of every index of a large database. */
const PAGE_CACHE_KIB = 8 * 1024;
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** Few large checkpoints cost less than many small ones; 4096 pages are 16 MiB. */
const CHECKPOINT_PAGES = 4096;

export type Access = 'create' | 'write' | 'read';

/**
 * The only way by which hodei opens a SQLite file.
 * @throws unavailable when the file is missing, not hodei's, or cannot be opened safely.
 */
export function openConnection(path: string, access: Access): Connection {
  try {
    return openChecked(path, access);
  } catch (error) {
    throw toHodeiError(error);
  }
}

function openChecked(path: string, access: Access): Connection {
  if (access === 'create') makeFolder(dirname(path));
  const found = look(path);
  if (found === undefined && access !== 'create') throw missing(path);
  if (found?.isFile() === false) throw notHodeis(path);
  const connection = new Sqlite(path, {
    readonly: access === 'read',
    fileMustExist: access !== 'create',
    timeout: BUSY_TIMEOUT_MS,
  });
  try {
    checkVersion(connection);
    checkOwner(connection, path, access);
    connection.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    // What a savepoint keeps to be undone would go to a file as soon as a call changes 16 pages.
    connection.pragma('temp_store = MEMORY');
    if (access !== 'read') makeDurable(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/**
 * Whether the file is hodei's, however damaged the rest of it may be.
 * @throws database when not even its head can be read.
 */
export function isOwn(path: string): boolean {
  try {
    const connection = new Sqlite(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      return connection.pragma('application_id', { simple: true }) === APPLICATION_ID;
    } finally {
      connection.close();
    }
  } catch (error) {
    throw toHodeiError(error);
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw unavailable(`${path} cannot be looked at (${systemCode(cause)}).`, {
      hint: 'Check who owns its folder, and who may enter it.',
      cause,
    });
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unavailable(`The folder of the database cannot be made: ${why}.`, {
      hint: 'Name another file with --db, or make the folder first.',
      cause,
    });
  }
}

function missing(path: string): HodeiError {
  return unavailable(`There is no database at ${path}.`, {
    hint: 'Create the first tenant there, or an empty database: hodei db migrate',
  });
}

/** SQLite before 3.51.3, and the withdrawn 3.52.0, can corrupt a WAL that two processes share. */
function checkVersion(connection: Connection): void {
  const version = sqliteVersion(connection);
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const number = major * 1_000_000 + minor * 1_000 + patch;
  if (number >= 3_051_003 && version !== '3.52.0') return;
  throw databaseError(`SQLite ${version} can corrupt a database that several processes write`, {
    hint: 'Install hodei anew with npm ci, which brings a safe one (3.51.3 or later).',
  });
}

/** Which SQLite this program has. @throws when its native module does not load. */
export function loadedSqlite(): string {
  const connection = new Sqlite(':memory:');
  try {
    return sqliteVersion(connection);
  } finally {
    connection.close();
  }
}

export function sqliteVersion(connection: Connection): string {
  return connection.prepare('select sqlite_version()').pluck().get() as string;
}

function checkOwner(connection: Connection, path: string, access: Access): void {
  // In this order: who begins a file writes its tables and its mark in one transaction.
  const isEmpty = connection.prepare('select count(*) from sqlite_schema').pluck().get() === 0;
  const id = connection.pragma('application_id', { simple: true });
  if (id === APPLICATION_ID) return;
  if (isEmpty && id === 0) {
    if (access === 'create') return;
    throw missing(path);
  }
  throw notHodeis(path);
}

function notHodeis(path: string): HodeiError {
  return unavailable(`${path} is not a hodei database.`, {
    hint: 'Name another file with --db, or move this one away.',
  });
}

/**
 * WAL, and every commit on the disk before it is acknowledged. SQLite's own default in WAL loses
 * the last commits on power loss, so what was set is read back.
 */
function makeDurable(connection: Connection): void {
  const journal = switchToWal(connection);
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
  connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  const synchronous = connection.pragma('synchronous', { simple: true });
  if (journal !== 'wal' || synchronous !== 2) {
    throw databaseError(
      `the file does not take WAL with synchronous FULL (${String(journal)}, ${String(synchronous)})`,
      {
        hint: 'hodei needs a local disk: network and shared folders do not keep a SQLite file safe.',
      },
    );
  }
}

/** Of several that switch a new file at once SQLite lets one go on and tells the others at once. */
function switchToWal(connection: Connection): unknown {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += BUSY_PAUSE_MS) {
    try {
      return connection.pragma('journal_mode = WAL', { simple: true });
    } catch (error) {
      if (!isBusy(error) || waitedMs >= BUSY_TIMEOUT_MS) throw error;
      Atomics.wait(pause, 0, 0, BUSY_PAUSE_MS);
    }
  }
}
