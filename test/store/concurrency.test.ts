import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal } from '../../src/service/call.ts';
import { checkChain } from '../../src/main/chain.ts';
import { pieceOf, verifyAudit } from '../../src/service/audit.ts';
import { followChain } from '../../src/service/event-chain.ts';
import { chainStart, findBreak } from '../../src/service/event-log.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { getTenant, listTenants } from '../../src/service/tenants.ts';
import type { Call } from '../../src/service/operation.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { countingIds } from '../helpers/ids.ts';
import { everyPage } from '../helpers/pages.ts';
import { bundleWorker, startWorker } from '../helpers/processes.ts';
import { callAs, testService, TRACE_ID } from '../helpers/service.ts';
import { newFolder, removeFolder, START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

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
  const call = callAs(callLocal(store, environment), {
    ...fullAuthority,
    principal: 'reader',
    traceId: TRACE_ID,
  });
  const counts: number[] = [];
  while (!finished.signal.aborted) {
    counts.push(await readThrough(call));
    expect((await checkChain(store)).broken).toBeUndefined();
  }

  expect(await ends).toEqual(writers.map(() => ({ code: 0, stderr: '' })));
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts.length).toBeGreaterThan(5);
  expect(await readThrough(call)).toBe(PROCESSES * ROUNDS * 3 + 1);
  expect(await call(getQuota, { tenant: 'shared' })).toMatchObject({ gpu: PROCESSES * ROUNDS });
  const events = await store.read((tables) => tables.events.following(0, 1_000_000));
  expect(events).toHaveLength(1 + 1 + PROCESSES * ROUNDS * 4);
  expect(findBreak(chainStart, events)).toBeUndefined();
  // Nobody was written behind the same one as another: the chain is a line, and no tree.
  expect(new Set(events.map(({ previousHash }) => previousHash)).size).toBe(events.length);
  const verified = await followChain(async ({ sequence, hash }) =>
    pieceOf(await call(verifyAudit, sequence === 0 ? {} : { after: sequence, hash })),
  );
  const { sequence, hash } = events.at(-1) ?? chainStart;
  expect(verified).toMatchObject({ broken: undefined, last: { sequence, hash } });
  await store.close();
}, 60_000);

it('who has to wait for another process to finish writing gets his turn, and may read meanwhile', async () => {
  const worker = await bundleWorker(folder);
  const hodei = await testService();
  onTestFinished(() => hodei.close());
  await makeTenant(hodei.call, 'acme');
  const holder = startWorker(worker, 'hold', hodei.path, '1500');
  expect(await holder.hear()).toBe('held');
  expect(await hodei.call(getTenant, { tenant: 'acme' })).toMatchObject({ name: 'acme' });
  const begun = performance.now();
  await makeTenant(hodei.call, 'beta');
  expect(performance.now() - begun).toBeGreaterThan(500);
  expect(await holder.end()).toEqual({ code: 0, stderr: '' });
});

/** Pages through all tenants in the order of creation. @returns how many there were. */
async function readThrough(call: Call): Promise<number> {
  const seen = new Set<string>();
  const input = { sort: 'created' as const, limit: 100 };
  for await (const { items } of everyPage((after) => call(listTenants, { ...input, ...after }))) {
    for (const { name } of items) {
      expect(seen.has(name)).toBe(false);
      seen.add(name);
    }
    // The writers' ends are heard between two pages.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return seen.size;
}
