import * as z from 'zod';
import { eventNames } from '../domain/event-names.ts';
import { notFound } from '../domain/errors.ts';
import { OPERATORS, READERS } from '../domain/role.ts';
import { isForWebhook, MAX_WEBHOOKS, TEST_EVENT, webhookState } from '../domain/webhook.ts';
import type { Tables, WebhookRow } from '../store/store.ts';
import { cutPage, decodeCursor } from './cursor.ts';
import { recordEvent } from './event-log.ts';
import { nearest } from './nearest.ts';
import { operation } from './operation.ts';
import { pageInput, pageOutput, toInstant } from './schemas/common.ts';
import { MOST_COUNTED, WebhookResponse, WebhookTestResponse } from './schemas/webhook.ts';
import { webhookExample } from './webhook-examples.ts';

export type WebhookView = z.output<ReturnType<typeof WebhookResponse>>;

export const listWebhooks = operation({
  name: 'webhook.list',
  summary: 'List webhooks, in the order of their names, and how each does',
  method: 'GET',
  path: '/webhooks',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ ...pageInput() }),
  output: () => pageOutput(WebhookResponse()),
  example: { input: { limit: 50 }, output: { items: [webhookExample], next_cursor: null } },

  async run({ tables }, { cursor, limit }) {
    const [after] = cursor === undefined ? [] : decodeCursor('webhook', cursor, ['string']);
    const found = await tables.webhooks.list(after?.toString(), limit + 1);
    const { rows, next } = cutPage(found, limit, 'webhook', (last) => [last.name]);
    const items: WebhookView[] = [];
    for (const webhook of rows) items.push(await viewWebhook(tables, webhook));
    return { items, next_cursor: next };
  },
});

export const testWebhook = operation({
  name: 'webhook.test',
  summary: 'Send a webhook an event webhook.test, by the way that every event goes',
  method: 'POST',
  path: '/webhooks/{webhook}/test',
  roles: OPERATORS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  input: () =>
    z.strictObject({
      webhook: z.string().min(1).max(200).describe('Its name.').meta({ example: 'pager' }),
    }),
  output: WebhookTestResponse,
  example: {
    input: { webhook: 'pager' },
    output: { webhook: 'pager', sequence: 4723, time: '2026-11-23T09:30:00.000Z' },
  },

  async run(context, input) {
    const { tables, now } = context;
    const { name } = await findWebhook(tables, input.webhook);
    await recordEvent(context, {
      ...{ operation: TEST_EVENT, tenant: null, object: name },
      ...{ before: null, after: null },
    });
    const head = await tables.events.head();
    return { webhook: name, sequence: head?.sequence ?? 0, time: toInstant(now) };
  },
});

/** The webhook of a name. @throws not_found with the nearest name there is. */
async function findWebhook(tables: Tables, name: string): Promise<WebhookRow> {
  const webhook = await tables.webhooks.byName(name);
  if (webhook !== undefined) return webhook;
  const known = await tables.webhooks.list(undefined, MAX_WEBHOOKS);
  const meant = nearest(
    name,
    known.map((each) => each.name),
  );
  throw notFound(`Webhook not found: ${name}`, hintFor(known.length, meant));
}

function hintFor(known: number, meant: string | undefined): string {
  if (meant !== undefined) return `Did you mean ${meant}?`;
  if (known > 0) return 'See which there are: hodei webhook list';
  return 'There are none: put one into observability.webhooks of the config file that hodei serve reads.';
}

/** Beyond so many events nothing is counted, so that a list costs no more than a moment. */
const LOOKED_AT = 100_000;

async function viewWebhook(tables: Tables, webhook: WebhookRow): Promise<WebhookView> {
  const { name, url, kinds, sequence, failures } = webhook;
  const operations = eventNames.filter((each) =>
    isForWebhook(webhook, { operation: each, object: '' }),
  );
  const about = { operation: TEST_EVENT, object: name };
  const pending = await tables.events.countFollowing(
    { after: sequence, until: sequence + LOOKED_AT, operations, about },
    MOST_COUNTED,
  );
  return {
    ...{ name, url, kinds: [...kinds], state: webhookState(failures, pending), pending, failures },
    last_error: webhook.lastError,
    last_attempt_at: orInstant(webhook.lastAttemptAt),
    last_attempt_ms: webhook.lastAttemptMs,
    next_attempt_at: orInstant(webhook.nextAttemptAt),
    delivered_at: orInstant(webhook.deliveredAt),
    delivered_sequence: webhook.deliveredSequence,
    created_at: toInstant(webhook.createdAt),
  };
}

function orInstant(time: number | null): string | null {
  return time === null ? null : toInstant(time);
}
