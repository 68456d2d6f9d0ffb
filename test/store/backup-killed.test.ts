import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { emailsIn, makeLarge, requireSound, TENANTS } from '../helpers/large.ts';
import { newFolder, onFile, removeFolder } from '../helpers/store.ts';

const door = join(import.meta.dirname, '../../bin/hodei.js');

let folder: string;
let path: string;
let backup: string;

beforeEach(() => {
  folder = newFolder();
  path = join(folder, 'hodei.db');
  backup = join(folder, 'backup.db');
});
afterEach(() => removeFolder(folder));

describe('a restore that is killed in the middle', () => {
  const allOf = (email: string) => [`${email} ${TENANTS}`];

  /** Kills it when so many bytes of the new contents are written. */
  async function restoreAndKill(from: string, bytes: number): Promise<void> {
    const child = spawn(process.execPath, [door, 'db', 'restore', from, '--yes', '--db', path]);
    const ended = once(child, 'exit');
    while (child.exitCode === null && sizeOf(`${path}-wal`) < bytes) await sleep(0);
    child.kill('SIGKILL');
    await ended;
  }

  it.each(['alone', 'held open'] as const)('has changed nothing (%s)', async (how) => {
    await makeLarge(path, 'old@a.example');
    await makeLarge(backup, 'new@a.example');
    const size = sizeOf(backup);
    const holder = openSqliteStore({ path, create: false, now: () => 0 });
    if (how === 'held open') await holder.read((tables) => tables.settings.current());
    let killedInside = 0;
    for (const part of [0.05, 0.2, 0.4, 0.6, 0.8]) {
      await restoreAndKill(backup, size * part);
      const [found = ''] = emailsIn(path);
      if (found === allOf('old@a.example')[0]) killedInside += 1;
      else await restoreAgain();
      requireSound(path);
    }
    expect(killedInside).toBeGreaterThan(0);
    await holder.close();
    expect(
      spawnSync(process.execPath, [door, 'db', 'restore', backup, '--yes', '--db', path]).status,
    ).toBe(0);
    expect(emailsIn(path)).toEqual(allOf('new@a.example'));
  });

  /** It was not killed early enough: then all of it must be new, and is made old again. */
  async function restoreAgain(): Promise<void> {
    expect(emailsIn(path)).toEqual(allOf('new@a.example'));
    onFile(path, (connection) => {
      connection.exec(`update tenant set email = 'old@a.example'`);
      connection.pragma('wal_checkpoint(TRUNCATE)');
    });
  }
});

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
