import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { approveBurstSession, requestBurstSession } from '../../src/service/bursts.ts';
import { callLocal } from '../../src/service/call.ts';
import type { Call } from '../../src/service/operation.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { EventRow } from '../../src/store/store.ts';
import { countingIds } from '../helpers/ids.ts';
import { admit } from '../helpers/job.ts';
import type { Answered } from '../helpers/job-worker.ts';
import { jobStates, requireCleanLedger } from '../helpers/ledger.ts';
import { beginLedger } from '../helpers/ledger-start.ts';
import { bundleWorker, startWorker, type Process } from '../helpers/processes.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { memoryFolder, newFolder, removeFolder } from '../helpers/store.ts';

const memory = memoryFolder();
/** What is killed writes to a disk. */
const folder = newFolder();
const HOUR = 3_600_000;

let worker: string;
beforeAll(async () => {
  worker = await bundleWorker(memory, 'job-worker');
});
afterAll(() => {
  removeFolder(memory);
  removeFolder(folder);
});

/** A file in which nothing bounds sessions, with tenants of two GPUs. */
async function begin(path: string, tenants: readonly string[], required = 1): Promise<void> {
  const limits = Object.fromEntries(tenants.map((name) => [name, { gpu: 2 }]));
  await beginLedger(path, limits, async (call) => {
    await call(applySettings, {
      burst_capacity: {
        ...{ max_concurrent_burst_sessions: null, max_per_tenant_per_day: null },
        default_policy: { max_overage_percentage: 10_000 },
        ...{ burst_cooldown_minutes: 0, approval: { approvals_required: required } },
      },
    });
  });
}

/** What was done at another time, by whoever is named. */
async function at(path: string, time: number, work: (as: (name: string) => Call) => Promise<void>) {
  const store = openSqliteStore({ path, create: false, now: () => time });
  const { newId } = countingIds();
  const past = { now: () => time, newId: (kind: string) => newId(`${kind}-${time % 1_000_000}`) };
  const service = callLocal(store, past);
  await work((principal) => callAs(service, { ...fullAuthority, principal, traceId: TRACE_ID }));
  await store.close();
}

async function operators(path: string, count: number): Promise<Process[]> {
  const started = Array.from({ length: count }, (_, i) =>
    startWorker(worker, 'operate', path, `caller-${i}`),
  );
  for (const { hear } of started) expect(await hear()).toBe('ready');
  return started;
}

async function tell({ say, hear }: Process, operation: string, ...inputs: object[]) {
  say(JSON.stringify(inputs.map((input) => ({ operation, input }))));
  return JSON.parse((await hear()) ?? '[]') as Answered[];
}

async function endAll(processes: readonly Process[]): Promise<void> {
  for (const { end } of processes) expect(await end()).toEqual({ code: 0, stderr: '' });
}

/** How often each event was written about each object. */
function counts(events: readonly EventRow[], operation: string): number[] {
  const objects = new Map<string, number>();
  for (const event of events) {
    if (event.operation !== operation) continue;
    objects.set(event.object, (objects.get(event.object) ?? 0) + 1);
  }
  return [...objects.values()];
}

it('sessions that begin and end while four processes write do both once', async () => {
  const path = join(memory, 'due.db');
  const tenants = Array.from({ length: 40 }, (_, i) => `t${i}`);
  await begin(path, tenants);
  const processes = await operators(path, 4);
  // From now on every twenty milliseconds one begins and another one ends.
  const first = Date.now() + 200;
  await at(path, Date.now() - HOUR, async (as) => {
    for (const [i, tenant] of tenants.entries()) {
      const starts_at = new Date(first + i * 20).toISOString();
      const lift = { percentage: 150, resources: ['gpu'], duration_seconds: 1, reason: 'night' };
      const { id } = await as('ana')(requestBurstSession, { tenant, starts_at, ...lift });
      await as('ben')(approveBurstSession, { burst: id });
    }
  });
  const end = first + 40 * 20 + 1_000;
  await Promise.all(
    processes.map(async (process) => {
      // The last one is asked for when all have ended, however slow the machine is.
      for (let n = 0, isOver = false; !isOver; n++) {
        isOver = Date.now() > end + 20;
        await tell(process, 'quota.set', { tenant: 't0', cpu_m: n });
      }
    }),
  );
  await endAll(processes);
  const events = await requireCleanLedger(path);
  expect(counts(events, 'burst.begin')).toEqual(tenants.map(() => 1));
  expect(counts(events, 'burst.expire')).toEqual(tenants.map(() => 1));
}, 60_000);

it('of six that approve at once as many count as have to, and it begins once', async () => {
  const path = join(memory, 'approvers.db');
  const tenants = Array.from({ length: 20 }, (_, i) => `t${i}`);
  await begin(path, tenants, 2);
  const bursts: string[] = [];
  await at(path, Date.now(), async (as) => {
    for (const tenant of tenants) {
      const lift = { add: { gpu: 2 }, duration_seconds: 3_600, reason: 'night' };
      bursts.push((await as('ana')(requestBurstSession, { tenant, ...lift })).id);
    }
  });
  const processes = await operators(path, 6);
  const answers: Answered[][] = [];
  for (const burst of bursts) {
    const all = await Promise.all(processes.map((each) => tell(each, 'burst.approve', { burst })));
    answers.push(all.flat());
  }
  await endAll(processes);
  for (const six of answers) {
    const refused = six.filter((answer) => 'refused' in answer);
    expect(refused).toHaveLength(4);
    for (const answer of refused) expect(answer).toMatchObject({ refused: 'conflict' });
    const states = six.flatMap((answer) => ('done' in answer ? [answer.done] : []));
    expect(states).toContainEqual(expect.objectContaining({ state: 'active' }));
  }
  const events = await requireCleanLedger(path);
  expect(counts(events, 'burst.approve')).toEqual(bursts.map(() => 2));
  expect(counts(events, 'burst.begin')).toEqual(bursts.map(() => 1));
}, 60_000);

it('who is killed while many jobs are evicted has evicted each once or not, and the next goes on', async () => {
  const path = join(folder, 'evicting.db');
  await begin(path, ['acme', 'web']);
  const JOBS = 250;
  await at(path, Date.now() - HOUR, async (as) => {
    await as('ana')(setQuota, { tenant: 'acme', gpu: 20 });
    const lift = { add: { gpu: JOBS }, duration_seconds: 1_800, on_end: 'evict' as const };
    const asked = { tenant: 'acme', ...lift, reason: 'night' };
    const { id } = await as('ana')(requestBurstSession, asked);
    await as('ben')(approveBurstSession, { burst: id });
    const each = Array.from({ length: JOBS }, () => admit(as('ana'), 'acme', { gpu: 1 }));
    await Promise.all(each);
  });
  let kills = 0;
  for (let round = 0; running(path) > 20; round++) {
    const [process] = (await operators(path, 1)) as [Process];
    process.say(JSON.stringify([{ operation: 'quota.set', input: { tenant: 'web', gpu: round } }]));
    // Later rounds leave more time, so that it comes to an end.
    const isOver = await Promise.race([process.hear(), setTimeout(round * 15, undefined)]);
    if (isOver === undefined) kills += 1;
    await process.kill();
    await requireCleanLedger(path);
    expect(running(path)).toBeGreaterThanOrEqual(20);
  }
  expect(kills).toBeGreaterThan(1);
  expect(running(path)).toBe(20);
  const events = await requireCleanLedger(path);
  expect(counts(events, 'job.evict')).toEqual(Array.from({ length: JOBS - 20 }, () => 1));
  expect(counts(events, 'burst.expire')).toEqual([1]);
}, 60_000);

function running(path: string): number {
  return [...jobStates(path).values()].filter((state) => state === 'admitted').length;
}
