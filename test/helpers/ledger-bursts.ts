import { bestLift, shownState, type ModelBurst } from './ledger-lifts.ts';
import {
  ceilingOf,
  decide,
  endJob,
  lineOf,
  nameOf,
  ownLimitOf,
  refuseIf,
  resources,
  scopesOf,
  usedIn,
  type Demand,
  type LedgerModel,
  type ModelJob,
  type ModelPool,
  type ModelScope,
  type ModelTenant,
  type ResourceName,
  type Verdict,
} from './ledger-rules.ts';

const MINUTE = 60_000;

/** What is asked of a session; `startsIn` seconds from now, null: at once. */
export interface BurstAsk {
  readonly percentage: number | null;
  readonly add: Partial<Record<ResourceName, number>> | null;
  readonly resources: readonly ResourceName[] | null;
  readonly seconds: number;
  readonly startsIn: number | null;
  readonly onEnd: 'keep' | 'evict';
}

/** Asks for a session. @throws Refused */
export function requestBurst(
  model: LedgerModel,
  scope: { readonly tenant: ModelTenant; readonly pool: ModelPool | null },
  ask: BurstAsk,
): ModelBurst {
  const { now, scheduling } = model;
  const { threshold, most, required, timeout } = scheduling.burst;
  const { percentage, seconds, startsIn, onEnd } = ask;
  const lifts = liftsOf(model, scope, ask);
  const isWithin = (per: number) =>
    Object.entries(lifts).every(([name, add]) => {
      const limit = ownLimitOf(model, scope, name as ResourceName, scope.tenant) ?? 0;
      return percentage === null ? (limit + add) * 100 <= limit * per : percentage <= per;
    });
  const isFromNothing = Object.keys(lifts).filter(
    (name) => ownLimitOf(model, scope, name as ResourceName, scope.tenant) === 0,
  );
  const others = Object.entries(lifts).filter(([name]) => !isFromNothing.includes(name));
  const isTooMuch = others.some(([name, add]) => {
    const limit = ownLimitOf(model, scope, name as ResourceName, scope.tenant) ?? 0;
    return percentage === null && (limit + add) * 100 > limit * most;
  });
  refuseIf(isTooMuch || (percentage ?? 0) > most, 'invalid');
  const startsAt = startsIn === null ? null : now + startsIn * 1000;
  const endsAt = startsAt === null ? null : startsAt + seconds * 1000;
  refuseIf(endsAt !== null && endsAt <= now, 'invalid');
  refuseIf(
    !isAllowedThen(model, scope.tenant, periodOf({ startsAt, endsAt, seconds }, now)),
    'conflict',
  );
  const isFree = isWithin(threshold);
  const unanswered = model.bursts.filter(
    (burst) => burst.tenant === scope.tenant && burst.state === 'requested',
  );
  refuseIf(!isFree && unanswered.length >= (scheduling.burst.perDay ?? Infinity), 'conflict');
  const burst: ModelBurst = {
    ...{ id: '', ...scope, state: 'requested', percentage, lifts, seconds, startsAt, endsAt },
    lapsesAt: Math.min(now + timeout * MINUTE, endsAt ?? Infinity),
    ...{ noticeAt: null, endedAt: null, onEnd, requestedBy: 'ana' },
    ...{ required: isFree ? 0 : required, approvals: [], jobs: [] },
  };
  model.bursts.push(burst);
  model.events.push({ operation: 'burst.request', object: burst });
  if (isFree) {
    agree(model, burst);
    beginIfDue(model, burst);
  }
  return burst;
}

/** @throws Refused where there is nothing to lift. */
function liftsOf(
  model: LedgerModel,
  scope: ModelScope,
  { percentage, add, resources: named }: BurstAsk,
): ModelBurst['lifts'] {
  const limitOf = (name: ResourceName) => ownLimitOf(model, scope, name, scope.tenant);
  const asked = percentage === null ? Object.keys(add ?? {}) : named;
  const some = (asked ?? resources.filter((name) => (limitOf(name) ?? 0) > 0)) as ResourceName[];
  refuseIf(some.length === 0 || some.some((name) => limitOf(name) === null), 'invalid');
  return Object.fromEntries(some.map((name) => [name, percentage === null ? add?.[name] : 0]));
}

interface Period {
  readonly startsAt: number;
  readonly endsAt: number;
}

function periodOf(
  { startsAt, endsAt, seconds }: Pick<ModelBurst, 'startsAt' | 'endsAt' | 'seconds'>,
  now: number,
): Period {
  const start = startsAt === null || startsAt < now ? now : startsAt;
  return { startsAt: start, endsAt: endsAt ?? start + seconds * 1000 };
}

/** Whether it keeps to cooldown, day and crowd, moment by moment of those at which any begins. */
function isAllowedThen({ bursts, scheduling }: LedgerModel, tenant: ModelTenant, wanted: Period) {
  const { cooldown, perDay, atOnce } = scheduling.burst;
  const agreed = bursts
    .filter(({ state }) => state === 'approved' || state === 'active' || state === 'ended')
    .map((burst) => ({
      burst,
      startsAt: burst.startsAt ?? 0,
      endsAt: burst.endedAt ?? burst.endsAt ?? 0,
    }));
  const own = agreed.filter(({ burst }) => burst.tenant === tenant);
  const gap = cooldown * MINUTE;
  const isNear = own.some(
    (other) => !(other.endsAt + gap <= wanted.startsAt || wanted.endsAt + gap <= other.startsAt),
  );
  if (cooldown > 0 && isNear) return false;
  const day = (time: number) => Math.floor(time / 86_400_000);
  const sameDay = own.filter(({ startsAt }) => day(startsAt) === day(wanted.startsAt));
  if (sameDay.length >= (perDay ?? Infinity)) return false;
  const standing = agreed.filter(({ burst }) => burst.state !== 'ended');
  const moments = [wanted, ...standing]
    .map(({ startsAt }) => startsAt)
    .filter((moment) => moment >= wanted.startsAt && moment < wanted.endsAt);
  return moments.every(
    (moment) =>
      standing.filter(({ startsAt, endsAt }) => startsAt <= moment && moment < endsAt).length <
      (atOnce ?? Infinity),
  );
}

function agree(model: LedgerModel, burst: ModelBurst): void {
  const { startsAt, endsAt } = periodOf(burst, model.now);
  const noticeAt = endsAt - model.scheduling.burst.notice * MINUTE;
  Object.assign(burst, { state: 'approved', startsAt, endsAt });
  burst.noticeAt = noticeAt > startsAt ? noticeAt : null;
}

function beginIfDue(model: LedgerModel, burst: ModelBurst): void {
  if ((burst.startsAt ?? Infinity) > model.now) return;
  burst.state = 'active';
  model.events.push({ operation: 'burst.begin', object: burst });
}

export type BurstVerb = 'approve' | 'deny' | 'cancelBurst' | 'endBurst';

/** What somebody does to a session. @throws Refused */
export function answerBurst(
  model: LedgerModel,
  burst: ModelBurst,
  verb: BurstVerb,
  by: string,
): void {
  const { state } = burst;
  switch (verb) {
    case 'approve':
      return approve(model, burst, by);
    case 'deny':
      if (state === 'denied') return;
      refuseIf(state !== 'requested', 'conflict');
      return close(model, burst, 'denied');
    case 'cancelBurst':
      if (state === 'cancelled') return;
      refuseIf(state !== 'requested' && state !== 'approved', 'conflict');
      return close(model, burst, 'cancelled');
    case 'endBurst':
      if (state === 'ended') return;
      refuseIf(state !== 'active', 'conflict');
      return end(model, burst, 'burst.end', model.now);
  }
}

function approve(model: LedgerModel, burst: ModelBurst, by: string): void {
  if (burst.approvals.includes(by)) return;
  refuseIf(burst.state !== 'requested', 'conflict');
  refuseIf(burst.requestedBy === by, 'forbidden');
  refuseIf(!isAllowedThen(model, burst.tenant, periodOf(burst, model.now)), 'conflict');
  burst.approvals.push(by);
  const isLast = burst.approvals.length === burst.required;
  if (isLast) agree(model, burst);
  model.events.push({ operation: 'burst.approve', object: burst });
  if (isLast) beginIfDue(model, burst);
}

const closings = { denied: 'deny', cancelled: 'cancel', lapsed: 'lapse' } as const;

function close(model: LedgerModel, burst: ModelBurst, state: keyof typeof closings): void {
  const endedAt = state === 'lapsed' ? burst.lapsesAt : model.now;
  Object.assign(burst, { state, endedAt, noticeAt: null });
  model.events.push({ operation: `burst.${closings[state]}`, object: burst });
}

function end(model: LedgerModel, burst: ModelBurst, operation: string, at: number): void {
  Object.assign(burst, { state: 'ended', endedAt: at, noticeAt: null });
  model.events.push({ operation, object: burst });
  if (burst.onEnd === 'evict') evict(model, burst);
}

/** The youngest of its jobs go, until all fits again that it lifted. */
function evict(model: LedgerModel, burst: ModelBurst): void {
  const { tenant, pool } = burst;
  const place = (job: ModelJob) => model.jobs.indexOf(job);
  const youngestFirst = [...burst.jobs].sort(
    (a, b) => (b.admittedAt ?? 0) - (a.admittedAt ?? 0) || place(b) - place(a),
  );
  for (const job of youngestFirst) {
    const lifted = Object.keys(burst.lifts) as ResourceName[];
    const exceeded = lifted.filter((name) => {
      const limit = ceilingOf(model, burst, name, tenant, 'size') ?? Infinity;
      return usedIn(model, burst, name) > limit;
    });
    if (exceeded.length === 0) return;
    const isBelow = lineOf(job.tenant).includes(tenant) && (pool === null || job.pool === pool);
    if (isBelow && exceeded.some((name) => (job.amounts[name] ?? 0) > 0)) {
      endJob(model, job, 'evicted');
    } else {
      burst.jobs = burst.jobs.filter((each) => each !== job);
    }
  }
}

/** What time has brought about by now; of several sessions, what has waited longest is done first. */
export function settleBursts(model: LedgerModel): void {
  const due = model.bursts.filter((burst) => (nextMoment(burst) ?? Infinity) <= model.now);
  due.sort((a, b) => (nextMoment(a) ?? 0) - (nextMoment(b) ?? 0));
  for (const burst of due) {
    while ((nextMoment(burst) ?? Infinity) <= model.now) step(model, burst);
  }
}

function nextMoment({ state, lapsesAt, startsAt, endsAt, noticeAt }: ModelBurst): number | null {
  if (state === 'requested') return lapsesAt;
  if (state === 'approved') return startsAt;
  return state === 'active' ? (noticeAt ?? endsAt) : null;
}

function step(model: LedgerModel, burst: ModelBurst): void {
  const { state, endsAt, noticeAt } = burst;
  if (state === 'requested') return close(model, burst, 'lapsed');
  if (state === 'approved') return beginIfDue(model, burst);
  if (noticeAt === null || (endsAt ?? 0) <= model.now) {
    return end(model, burst, 'burst.expire', endsAt ?? 0);
  }
  burst.noticeAt = null;
  model.events.push({ operation: 'burst.notice', object: burst });
}

/** What goes with a tenant or a pool. */
export function dropBursts(model: LedgerModel, dropped: readonly ModelBurst[]): void {
  for (const burst of dropped) {
    if (burst.state === 'active') end(model, burst, 'burst.end', model.now);
    if (burst.state === 'requested' || burst.state === 'approved') close(model, burst, 'cancelled');
  }
}

/** The session that would open by itself for a request that is refused, and that all it lacks fits in. */
export function openFor(
  model: LedgerModel,
  demand: Demand,
  { isRetryable, violations }: Verdict,
): ModelBurst | undefined {
  const { burst: rules } = model.scheduling;
  const { tenant, pool } = demand;
  const percentage = Math.min(rules.threshold, rules.most);
  if (isRetryable === false || percentage <= 100) return undefined;
  const period = periodOf(
    { startsAt: null, endsAt: null, seconds: rules.duration * 60 },
    model.now,
  );
  if (!isAllowedThen(model, tenant, period)) return undefined;
  for (const scope of [
    { tenant, pool: null },
    { tenant, pool },
  ]) {
    const stands = model.bursts.some(
      ({ state, ...each }) =>
        each.tenant === tenant &&
        each.pool === scope.pool &&
        (state === 'approved' || state === 'active'),
    );
    const isAll = violations.every(
      ({ code, scope: name }) => code === 'over_quota' && name === nameOf(scope),
    );
    if (stands || !isAll) continue;
    const limited = resources.filter((name) => (ownLimitOf(model, scope, name, tenant) ?? 0) > 0);
    const burst: ModelBurst = {
      ...{ id: '', ...scope, state: 'active', percentage, seconds: rules.duration * 60, ...period },
      lifts: Object.fromEntries(limited.map((name) => [name, 0])),
      ...{ lapsesAt: period.endsAt, endedAt: null, onEnd: 'keep', requestedBy: 'ana' },
      ...{ required: 0, approvals: [], jobs: [], noticeAt: null },
    };
    const lent = { ...model, bursts: [...model.bursts, burst] };
    if (decide(lent, demand).outcome !== 'admitted') continue;
    model.bursts.push(burst);
    model.events.push({ operation: 'burst.request', object: burst });
    agree(model, burst);
    beginIfDue(model, burst);
    return burst;
  }
  return undefined;
}

/** Notes the sessions without which what a job asks for more would not have fitted. */
export function linkJob(
  model: LedgerModel,
  job: ModelJob,
  used: (scope: ModelScope, resource: ResourceName) => number,
  more: ModelJob['amounts'],
): void {
  for (const scope of scopesOf(job.tenant, job.pool)) {
    for (const resource of resources) {
      const requested = more[resource] ?? 0;
      const base = ownLimitOf(model, scope, resource, job.tenant);
      const lift = bestLift(model, scope, resource, base);
      if (lift === undefined || base === null || requested <= 0) continue;
      if (used(scope, resource) + requested <= base) continue;
      if (!lift.burst.jobs.includes(job)) lift.burst.jobs.push(job);
    }
  }
}

/** A session as its row has it. */
export function burstExpected(burst: ModelBurst, model: LedgerModel) {
  const { id, state, startsAt, endsAt, lapsesAt, noticeAt, endedAt } = burst;
  return {
    ...{ id, state, starts_at: startsAt, ends_at: endsAt, lapses_at: lapsesAt },
    ...{ notice_at: noticeAt, ended_at: endedAt, evicting: 0 },
    approvals: [...burst.approvals].sort().join(' '),
    jobs: model.jobs.flatMap((job) => (burst.jobs.includes(job) ? [job.id] : [])).join(' '),
  };
}

/** What reads say now, settled or not: states of sessions, and the limits of a tenant in force. */
export function shownNow(model: LedgerModel, scope: ModelScope) {
  const { now, bursts } = model;
  const effective: Record<string, number> = {};
  const lending = new Map<string, number | null>();
  for (const name of resources) {
    const lift = bestLift(model, scope, name, ownLimitOf(model, scope, name, scope.tenant));
    if (lift === undefined) continue;
    effective[name] = lift.limit;
    lending.set(lift.burst.id, lift.burst.endsAt);
  }
  const isHeld = (job: ModelJob) => job.dueAt === null || job.dueAt > now;
  const live = { ...model, jobs: model.jobs.filter(isHeld) };
  return {
    states: bursts.map((burst) => `${burst.id} ${shownState(burst, now)}`),
    limits: resources.map((name) => ownLimitOf(model, scope, name, scope.tenant)),
    used: resources.map((name) => usedIn(live, scope, name)),
    effective,
    lending: [...lending].sort(),
  };
}
