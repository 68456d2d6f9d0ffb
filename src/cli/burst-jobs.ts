import { HodeiError } from '../domain/errors.ts';
import type { JobView } from '../service/job-view.ts';
import { listJobs } from '../service/jobs.ts';
import type { Run } from './run.ts';

/** So many of the jobs of a session are read, to be named. */
const READ = 100;

/** Jobs that run under a session; none where they may not be listed, which is no reason to stop. */
export async function jobsUnder(run: Run, burst: string): Promise<JobView[]> {
  try {
    return (await run.call(listJobs, { burst, limit: READ })).items;
  } catch (error) {
    if (error instanceof HodeiError && error.code === 'forbidden') return [];
    throw error;
  }
}
