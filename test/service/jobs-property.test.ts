import fc from 'fast-check';
import { expect, it } from 'vitest';
import { explainDecision } from '../../src/service/explain.ts';
import { cancelJob, checkJob, listJobs, releaseJob, resizeJob } from '../../src/service/jobs.ts';
import type { JobView } from '../../src/service/job-view.ts';
import { createPool, holdPool, resumePool, updatePool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { resumeTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { requireBalanced, usedAnywhere } from '../helpers/balances.ts';
import { admit, idOf } from '../helpers/job.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const tenants = ['eng', 'web', 'shop', 'app', 'sales'];
const pools = ['default', 'ci'];

const tenant = fc.constantFrom(...tenants);
const pool = fc.constantFrom(...pools);
const amount = fc.integer({ min: 0, max: 6 });
const limit = fc.option(fc.integer({ min: 0, max: 12 }), { nil: null });
const asked = fc.record({
  ...{ tenant, pool, cpu_m: amount, memory_mb: amount, jobs: fc.integer({ min: 1, max: 3 }) },
  on_full: fc.constantFrom('reject' as const, 'queue' as const),
  ttl_seconds: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
  queue_ttl_seconds: fc.integer({ min: 1, max: 300 }),
});
const which = fc.nat({ max: 30 });

const command = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('ask' as const), asked }), weight: 8 },
  { arbitrary: fc.record({ do: fc.constant('end' as const), which }), weight: 3 },
  fc.record({ do: fc.constant('resize' as const), which, cpu_m: amount, memory_mb: amount }),
  fc.record({ do: fc.constant('limit' as const), tenant, pool: fc.option(pool), cpu_m: limit }),
  fc.record({ do: fc.constant('move' as const), tenant, parent: fc.option(tenant) }),
  fc.record({ do: fc.constant('suspend' as const), tenant, on: fc.boolean() }),
  fc.record({ do: fc.constant('hold' as const), pool, on: fc.boolean() }),
  fc.record({ do: fc.constant('grow' as const), size: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 120 }) }),
);

type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;
type Asked = typeof asked extends fc.Arbitrary<infer Value> ? Value : never;

async function opened(): Promise<TestService> {
  const hodei = await testService();
  await makeLine(hodei.call, 'eng', 'web', 'shop');
  await makeTenant(hodei.call, 'app', { parent: 'eng' });
  await makeTenant(hodei.call, 'sales');
  const quota = { cpu_m: 10, memory_mb: 12, max_concurrent_jobs: 7 };
  for (const name of tenants) await hodei.call(setQuota, { tenant: name, ...quota });
  const resources = { cpu_m: 4 };
  await hodei.call(createPool, { id: 'ci', type: 'dynamic', max_size: 4, size: 2, resources });
  return hodei;
}

/** Any change will do. */
async function settle({ call }: TestService): Promise<void> {
  await call(updateTenant, { tenant: 'eng', labels: {} });
}

async function living({ call }: TestService): Promise<JobView[]> {
  return (await call(listJobs, { limit: 500 })).items;
}

async function carryOut(hodei: TestService, step: Command): Promise<unknown> {
  const { call, clock } = hodei;
  switch (step.do) {
    case 'ask':
      return askAllWays(hodei, step.asked);
    case 'end':
      return endOne(hodei, step.which);
    case 'resize': {
      const jobs = (await living(hodei)).filter(({ state }) => state === 'admitted');
      const job = jobs[step.which % jobs.length];
      const { cpu_m, memory_mb } = step;
      return job && call(resizeJob, { job: idOf(job), cpu_m, memory_mb, jobs: 1 });
    }
    case 'limit':
      return call(setQuota, { tenant: step.tenant, pool: step.pool, cpu_m: step.cpu_m });
    case 'move':
      // Not below itself; whoever is over a limit then is no matter here.
      return call(updateTenant, { tenant: step.tenant, parent: step.parent, force: true }).catch(
        () => undefined,
      );
    case 'suspend':
      return call(step.on ? suspendTenant : resumeTenant, { tenant: step.tenant });
    case 'hold':
      return call(step.on ? holdPool : resumePool, { pool: step.pool });
    case 'grow':
      return call(updatePool, { pool: 'ci', size: step.size });
    case 'wait':
      clock.advance(step.seconds * 1000);
  }
}

/** A check, the request itself and the explanation of the answer say the same. */
async function askAllWays({ call }: TestService, request: Asked): Promise<void> {
  if (request.cpu_m + request.memory_mb + request.jobs === 0) return;
  const told = ({ state, code, retryable, violations }: JobView) => [
    ...[state, code ?? null, retryable ?? null, violations ?? []],
  ];
  const checked = await call(checkJob, request);
  const answered = await admit(call, request.tenant, request);
  expect(told(checked)).toEqual(told(answered));
  if (answered.decision_id === undefined) return;
  const { then, now } = await call(explainDecision, { decision: answered.decision_id });
  expect(then).toMatchObject({ outcome: answered.state, violations: answered.violations });
  if (now === null) throw new Error('there is nothing to decide');
  const { outcome, code, retryable, violations } = now;
  // What was refused for good would be refused, whatever was to become of it without room.
  expect([outcome, code, retryable, violations]).toEqual(told(answered));
}

async function endOne(hodei: TestService, index: number): Promise<void> {
  // Else what is due would be settled by the end of a job, which may have begun by that.
  await settle(hodei);
  const jobs = await living(hodei);
  const job = jobs[index % jobs.length];
  if (job === undefined) return;
  await hodei.call(job.state === 'queued' ? cancelJob : releaseJob, { job: idOf(job) });
}

const settings = { numRuns: 40, interruptAfterTimeLimit: 20_000 };

it('whatever was done, all that is used is what jobs hold, and nothing when they have ended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 15, maxLength: 40 }), async (steps) => {
      const hodei = await opened();
      try {
        for (const step of steps) {
          await carryOut(hodei, step);
          requireBalanced(hodei.path);
        }
        for (let left = (await living(hodei)).length; left > 0; left--) {
          await endOne(hodei, 0);
        }
        await settle(hodei);
        expect(await living(hodei)).toEqual([]);
        expect(usedAnywhere(hodei.path)).toEqual({});
      } finally {
        await hodei.close();
      }
    }),
    settings,
  );
}, 60_000);

it('what others do in scopes that a request does not touch never changes its answer', async () => {
  const mine = fc.array(
    asked.map((request) => ({ ...request, tenant: 'sales', pool: 'default' })),
    { minLength: 1, maxLength: 6 },
  );
  const others = fc.array(
    asked.map((request) => ({ ...request, pool: 'ci' })),
    { minLength: 6, maxLength: 6 },
  );
  const outside = tenants.filter((name) => name !== 'sales');
  await fc.assert(
    fc.asyncProperty(mine, others, fc.nat({ max: 3 }), async (requests, load, at) => {
      const [alone, crowded] = [await opened(), await opened()];
      try {
        for (const [i, request] of requests.entries()) {
          const other = load[i];
          const name = outside[(at + i) % outside.length] ?? '';
          if (other !== undefined) await admit(crowded.call, name, { ...other, tenant: name });
          const answers = [alone, crowded].map(({ call }) => admit(call, 'sales', request));
          const [here, there] = await Promise.all(answers);
          const { state, code, violations, position } = here ?? {};
          expect(there).toMatchObject({ state });
          expect([there?.code, there?.violations, there?.position]).toEqual([
            ...[code, violations, position],
          ]);
        }
      } finally {
        await alone.close();
        await crowded.close();
      }
    }),
    { ...settings, numRuns: 25 },
  );
}, 60_000);
