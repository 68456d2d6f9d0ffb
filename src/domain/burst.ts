import type { Limit } from './quota.ts';
import { MAX_AMOUNT } from './resource.ts';

export const burstStates = [
  'requested',
  'approved',
  'active',
  'ended',
  'denied',
  'cancelled',
  'lapsed',
] as const;

export type BurstState = (typeof burstStates)[number];

/** What can happen to a session. `end`: by hand, or because its time is over. */
export const burstEvents = ['approve', 'begin', 'deny', 'cancel', 'end', 'lapse'] as const;

export type BurstEvent = (typeof burstEvents)[number];

/** Where an event leads; `unchanged`: it is so already, and nothing is done; `refused`: it cannot be. */
export type BurstTransition = BurstState | 'unchanged' | 'refused';

const refusedAll = {
  approve: 'refused',
  begin: 'refused',
  deny: 'refused',
  cancel: 'refused',
  end: 'refused',
  lapse: 'refused',
} as const satisfies Record<BurstEvent, BurstTransition>;

const transitions: Readonly<Record<BurstState, Readonly<Record<BurstEvent, BurstTransition>>>> = {
  requested: {
    ...refusedAll,
    approve: 'approved',
    deny: 'denied',
    cancel: 'cancelled',
    lapse: 'lapsed',
  },
  approved: { ...refusedAll, begin: 'active', cancel: 'cancelled' },
  active: { ...refusedAll, end: 'ended' },
  // Who repeats what was done already is told how it stands.
  ended: { ...refusedAll, end: 'unchanged' },
  denied: { ...refusedAll, deny: 'unchanged' },
  cancelled: { ...refusedAll, cancel: 'unchanged' },
  lapsed: refusedAll,
};

export function burstTransition(state: BurstState, event: BurstEvent): BurstTransition {
  return transitions[state][event];
}

/** When something happens to a session by itself, in epoch milliseconds. */
export interface BurstTimes {
  readonly state: BurstState;
  /** Null until it is known: a session that shall begin at once begins when it is approved. */
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  /** Until when it can be approved. */
  readonly lapsesAt: number;
  /** When its end is announced; null: not, or it was. */
  readonly noticeAt: number | null;
}

/** The state as of now: begun and over by itself, settled or not. */
export function burstStateAsOf(burst: BurstTimes, now: number): BurstState {
  const { state, startsAt, endsAt, lapsesAt } = burst;
  if (state === 'requested') return lapsesAt <= now ? 'lapsed' : state;
  if (state !== 'approved' && state !== 'active') return state;
  if (endsAt !== null && endsAt <= now) return 'ended';
  return startsAt !== null && startsAt <= now ? 'active' : state;
}

/** The next moment at which something happens to it by itself; null where nothing does. */
export function nextMomentOf({
  state,
  startsAt,
  endsAt,
  lapsesAt,
  noticeAt,
}: BurstTimes): number | null {
  if (state === 'requested') return lapsesAt;
  if (state === 'approved') return startsAt;
  if (state === 'active') return noticeAt ?? endsAt;
  return null;
}

/** When the end is announced; null where the session is too short for that. */
export function noticeMoment({ startsAt, endsAt }: Period, noticeMinutes: number): number | null {
  const moment = endsAt - noticeMinutes * MINUTE_MS;
  return noticeMinutes > 0 && moment > startsAt ? moment : null;
}

/** What a session does to one limit: to so many per cent of it, or by so much more, in base units. */
export type Lift = { readonly percentage: number } | { readonly add: number };

/** The limit with the session; unlimited stays so, and any per cent of 0 is 0. Rounded down. */
export function lifted(limit: Limit, lift: Lift): Limit {
  if (limit === null) return null;
  const exact =
    'add' in lift
      ? BigInt(limit) + BigInt(lift.add)
      : (BigInt(limit) * BigInt(lift.percentage)) / 100n;
  const most = exact > BigInt(MAX_AMOUNT) ? MAX_AMOUNT : Number(exact);
  // A session never takes anything away.
  return Math.max(limit, most);
}

/**
 * Whether what a session makes of a limit is at most so many per cent of it. An amount on top of 0 is
 * beyond any per cent.
 */
export function isWithinPercentage(limit: Limit, lift: Lift, percentage: number): boolean {
  if ('percentage' in lift) return lift.percentage <= percentage;
  if (limit === null) return true;
  return (BigInt(limit) + BigInt(lift.add)) * 100n <= BigInt(limit) * BigInt(percentage);
}

/** The least whole per cent of a limit that makes so much of it; undefined where none does. */
export function percentageFor(limit: number, wanted: number): number | undefined {
  if (limit === 0) return undefined;
  const exact = (BigInt(wanted) * 100n + BigInt(limit) - 1n) / BigInt(limit);
  return exact > BigInt(MAX_PERCENTAGE) ? undefined : Number(exact);
}

/** From when to when, in epoch milliseconds; the end is no part of it. */
export interface Period {
  readonly startsAt: number;
  readonly endsAt: number;
}

/** How often and how many: what a new session has to keep to. Null: no bound. */
export interface BurstBounds {
  readonly cooldownMinutes: number;
  readonly mostAtOnce: number | null;
  readonly mostPerDay: number | null;
}

/** Why a session cannot be then. */
export type BurstRefusal =
  | { readonly bound: 'cooldown'; readonly other: Period; readonly earliest: number }
  | { readonly bound: 'per_day'; readonly day: string; readonly sessions: number }
  | { readonly bound: 'at_once'; readonly sessions: number };

const MINUTE_MS = 60_000;

/** Whether a session can be then, beside the others of its tenant and all others. */
export function burstRefusal(
  wanted: Period,
  ofTenant: readonly Period[],
  all: readonly Period[],
  bounds: BurstBounds,
): BurstRefusal | undefined {
  return (
    cooldownRefusal(wanted, ofTenant, bounds.cooldownMinutes * MINUTE_MS) ??
    dayRefusal(wanted, ofTenant, bounds.mostPerDay) ??
    crowdRefusal(wanted, all, bounds.mostAtOnce)
  );
}

/** Between two sessions of a tenant is at least the cooldown; without one they may overlap. */
function cooldownRefusal(
  wanted: Period,
  ofTenant: readonly Period[],
  cooldown: number,
): BurstRefusal | undefined {
  if (cooldown === 0) return undefined;
  const other = lastNear(wanted, ofTenant, cooldown);
  if (other === undefined) return undefined;
  const length = wanted.endsAt - wanted.startsAt;
  let earliest = wanted.startsAt;
  // Where it would begin after that one, yet another may be near.
  for (let next: Period | undefined = other; next !== undefined;) {
    earliest = next.endsAt + cooldown;
    next = lastNear({ startsAt: earliest, endsAt: earliest + length }, ofTenant, cooldown);
  }
  return { bound: 'cooldown', other, earliest };
}

/** Of the sessions that are too near the one that ends last. */
function lastNear(
  wanted: Period,
  ofTenant: readonly Period[],
  cooldown: number,
): Period | undefined {
  const near = ofTenant.filter(
    (other) =>
      wanted.startsAt < other.endsAt + cooldown && other.startsAt < wanted.endsAt + cooldown,
  );
  return near.sort((a, b) => b.endsAt - a.endsAt)[0];
}

/** A day in UTC, so that no change of summer time makes one longer: `2026-11-23`. */
export function burstDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function dayRefusal(
  wanted: Period,
  ofTenant: readonly Period[],
  most: number | null,
): BurstRefusal | undefined {
  if (most === null) return undefined;
  const day = burstDay(wanted.startsAt);
  const sessions = ofTenant.filter(({ startsAt }) => burstDay(startsAt) === day).length;
  return sessions < most ? undefined : { bound: 'per_day', day, sessions };
}

/** The most that there are at any moment of the new one: at its start, or where another begins. */
function crowdRefusal(
  wanted: Period,
  all: readonly Period[],
  most: number | null,
): BurstRefusal | undefined {
  if (most === null) return undefined;
  const meeting = all.filter(
    ({ startsAt, endsAt }) => startsAt < wanted.endsAt && endsAt > wanted.startsAt,
  );
  const changes = meeting.flatMap(({ startsAt, endsAt }) => [
    { at: startsAt, by: 1 },
    { at: endsAt, by: -1 },
  ]);
  // At one moment the ends come first: an end is no part of its session.
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let [there, sessions] = [0, 0];
  for (const { at, by } of changes) {
    there += by;
    if (at < wanted.endsAt) sessions = Math.max(sessions, there);
  }
  return sessions < most ? undefined : { bound: 'at_once', sessions };
}

/** What a session may make of a limit at most, whatever the configuration says. */
export const MAX_PERCENTAGE = 100_000;
/** 30 days: what is needed for longer is a quota. */
export const MAX_BURST_MINUTES = 43_200;
export const MAX_BURST_REASON = 500;
/** How far ahead a session may begin: a year. */
export const MAX_BURST_AHEAD_MS = 366 * 24 * 60 * MINUTE_MS;

/** What becomes of jobs that run above the limits when a session ends. */
export const burstEndings = ['keep', 'evict'] as const;

export type BurstEnding = (typeof burstEndings)[number];

/**
 * A name as it is compared where two people have to be two: in neither capitals nor another way of
 * writing the same letters does one become another.
 */
export function isSamePerson(a: string, b: string): boolean {
  return personOf(a) === personOf(b);
}

/** How many people these names are of. */
export function countPeople(names: readonly string[]): number {
  return new Set(names.map(personOf)).size;
}

function personOf(principal: string): string {
  const name = principal.normalize('NFKC').trim();
  // By way of capitals: only so do letters that share one become one, such as ß and ss.
  return name.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
}
