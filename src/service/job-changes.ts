import { conflict } from '../domain/errors.ts';
import { isLiving, stateAsOf, transition, type JobEvent, type JobState } from '../domain/job.ts';
import type { JobRow, PoolRow, ResourceAmount, TenantRow } from '../store/store.ts';
import { extensionOf, recommit, restOf } from './budget-use.ts';
import { recordEvent } from './event-log.ts';
import { namesIn } from './job-view.ts';
import { discharge, pathOf, type Path } from './ledger.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { existing } from './tenant-lookup.ts';
import { promoteLater, type Room } from './promotion.ts';
import { forgetReservation } from './reservations.ts';

/** A job that shall change, and where an event leads from where it is now. */
export interface Step {
  readonly job: JobRow;
  readonly to: JobState | 'unchanged';
}

/**
 * Where an event leads. One whose time has run out is settled first, so that it is expired here too.
 * @throws conflict when it cannot be.
 */
export function stepOf(job: JobRow, event: JobEvent, now: number): Step {
  const state = stateAsOf(job, now);
  const to = transition(state, event);
  if (to !== 'refused') return { job, to };
  throw conflict(refusalOf(job, state, event), hintOf(job, state, event));
}

const verbs: Readonly<Record<JobEvent, string>> = {
  promote: 'promoted',
  release: 'released',
  renew: 'renewed',
  resize: 'resized',
  cancel: 'cancelled',
  expire: 'expired',
  evict: 'evicted',
};

function refusalOf(job: JobRow, state: JobState, event: JobEvent): string {
  const name = job.jobId ?? job.id;
  if (isLiving(state)) return `${name} is ${state}, and cannot be ${verbs[event]}.`;
  const since = new Date(job.endedAt ?? job.dueAt ?? 0).toISOString();
  return `${name} has ended (${state} at ${since}), and cannot be ${verbs[event]}.`;
}

function hintOf(job: JobRow, state: JobState, event: JobEvent): string | undefined {
  if (state === 'queued' && event === 'release') return `It waits: hodei job cancel ${job.id}`;
  if (state === 'queued' && event === 'resize') return 'It waits: cancel it, and ask anew.';
  if (state === 'admitted' && event === 'cancel') return `It runs: hodei job release ${job.id}`;
  if (!isLiving(state)) return 'It holds nothing any more. Ask for it anew, under another job_id.';
  return undefined;
}

/** A job that ended, and what is known of it by then. */
export interface Ended {
  readonly job: JobRow;
  readonly tenant: TenantRow;
  readonly pool: PoolRow;
  readonly amounts: readonly ResourceAmount[];
}

/** Ends a job: what it held is free, and who waits for it is looked at. `because`: noted beside it. */
export async function endJob(
  context: Context,
  job: JobRow,
  to: Exclude<JobState, 'queued' | 'admitted'>,
  event: JobEvent,
  because: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { tables, now } = context;
  const tenant = await existing(tables, job.tenant);
  const pool = await existingPool(tables, job.pool);
  const amounts = await tables.jobs.amounts(job.key);
  if (job.state === 'admitted') {
    const path = await pathOf(tables, tenant, pool);
    await discharge(context, path, amounts);
    await recommit(context, job, [restOf(job, amounts, endOf(job, event, now))]);
    await promoteLater(tables, roomIn(path, amounts));
  } else {
    await tables.waiting.remove({ job: job.key, pool: job.pool });
    await promoteLater(tables, await forgetReservation(tables, job.key));
  }
  if (job.burst !== null) await tables.bursts.removeJob(job.key);
  const ended: JobRow = {
    ...job,
    state: to,
    dueAt: null,
    endedAt: endOf(job, event, now),
    isClaimDue: false,
    version: job.version + 1,
  };
  await tables.jobs.update(ended);
  await recordEvent(context, {
    operation: `job.${event}`,
    tenant: tenant.id,
    object: job.id,
    before: { state: job.state },
    after: { state: to, ...because },
  });
  return { job: ended, tenant, pool, amounts };
}

/** Its time ran out then, whenever that is written down: reads have said so since. */
function endOf({ dueAt }: JobRow, event: JobEvent, now: number): number {
  return event === 'expire' ? (dueAt ?? now) : now;
}

/** The places in which charges take room, or leave some: mostly nobody waits, and none is asked for. */
export function* roomIn({ scopes }: Path, charges: readonly ResourceAmount[]): Generator<Room> {
  for (const { key: scope } of scopes) {
    if (scope === undefined) continue;
    for (const { resource } of charges) yield { scope, resource };
  }
}

/** Starts the lease anew, of a running job; of a waiting one the time that it may wait. */
export async function renewJob(
  context: Context,
  job: JobRow,
  ttlSeconds: number | null,
): Promise<JobRow> {
  const { tables, now } = context;
  const seconds = job.state === 'queued' ? job.queueTtlSeconds : ttlSeconds;
  const renewed: JobRow = {
    ...job,
    ttlSeconds,
    dueAt: seconds === null ? null : now + seconds * 1000,
    isClaimDue: false,
    version: job.version + 1,
  };
  await tables.jobs.update(renewed);
  if (job.state === 'admitted') {
    await recommit(context, job, [extensionOf(job, renewed, await tables.jobs.amounts(job.key))]);
  }
  const { tenant } = namesIn(tables);
  await recordEvent(context, {
    operation: 'job.renew',
    tenant: (await tenant(job.tenant)).id,
    object: job.id,
    before: { due_at: job.dueAt },
    after: { due_at: renewed.dueAt },
  });
  return renewed;
}
