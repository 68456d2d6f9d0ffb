import type { WebhookView } from '../service/webhooks.ts';
import { formatDuration } from '../domain/duration.ts';
import { MOST_COUNTED } from '../service/schemas/webhook.ts';
import type { Listing } from './render.ts';

/** Webhooks as they are at a moment, in epoch milliseconds. */
export function webhookListing(now: number): Listing<WebhookView> {
  return {
    name: ({ name }) => name,
    columns: [
      { header: 'NAME', text: ({ name }) => name },
      { header: 'URL', text: ({ url }) => url },
      { header: 'KINDS', text: ({ kinds }) => kinds.join(', ') },
      {
        header: 'STATE',
        text: (webhook) => sayState(webhook, now),
        value: ({ state }) => state,
        isAlarming: ({ state }) => state === 'retrying',
      },
    ],
  };
}

/** `ok, last 3 min ago`, `retrying: answered 500: …, next in 20 s, 12 waiting` */
export function sayState(webhook: WebhookView, now: number): string {
  const { state, pending, last_error: error, delivered_at: delivered } = webhook;
  const last = delivered === null ? 'nothing sent yet' : `last ${sayAgo(delivered, now)}`;
  if (state === 'ok') return `ok, ${last}`;
  const waiting = `${sayPending(pending)} waiting`;
  if (state === 'waiting') return `${waiting}, ${last}`;
  return `retrying: ${error ?? ''}, ${sayNext(webhook, now)}, ${waiting}`;
}

/** Whether it was told of an event, did not take it, or is yet to be. */
export type TestEnd = 'delivered' | 'failed' | 'unknown';

/** How a test has ended, as far as the webhook knows. */
export function testEndOf(webhook: WebhookView, sequence: number, before: WebhookView): TestEnd {
  if ((webhook.delivered_sequence ?? 0) >= sequence) return 'delivered';
  const isTried = webhook.failures > 0 && webhook.last_attempt_at !== before.last_attempt_at;
  return isTried ? 'failed' : 'unknown';
}

/** What the receiver said to a test: `pager took it in 34 ms.` */
export function sayTest(
  webhook: WebhookView,
  end: TestEnd,
  waitedSeconds: number,
  now: number,
  isHeld: boolean,
) {
  const { name, last_attempt_ms: took, last_error: error, pending } = webhook;
  if (end === 'delivered') return `${name} took it in ${took ?? 0} ms.`;
  const others = pending > 1 ? ` It stands behind ${sayPending(pending - 1)} of its events.` : '';
  if (end === 'failed') {
    return `${name} ${error ?? ''}. It is tried again ${sayIn(webhook, now)}.${others}`;
  }
  if (isHeld) {
    return `${name} is tried again ${sayIn(webhook, now)}, since it ${error ?? ''}.${others}`;
  }
  const waited = formatDuration(waitedSeconds);
  return `No server has delivered it to ${name} in ${waited}: is hodei serve running?`;
}

/**
 * Whether a failure of before is what the test waits behind. Whoever asks a server knows that one runs; on
 * a file it is known as long as the next attempt is still to come.
 */
export function isBehindFailure(
  { failures, next_attempt_at: next }: WebhookView,
  isServer: boolean,
  now: number,
): boolean {
  return failures > 0 && (isServer || (next !== null && Date.parse(next) > now));
}

function sayPending(pending: number): string {
  return pending >= MOST_COUNTED
    ? `${MOST_COUNTED.toLocaleString('en-US')} or more`
    : String(pending);
}

function sayNext(webhook: WebhookView, now: number): string {
  return `next ${sayIn(webhook, now)}`;
}

function sayIn({ next_attempt_at: next }: WebhookView, now: number): string {
  const seconds = next === null ? 0 : Math.ceil((Date.parse(next) - now) / 1000);
  return seconds > 0 ? `in ${formatDuration(seconds)}` : 'now';
}

function sayAgo(instant: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(instant)) / 1000);
  return seconds > 0 ? `${formatDuration(seconds)} ago` : 'just now';
}
