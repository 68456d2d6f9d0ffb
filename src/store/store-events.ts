import type { Instant, Key } from './store-tenants.ts';

export interface EventRow {
  readonly sequence: number;
  readonly time: Instant;
  readonly principal: string;
  readonly actingAs: string | null;
  readonly operation: string;
  /** Public id of the tenant it concerns. */
  readonly tenant: string | null;
  /** What was changed: a public id, or the name of something there is one of. */
  readonly object: string;
  readonly reason: string | null;
  /** JSON texts of what changed, as hashed. */
  readonly before: string | null;
  readonly after: string | null;
  readonly traceId: string;
  readonly previousHash: string;
  readonly hash: string;
}

export interface EventFilter {
  readonly tenant?: string;
  readonly principal?: string;
  /** Operations by name. */
  readonly operations?: readonly string[];
  readonly since?: Instant;
  readonly until?: Instant;
  /** Only of this tenant and those below it. */
  readonly within?: Key;
}

export interface EventTable {
  /** Sequence number and hash of the last one. */
  head(): Promise<Pick<EventRow, 'sequence' | 'hash'> | undefined>;
  /** The first one, or the first one at or after a time; not always the oldest, since clocks go back. */
  first(since?: Instant): Promise<EventRow | undefined>;
  insert(event: EventRow): Promise<void>;
  /** Newest first, below the sequence number `before`. */
  list(filter: EventFilter, before: number | undefined, limit: number): Promise<EventRow[]>;
  /** Oldest first, above the sequence number `after`. */
  following(after: number, limit: number): Promise<EventRow[]>;
  /** How many of these operations, or of that one about the object, come after `after` up to `until`. */
  countFollowing(wanted: WantedEvents, limit: number): Promise<number>;
}

export interface WantedEvents {
  readonly after: number;
  readonly until: number;
  readonly operations: readonly string[];
  readonly about: { readonly operation: string; readonly object: string };
}

/** What decides, under a number that rises with every change: the latest is in force. */
export interface RevisionRow {
  readonly revision: number;
  readonly appliedAt: Instant;
  /** JSON text of what is in force. */
  readonly document: string;
}

export interface RevisionTable {
  current(): Promise<RevisionRow | undefined>;
  /** All, the oldest first. */
  list(): Promise<RevisionRow[]>;
  insert(row: RevisionRow): Promise<void>;
}

export interface ClockRow {
  /** Which start of the machine. */
  readonly boot: string;
  /** What to add to its uptime for the time of day, in milliseconds. */
  readonly offset: number;
}

export interface ClockTable {
  get(): Promise<ClockRow | undefined>;
  put(row: ClockRow): Promise<void>;
}
