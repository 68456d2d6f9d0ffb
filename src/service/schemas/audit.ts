import * as z from 'zod';
import { breakReasons } from '../event-log.ts';
import { lazy } from '../operation.ts';
import { queryInteger, someTime } from './common.ts';
import { EventResponse } from './event.ts';

const MOST_EVENTS = 999_999_999_999_999;

export const CHECKED_MAX = 5_000;

/** Fewer than rows on a page of a list may be: they come whole, and some are large. */
export const EXPORTED_MAX = 1_000;

const hashText = () => z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

export const chainPlace = lazy(() =>
  z.strictObject({
    sequence: z.int().describe('Number of an event; 0: before the first one.'),
    hash: z.string().describe('Its hash, and so that of all events up to it.'),
  }),
);

export const verifyInput = lazy(() =>
  z.strictObject({
    after: queryInteger(0, MOST_EVENTS)
      .optional()
      .describe('Go on behind this event, which is checked to be the one with hash.'),
    hash: hashText().optional().describe('The hash of the event named by after.'),
    limit: queryInteger(1, CHECKED_MAX)
      .default(1_000)
      .describe(`Events in one piece, 1 to ${CHECKED_MAX}; fewer where they are large.`),
  }),
);

/** What was found of a piece of the chain of events. */
export const AuditVerification = lazy(() =>
  z
    .strictObject({
      checked: z.int().describe('Events of this piece that are in order.'),
      last: chainPlace().describe('The last of them: after and hash of the next piece.'),
      broken_at: z
        .int()
        .nullable()
        .describe('Number of the event at which the chain is broken; null: it is not, so far.'),
      why: z
        .enum(breakReasons)
        .nullable()
        .describe(
          'changed: its content is not what was hashed; missing: there is no such event; ' +
            'repeated: its number is there twice, or before the first; ' +
            'unlinked: it is not the one, or not behind the one, that it should be.',
        ),
      head: chainPlace().nullable().describe('The last event there is; null: there are none.'),
      is_last: z.boolean().describe('Nothing stands behind last: this was the last piece.'),
    })
    .meta({ id: 'AuditVerification' }),
);

export const exportInput = lazy(() =>
  z.strictObject({
    since: someTime()
      .optional()
      .describe('Begin with the first event at or after this time, and leave none out from there.'),
    until: someTime().optional().describe('End with the last event before this time.'),
    limit: queryInteger(1, EXPORTED_MAX)
      .default(500)
      .describe(`Events on a page, 1 to ${EXPORTED_MAX}; fewer where they are large.`),
    cursor: z
      .string()
      .min(1)
      .max(2_000)
      .optional()
      .describe('Where the page before this one ended; since and until are in it.'),
  }),
);

/** A page of the audit from which the chain can be computed again. */
export const AuditExport = lazy(() =>
  z
    .strictObject({
      from: chainPlace().describe('The event before the first one of this page.'),
      items: z.array(EventResponse()).describe('The oldest first, without gaps.'),
      head: chainPlace().nullable().describe('The last event there was when the export began.'),
      next_cursor: z
        .string()
        .nullable()
        .describe('Pass it as cursor for the next page; null at the end.'),
    })
    .meta({ id: 'AuditExport' }),
);
