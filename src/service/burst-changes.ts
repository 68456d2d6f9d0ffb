import { conflict } from '../domain/errors.ts';
import {
  burstStateAsOf,
  burstTransition,
  noticeMoment,
  type BurstEvent,
  type BurstState,
} from '../domain/burst.ts';
import type { EventName } from '../domain/event-names.ts';
import type { BurstLift, BurstRow, Place, ResourceRow } from '../store/store.ts';
import { evictUnder } from './burst-evictions.ts';
import { recordEvent } from './event-log.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { promoteLater } from './promotion.ts';
import { fillsAt, noticeSince } from './quota-notices.ts';
import { toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';

/**
 * Where an event leads a session as it stands now. Those whose time has come are settled first, so
 * that what is written is so.
 * @throws conflict, naming the state, when it cannot be.
 */
export function burstStep(
  burst: BurstRow,
  event: BurstEvent,
  now: number,
): BurstState | 'unchanged' {
  const state = burstStateAsOf(burst, now);
  const to = burstTransition(state, event);
  if (to !== 'refused') return to;
  throw conflict(
    `${burst.id} is ${state}, and cannot be ${participles[event]}.`,
    hintOf(burst, state, event),
  );
}

const participles: Readonly<Record<BurstEvent, string>> = {
  approve: 'approved',
  begin: 'begun',
  deny: 'denied',
  cancel: 'cancelled',
  end: 'ended',
  lapse: 'given up',
};

function hintOf({ id }: BurstRow, state: BurstState, event: BurstEvent): string | undefined {
  if (state === 'active' && event !== 'approve')
    return `It has begun; end it: hodei burst end ${id}`;
  if (state === 'requested' || state === 'approved') {
    return `It has not begun; take it back: hodei burst cancel ${id}`;
  }
  return event === 'approve' && state !== 'active'
    ? 'Ask for another one: hodei burst request'
    : undefined;
}

/** Writes a session that was just asked for, and the event. */
export async function insertBurst(
  context: Context,
  burst: Omit<BurstRow, 'key'>,
  lifts: readonly BurstLift[],
): Promise<BurstRow> {
  const { tables, caller } = context;
  const key = await tables.bursts.insert(burst, lifts);
  const row = { ...burst, key };
  const asking = { ...context, caller: { ...caller, reason: burst.reason } };
  await recordBurst(asking, 'burst.request', row, null, {
    ...termsOf(row, lifts, await tables.resources.list()),
    pool: row.pool === null ? null : (await existingPool(tables, row.pool)).name,
    starts_at: instantOrNull(row.startsAt),
    ends_at: instantOrNull(row.endsAt),
    duration_seconds: row.durationSeconds,
    on_end: row.onEnd,
    approvals_required: row.approvalsRequired,
    ...(row.isAutomatic && { automatic: true }),
  });
  return row;
}

/** What a session lifts, in the words of its request. */
function termsOf(
  { percentage }: BurstRow,
  lifts: readonly BurstLift[],
  resources: readonly ResourceRow[],
) {
  const nameOf = (lift: BurstLift) =>
    resources.find(({ key }) => key === lift.resource)?.name ?? String(lift.resource);
  if (percentage !== null) return { percentage, resources: lifts.map(nameOf) };
  return { add: Object.fromEntries(lifts.map((lift) => [nameOf(lift), lift.amount])) };
}

/** When a session would begin and end if it were approved now. */
export function periodFrom(
  { startsAt, endsAt, durationSeconds }: Pick<BurstRow, 'startsAt' | 'endsAt' | 'durationSeconds'>,
  now: number,
) {
  const start = Math.max(startsAt ?? now, now);
  return { startsAt: start, endsAt: endsAt ?? start + durationSeconds * 1000 };
}

/** Everybody who has to has agreed: from now on it begins by itself, perhaps at once. */
export async function standBurst(context: Context, burst: BurstRow): Promise<BurstRow> {
  const { tables, now } = context;
  const { burstCapacity } = await settingsInForce(tables);
  const period = periodFrom(burst, now);
  const standing: BurstRow = {
    ...burst,
    ...period,
    state: 'approved',
    noticeAt: noticeMoment(period, burstCapacity.noticeMinutes),
    version: burst.version + 1,
  };
  await tables.bursts.update(standing);
  return standing;
}

/** The limits are lifted: who waits for that is looked at. */
export async function beginBurst(context: Context, burst: BurstRow): Promise<BurstRow> {
  const { tables } = context;
  const active: BurstRow = { ...burst, state: 'active', version: burst.version + 1 };
  await tables.bursts.update(active);
  await recordBurst(context, 'burst.begin', active, burst.state, periodText(active));
  await promoteLater(tables, await placesOf(context, active));
  return active;
}

/** Where those wait who may start while the session lasts. */
async function placesOf(
  { tables }: Pick<Context, 'tables'>,
  { key, tenant, pool }: BurstRow,
): Promise<Place[]> {
  const scope = await tables.scopes.of({ tenant, pool });
  if (scope === undefined) return [];
  const lifts = await tables.bursts.lifts(key);
  return lifts.map(({ resource }) => ({ scope: scope.key, resource }));
}

/** Its end is announced, once. */
export async function announceEnd(context: Context, burst: BurstRow): Promise<BurstRow> {
  const told: BurstRow = { ...burst, noticeAt: null, version: burst.version + 1 };
  await context.tables.bursts.update(told);
  await recordBurst(context, 'burst.notice', told, burst.state, periodText(told));
  return told;
}

/** The limits return with this; what runs stays, unless the session says that it goes. */
export async function endBurst(
  context: Context,
  burst: BurstRow,
  how: { readonly operation: EventName; readonly at: number; readonly by: string | null },
): Promise<BurstRow> {
  const { tables, now } = context;
  const jobs = await tables.bursts.countJobs(burst.key);
  // Where its time has run out, the limits are what they were until then.
  const lent = await fillsAt({ tables, now: how.at - 1 }, await placesOf(context, burst));
  const ended: BurstRow = {
    ...burst,
    state: 'ended',
    endedAt: how.at,
    noticeAt: null,
    ...(how.by !== null && { ...decidedBy(context, how.by), decidedAt: now }),
    isEvicting: burst.onEnd === 'evict' && jobs > 0,
    version: burst.version + 1,
  };
  await tables.bursts.update(ended);
  await recordBurst(context, how.operation, ended, burst.state, {
    ended_at: toInstant(how.at),
    on_end: ended.onEnd,
    jobs,
  });
  await noticeSince(context, lent);
  return ended.isEvicting ? evictUnder(context, ended) : ended;
}

/** It will not begin any more: denied, cancelled or lapsed. */
export async function closeBurst(
  context: Context,
  burst: BurstRow,
  to: 'denied' | 'cancelled' | 'lapsed',
  at: number,
): Promise<BurstRow> {
  const { tables, caller } = context;
  const closed: BurstRow = {
    ...burst,
    state: to,
    endedAt: at,
    noticeAt: null,
    ...(to !== 'lapsed' && { ...decidedBy(context, caller.principal), decidedAt: at }),
    version: burst.version + 1,
  };
  await tables.bursts.update(closed);
  await recordBurst(context, closings[to], closed, burst.state, {});
  return closed;
}

const closings = {
  denied: 'burst.deny',
  cancelled: 'burst.cancel',
  lapsed: 'burst.lapse',
} as const satisfies Record<string, EventName>;

function decidedBy({ caller }: Context, principal: string) {
  return { decidedBy: principal, decidedReason: caller.reason ?? null };
}

/** Appends the event of a change of a session. */
export async function recordBurst(
  context: Context,
  operation: EventName,
  burst: BurstRow,
  before: BurstState | null,
  after: Readonly<Record<string, unknown>>,
): Promise<void> {
  await recordEvent(context, {
    operation,
    tenant: (await existing(context.tables, burst.tenant)).id,
    object: burst.id,
    before: before === null ? null : { state: before },
    after: { state: burst.state, ...after },
  });
}

function periodText({ startsAt, endsAt }: BurstRow) {
  return { starts_at: instantOrNull(startsAt), ends_at: instantOrNull(endsAt) };
}

function instantOrNull(time: number | null): string | null {
  return time === null ? null : toInstant(time);
}
