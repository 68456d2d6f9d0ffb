import * as z from 'zod';
import { ADMINS } from '../domain/role.ts';
import { MAX_WEBHOOKS } from '../domain/webhook.ts';
import type { Tables, WebhookRow } from '../store/store.ts';
import { operation } from './operation.ts';

// What the server that delivers keeps of its webhooks: bookkeeping, and no change that an event would
// tell of. None of it has a route.

const internal = {
  method: 'POST',
  path: '',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
} as const;

/** From where a webhook goes on. */
export interface WebhookStart {
  readonly name: string;
  /** Everything up to this event was taken, or is not for it. */
  readonly sequence: number;
  readonly failures: number;
  /** When it was to be tried again, from now; 0 or less: at once. */
  readonly nextInMs: number;
}

const definition = () =>
  z.strictObject({ name: z.string(), url: z.string(), kinds: z.array(z.string()) });

export const registerWebhooks = operation({
  ...internal,
  name: 'webhook.register',
  summary: 'Take the webhooks of the config file for those that there are',
  input: () => z.strictObject({ webhooks: z.array(definition()) }),
  output: () => z.custom<WebhookStart[]>(),
  example: { input: { webhooks: [] }, output: [] },

  async run({ tables, now }, { webhooks }) {
    const names = webhooks.map(({ name }) => name);
    for (const { key, name } of await tables.webhooks.list(undefined, MAX_WEBHOOKS + 1)) {
      if (!names.includes(name)) await tables.webhooks.remove(key);
    }
    const starts: WebhookStart[] = [];
    for (const webhook of webhooks) {
      const { name, sequence, failures, nextAttemptAt } = await register(tables, webhook, now);
      starts.push({ name, sequence, failures, nextInMs: (nextAttemptAt ?? now) - now });
    }
    return starts;
  },
});

type Definition = z.output<ReturnType<typeof definition>>;

/** One that is there goes on where it was, by its new address perhaps; a new one begins with what comes. */
async function register(tables: Tables, { name, url, kinds }: Definition, now: number) {
  const known = await tables.webhooks.byName(name);
  if (known === undefined) {
    const sequence = (await tables.events.head())?.sequence ?? 0;
    const created = { name, url, kinds, sequence, ...untried, createdAt: now };
    await tables.webhooks.insert(created);
    return created;
  }
  const isSame = known.url === url && known.kinds.join() === kinds.join();
  if (isSame) return known;
  // What an old address answered says nothing of the new one.
  const changed = { ...known, url, kinds, ...(known.url !== url && { ...fresh }) };
  await tables.webhooks.update(changed);
  return changed;
}

const fresh = { failures: 0, lastError: null, nextAttemptAt: null } as const;
const untried = {
  ...fresh,
  ...{ lastAttemptAt: null, lastAttemptMs: null, deliveredAt: null, deliveredSequence: null },
} as const;

/** What became of a webhook's events since it was noted last. */
export interface WebhookProgress {
  readonly name: string;
  /** Everything up to this event was taken, or is not for it. */
  readonly sequence: number;
  /** The last attempt, if there was one. */
  readonly attempt: WebhookAttempt | null;
}

export interface WebhookAttempt {
  /** The event that was sent. */
  readonly of: number;
  /** How long ago it ended, and how long it took. */
  readonly agoMs: number;
  readonly tookMs: number;
  /** Why it failed, and when it is tried again; null: it was taken. */
  readonly failure: { readonly error: string; readonly nextInMs: number } | null;
}

/** @returns up to where everything was taken, by whichever server. */
export const noteWebhookProgress = operation({
  ...internal,
  name: 'webhook.progress',
  summary: 'Note how far a webhook has come',
  input: () => z.strictObject({ progress: z.custom<WebhookProgress>() }),
  output: () => z.int(),
  example: {
    input: { progress: { name: 'pager', sequence: 4711, attempt: null } },
    output: 4711,
  },

  async run({ tables, now }, { progress }) {
    const webhook = await tables.webhooks.byName(progress.name);
    // Another server, with another config file, has removed it.
    if (webhook === undefined) return progress.sequence;
    const noted = noteIn(webhook, progress, now);
    await tables.webhooks.update(noted);
    return noted.sequence;
  },
});

function noteIn(webhook: WebhookRow, progress: WebhookProgress, now: number): WebhookRow {
  const { attempt } = progress;
  const sequence = Math.max(webhook.sequence, progress.sequence);
  if (attempt === null) return { ...webhook, sequence };
  const { of, agoMs, tookMs, failure } = attempt;
  // One of two servers may be told no of what the other has been told yes.
  if (failure !== null && of <= webhook.sequence) return webhook;
  const lastAttemptAt = now - agoMs;
  const tried = { ...webhook, sequence, lastAttemptAt, lastAttemptMs: tookMs };
  if (failure === null) {
    const deliveredSequence = Math.max(webhook.deliveredSequence ?? 0, of);
    return { ...tried, ...fresh, deliveredAt: lastAttemptAt, deliveredSequence };
  }
  const { error: lastError, nextInMs } = failure;
  const failures = webhook.failures + 1;
  return { ...tried, failures, lastError, nextAttemptAt: lastAttemptAt + nextInMs };
}

export const webhookOperations = [registerWebhooks, noteWebhookProgress];
