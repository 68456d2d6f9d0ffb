import type { Place } from './store-quotas.ts';
import type { Instant, Key } from './store-tenants.ts';

/** What a waiting job waits for where it is no amount: that its scope opens. */
export const UNTIL_OPEN = 0;
/** That a policy rule lets it go on, or a budget pays for it, which only looking again tells. */
export const UNTIL_ALLOWED = -1;

/** A job that waits, and for what: the first scope and resource that lack room for it. */
export interface WaitingRow extends Place {
  readonly job: Key;
  readonly pool: Key;
  readonly tenant: Key;
  readonly priority: number;
  /** How much it needs there; or UNTIL_OPEN, or UNTIL_ALLOWED. */
  readonly amount: number;
  /** Whether others than its tenant hold the room: in the pool, or under an ancestor. */
  readonly isShared: boolean;
  /** When it is looked at again although no room has appeared. */
  readonly lookAt: Instant | null;
}

/** The oldest of the waiting jobs that are alike in all but their age. */
export type Head = Pick<WaitingRow, 'job' | 'pool' | 'tenant' | 'priority' | 'amount'>;

/** A waiting job in the line of its tenant. */
export type InLine = Pick<WaitingRow, 'job' | 'tenant' | 'priority'>;

export interface WaitingTable {
  insert(row: WaitingRow): Promise<void>;
  /** Writes what it waits for. */
  update(row: WaitingRow): Promise<void>;
  remove(row: Pick<WaitingRow, 'job' | 'pool'>): Promise<void>;
  byJob(job: Key): Promise<WaitingRow | undefined>;
  isAny(): Promise<boolean>;
  isAnyAt(place: Place): Promise<boolean>;
  /** Of those who wait there for `least` to `most`: the heads, so many of the smallest amounts. */
  headsAt(place: Place, least: number, most: number, limit: number): Promise<Head[]>;
  /** All who wait there, after one of them, in the order of an index. */
  at(place: Place, after: Head | undefined, limit: number): Promise<WaitingRow[]>;
  /** The head that comes in place of one that does not wait there any more. */
  nextAt(place: Place, head: Head): Promise<Head | undefined>;
  /** The first of every tenant that waits in a pool: by priority, then age. */
  firstOfEach(pool: Key): Promise<InLine[]>;
  /** Those of one tenant behind one of them: by priority, then age. */
  behind(pool: Key, after: InLine, limit: number): Promise<InLine[]>;
  /** In a pool by age alone, after the job `after`. */
  byAge(pool: Key, after: Key, limit: number): Promise<InLine[]>;
  /** Of each pool the oldest that lacks room only where others hold it. */
  oldestShared(): Promise<Key[]>;
  /** The next one in the pool, by age. */
  nextShared(pool: Key, after: Key): Promise<Key | undefined>;
  /** Those that shall be looked at again by now. */
  toLookAt(now: Instant, limit: number): Promise<WaitingRow[]>;
  /** Has all who shall be looked at again at some time looked at now. */
  hasten(now: Instant): Promise<void>;
  /** The same of those who wait at a place until they are allowed. */
  hastenAt(place: Place, now: Instant): Promise<void>;
  /** Every place at which somebody waits. */
  places(): Promise<Place[]>;
  /** How many of one tenant wait in a pool; no more than `most` are counted. */
  countOf(pool: Key, tenant: Key, most: number): Promise<number>;
  /** How many wait in a pool. */
  countIn(pool: Key): Promise<number>;
}

/** Room in a scope that is kept for a job that has waited too long. */
export interface ReservationRow extends Place {
  readonly pool: Key;
  readonly job: Key;
  readonly amount: number;
}

/** One job a pool at most. */
export interface ReservationTable {
  list(): Promise<ReservationRow[]>;
  insert(row: ReservationRow): Promise<void>;
  remove(job: Key): Promise<void>;
}

/** Use in the past, which counts less the longer ago it was. */
export interface RecentUseRow extends Place {
  readonly amount: number;
  readonly measuredAt: Instant;
}

export interface RecentUseTable {
  at(places: readonly Place[]): Promise<(RecentUseRow | undefined)[]>;
  put(row: RecentUseRow): Promise<void>;
}
