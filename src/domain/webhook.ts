import type { EventName } from './event-names.ts';

/** So many webhooks one server delivers to. */
export const MAX_WEBHOOKS = 20;
export const MAX_URL_LENGTH = 2_000;
/** Shorter ones are guessed, by who has seen one signature. */
export const MIN_SECRET_LENGTH = 16;
/** One less than can be followed at once, since a webhook follows its own tests as well. */
export const MAX_WEBHOOK_KINDS = 19;

/** The event of a test: it is sent to its webhook, whatever the kinds of that are. */
export const TEST_EVENT = 'webhook.test' satisfies EventName;

/** What a webhook is told of, where nothing is said: what happens without anybody's looking on. */
export const defaultKinds: readonly string[] = [
  ...['burst', 'job.promote', 'job.evict', 'job.expire', 'quota.notice'],
  ...['budget.warning', 'budget.critical', 'budget.exceeded'],
];

/** What is wrong with the address of a webhook, or undefined. It never repeats the address. */
export function urlProblem(text: string): string | undefined {
  if (text.length > MAX_URL_LENGTH) return `an address of at most ${MAX_URL_LENGTH} characters`;
  if (!URL.canParse(text) || /\s/.test(text)) return ADDRESS;
  const { protocol, username, password } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return ADDRESS;
  // It would be shown, and who receives can tell hodei by the signature.
  return username === '' && password === '' ? undefined : 'an address without a user or password';
}

const ADDRESS = 'an address such as https://pager.example/hodei';

type Sent = { readonly operation: string; readonly object: string };

/** Whether an event is one that a webhook is to be told of. */
export function isForWebhook(
  { name, kinds }: { readonly name: string; readonly kinds: readonly string[] },
  { operation, object }: Sent,
): boolean {
  if (operation === TEST_EVENT && object === name) return true;
  return kinds.some((kind) => kind === operation || operation.startsWith(`${kind}.`));
}

/**
 * By which a receiver tells that it has seen an event already: the same for every attempt, in every
 * process. The hash tells events apart that have the same number in two databases, or in one that was
 * restored.
 */
export function messageId(
  webhook: string,
  { sequence, hash }: { readonly sequence: number; readonly hash: string },
): string {
  return `${webhook}-${sequence}-${hash.slice(0, 16)}`;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 5 * 60_000;
const LONGEST_WISH_MS = 60 * 60_000;
/** A part of the time is drawn by lot, so that what failed together does not come again together. */
const JITTER = 0.25;

/**
 * How long to wait after so many failures in a row: 1 s, doubled up to 5 minutes, or longer where the
 * receiver wishes so. `random` is from 0 to 1.
 */
export function retryDelayMs(failures: number, wishMs: number | undefined, random: number): number {
  const doubled = FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20);
  const delay = Math.min(doubled, LAST_RETRY_MS) * (1 - JITTER * random);
  return Math.round(Math.max(delay, Math.min(wishMs ?? 0, LONGEST_WISH_MS)));
}

/** What a receiver wishes by the header Retry-After: seconds, or a date seen from `now`. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  // Date.parse takes much for a date that is none, such as -5.
  const date = /^[A-Z][a-z]+,? /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** How a webhook does: `waiting` has something to be told and nothing that went wrong. */
export const webhookStates = ['ok', 'waiting', 'retrying'] as const;

export type WebhookState = (typeof webhookStates)[number];

export function webhookState(failures: number, pending: number): WebhookState {
  if (failures > 0) return 'retrying';
  return pending > 0 ? 'waiting' : 'ok';
}
