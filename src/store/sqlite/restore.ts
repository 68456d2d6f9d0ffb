import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HodeiError, unavailable } from '../../domain/errors.ts';
import { newerSchema } from '../migrate.ts';
import type { EventRow, Store } from '../store.ts';
import { copyInto, removeDatabase, requireUndamaged, withStore, type Examine } from './backup.ts';
import { APPLICATION_ID, isOwn, openConnection, type Connection } from './connection.ts';
import { toHodeiError } from './errors.ts';
import { inspect, type DatabaseFacts } from './inspect.ts';
import { LATEST_SCHEMA } from './migrate.ts';
import { openSqliteStore } from './store.ts';

type Head = Pick<EventRow, 'sequence' | 'hash'>;

export interface RestoreOptions {
  readonly now: () => number;
  /** Throws when what the backup contains is not sound. */
  readonly verifyContents: Examine<void>;
  /**
   * Notes the restore in what is about to be the database. `replaced` is the last event of what it
   * takes the place of, as far as that can be read; nothing is added there any more.
   */
  readonly record: (restored: Store, replaced: Head | undefined) => Promise<void>;
  /** Verify the backup, and change nothing. */
  readonly dryRun: boolean;
}

/**
 * Puts the contents of a backup in the place of the database, which others may have open: each of
 * their snapshots is wholly old or wholly new. The backup is verified, brought to this program's
 * schema and completed by its event in a file beside the database; only then one transaction puts
 * it in force, so that a process that dies in the middle has changed nothing.
 */
export async function restoreFrom(
  path: string,
  file: string,
  options: RestoreOptions,
): Promise<DatabaseFacts> {
  requireReplaceable(path);
  requireBackup(file);
  requireUndamaged(file, file);
  if (options.dryRun) return rehearse(file, options);
  if (isEmpty(path)) openConnection(path, 'create').close();
  const draft = `${path}.restore-${randomBytes(4).toString('hex')}`;
  try {
    copyInto(file, draft);
    const restored = openSqliteStore({ path: draft, create: true, now: options.now });
    try {
      await options.verifyContents(restored);
      await replaceContents(path, draft, async () => {
        await options.record(restored, await lastEvent(path));
      });
    } finally {
      await restored.close();
    }
    return inspect(path);
  } finally {
    removeDatabase(draft);
  }
}

/** An older schema is not brought up to date here, so that its contents are only checked by SQLite. */
async function rehearse(file: string, { verifyContents }: RestoreOptions): Promise<DatabaseFacts> {
  const facts = inspect(file);
  if (facts.schema > LATEST_SCHEMA) throw newerSchema(facts.schema, LATEST_SCHEMA);
  if (facts.schema === LATEST_SCHEMA) await withStore(file, verifyContents);
  return facts;
}

/** A damaged database is replaced like any other, as long as it can be told that it is one. */
function requireReplaceable(path: string): void {
  try {
    if (isEmpty(path) || isOwn(path)) return;
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    throw unavailable(`${path} is damaged so far that nothing can be written into it.`, {
      hint: `Move it away with ${path}-wal and ${path}-shm, then restore again.`,
      cause,
    });
  }
  throw unavailable(`${path} is not a hodei database.`, {
    hint: 'Name another file with --db, or move this one away.',
  });
}

function requireBackup(file: string): void {
  if (!existsSync(file)) throw unavailable(`There is no file ${file}.`);
  let cause: unknown;
  try {
    if (!isEmpty(file) && isOwn(file)) return;
  } catch (error) {
    if (!isDamage(error)) throw error;
    cause = error;
  }
  throw unavailable(`${file} is not a backup of a hodei database. Nothing was changed.`, { cause });
}

function isEmpty(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function isDamage(error: unknown): boolean {
  return error instanceof HodeiError && error.code === 'database';
}

async function lastEvent(path: string): Promise<Head | undefined> {
  try {
    return await withStore(path, (store) => store.read((tables) => tables.events.head()));
  } catch (error) {
    // New or damaged: there is nothing to say of what is replaced.
    if (error instanceof HodeiError) return undefined;
    throw error;
  }
}

async function replaceContents(
  path: string,
  draft: string,
  whileHeld: () => Promise<void>,
): Promise<void> {
  const source = openConnection(draft, 'read');
  try {
    await copyPages(source, path, whileHeld);
    makeLast(path);
  } catch (error) {
    throw toHodeiError(error);
  } finally {
    source.close();
  }
}

const NO_PAGES = 0;
const ALL_PAGES = 2 ** 31 - 1;
const BUSY_TIMEOUT_MS = 10_000;
const RETRY_MS = 5;

/**
 * Copies every page in one transaction of the target. The first step takes the target's lock and
 * copies nothing; `whileHeld` may then change the source before the rest follows.
 */
async function copyPages(
  source: Connection,
  target: string,
  whileHeld: () => Promise<void>,
): Promise<void> {
  let pages = NO_PAGES;
  let held: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const progress = () => {
    held ??= whileHeld().then(
      () => void (pages = ALL_PAGES),
      (error: unknown) => void (failure = { error }),
    );
    if (failure !== undefined) throw failure.error;
    return pages;
  };
  const end = performance.now() + BUSY_TIMEOUT_MS;
  // better-sqlite3 takes a target that is locked for a source without pages, and calls it done.
  while ((await source.backup(target, { progress })).totalPages === 0) {
    if (performance.now() > end) throw busy();
    await sleep(RETRY_MS);
  }
}

function busy(): HodeiError {
  return unavailable('The database is busy: another process has held it for too long.', {
    hint: 'Nothing was done. Try again.',
  });
}

/**
 * The copy is committed by a connection of better-sqlite3's own, with synchronous NORMAL: it could
 * be gone after a power loss. A commit with FULL puts everything before it on the disk as well.
 */
function makeLast(path: string): void {
  try {
    const connection = openConnection(path, 'write');
    try {
      connection.exec('begin immediate');
      connection.pragma(`application_id = ${APPLICATION_ID}`);
      connection.exec('commit');
    } finally {
      connection.close();
    }
  } catch (cause) {
    throw new HodeiError(
      'unknown_outcome',
      'The backup is in force, but the disk did not confirm that it stays so.',
      { hint: 'Look with hodei doctor, then restore it once more.', cause },
    );
  }
}
