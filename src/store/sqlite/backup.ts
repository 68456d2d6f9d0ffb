import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { conflict, databaseError, unavailable } from '../../domain/errors.ts';
import type { Store } from '../store.ts';
import { openConnection } from './connection.ts';
import { systemCode, toHodeiError } from './errors.ts';
import { damageOf, inspect, type DatabaseFacts } from './inspect.ts';
import { openSqliteStore } from './store.ts';

/** Looks through what a copy contains, in ways that the store does not know. */
export type Examine<Findings> = (copy: Store) => Promise<Findings>;

/**
 * Writes the database as it is at one moment into a new file, while others go on writing. The file
 * gets its name only after it was verified and is on the disk.
 * @throws conflict when the target exists, database when the copy is not sound.
 */
export async function backupTo<Findings>(
  path: string,
  file: string,
  examine: Examine<Findings>,
): Promise<{ readonly facts: DatabaseFacts; readonly findings: Findings }> {
  requireFree(file);
  const draft = `${file}.part-${randomBytes(4).toString('hex')}`;
  try {
    copyInto(path, draft);
    requireUndamaged(draft, 'The copy');
    const findings = await withStore(draft, examine);
    const facts = inspect(draft);
    syncToDisk(draft);
    requireFree(file);
    renameSync(draft, file);
    syncToDisk(dirname(file));
    return { facts, findings };
  } finally {
    removeDatabase(draft);
  }
}

function requireFree(file: string): void {
  if (!existsSync(dirname(file))) throw unavailable(`There is no folder ${dirname(file)}.`);
  if (!existsSync(file)) return;
  throw conflict(`${file} exists already.`, 'Name another file, or move this one away.');
}

/**
 * One snapshot of the database as a file of its own. VACUUM INTO, and not SQLite's backup: that one
 * begins anew whenever another process writes, and does not come to an end where many do.
 */
export function copyInto(path: string, copy: string): void {
  const connection = openConnection(path, 'read');
  try {
    // Made here, so that it is private whatever the umask, and never a file that was there.
    makePrivate(copy);
    connection.prepare('vacuum into ?').run(copy);
  } catch (error) {
    throw toHodeiError(error);
  } finally {
    connection.close();
  }
}

function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (cause) {
    throw unavailable(`The copy cannot be written in ${dirname(file)} (${systemCode(cause)}).`, {
      hint: 'Nothing was changed. Name a file in a folder that you may write.',
      cause,
    });
  }
}

/** @throws database with the first problems that SQLite finds in the file. */
export function requireUndamaged(file: string, what: string): void {
  const damage = damageOf(file);
  if (damage.length === 0) return;
  const more = damage.length > 3 ? `, and ${damage.length - 3} more` : '';
  throw databaseError(`${what} is damaged: ${damage.slice(0, 3).join('; ')}${more}`, {
    hint: 'Nothing was changed. Look at the database with hodei doctor.',
  });
}

/** Work on a store that is opened for it alone, to read. */
export async function withStore<T>(path: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqliteStore({ path, create: false, now: () => 0 });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function syncToDisk(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a file that nobody else has open, and what SQLite may have left beside it. */
export function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) {
    // Where one may not even look there is nothing of ours.
    if (existsSync(path + end)) rmSync(path + end, { force: true });
  }
}
