import * as z from 'zod';
import { jobStates, livingStates, type JobEvent, type JobState } from '../domain/job.ts';
import { EVERYBODY, OPERATORS, READERS, RUNNERS } from '../domain/role.ts';
import type { JobFilter, JobRow, Tables } from '../store/store.ts';
import { admit } from './admit.ts';
import { findBurst } from './burst-lookup.ts';
import { cutPage, decodeNumber } from './cursor.ts';
import { jobExample, jobRequestExample, queuedExample, rejectedExample } from './job-examples.ts';
import { endJob, renewJob, stepOf } from './job-changes.ts';
import { findJob } from './job-lookup.ts';
import { readRequest } from './job-request.ts';
import { resize } from './job-resize.ts';
import { admissionStatuses, statusOfJob } from './job-statuses.ts';
import {
  type JobView,
  jobViews,
  namedAmounts,
  namesIn,
  viewJob,
  viewOf,
  viewReplayed,
} from './job-view.ts';
import { lazy, operation, type Context } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import { burstReference } from './schemas/burst.ts';
import { pageInput, pageOutput, queryInteger, tenantReference } from './schemas/common.ts';
import { amount, jobReference, JobRequest, JobResponse, seconds } from './schemas/job.ts';
import { poolReference } from './schemas/pool.ts';
import { findTenantOrTombstone } from './tenant-lookup.ts';

export const admitJob = operation({
  name: 'job.admit',
  summary: 'Ask whether a job may start, and charge it if so',
  method: 'POST',
  path: '/jobs',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  statuses: admissionStatuses,
  statusOf: statusOfJob,
  takesKey: true,
  requestName: 'JobRequest',
  input: JobRequest,
  output: JobResponse,
  example: { input: jobRequestExample, output: jobExample },
  run: async (context, input) => admit(context, await readRequest(context.tables, input)),
});

export const checkJob = operation({
  name: 'job.check',
  summary: 'Ask what would become of a request, and change nothing',
  method: 'POST',
  path: '/quotas/check',
  alias: '/quotas/enforce',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: false,
  isRehearsal: true,
  isVersioned: false,
  input: JobRequest,
  output: JobResponse,
  example: { input: jobRequestExample, output: { ...rejectedExample } },

  async run(context, input) {
    // Nothing is left of it, so that nobody need say why.
    const caller = { ...context.caller, reason: 'a check' };
    const asked = await readRequest(context.tables, input);
    const { decision_id: _, hint: __, ...view } = await admit({ ...context, caller }, asked);
    // What was only tried leaves nothing to be found by an id, unless it was there before.
    return view.replayed === true ? view : { ...view, id: null };
  },
});

export const getJob = operation({
  name: 'job.get',
  summary: 'Get a job',
  method: 'GET',
  path: '/jobs/{job}',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: true,
  input: () => z.strictObject({ job: jobReference() }),
  output: JobResponse,
  example: { input: { job: 'acme:build-812' }, output: jobExample },
  run: async ({ tables, now }, input) => viewJob(tables, await findJob(tables, input.job), now),
});

/** Which states `state` stands for. */
const stateGroups: Readonly<Record<string, readonly JobState[]>> = {
  live: livingStates,
  all: jobStates,
  ended: jobStates.filter((state) => state !== 'queued' && state !== 'admitted'),
};

export const listJobs = operation({
  name: 'job.list',
  summary: 'List jobs, the newest first',
  method: 'GET',
  path: '/jobs',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      state: z
        .enum([...jobStates, 'live', 'ended', 'all'])
        .default('live')
        .describe('A state; live: queued and admitted; ended: all others.'),
      tenant: tenantReference().optional().describe('Only jobs of this tenant itself.'),
      pool: poolReference().optional().describe('Only jobs in this pool.'),
      burst: burstReference()
        .optional()
        .describe('Only jobs that run and would not have fitted without this session.'),
      older_than_seconds: queryInteger(0, 1_000_000_000)
        .optional()
        .describe('Only jobs that were requested longer ago.'),
      ...pageInput(),
    }),
  output: () => pageOutput(JobResponse()),
  example: {
    input: { state: 'queued' as const, tenant: 'acme', limit: 50 },
    output: { items: [queuedExample], next_cursor: null },
  },

  async run({ tables, now }, input) {
    const before = decodeNumber('job', input.cursor);
    const filter = await toFilter(tables, input, now);
    const found = await tables.jobs.list(filter, before, input.limit + 1);
    const { rows, next } = cutPage(found, input.limit, 'job', (last) => [last.key]);
    const view = jobViews(tables, now);
    const items: JobView[] = [];
    for (const job of rows) items.push(await view(job));
    return { items, next_cursor: next };
  },
});

interface ListInput {
  readonly state: string;
  readonly tenant?: string | undefined;
  readonly pool?: string | undefined;
  readonly burst?: string | undefined;
  readonly older_than_seconds?: number | undefined;
}

async function toFilter(tables: Tables, input: ListInput, now: number): Promise<JobFilter> {
  const { state, tenant, pool, burst, older_than_seconds: age } = input;
  return {
    states: stateGroups[state] ?? [state as JobState],
    ...(tenant !== undefined && { tenant: (await findTenantOrTombstone(tables, tenant)).key }),
    ...(pool !== undefined && { pool: (await findPool(tables, pool)).key }),
    ...(burst !== undefined && { burst: (await findBurst(tables, burst)).key }),
    ...(age !== undefined && { before: now - age * 1000 }),
    now,
  };
}

const jobOnly = lazy(() => z.strictObject({ job: jobReference() }));

export const releaseJob = operation({
  name: 'job.release',
  summary: 'Say that a job has ended: what it held is free',
  method: 'POST',
  path: '/jobs/{job}/release',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  input: jobOnly,
  output: JobResponse,
  example: {
    input: { job: 'acme:build-812' },
    output: { ...jobExample, state: 'released' as const, ended_at: '2026-11-23T09:40:00.000Z' },
  },
  run: (context, input) => end(context, input.job, 'release'),
});

export const cancelJob = operation({
  name: 'job.cancel',
  summary: 'Take a waiting job out of the queue',
  method: 'POST',
  path: '/jobs/{job}/cancel',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  input: jobOnly,
  output: JobResponse,
  example: {
    input: { job: 'acme:build-814' },
    output: {
      ...jobExample,
      job_id: 'build-814',
      state: 'cancelled' as const,
      admitted_at: null,
      ended_at: '2026-11-23T09:40:00.000Z',
    },
  },
  run: (context, input) => end(context, input.job, 'cancel'),
});

async function end(context: Context, reference: string, event: JobEvent): Promise<JobView> {
  const { tables, now } = context;
  const job = await findJob(tables, reference);
  const { to } = stepOf(job, event, now);
  if (to === 'unchanged' || to === 'queued' || to === 'admitted') {
    return viewReplayed(tables, job, now);
  }
  const ended = await endJob(context, job, to, event);
  const { tenant, pool, amounts } = ended;
  const resources = namedAmounts(await tables.resources.list(), amounts);
  const burst = await namesIn(tables).burst(job.burst);
  return viewOf(ended.job, { tenant, pool, resources, burst }, now);
}

export const renew = operation({
  name: 'job.renew',
  summary: "Start a job's lease anew, and say so that a promoted job was noticed",
  method: 'POST',
  path: '/jobs/{job}/renew',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  requestName: 'RenewJobRequest',
  input: () =>
    z.strictObject({
      job: jobReference(),
      ttl_seconds: seconds('Another lease than before.').optional(),
    }),
  output: JobResponse,
  example: { input: { job: 'acme:build-812' }, output: { ...jobExample, version: 2 } },

  async run(context, input) {
    const { tables, now } = context;
    const { job } = stepOf(await findJob(tables, input.job), 'renew', now);
    const renewed = await renewJob(context, job, input.ttl_seconds ?? job.ttlSeconds);
    return viewJob(tables, renewed, now);
  },
});

export const resizeJob = operation({
  name: 'job.resize',
  summary: 'Change what a running job holds; only what it grows by has to fit',
  method: 'POST',
  path: '/jobs/{job}/resize',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  requestName: 'ResizeJobRequest',
  statuses: {
    200: 'Done.',
    403: admissionStatuses[403],
    422: admissionStatuses[422],
    429: admissionStatuses[429],
  },
  statusOf: (job) => (job.state === 'rejected' ? statusOfJob(job) : 200),
  input: () =>
    z
      .object({
        job: jobReference(),
        cpu_m: amount().optional().describe('Millicores.'),
        memory_mb: amount().optional().describe('MiB.'),
        gpu: amount().optional().describe('GPUs.'),
        jobs: amount().optional().describe('How many jobs it counts as.'),
      })
      .catchall(amount() as z.ZodType<unknown>)
      .describe('What it shall hold; resources that are not named stay as they are.'),
  output: JobResponse,
  example: {
    input: { job: 'acme:build-812', memory_mb: 8192 },
    output: {
      ...jobExample,
      resources: { ...jobExample.resources, memory_mb: 8192 },
      version: 2,
    },
  },

  async run(context, { job: reference, ...amounts }) {
    const job: JobRow = await findJob(context.tables, reference);
    stepOf(job, 'resize', context.now);
    return resize(context, job, amounts);
  },
});
