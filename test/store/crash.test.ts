import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { bundleWorker, startWorker, type Process } from '../helpers/processes.ts';
import { newFolder, onFile, removeFolder, START } from '../helpers/store.ts';

const folder = newFolder();
afterAll(() => removeFolder(folder));

const KILLS = 24;
const WRITERS = 2;

it('what was acknowledged before a kill -9 is there after it, over and over, and the chain is whole', async () => {
  const worker = await bundleWorker(folder);
  const path = join(folder, 'hodei.db');
  expect(await startWorker(worker, 'begin', path).end()).toEqual({ code: 0, stderr: '' });

  const acknowledged: string[] = [];
  let unanswered = 0;
  for (let round = 0; round < KILLS / WRITERS; round++) {
    const writers = Array.from({ length: WRITERS }, (_, i) =>
      startWorker(worker, 'write', path, `w${round}-${i}`, '1000000'),
    );
    await Promise.all(writers.map((writer) => killInTheMidst(writer, acknowledged)));
    const there = await look(path);
    const lost = acknowledged.filter((name) => !there.has(name));
    expect(lost).toEqual([]);
    unanswered = there.size - acknowledged.length;
  }
  expect(acknowledged.length).toBeGreaterThan(KILLS * 5);
  // At each kill at most one group of three was written and not yet acknowledged.
  expect(unanswered).toBeLessThanOrEqual(KILLS * 3 + 1);
}, 60_000);

/** Lets it acknowledge a few changes and kills it while it goes on writing. */
async function killInTheMidst(writer: Process, acknowledged: string[]): Promise<void> {
  expect(await writer.hear()).toBe('ready');
  for (let heard = 0; heard < 5; heard++) acknowledged.push((await writer.hear()) ?? 'silence');
  await setTimeout(Math.random() * 20);
  await writer.kill();
  // Acknowledged too, though nobody had listened yet.
  for (let name = await writer.hear(); name !== undefined; name = await writer.hear()) {
    acknowledged.push(name);
  }
}

/** The names of all tenants, after the file was found sound and its chain of events unbroken. */
async function look(path: string): Promise<Set<string>> {
  const store = openSqliteStore({ path, create: false, now: () => START });
  const events = await store.read((tables) => tables.events.following(0, 1_000_000));
  await store.close();
  expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, events)).toBeUndefined();
  return onFile(path, (db) => {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    const names = db.prepare('select name from tenant').pluck().all() as string[];
    const raises = db.prepare(`select count(*) from event where operation = 'quota.set'`);
    const gpu = db.prepare(`select max(ceiling) from quota q join resource r on r.id = q.resource
      where r.name = 'gpu'`);
    expect(gpu.pluck().get()).toBe(raises.pluck().get());
    // The settings, one for each tenant, one for each raise: every change has its one event.
    expect(events).toHaveLength(1 + names.length + Number(raises.get()));
    return new Set(names);
  });
}
