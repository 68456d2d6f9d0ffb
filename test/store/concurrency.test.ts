import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { callLocal } from '../../src/service/call.ts';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { listTenants } from '../../src/service/tenants.ts';
import type { Call } from '../../src/service/operation.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { countingIds } from '../helpers/ids.ts';
import { bundleWorker, startWorker } from '../helpers/processes.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { newFolder, removeFolder, START } from '../helpers/store.ts';

const folder = newFolder();
afterAll(() => removeFolder(folder));

const PROCESSES = 16;
const ROUNDS = 25;

it('sixteen processes write one file while one reads, and nothing is refused, lost or torn', async () => {
  const worker = await bundleWorker(folder);
  const path = join(folder, 'hodei.db');
  expect(await startWorker(worker, 'begin', path).end()).toEqual({ code: 0, stderr: '' });

  const writers = Array.from({ length: PROCESSES }, (_, i) =>
    startWorker(worker, 'write', path, `w${i}`, String(ROUNDS)),
  );
  const ends = Promise.all(
    writers.map(async ({ hear, end }) => {
      while ((await hear()) !== undefined);
      return end();
    }),
  );
  const finished = new AbortController();
  void ends.then(() => finished.abort());

  const store = openSqliteStore({ path, create: false, now: () => START });
  const environment = { now: () => START, newId: countingIds().newId };
  const call = callAs(callLocal(store, environment), { principal: 'reader', traceId: TRACE_ID });
  const counts: number[] = [];
  while (!finished.signal.aborted) counts.push(await readThrough(call));

  expect(await ends).toEqual(writers.map(() => ({ code: 0, stderr: '' })));
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts.length).toBeGreaterThan(5);
  expect(await readThrough(call)).toBe(PROCESSES * ROUNDS * 3 + 1);
  expect(await call(getQuota, { tenant: 'shared' })).toMatchObject({ gpu: PROCESSES * ROUNDS });
  const events = await store.read((tables) => tables.events.following(0, 1_000_000));
  expect(events).toHaveLength(1 + 1 + PROCESSES * ROUNDS * 4);
  expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, events)).toBeUndefined();
  await store.close();
}, 60_000);

/** Pages through all tenants in the order of creation. @returns how many there were. */
async function readThrough(call: Call): Promise<number> {
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const input = { sort: 'created' as const, limit: 100, ...(cursor && { cursor }) };
    const page = await call(listTenants, input);
    for (const { name } of page.items) {
      expect(seen.has(name)).toBe(false);
      seen.add(name);
    }
    cursor = page.next_cursor ?? undefined;
    // The writers' ends are heard between two pages.
    await new Promise((resolve) => setImmediate(resolve));
  } while (cursor !== undefined);
  return seen.size;
}
