import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { updateTenant } from '../../src/service/tenants.ts';
import type { EventRow } from '../../src/store/store.ts';
import type { Answered } from '../helpers/job-worker.ts';
import { requireCleanLedger } from '../helpers/ledger.ts';
import { beginLedger } from '../helpers/ledger-start.ts';
import { startsAgainstRules } from '../helpers/ledger-story.ts';
import { bundleWorker, startWorker, type Process } from '../helpers/processes.ts';
import { memoryFolder, removeFolder } from '../helpers/store.ts';

/** In memory, since nothing is killed here: the more often they meet, the better. */
const folder = memoryFolder();
const PROCESSES = 16;

let worker: string;
beforeAll(async () => {
  worker = await bundleWorker(folder, 'job-worker');
});
afterAll(() => removeFolder(folder));

interface JobAnswer {
  readonly id: string | null;
  readonly state: string;
  readonly code?: string;
  readonly replayed?: boolean;
  readonly version?: number;
}

/** A process that carries out what it is told, one thing after the other. */
interface Caller {
  /** Several operations are asked for at once, and share a transaction. */
  call(...asked: [operation: string, input: object][]): Promise<JobAnswer[]>;
  end: Process['end'];
}

async function startCallers(path: string, count = PROCESSES): Promise<Caller[]> {
  const started = Array.from({ length: count }, (_, i) =>
    startWorker(worker, 'operate', path, `caller-${i}`),
  );
  return Promise.all(
    started.map(async ({ say, hear, end }) => {
      expect(await hear()).toBe('ready');
      return {
        end,
        async call(...asked) {
          say(JSON.stringify(asked.map(([operation, input]) => ({ operation, input }))));
          const answers = JSON.parse((await hear()) ?? '[]') as Answered[];
          return answers.map(doneOf);
        },
      };
    }),
  );
}

/** Nobody is refused but for what another did meanwhile, and least of all since the database is busy. */
function doneOf(answer: Answered): JobAnswer {
  if ('refused' in answer) {
    if (answer.refused !== 'conflict') throw new Error(`${answer.refused}: ${answer.why}`);
    return { id: null, state: 'refused', code: answer.refused };
  }
  return (answer.done ?? {}) as JobAnswer;
}

async function endAll(callers: readonly Caller[]): Promise<void> {
  const ends = await Promise.all(callers.map(({ end }) => end()));
  expect(ends).toEqual(callers.map(() => ({ code: 0, stderr: '' })));
}

const isAdmitted = ({ state }: JobAnswer) => state === 'admitted';

describe('sixteen processes', () => {
  it('that race for the last unit have one winner, a thousand times', async () => {
    const path = join(folder, 'unit.db');
    const units = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `unit-${n}`);
    await beginLedger(path, Object.fromEntries(units.map((name) => [name, { gpu: 1 }])));
    const callers = await startCallers(path);
    for (let round = 0; round < 1_000 / units.length; round++) {
      const answers = await Promise.all(
        callers.map(({ call }, i) => {
          // Not all of them begin with the same one.
          const order = units.map((_, n) => units[(n + i) % units.length] ?? '');
          return call(...order.map((tenant) => ask('job.admit', { tenant, gpu: 1 })));
        }),
      );
      const winners = answers.flatMap((some, by) =>
        some.filter(isAdmitted).map((job) => ({ by, job })),
      );
      expect(winners).toHaveLength(units.length);
      const losers = answers.flat().filter((job) => !isAdmitted(job));
      expect(losers.filter(({ code }) => code !== 'over_quota')).toEqual([]);
      await Promise.all(
        callers.map(async ({ call }, i) => {
          const own = winners.filter(({ by }) => by === i);
          if (own.length === 0) return;
          await call(...own.map(({ job }) => ask('job.release', { job: job.id })));
        }),
      );
    }
    await endAll(callers);
    const events = await requireCleanLedger(path);
    expect(countOf(events, 'job.admit')).toBe(1_000);
    expect(countOf(events, 'job.release')).toBe(1_000);
  }, 120_000);

  it('that ask under the same job_id have one effect', async () => {
    const path = join(folder, 'same.db');
    await beginLedger(path, { acme: {} });
    const callers = await startCallers(path);
    const ROUNDS = 50;
    for (let round = 0; round < ROUNDS; round++) {
      // Every other one has to wait.
      const cpu = round % 2 === 0 ? 1 : 1_000_000;
      const input = { tenant: 'acme', job_id: `build-${round}`, cpu_m: cpu, on_full: 'queue' };
      const answers = await Promise.all(callers.map(({ call }) => call(ask('job.admit', input))));
      const jobs = answers.flat();
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
      expect(jobs.filter(({ replayed }) => replayed !== true)).toHaveLength(1);
    }
    await endAll(callers);
    const events = await requireCleanLedger(path);
    expect(countOf(events, 'job.admit') + countOf(events, 'job.queue')).toBe(ROUNDS);
  }, 60_000);
});

describe('what one process changes', () => {
  it('holds for the next call of every other', async () => {
    const path = join(folder, 'between.db');
    await beginLedger(path, { acme: {} });
    const callers = await startCallers(path, 2);
    const [one, other] = callers as [Caller, Caller];
    const job = ask('job.admit', { tenant: 'acme', gpu: 1 });
    for (let round = 0; round < 40; round++) {
      await one.call(ask('quota.set', { tenant: 'acme', gpu: 1 }));
      const [first] = await other.call(job);
      expect(first?.state).toBe('admitted');
      await one.call(
        ask('job.release', { job: first?.id }),
        ask('quota.set', { tenant: 'acme', gpu: 0 }),
      );
      expect(await other.call(job)).toMatchObject([{ state: 'rejected', code: 'impossible' }]);
      await one.call(ask('tenant.suspend', { tenant: 'acme' }));
      expect(await other.call(job)).toMatchObject([{ state: 'rejected', code: 'suspended' }]);
      await one.call(
        ask('tenant.resume', { tenant: 'acme' }),
        ask('pool.hold', { pool: 'default' }),
      );
      const held = ask('job.admit', { tenant: 'acme', cpu_m: 1 });
      expect(await other.call(held)).toMatchObject([{ state: 'rejected', code: 'pool_held' }]);
      await one.call(ask('pool.resume', { pool: 'default' }));
    }
    await endAll(callers);
    await requireCleanLedger(path);
  }, 60_000);

  it('while others admit is never passed by: nothing starts that is shut or full by then', async () => {
    const path = join(folder, 'story.db');
    await beginLedger(path, { acme: { gpu: 4 }, web: { gpu: 3 } }, async (call) => {
      await call(updateTenant, { tenant: 'web', parent: 'acme' });
    });
    const callers = await startCallers(path);
    const changers = callers.slice(0, changes.length);
    const admitters = callers.slice(changes.length);
    const done = new AbortController();
    const changed = changers.map(async (caller, i) => {
      for (let n = 0; !done.signal.aborted; n++) await caller.call(changes[i]!(n));
    });
    await Promise.all(admitters.map((caller, i) => admitAndEnd(caller, i)));
    done.abort();
    await Promise.all(changed);
    await endAll(callers);
    const events = await requireCleanLedger(path);
    expect(startsAgainstRules(events)).toEqual([]);
    expect(countOf(events, 'job.admit')).toBeGreaterThan(ADMISSIONS);
    for (const operation of ['tenant.suspend', 'pool.hold', 'quota.set', 'tenant.update']) {
      expect([operation, countOf(events, operation)]).not.toEqual([operation, 0]);
    }
  }, 60_000);
});

const ADMISSIONS = 30;

/** What each of some processes does over and over while others admit. */
const changes: ((n: number) => [string, object])[] = [
  (n) => ask(n % 2 === 0 ? 'tenant.suspend' : 'tenant.resume', { tenant: 'acme' }),
  (n) => ask(n % 2 === 0 ? 'pool.hold' : 'pool.resume', { pool: 'default' }),
  (n) => ask('quota.set', { tenant: 'acme', gpu: n % 5 }),
  (n) => ask('tenant.update', { tenant: 'web', parent: n % 2 === 0 ? null : 'acme', force: true }),
  (n) => ask('pool.update', { pool: 'default', quotas: { max_concurrent_jobs: n % 4 } }),
];

/** Asks until it was admitted so often; what waits and what runs is taken back at once. */
async function admitAndEnd({ call }: Caller, number: number): Promise<void> {
  for (let admitted = 0; admitted < ADMISSIONS / 5;) {
    const request = { tenant: number % 2 === 0 ? 'acme' : 'web', gpu: 1 + (admitted % 2) };
    const on_full = number % 3 === 0 ? 'queue' : 'reject';
    const [job] = await call(ask('job.admit', { ...request, on_full }));
    if (job?.state === 'admitted') admitted += 1;
    if (job?.id == null) continue;
    // Who waits may run meanwhile.
    const [ended] = await call(
      ask(job.state === 'queued' ? 'job.cancel' : 'job.release', { job: job.id }),
    );
    if (ended?.code === 'conflict') await call(ask('job.release', { job: job.id }));
  }
}

function ask(operation: string, input: object): [string, object] {
  return [operation, input];
}

function countOf(events: readonly EventRow[], operation: string): number {
  return events.filter((event) => event.operation === operation).length;
}
