import type { Instant, Key } from './store-tenants.ts';
import type { ResourceAmount } from './store-quotas.ts';

/** What an hour of something costs from a time on, everywhere or in one pool. */
export interface RateRow {
  readonly key: Key;
  /** Null: how many times as much is paid for what runs under a burst session. */
  readonly resource: Key | null;
  /** Null: everywhere. */
  readonly pool: Key | null;
  readonly beginsAt: Instant;
  /** In millionths; null: from then on what the config file says holds again. */
  readonly price: number | null;
}

export interface RateTable {
  /** All, the earliest first. */
  list(): Promise<RateRow[]>;
  insert(rate: Omit<RateRow, 'key'>): Promise<void>;
  update(key: Key, price: number | null): Promise<void>;
}

/** Under whom a tenant stood until it was moved. */
export interface FormerParentRow {
  readonly tenant: Key;
  readonly untilAt: Instant;
  readonly parent: Key | null;
}

export interface FormerParentTable {
  /** All, of each tenant the earliest first. */
  list(): Promise<FormerParentRow[]>;
  /** Of two moves in the same moment the first counts: nothing was used in between. */
  insert(row: FormerParentRow): Promise<void>;
}

/**
 * What was used: amount × milliseconds, `high * 2^32 + low`. In two digits neither an integer of
 * SQL nor a number of JavaScript overflows, and sums stay exact in both.
 */
export interface TimedUse {
  readonly tenant: Key;
  readonly pool: Key;
  readonly resource: Key;
  /** Whether it would not have run without a burst session. */
  readonly isBurst: boolean;
  readonly high: number;
  readonly low: number;
}

/** What ended jobs used from a time on until the next hour, rate or move. */
export interface UsageHourRow extends TimedUse {
  readonly beginsAt: Instant;
}

export interface UsageHourTable {
  add(rows: readonly UsageHourRow[]): Promise<void>;
  /** Of what begins in a range of time, by tenant, pool, resource and burst. */
  sums(from: Instant, to: Instant, tenant?: Key): Promise<TimedUse[]>;
  /** Of a resource in a range of time, by begin. @param tenants null: of all */
  series(
    tenants: readonly Key[] | null,
    resource: Key,
    pool: Key | null,
    from: Instant,
    to: Instant,
  ): Promise<UsageSeriesRow[]>;
}

export interface UsageSeriesRow {
  readonly beginsAt: Instant;
  readonly high: number;
  readonly low: number;
}

/** How far the hours were summed up. */
export interface RollupRow {
  /** The jobs that ended with an event up to this one are in the hours. */
  readonly sequence: number;
  /** Of jobs that ended before nothing but their hours is kept; 0: nothing was removed. */
  readonly prunedBefore: Instant;
}

export interface RollupTable {
  get(): Promise<RollupRow>;
  put(row: RollupRow): Promise<void>;
}

/** One resource of a job that was admitted, as it holds or held it last. */
export interface JobUseRow {
  readonly job: Key;
  readonly tenant: Key;
  readonly pool: Key;
  readonly admittedAt: Instant;
  /** Null: it has not ended. */
  readonly endedAt: Instant | null;
  readonly dueAt: Instant | null;
  readonly ttlSeconds: number | null;
  /** Promoted, and its caller has not been heard of since. */
  readonly isClaimDue: boolean;
  readonly isBurst: boolean;
  readonly resource: Key;
  readonly amount: number;
}

/** What a job held until it was resized. */
export interface JobSegmentRow extends ResourceAmount {
  readonly job: Key;
  readonly endsAt: Instant;
  readonly isBurst: boolean;
}

/** Which jobs: those that ended with these events, those that run, or those of a range of keys. */
export type JobsOfUse =
  | { readonly of: 'events'; readonly after: number; readonly until: number }
  | { readonly of: 'living'; readonly tenants?: readonly Key[] | undefined }
  | {
      readonly of: 'keys';
      readonly after: Key;
      readonly until: Key;
      /** That ran at some time in this range. */
      readonly from: Instant;
      readonly to: Instant;
      /** Only of this tenant itself. */
      readonly tenant?: Key | undefined;
    };

export interface JobUseTable {
  /** Row by row of one job after the other. */
  list(jobs: JobsOfUse): Promise<JobUseRow[]>;
  /** The same of what they held before, by job and end. */
  segments(jobs: JobsOfUse): Promise<JobSegmentRow[]>;
  /** Ends a segment. Where one ended in the same moment, nothing was held in between. */
  endSegment(
    job: Key,
    endsAt: Instant,
    isBurst: boolean,
    amounts: readonly ResourceAmount[],
  ): Promise<void>;
  /** The highest key of a job, or 0. */
  last(): Promise<Key>;
  /** Of so many jobs above a key those that ended before a time, and the last key looked at. */
  endedBefore(
    before: Instant,
    after: Key,
    limit: number,
  ): Promise<{ readonly jobs: readonly Key[]; readonly last: Key | undefined }>;
  /** Removes ended jobs, and all that only tells of them. */
  remove(jobs: readonly Key[]): Promise<void>;
}
