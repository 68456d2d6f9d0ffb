import * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import { READERS } from '../domain/role.ts';
import { eventExample } from './examples.ts';
import { eventNames } from '../domain/event-names.ts';
import { pageOfEvents } from './event-page.ts';
import { nearest } from './nearest.ts';
import { operation } from './operation.ts';
import { pageInput, pageOutput, someTime, tenantReference } from './schemas/common.ts';
import { EventResponse } from './schemas/event.ts';
import { findTenantOrTombstone } from './tenant-lookup.ts';

export const listAudit = operation({
  name: 'audit.list',
  summary: 'List who changed what, when and why, the newest first',
  method: 'GET',
  path: '/audit',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      tenant: tenantReference()
        .optional()
        .describe('Only changes of this tenant; a deleted one by id.'),
      principal: z.string().min(1).max(200).optional().describe('Only changes by this principal.'),
      operation: z
        .string()
        .regex(/^[a-z]+\.[a-z]+$/, 'must be a name such as quota.set')
        .optional()
        .describe('Only changes by this operation, such as quota.set.'),
      since: someTime().optional().describe('Only changes at or after this time.'),
      until: someTime().optional().describe('Only changes before this time.'),
      ...pageInput(),
    }),
  output: () => pageOutput(EventResponse()),
  example: {
    input: { principal: 'ana', limit: 20 },
    output: { items: [eventExample], next_cursor: null },
  },

  async run(context, input) {
    const { tables } = context;
    const { tenant, principal, operation: name, since, until } = input;
    if (name !== undefined) requireKnown(name);
    const id = tenant === undefined ? undefined : (await findTenantOrTombstone(tables, tenant)).id;
    const filter = {
      ...(id !== undefined && { tenant: id }),
      ...(principal !== undefined && { principal }),
      ...(name !== undefined && { operations: [name] }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
    };
    return pageOfEvents(context, filter, input);
  },
});

/** @throws invalid for a name that no event has: an empty list would say that it never happened. */
function requireKnown(name: string): void {
  const names: readonly string[] = eventNames;
  if (names.includes(name)) return;
  const meant = nearest(name, names);
  const [noun = ''] = name.split('.');
  const ofNoun = names.filter((known) => known.startsWith(`${noun}.`));
  const there = ofNoun.length === 0 ? names : ofNoun;
  throw invalid(
    `operation: no change is recorded as "${name}".`,
    meant === undefined ? `There are: ${there.join(', ')}.` : `Did you mean ${meant}?`,
  );
}
