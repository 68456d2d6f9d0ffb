import type { BurstEnding, BurstState } from '../domain/burst.ts';
import type { Instant, Key } from './store-tenants.ts';

/** A time-boxed raise of the limits of a tenant, everywhere or in one pool. */
export interface BurstRow {
  readonly key: Key;
  readonly id: string;
  readonly tenant: Key;
  /** Null: of the limits that hold everywhere. */
  readonly pool: Key | null;
  readonly state: BurstState;
  /** To so many per cent of the limits; null: by the amounts of its lifts. */
  readonly percentage: number | null;
  readonly durationSeconds: number;
  /** Null: at once, when it is approved. */
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
  readonly onEnd: BurstEnding;
  readonly reason: string;
  /** Opened by a request that did not fit, and nobody asked. */
  readonly isAutomatic: boolean;
  /** How many have to agree; 0: nobody. */
  readonly approvalsRequired: number;
  readonly requestedAt: Instant;
  readonly requestedBy: string;
  readonly lapsesAt: Instant;
  /** When it was approved, denied, cancelled or ended by hand, and by whom. */
  readonly decidedAt: Instant | null;
  readonly decidedBy: string | null;
  /** What they said to it. */
  readonly decidedReason: string | null;
  readonly endedAt: Instant | null;
  /** When its end is to be announced; null: not, or it was. */
  readonly noticeAt: Instant | null;
  /** Ended, and not yet all jobs that it has to evict are. */
  readonly isEvicting: boolean;
  readonly version: number;
}

/** A resource whose limit a session lifts; the amount is null where it goes by percentage. */
export interface BurstLift {
  readonly resource: Key;
  readonly amount: number | null;
}

/** A session that is approved or active, with what it lifts. */
export interface StandingBurst {
  readonly burst: BurstRow;
  readonly lifts: readonly BurstLift[];
}

export interface BurstApproval {
  readonly principal: string;
  readonly approvedAt: Instant;
}

export interface BurstFilter {
  /** Any of these, as of now. */
  readonly states: readonly BurstState[];
  readonly now: Instant;
  readonly tenant?: Key;
  /** Of this tenant and those below it. */
  readonly within?: Key;
  readonly pool?: Key;
}

export interface BurstTable {
  insert(burst: Omit<BurstRow, 'key'>, lifts: readonly BurstLift[]): Promise<Key>;
  /** Writes what changes in the life of a session. */
  update(burst: BurstRow): Promise<void>;
  byKey(key: Key): Promise<BurstRow | undefined>;
  byId(id: string): Promise<BurstRow | undefined>;
  lifts(burst: Key): Promise<BurstLift[]>;
  /** All that are approved or active, the oldest first. */
  standing(): Promise<StandingBurst[]>;
  /** How many there are, as of now, that are requested, approved or active: those there are any of. */
  countLiving(now: Instant): Promise<{ readonly state: BurstState; readonly count: number }[]>;
  /** To which something happens by now, or whose jobs have to go; longest ago first. */
  due(now: Instant, limit: number): Promise<BurstRow[]>;
  /** Of a tenant those that are requested, approved or active, or ended at or after `since`. */
  ofTenant(tenant: Key, since: Instant): Promise<BurstRow[]>;
  /** Newest first, below the key `before`. */
  list(filter: BurstFilter, before: Key | undefined, limit: number): Promise<BurstRow[]>;
  /** In the order of their names. */
  approvals(burst: Key): Promise<BurstApproval[]>;
  addApproval(burst: Key, approval: BurstApproval): Promise<void>;
  /** Remembers that a job would not have fitted without the session. */
  addJob(burst: Key, job: Key): Promise<void>;
  /** A job that has ended leaves all sessions. */
  removeJob(job: Key): Promise<void>;
  /** Forgets that about one session. */
  removeJobFrom(burst: Key, job: Key): Promise<void>;
  /** How many jobs run that would not have fitted without it. */
  countJobs(burst: Key): Promise<number>;
}
