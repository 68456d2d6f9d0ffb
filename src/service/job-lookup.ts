import { conflict, invalid, notFound } from '../domain/errors.ts';
import { isLiving, KEY_MEMORY_MS, parseJobReference, stateAsOf } from '../domain/job.ts';
import type { JobRow, Tables } from '../store/store.ts';
import type { JobAsk } from './job-request.ts';
import type { Context } from './operation.ts';
import { findTenant } from './tenant-lookup.ts';

/**
 * The job that `job-…` or `<tenant>:<job_id>` stands for; of several of one name the latest.
 * @throws not_found, or invalid when it is neither form.
 */
export async function findJob(tables: Tables, text: string): Promise<JobRow> {
  const reference = parseJobReference(text);
  if (reference === undefined) {
    throw invalid(
      `"${text.slice(0, 60)}" names no job.`,
      'A job is named by its id, such as job-…, or as <tenant>:<job_id>.',
    );
  }
  const job =
    'id' in reference
      ? await tables.jobs.byId(reference.id)
      : await tables.jobs.byJobId(
          (await findTenant(tables, reference.tenant)).key,
          reference.jobId,
        );
  if (job !== undefined) return job;
  throw notFound(`Job not found: ${text}`, 'See which there are: hodei job list');
}

/**
 * The job that an earlier call of the same intention brought about; undefined when there is none,
 * or when it is so long over that the name stands for a new one.
 * @throws conflict when it asked for something else, or has ended.
 */
export async function findReplayed(context: Context, ask: JobAsk): Promise<JobRow | undefined> {
  // The key first: where both are said, the name must not hide that the key stands for something else.
  const keyed = await byKey(context, ask);
  return keyed ?? byOwnName(context, ask);
}

async function byOwnName({ tables, now }: Context, ask: JobAsk): Promise<JobRow | undefined> {
  if (ask.jobId === null) return undefined;
  const job = await tables.jobs.byJobId(ask.tenant.key, ask.jobId);
  const name = `${ask.tenant.name}:${ask.jobId}`;
  return job && replayOf(job, ask, { name, hash: job.requestHash, isSeen: true }, now);
}

async function byKey(context: Context, ask: JobAsk): Promise<JobRow | undefined> {
  const { tables, caller, now, reach } = context;
  if (caller.idempotencyKey === undefined) return undefined;
  const row = await tables.requestKeys.get(caller.principal, caller.idempotencyKey);
  if (row === undefined) return undefined;
  const job = await tables.jobs.byKey(row.job);
  if (job === undefined) return undefined;
  // One principal may have several tokens, each bound to another tenant.
  const isSeen = await reach.includes(job.tenant);
  const name = `The key ${caller.idempotencyKey}`;
  return replayOf(job, ask, { name, hash: row.requestHash, isSeen }, now);
}

/** What stands for a job already, and for what request. */
interface Standing {
  readonly name: string;
  readonly hash: string;
  /** Whether who asks may know of the job. */
  readonly isSeen: boolean;
}

function replayOf(
  job: JobRow,
  ask: JobAsk,
  { name, hash, isSeen }: Standing,
  now: number,
): JobRow | undefined {
  const state = stateAsOf(job, now);
  const endedAt = job.endedAt ?? job.dueAt ?? now;
  if (!isLiving(state) && now - endedAt >= KEY_MEMORY_MS) return undefined;
  if (hash !== ask.hash) {
    throw conflict(
      `${name} stands for another request${isSeen ? `: ${job.id}` : ''}.`,
      'The same name with other amounts is another job: give it another name.',
    );
  }
  if (isLiving(state)) return job;
  throw conflict(
    `${name} has ended: ${state} at ${new Date(endedAt).toISOString()} (${job.id}).`,
    'What runs again needs a name of its own.',
  );
}

/** More than are remembered each time, so that there are never many for nothing. */
const FORGOTTEN_AT_ONCE = 2;

/** Of several callers who ask at once one brings the job about; the others are told of it. */
export async function rememberKey(
  { tables, caller, now }: Context,
  ask: JobAsk,
  job: JobRow,
): Promise<void> {
  if (caller.idempotencyKey === undefined) return;
  await tables.requestKeys.put({
    principal: caller.principal,
    requestKey: caller.idempotencyKey,
    requestHash: ask.hash,
    job: job.key,
    createdAt: now,
  });
  await tables.requestKeys.forget(now - KEY_MEMORY_MS, now, FORGOTTEN_AT_ONCE);
}
