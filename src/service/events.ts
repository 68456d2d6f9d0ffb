import * as z from 'zod';
import { READERS } from '../domain/role.ts';
import { eventExample } from './examples.ts';
import { pageOfEvents } from './event-page.ts';
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

  async run({ tables }, input) {
    const { tenant, principal, operation: name, since, until } = input;
    const id = tenant === undefined ? undefined : (await findTenantOrTombstone(tables, tenant)).id;
    const filter = {
      ...(id !== undefined && { tenant: id }),
      ...(principal !== undefined && { principal }),
      ...(name !== undefined && { operations: [name] }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
    };
    return pageOfEvents(tables, filter, input);
  },
});
