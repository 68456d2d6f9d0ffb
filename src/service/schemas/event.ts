import * as z from 'zod';
import { lazy } from '../operation.ts';
import { instant } from './common.ts';

const state = lazy(() =>
  z.record(z.string(), z.unknown()).nullable().describe('The fields that changed; null: none.'),
);

export const EventResponse = lazy(() =>
  z
    .strictObject({
      sequence: z.int().describe('1, 2, 3 … without gaps, in the order of the commits.'),
      time: instant(),
      principal: z.string().describe('Who did it.'),
      acting_as: z.string().nullable().describe('The name given with --as.'),
      operation: z.string(),
      tenant: z.string().nullable().describe('Id of the tenant it concerns.'),
      tenant_name: z.string().nullable().describe('The name that tenant has now, or had last.'),
      object: z.string(),
      reason: z.string().nullable(),
      before: state(),
      after: state(),
      trace_id: z.string(),
      hash: z.string().describe('Of this entry and, through it, of all before it.'),
    })
    .meta({ id: 'EventResponse' }),
);

/** An event as those who follow see it. */
export const FollowedEvent = lazy(() =>
  EventResponse()
    .extend({
      pool: z.string().nullable().describe('The pool it is about; null: none, or all.'),
    })
    .meta({ id: 'FollowedEvent' }),
);
