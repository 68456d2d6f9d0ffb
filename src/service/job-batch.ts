import * as z from 'zod';
import { HodeiError, invalid } from '../domain/errors.ts';
import { MAX_AMOUNT } from '../domain/resource.ts';
import { OPERATORS, RUNNERS } from '../domain/role.ts';
import { admit, begin } from './admit.ts';
import { recordEvent } from './event-log.ts';
import { parseInput } from './input.ts';
import { jobExample, jobRequestExample, rejectedExample } from './job-examples.ts';
import { findReplayed } from './job-lookup.ts';
import { readRequest } from './job-request.ts';
import { viewReplayed, type JobView } from './job-view.ts';
import { ceilingsOf, pathOf, uncountable } from './ledger.ts';
import { operation, type Context, type InputSchema } from './operation.ts';
import { toInstant } from './schemas/common.ts';
import { AdoptedJob, JobOutcome, JobRequest } from './schemas/job.ts';

/** So many at once. */
const MOST = 1_000;
const BODY_LIMIT = 1024 * 1024;

type Outcome = z.output<ReturnType<typeof JobOutcome>>;

function several() {
  return (
    z
      // What is wrong with an entry is said of it alone, also that it is no object.
      .array(z.unknown().meta({ type: 'object' }))
      .min(1, 'must not be empty')
      .max(MOST, `must have at most ${MOST} entries`)
  );
}

function outcomes() {
  return z.strictObject({
    items: z.array(JobOutcome()).describe('One for each entry, in their order.'),
  });
}

export const batchJobs = operation({
  name: 'job.batch',
  summary: 'Ask for several jobs; each has an answer of its own, whatever becomes of the others',
  method: 'POST',
  path: '/jobs/batch',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  bodyLimit: BODY_LIMIT,
  requestName: 'JobBatchRequest',
  input: () => z.strictObject({ jobs: several().describe('Each as POST /jobs takes it.') }),
  output: outcomes,
  example: {
    input: { jobs: [jobRequestExample, { ...jobRequestExample, job_id: 'build-813' }] },
    output: { items: [jobExample, rejectedExample] },
  },

  run: (context, { jobs }) =>
    eachAlone(context, jobs, async (job) =>
      admit(context, await readRequest(context.tables, parse(JobRequest, job))),
    ),
});

export const adoptJobs = operation({
  name: 'job.adopt',
  summary: 'Register jobs that run already, also above limits',
  method: 'POST',
  path: '/jobs/adopt',
  roles: OPERATORS,
  // Above limits, also those of others that are shared.
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  bodyLimit: BODY_LIMIT,
  requestName: 'AdoptJobsRequest',
  input: () =>
    z.strictObject({
      jobs: several().describe('Each as POST /jobs takes it, and with started_at.'),
    }),
  output: outcomes,
  example: {
    input: { jobs: [{ ...jobRequestExample, started_at: '2026-11-23T09:12:00Z' }] },
    output: { items: [{ ...jobExample, mark: 'adopted' as const }] },
  },

  run: (context, { jobs }) => eachAlone(context, jobs, (job) => adopt(context, job)),
});

function parse<I extends InputSchema>(input: () => I, entry: unknown): z.output<I> {
  return parseInput({ input }, entry);
}

/** Each entry in a savepoint of its own: what is refused leaves nothing, and stops no other. */
async function eachAlone(
  context: Context,
  entries: readonly unknown[],
  act: (entry: unknown) => Promise<JobView>,
): Promise<{ items: Outcome[] }> {
  const items: Outcome[] = [];
  for (const entry of entries) {
    try {
      items.push(await context.attempt(() => act(entry)));
    } catch (error) {
      if (!(error instanceof HodeiError) || !isOfTheEntry(error)) throw error;
      items.push(refusalOf(error, context.caller.traceId));
    }
  }
  if (context.reach.hasStrayed) await recordStray(context);
  return { items };
}

/** What lies beyond reach is an entry that is not there, and nobody else would tell of it. */
async function recordStray(context: Context): Promise<void> {
  const { reason: _, ...caller } = context.caller;
  await recordEvent(
    { ...context, caller },
    {
      ...{ operation: 'token.refuse', tenant: null, before: null },
      object: caller.token ?? 'none',
      after: { asked: 'job.batch', code: 'not_found', why: 'Entries beyond reach.', times: 1 },
    },
  );
}

/** Whether another entry may fare better; when the database fails none will. */
function isOfTheEntry({ code }: HodeiError): boolean {
  return ['invalid', 'not_found', 'conflict'].includes(code);
}

function refusalOf({ message, code, hint }: HodeiError, traceId: string): Outcome {
  return { error: message, code, ...(hint !== undefined && { hint }), trace_id: traceId };
}

/**
 * Two years: what a job used is summed up hour by hour when it ends, and a date that somebody mistyped
 * shall not keep everybody waiting for half a million hours.
 */
const LONGEST_ADOPTED = 2 * 366 * 86_400_000;

function adoptedTooLate(now: number): HodeiError {
  const earliest = toInstant(now - LONGEST_ADOPTED);
  return invalid(
    'started_at is more than two years ago.',
    `Name a later time, from which on it is counted: ${earliest} is the earliest.`,
  );
}

async function adopt(context: Context, entry: unknown): Promise<JobView> {
  const { tables, now } = context;
  const { started_at: started, ...request } = parse(AdoptedJob, entry);
  const startedAt = started === undefined ? now : Date.parse(started);
  if (startedAt > now) throw invalid('started_at is in the future: what runs began before now.');
  if (startedAt < now - LONGEST_ADOPTED) throw adoptedTooLate(now);
  const ask = await readRequest(tables, request);
  const before = await findReplayed(context, ask);
  if (before !== undefined) return viewReplayed(tables, before, now);
  const charged = await pathOf(tables, ask.tenant, ask.pool);
  const path = await ceilingsOf(context, charged, ask.resources, { arePoolsOn: false });
  for (const { scope, resource, used } of path.ceilings) {
    const free = MAX_AMOUNT - used;
    if ((ask.amounts.get(resource) ?? 0) > free) throw uncountable(scope, resource);
  }
  return begin(context, ask, { path }, startedAt);
}
