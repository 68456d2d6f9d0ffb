import type { BurstOffer } from '../domain/admission.ts';
import type { BurstLift, BurstRow, ScopeSubject } from '../store/store.ts';
import { allowancesOf, catalogueOf } from './allowances.ts';
import { beginBurst, insertBurst, periodFrom, standBurst } from './burst-changes.ts';
import type { JobAsk } from './job-request.ts';
import type { PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import { existing } from './tenant-lookup.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** Opens the session that was offered, for the job that needs it. */
export async function openForJob(
  context: Context,
  { jobId, settings }: JobAsk,
  { scope, percentage }: BurstOffer<PathScope>,
): Promise<BurstRow> {
  const { defaultPolicy } = settings.burstCapacity;
  const opened = await insertBurst(
    context,
    {
      ...newBurst(context, scope.subject, defaultPolicy.durationMinutes * 60),
      percentage,
      reason: jobId === null ? 'a job that did not fit' : `the job ${jobId} did not fit`,
      isAutomatic: true,
      approvalsRequired: 0,
    },
    await liftsOfAll(context, scope.subject),
  );
  return beginBurst(context, await standBurst(context, opened));
}

type Unsaid = 'percentage' | 'reason' | 'isAutomatic' | 'approvalsRequired';

/** A session as it is asked for: at once, for so long, and nobody has answered. */
export function newBurst(
  { now, caller, newId }: Context,
  { tenant, pool }: ScopeSubject,
  durationSeconds: number,
): Omit<BurstRow, 'key' | Unsaid> {
  if (tenant === null) throw new Error('a pool is lent nothing');
  return {
    id: newId('bst'),
    ...{ tenant, pool, durationSeconds },
    state: 'requested',
    startsAt: null,
    endsAt: null,
    onEnd: 'keep',
    requestedAt: now,
    requestedBy: caller.principal,
    lapsesAt: periodFrom({ startsAt: null, endsAt: null, durationSeconds }, now).endsAt,
    decidedAt: null,
    decidedBy: null,
    decidedReason: null,
    endedAt: null,
    noticeAt: null,
    isEvicting: false,
    version: 1,
  };
}

/** Every resource that the scope limits at all, and of which there is something to lift. */
export async function liftsOfAll(at: At, { tenant, pool }: ScopeSubject): Promise<BurstLift[]> {
  const { tables, now } = at;
  const { own } = await allowancesOf(
    at,
    await existing(tables, Number(tenant)),
    pool === null ? undefined : await existingPool(tables, pool),
    await catalogueOf(tables),
    await overdueAsOf(tables, now),
  );
  return own
    .filter(({ limit }) => limit !== null && limit > 0)
    .map(({ resource }) => ({ resource: resource.key, amount: null }));
}
