import type * as z from 'zod';
import { admitJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { createPool } from '../../src/service/pools.ts';
import { makeTenant } from './tenant.ts';

type PoolInput = z.input<ReturnType<typeof createPool.input>>;
type JobInput = z.input<ReturnType<typeof admitJob.input>>;

/** A static pool of four workers, each with 9 cores and 2 GPUs, but for what else is said. */
export function makePool(call: Call, id: string, overrides: Partial<PoolInput> = {}) {
  return call(createPool, { id, max_size: 4, resources: { cpu_m: 9000, gpu: 2 }, ...overrides });
}

/** A tenant that only pools limit. */
export function makeFreeTenant(call: Call, name: string) {
  const quota = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };
  return makeTenant(call, name, { quota });
}

/** Asks for a core for acme in the pool, or for what else is said; it waits where there is no room. */
export function ask(call: Call, pool: string, job: string, asked: Partial<JobInput> = {}) {
  const request = { tenant: 'acme', pool, job_id: job, cpu_m: 1_000, on_full: 'queue' as const };
  return call(admitJob, { ...request, ...asked });
}
