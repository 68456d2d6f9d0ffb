import * as z from 'zod';
import { burstStates } from '../domain/burst.ts';
import { forbidden } from '../domain/errors.ts';
import { APPROVERS, EVERYBODY, READERS, RUNNERS } from '../domain/role.ts';
import { isSamePerson } from '../domain/burst.ts';
import type { BurstRow, Tables } from '../store/store.ts';
import { approveBurst } from './burst-approval.ts';
import { burstStep, closeBurst, endBurst } from './burst-changes.ts';
import { burstExample } from './burst-examples.ts';
import { findBurst } from './burst-lookup.ts';
import { burstsInForce, reasonOf, requestBurst } from './burst-request.ts';
import { burstViews, viewOne, type BurstView } from './burst-view.ts';
import { settleBurst } from './burst-settlement.ts';
import { cutPage, decodeNumber } from './cursor.ts';
import { operation, type Context } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import {
  BurstResponse,
  burstReference,
  CreateBurstRequest,
  DenyBurstRequest,
} from './schemas/burst.ts';
import { pageInput, pageOutput, tenantReference } from './schemas/common.ts';
import { poolReference } from './schemas/pool.ts';
import { findTenantOrTombstone, findTenantToRead } from './tenant-lookup.ts';

export type { BurstView } from './burst-view.ts';

export const requestBurstSession = operation({
  name: 'burst.request',
  summary: 'Ask for a raise of limits for a while; it begins when those who have to have agreed',
  method: 'POST',
  path: '/tenants/{tenant}/burst',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  status: 201,
  requestName: 'CreateBurstRequest',
  input: CreateBurstRequest,
  output: BurstResponse,
  example: {
    input: {
      tenant: 'acme',
      percentage: 140,
      resources: ['cpu_m', 'memory_mb'],
      duration_seconds: 7200,
      reason: 'release week',
    },
    output: {
      ...burstExample,
      state: 'requested' as const,
      approvals: [],
      lapses_at: '2026-11-24T12:21:00.000Z',
      starts_at: null,
      ends_at: null,
      ...{ decided_by: null, decided_reason: null },
      decided_at: null,
      jobs: 0,
      version: 1,
    },
  },
  run: async (context, input) => viewOne(context, await requestBurst(context, input)),
});

export const listTenantBursts = operation({
  name: 'burst.history',
  summary: 'List the burst sessions of a tenant, the newest first, also those that are over',
  method: 'GET',
  path: '/tenants/{tenant}/burst',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ tenant: tenantReference(), ...pageInput() }),
  output: () => pageOutput(BurstResponse()),
  example: {
    input: { tenant: 'acme', limit: 10 },
    output: { items: [burstExample], next_cursor: null },
  },

  async run(context, input) {
    const { key: tenant } = await findTenantOrTombstone(context.tables, input.tenant);
    return pageOfBursts(context, { states: burstStates, tenant }, input);
  },
});

/** Those about which there is still something to do. */
const LIVING = ['requested', 'approved', 'active'] as const;

export const listBursts = operation({
  name: 'burst.list',
  summary: 'List burst sessions, the newest first: those that are asked for, to come or in force',
  method: 'GET',
  path: '/bursts',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      state: z
        .union([z.enum([...burstStates, 'all']), z.array(z.enum(burstStates)).min(1)])
        .optional()
        .describe('Only in this state; all; without: requested, approved or active.'),
      tenant: tenantReference().optional().describe('Of this tenant and those below it.'),
      pool: poolReference().optional().describe('Only of limits in this pool.'),
      ...pageInput(),
    }),
  output: () => pageOutput(BurstResponse()),
  example: {
    input: { state: 'active' as const },
    output: { items: [burstExample], next_cursor: null },
  },

  async run(context, { state, tenant, pool, ...page }) {
    const { tables } = context;
    const states = state === 'all' ? burstStates : [state ?? LIVING].flat();
    const within = tenant === undefined ? undefined : await findTenantToRead(tables, tenant);
    const inPool = pool === undefined ? undefined : await findPool(tables, pool);
    const filter = {
      states,
      ...(within !== undefined && { within: within.key }),
      ...(inPool !== undefined && { pool: inPool.key }),
    };
    return pageOfBursts(context, filter, page);
  },
});

export const getBurst = operation({
  name: 'burst.get',
  summary: 'Get a burst session: what it lifts, until when, who agreed, and who still binds',
  method: 'GET',
  path: '/bursts/{burst}',
  // Also for the agent that asked for it: else it could never know what became of that.
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ burst: burstReference() }),
  output: BurstResponse,
  example: { input: { burst: burstExample.id }, output: burstExample },
  run: async (context, { burst }) => viewOne(context, await findBurst(context.tables, burst)),
});

export const approveBurstSession = operation({
  name: 'burst.approve',
  summary: 'Agree to a burst session that somebody else asked for',
  method: 'POST',
  path: '/bursts/{burst}/approve',
  roles: APPROVERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  input: () => z.strictObject({ burst: burstReference() }),
  output: BurstResponse,
  example: { input: { burst: burstExample.id }, output: burstExample },

  async run(context, { burst }) {
    await burstsInForce(context.tables);
    return viewOne(context, await approveBurst(context, await burstToChange(context, burst)));
  },
});

export const denyBurst = operation({
  name: 'burst.deny',
  summary: 'Refuse a burst session that was asked for',
  method: 'POST',
  path: '/bursts/{burst}/deny',
  roles: APPROVERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  requestName: 'DenyBurstRequest',
  input: DenyBurstRequest,
  output: BurstResponse,
  example: {
    input: { burst: burstExample.id, reason: 'not before the release' },
    output: {
      ...burstExample,
      ...{ state: 'denied' as const, approvals: [], jobs: 0 },
      decided_reason: 'not before the release',
    },
  },

  run(context, { burst, reason }) {
    const said = reasonOf(context, reason, 'Who asked wants to know why not.');
    return close({ ...context, caller: { ...context.caller, reason: said } }, burst, 'deny');
  },
});

export const cancelBurst = operation({
  name: 'burst.cancel',
  summary: 'Take back a burst session that has not begun',
  method: 'POST',
  path: '/bursts/{burst}/cancel',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  input: () => z.strictObject({ burst: burstReference() }),
  output: BurstResponse,
  example: {
    input: { burst: burstExample.id },
    output: { ...burstExample, state: 'cancelled' as const, approvals: [], jobs: 0 },
  },
  run: (context, { burst }) => close(context, burst, 'cancel'),
});

export const endBurstSession = operation({
  name: 'burst.end',
  summary: 'End a burst session before its time: the limits return at once',
  method: 'POST',
  path: '/bursts/{burst}/end',
  roles: RUNNERS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  input: () => z.strictObject({ burst: burstReference() }),
  output: BurstResponse,
  example: {
    input: { burst: burstExample.id },
    output: { ...burstExample, state: 'ended' as const, ended_at: '2026-11-23T13:00:00.000Z' },
  },

  async run(context, { burst: reference }) {
    const { now, caller } = context;
    const burst = await burstToChange(context, reference);
    requireOwn(context, burst);
    if (burstStep(burst, 'end', now) === 'unchanged') return viewOne(context, burst);
    const by = caller.principal;
    return viewOne(
      context,
      await endBurst(context, burst, { operation: 'burst.end', at: now, by }),
    );
  },
});

async function close(
  context: Context,
  reference: string,
  event: 'deny' | 'cancel',
): Promise<BurstView> {
  const burst = await burstToChange(context, reference);
  if (event === 'cancel') requireOwn(context, burst);
  const to = burstStep(burst, event, context.now);
  if (to !== 'denied' && to !== 'cancelled') return viewOne(context, burst);
  return viewOne(context, await closeBurst(context, burst, to, context.now));
}

/** @throws forbidden to an agent that did not ask for it itself. */
function requireOwn({ caller }: Context, { id, requestedBy }: BurstRow): void {
  if (caller.role !== 'agent' || isSamePerson(requestedBy, caller.principal)) return;
  throw forbidden(`${requestedBy} asked for ${id}, and an agent ends only what is its own.`);
}

async function burstToChange(context: Context, id: string): Promise<BurstRow> {
  return settleBurst(context, await findBurst(context.tables, id));
}

async function pageOfBursts(
  context: Pick<Context, 'tables' | 'now'>,
  filter: Omit<Parameters<Tables['bursts']['list']>[0], 'now'>,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
) {
  const { tables, now } = context;
  const before = decodeNumber('burst', cursor);
  const found = await tables.bursts.list({ ...filter, now }, before, limit + 1);
  const { rows, next } = cutPage(found, limit, 'burst', (last) => [last.key]);
  const view = await burstViews(context);
  const items: BurstView[] = [];
  for (const burst of rows) items.push(await view(burst));
  return { items, next_cursor: next };
}
