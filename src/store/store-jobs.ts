import type { ReasonCode } from '../domain/admission.ts';
import type { JobState } from '../domain/job.ts';
import type { Limit } from '../domain/quota.ts';
import type { Place, ResourceAmount } from './store-quotas.ts';
import type { Instant, Key, Labels } from './store-tenants.ts';

export interface JobRow {
  readonly key: Key;
  readonly id: string;
  readonly tenant: Key;
  readonly pool: Key;
  /** The caller's own name for it. */
  readonly jobId: string | null;
  readonly state: JobState;
  readonly priority: number;
  readonly labels: Labels;
  /** How long the lease is; null: it never ends by itself. */
  readonly ttlSeconds: number | null;
  readonly queueTtlSeconds: number;
  /** When lease, claim or waiting runs out; null where nothing does. */
  readonly dueAt: Instant | null;
  readonly requestedAt: Instant;
  readonly admittedAt: Instant | null;
  readonly endedAt: Instant | null;
  /** How it was admitted, where it did not simply fit when it was asked for. */
  readonly mark: 'adopted' | 'promoted' | 'override' | null;
  /** Promoted, and its caller has not been heard of since. */
  readonly isClaimDue: boolean;
  /** Of the canonical request, by which a retry is told from another request. */
  readonly requestHash: string;
  /** The session of burst capacity without which it would not have fitted, the nearest. */
  readonly burst: Key | null;
  /** Why it had to wait. */
  readonly decision: Key | null;
  readonly version: number;
}

export interface JobFilter {
  /** Any of these; what is overdue counts as expired. */
  readonly states: readonly JobState[];
  readonly tenant?: Key;
  readonly pool?: Key;
  /** Of this tenant and those below it. */
  readonly within?: Key;
  /** Those that run and would not have fitted without this session. */
  readonly burst?: Key;
  /** Requested before this. */
  readonly before?: Instant;
  readonly now: Instant;
}

/** What live jobs of one tenant in one pool hold of one resource. */
export interface LiveSum {
  readonly tenant: Key;
  readonly pool: Key;
  readonly resource: Key;
  readonly amount: number;
}

export interface JobTable {
  insert(job: Omit<JobRow, 'key'>, amounts: readonly ResourceAmount[]): Promise<Key>;
  /** Writes all that changes in a job's life. */
  update(job: JobRow): Promise<void>;
  byKey(key: Key): Promise<JobRow | undefined>;
  byId(id: string): Promise<JobRow | undefined>;
  /** The latest of this name. */
  byJobId(tenant: Key, jobId: string): Promise<JobRow | undefined>;
  /** What it asks for or holds; the only truth about how much a release gives back. */
  amounts(job: Key): Promise<ResourceAmount[]>;
  replaceAmounts(job: Key, amounts: readonly ResourceAmount[]): Promise<void>;
  /** Newest first, below the key `before`. */
  list(filter: JobFilter, before: Key | undefined, limit: number): Promise<JobRow[]>;
  /** Those of a range of keys, in their order. */
  between(after: Key, until: Key): Promise<JobRow[]>;
  /** Whose lease, claim or waiting has run out, longest ago first. */
  due(now: Instant, limit: number): Promise<JobRow[]>;
  /** Queued and admitted ones of a tenant, oldest first. */
  livingOf(tenant: Key, limit: number): Promise<JobRow[]>;
  countIn(pool: Key, state: JobState): Promise<number>;
  /** Admitted ones that would not have fitted without a session, the latest admitted first. */
  youngestUnder(burst: Key, limit: number): Promise<JobRow[]>;
  /** Admitted ones of a tenant that hold most of a resource, in one pool or everywhere. */
  heaviest(
    tenant: Key,
    pool: Key | null,
    resource: Key,
    now: Instant,
    limit: number,
  ): Promise<JobRow[]>;
  /** How many of these tenants themselves are admitted. */
  countAdmitted(tenants: readonly Key[]): Promise<number>;
  /** What all admitted jobs hold, by pool and resource. */
  heldInPools(): Promise<Omit<LiveSum, 'tenant'>[]>;
  /** What the admitted jobs of these tenants themselves hold. */
  liveSums(tenants: readonly Key[]): Promise<LiveSum[]>;
}

/** The answer to a request that was not admitted at once, with the numbers of that moment. */
export interface DecisionRow {
  readonly key: Key;
  readonly id: string;
  readonly outcome: 'queued' | 'rejected';
  readonly code: ReasonCode;
  readonly isRetryable: boolean;
  /** Which rule or setting decided. */
  readonly decidedBy: string;
  readonly tenant: Key;
  readonly pool: Key;
  readonly principal: string;
  /** What was asked for, by name of resource. */
  readonly request: Readonly<Record<string, number>>;
  /** Equal for what is counted as one record within a minute. */
  readonly likeness: string;
  readonly times: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

/** One reason of a decision; numbers are null where the reason is none of amount. */
export interface ViolationRow {
  readonly tenant: Key | null;
  readonly pool: Key | null;
  readonly resource: Key | null;
  readonly limit: Limit;
  /** The limit without the session that lifts it; null where none does. */
  readonly base: number | null;
  readonly used: number | null;
  readonly requested: number | null;
  readonly overBy: number | null;
  readonly code: ReasonCode;
}

export interface DecisionFilter {
  readonly tenant?: Key;
  /** Of this tenant and those below it. */
  readonly within?: Key;
  readonly pool?: Key;
  readonly resource?: Key;
  readonly code?: ReasonCode;
  readonly since?: Instant;
  readonly until?: Instant;
}

export interface DecisionTable {
  insert(decision: Omit<DecisionRow, 'key'>, violations: readonly ViolationRow[]): Promise<Key>;
  /** One more of the same: count and time, and the numbers of this moment. */
  repeat(decision: DecisionRow, violations: readonly ViolationRow[]): Promise<void>;
  /** The latest rejection that is alike and began at or after `since`; a job that waits has its own. */
  latestLike(likeness: string, since: Instant): Promise<DecisionRow | undefined>;
  byKey(key: Key): Promise<DecisionRow | undefined>;
  byId(id: string): Promise<DecisionRow | undefined>;
  violations(decision: Key): Promise<ViolationRow[]>;
  /** Newest first, below the key `before`. */
  list(filter: DecisionFilter, before: Key | undefined, limit: number): Promise<DecisionRow[]>;
}

/** Which job a caller's key stands for. */
export interface RequestKeyRow {
  readonly principal: string;
  readonly requestKey: string;
  readonly requestHash: string;
  readonly job: Key;
  /** When it was remembered, or found to be needed still. */
  readonly createdAt: Instant;
}

export interface RequestKeyTable {
  get(principal: string, requestKey: string): Promise<RequestKeyRow | undefined>;
  /** In place of an older one. */
  put(row: RequestKeyRow): Promise<void>;
  /**
   * Of those from before then looks at so many: forgets those whose jobs had ended by then, and comes
   * back to the others after everybody else, so that they do not stand in the way.
   */
  forget(before: Instant, now: Instant, limit: number): Promise<void>;
}

/** Places where room may have appeared, and not everybody has been looked at who waits there. */
export interface WakeupTable {
  isAny(): Promise<boolean>;
  /** In order of scope and resource. */
  list(limit: number): Promise<Place[]>;
  /** Once is enough. */
  put(place: Place): Promise<void>;
  remove(place: Place): Promise<void>;
}
