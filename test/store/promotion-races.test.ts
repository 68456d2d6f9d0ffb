import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal } from '../../src/service/call.ts';
import { admitJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Answered } from '../helpers/job-worker.ts';
import { countingIds } from '../helpers/ids.ts';
import { jobStates, requireCleanLedger } from '../helpers/ledger.ts';
import { beginLedger } from '../helpers/ledger-start.ts';
import { bundleWorker, startWorker } from '../helpers/processes.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { memoryFolder, onFile, removeFolder } from '../helpers/store.ts';

/** In memory, since nothing is killed by surprise: the more often they meet, the better. */
const folder = memoryFolder();
const PROCESSES = 16;
const ENTRIES = 1_000;

let worker: string;
beforeAll(async () => {
  worker = await bundleWorker(folder, 'job-worker');
});
afterAll(() => removeFolder(folder));

/** So many wait for the one unit that there is, which is held. */
async function beginQueue(path: string, entries: number): Promise<void> {
  await beginLedger(path, { all: { cpu_m: 1 }, web: {} }, async (call) => {
    await enqueue(call, entries);
  });
}

async function enqueue(call: Call, entries: number): Promise<void> {
  await call(admitJob, { tenant: 'all', cpu_m: 1, job_id: 'full' });
  const request = { cpu_m: 1, on_full: 'queue' as const };
  await Promise.all(
    Array.from({ length: entries }, (_, n) =>
      call(admitJob, { ...request, tenant: 'all', job_id: `wait-${n}`, priority: n % 3 }),
    ),
  );
}

async function startCallers(path: string) {
  const started = Array.from({ length: PROCESSES }, (_, i) =>
    startWorker(worker, 'operate', path, `caller-${i}`),
  );
  for (const { hear } of started) expect(await hear()).toBe('ready');
  return started.map(({ say, hear, end, kill }) => ({
    ...{ end, kill },
    async call(operation: string, input: object): Promise<Record<string, unknown>> {
      say(JSON.stringify([{ operation, input }]));
      const [answer] = JSON.parse((await hear()) ?? '[]') as Answered[];
      if (answer === undefined || 'refused' in answer) throw new Error(JSON.stringify(answer));
      return answer.done as Record<string, unknown>;
    },
  }));
}

const waiting = (path: string) =>
  onFile(path, (file) => Number(file.prepare('select count(*) from waiting').pluck().get()));

describe('sixteen processes', () => {
  it('that promote a thousand waiting jobs start each of them once', async () => {
    const path = join(folder, 'promote.db');
    await beginQueue(path, ENTRIES);
    const callers = await startCallers(path);
    // Each raises the limit by less than all, and goes on until nobody waits.
    await Promise.all(
      callers.map(async ({ call }, i) => {
        for (let n = 0; n < 2 || waiting(path) > 0; n++) {
          const more = Math.ceil(ENTRIES / PROCESSES);
          await call('quota.set', { tenant: 'all', cpu_m: `+${more}` });
          await call('tenant.update', { tenant: 'web', labels: { by: `${i}-${n}` } });
        }
      }),
    );
    const ends = await Promise.all(callers.map(({ end }) => end()));
    expect(ends).toEqual(callers.map(() => ({ code: 0, stderr: '' })));
    const events = await requireCleanLedger(path);
    const promoted = events.filter(({ operation }) => operation === 'job.promote');
    expect(promoted).toHaveLength(ENTRIES);
    expect(new Set(promoted.map(({ object }) => object)).size).toBe(ENTRIES);
    expect([...jobStates(path).values()].filter((state) => state !== 'admitted')).toEqual([]);
  }, 120_000);

  it('of which some release what others wait for, never start more than fits', async () => {
    const path = join(folder, 'release.db');
    await beginQueue(path, 200);
    const callers = await startCallers(path);
    const running = () =>
      onFile(path, (file) =>
        file.prepare(`select public_id from job where state = 'admitted'`).pluck().all(),
      ) as string[];
    await Promise.all(
      callers.map(async ({ call }) => {
        while (waiting(path) > 0) {
          for (const job of running()) {
            await call('job.release', { job }).catch((error: unknown) => {
              if (!String(error).includes('conflict')) throw error;
            });
          }
        }
      }),
    );
    await Promise.all(callers.map(({ end }) => end()));
    const events = await requireCleanLedger(path);
    let live = 0;
    for (const { operation } of events) {
      if (operation === 'job.admit' || operation === 'job.promote') live += 1;
      if (operation === 'job.release') live -= 1;
      expect(live).toBeLessThanOrEqual(1);
    }
    expect(events.filter(({ operation }) => operation === 'job.promote')).toHaveLength(200);
  }, 120_000);
});

describe('a promoted job whose caller died', () => {
  it('is freed after the time in which it has to be claimed, and the next one starts', async () => {
    const path = join(folder, 'claim.db');
    await beginQueue(path, 1);
    const [caller, ...others] = await startCallers(path);
    if (caller === undefined) throw new Error('nobody has started');
    await caller.call('job.admit', {
      ...{ tenant: 'all', cpu_m: 1, job_id: 'mine', priority: 9, on_full: 'queue' },
    });
    await caller.kill();
    await others[0]?.call('job.release', { job: 'all:full' });
    await Promise.all(others.map(({ end }) => end()));
    const states = () =>
      onFile(path, (file) =>
        file.prepare(`select job_id || ' ' || state from job order by id`).pluck().all(),
      );
    expect(states()).toEqual(['full released', 'wait-0 queued', 'mine admitted']);
    const claimUntil = onFile(path, (file) =>
      Number(file.prepare('select due_at from job where claim_due = 1').pluck().get()),
    );
    for (const [late, expected] of [
      [-1, ['full released', 'wait-0 queued', 'mine admitted']],
      [0, ['full released', 'wait-0 admitted', 'mine expired']],
    ] as const) {
      await changeAt(path, claimUntil + late, String(late));
      expect(states()).toEqual(expected);
    }
    await requireCleanLedger(path);
  }, 60_000);
});

/** Any change, by a process whose clock says so. */
async function changeAt(path: string, time: number, at: string): Promise<void> {
  const store = openSqliteStore({ path, create: false, now: () => time });
  const service = callLocal(store, { now: () => time, newId: countingIds().newId });

  await callAs(service, { ...fullAuthority, principal: 'later', traceId: TRACE_ID })(updateTenant, {
    ...{ tenant: 'web', labels: { at } },
  });
  await store.close();
}
