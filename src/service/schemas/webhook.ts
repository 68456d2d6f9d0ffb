import * as z from 'zod';
import { webhookStates } from '../../domain/webhook.ts';
import { lazy } from '../operation.ts';
import { instant } from './common.ts';

/** More than so many events are not counted. */
export const MOST_COUNTED = 1_000;

export const WebhookResponse = lazy(() =>
  z
    .strictObject({
      name: z.string(),
      url: z.string(),
      kinds: z.array(z.string()).describe('Nouns and names of the events that it is told of.'),
      state: z
        .enum(webhookStates)
        .describe(
          'ok: it has been told everything; waiting: something is on its way, or no server runs; retrying: it did not take the last one.',
        ),
      pending: z
        .int()
        .describe(
          `Events that it is yet to be told; counted up to ${MOST_COUNTED}, among the next 100000.`,
        ),
      failures: z.int().describe('Attempts that failed since the last one that did not.'),
      last_error: z.string().nullable().describe('Why the last one failed; null: it did not.'),
      last_attempt_at: instant().nullable(),
      last_attempt_ms: z.int().nullable().describe('How long that took.'),
      next_attempt_at: instant().nullable().describe('When it is tried again; null: nothing is.'),
      delivered_at: instant().nullable().describe('When it took an event last.'),
      delivered_sequence: z.int().nullable().describe('Sequence number of that event.'),
      created_at: instant().describe('Since when it is configured: older events are not sent.'),
    })
    .meta({ id: 'WebhookResponse' }),
);

export const WebhookTestResponse = lazy(() =>
  z
    .strictObject({
      webhook: z.string(),
      sequence: z
        .int()
        .describe('Sequence number of the event webhook.test, which it will be sent.'),
      time: instant(),
    })
    .meta({ id: 'WebhookTestResponse' }),
);
