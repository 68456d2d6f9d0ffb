import type { Instant, Key } from './store-tenants.ts';

/** How far a webhook has come; its secret is kept nowhere. */
export interface WebhookRow {
  readonly key: Key;
  readonly name: string;
  readonly url: string;
  /** Nouns and names of the events that it is told of. */
  readonly kinds: readonly string[];
  /** Everything up to this event was taken, or is not for it. */
  readonly sequence: number;
  /** Attempts that failed since the last one that did not. */
  readonly failures: number;
  readonly lastError: string | null;
  readonly lastAttemptAt: Instant | null;
  /** How long the receiver took for its last answer. */
  readonly lastAttemptMs: number | null;
  readonly nextAttemptAt: Instant | null;
  readonly deliveredAt: Instant | null;
  /** The event that was taken last. */
  readonly deliveredSequence: number | null;
  readonly createdAt: Instant;
}

/** Webhooks, as the server that delivers has them from its config file. */
export interface WebhookTable {
  insert(webhook: Omit<WebhookRow, 'key'>): Promise<void>;
  /** Writes everything but its name and when it was created. */
  update(webhook: WebhookRow): Promise<void>;
  remove(key: Key): Promise<void>;
  byName(name: string): Promise<WebhookRow | undefined>;
  /** In order of name, after the name `after`. */
  list(after: string | undefined, limit: number): Promise<WebhookRow[]>;
}
