import type * as z from 'zod';
import { admitJob } from '../../src/service/jobs.ts';
import type { JobView } from '../../src/service/job-view.ts';
import type { Call, CallOptions } from '../../src/service/operation.ts';

export type JobInput = z.input<ReturnType<typeof admitJob.input>>;

/** Asks for a core for the tenant, or for what is said. */
export function admit(
  call: Call,
  tenant: string,
  asked: Partial<JobInput> = { cpu_m: 1000 },
  options?: CallOptions,
): Promise<JobView> {
  return call(admitJob, { tenant, ...asked }, options);
}

/** The same, and it waits where there is no room. */
export function enqueue(call: Call, tenant: string, asked: Partial<JobInput>): Promise<JobView> {
  return admit(call, tenant, { on_full: 'queue', ...asked });
}

/** Id of a job that there is. */
export function idOf({ id }: Pick<JobView, 'id'>): string {
  if (id === null) throw new Error('there is no job');
  return id;
}
