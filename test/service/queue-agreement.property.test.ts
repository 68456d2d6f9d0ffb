import fc from 'fast-check';
import { expect, it } from 'vitest';
import { strategies } from '../../src/domain/fair-share.ts';
import { explainJob } from '../../src/service/explain.ts';
import { getJob, releaseJob } from '../../src/service/jobs.ts';
import { listQueue, queueStatus } from '../../src/service/queue.ts';
import { applySettings } from '../../src/service/settings.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { makePool } from '../helpers/pool.ts';
import { testService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const free = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };

/** Tenants, each below one of those before it or none, and what they use and ask for. */
const story = fc.record({
  strategy: fc.constantFrom(...strategies),
  tenants: fc.array(
    fc.record({ weight: fc.integer({ min: 1, max: 5 }), parent: fc.integer({ min: -3, max: 3 }) }),
    { minLength: 2, maxLength: 5 },
  ),
  uses: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 6 }),
  asks: fc.array(fc.record({ by: fc.nat({ max: 4 }), priority: fc.nat({ max: 2 }) }), {
    minLength: 2,
    maxLength: 8,
  }),
});

it('who starts when there is room is whom list, status and explain named next', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ strategy, tenants, uses, asks }) => {
      const hodei = await testService();
      const { call } = hodei;
      try {
        await call(applySettings, {
          scheduling: { queue_prioritization: { default_strategy: strategy } },
        });
        const nameOf = (n: number) => `t${n % tenants.length}`;
        for (const [i, { weight, parent }] of tenants.entries()) {
          const above = parent >= 0 && parent < i ? { parent: nameOf(parent) } : {};
          await makeTenant(call, nameOf(i), { weight, quota: free, ...above });
        }
        // Who makes room waits for nothing, so that no share of those who wait changes with it.
        await makeTenant(call, 'bystander', { quota: free });
        const capacity = uses.length + asks.length;
        await makePool(call, 'gpu', { max_size: 1, resources: { cpu_m: capacity } });
        const one = { pool: 'gpu', cpu_m: 1 };
        for (const n of uses) await admit(call, nameOf(n), one);
        const running = await Promise.all(asks.map(() => admit(call, 'bystander', one)));
        for (const { by, priority } of asks) {
          await enqueue(call, nameOf(by), { ...one, priority });
        }
        for (const job of running) {
          const { items } = await call(listQueue, { pool: 'gpu' });
          const [first] = items;
          const [status] = (await call(queueStatus, { pool: 'gpu' })).items;
          expect(status?.next?.id).toBe(first?.id);
          expect(status?.tenants[0]?.next.id).toBe(first?.id);
          const { line } = await call(explainJob, { job: first?.id ?? '' });
          expect(line?.position).toBe(1);
          expect(line?.levels.every(({ rank }) => rank === 1)).toBe(true);
          await call(releaseJob, { job: idOf(job) });
          const left = (await call(listQueue, { pool: 'gpu' })).items.map(({ id }) => id);
          expect(left).toEqual(items.slice(1).map(({ id }) => id));
          expect((await call(getJob, { job: first?.id ?? '' })).state).toBe('admitted');
        }
      } finally {
        await hodei.close();
      }
    }),
    { numRuns: 25 },
  );
});
