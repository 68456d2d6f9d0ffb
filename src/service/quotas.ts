import * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import { OPERATORS, READERS } from '../domain/role.ts';
import type { PoolRow, ResourceRow, Tables, TenantRow, UseRank } from '../store/store.ts';
import { allowancesOf, catalogueOf } from './allowances.ts';
import { cutPage, decodeCursor } from './cursor.ts';
import { pageOfEvents } from './event-page.ts';
import { eventExample, quotaExample } from './examples.ts';
import type { Overdue } from './ledger.ts';
import { lazy, operation, type Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { limitedPool } from './pool-lookup.ts';
import {
  setLimits,
  unsetLimit,
  type Changed,
  type SentLimits,
  type Subject,
} from './quota-changes.ts';
import { viewQuota, type QuotaView } from './quota-view.ts';
import { pageInput, pageOutput, queryInteger, tenantReference } from './schemas/common.ts';
import { EventResponse } from './schemas/event.ts';
import { poolReference } from './schemas/pool.ts';
import {
  QuotaChangeResponse,
  QuotaResponse,
  READ_ONLY_FIELDS,
  TenantQuota,
} from './schemas/quota.ts';
import {
  existing,
  findTenantOrTombstone,
  findTenantToChange,
  findTenantToRead,
} from './tenant-lookup.ts';
import {
  pageOfTenants,
  tenantFilterInput,
  toTenantFilter,
  type TenantPage,
  type TenantPageInput,
  type Within,
} from './tenant-page.ts';

export const getQuota = operation({
  name: 'quota.get',
  summary: "Get a tenant's limits, what is used of them, and who above it binds first",
  method: 'GET',
  path: '/tenants/{tenant}/quota',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: true,
  input: () => z.strictObject({ tenant: tenantReference(), pool: inPool() }),
  output: QuotaResponse,
  example: { input: { tenant: 'acme' }, output: quotaExample },

  async run({ tables, now }, input) {
    const tenant = await findTenantToRead(tables, input.tenant);
    const pool = await limitedPool(tables, input.pool);
    const catalogue = await catalogueOf(tables);
    const view = quotaViews({ tables, now }, catalogue, await overdueAsOf(tables, now));
    return view(tenant, pool);
  },
});

export const setQuota = operation({
  name: 'quota.set',
  summary: 'Set limits of a tenant; those that are not named stay as they are',
  method: 'PUT',
  path: '/tenants/{tenant}/quota',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  requestName: 'TenantQuota',
  input: () => TenantQuota().extend({ tenant: tenantReference() }),
  output: QuotaChangeResponse,
  example: {
    input: { tenant: 'acme', cpu_m: 6000, gpu: '+2' },
    output: {
      ...quotaExample,
      changes: [
        { resource: 'cpu_m', before: 4000, after: 6000 },
        { resource: 'gpu', before: 0, after: 2 },
      ],
      warnings: [{ resource: 'memory_mb', tenant: 'eng', pool: null, limit: 10240 }],
      effects: { over: [], started: [] },
    },
  },

  async run(context, input) {
    const subject = await subjectOf(context, input.tenant, input.pool ?? undefined);
    const changed = await setLimits(context, subject, sentLimits(input), input.unset ?? []);
    return changedQuota(subject, changed);
  },
});

export const unsetQuota = operation({
  name: 'quota.unset',
  summary: "Take a limit away from a tenant, so that the resource's default holds",
  method: 'DELETE',
  path: '/tenants/{tenant}/quota/{resource}',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  input: () =>
    z.strictObject({
      tenant: tenantReference(),
      pool: inPool(),
      resource: z
        .string()
        .min(1)
        .max(64)
        .describe('The field of the quota document.')
        .meta({ example: 'gpu' }),
    }),
  output: QuotaChangeResponse,
  example: {
    input: { tenant: 'acme', resource: 'gpu' },
    output: {
      ...quotaExample,
      gpu: 0,
      unset: ['gpu'],
      changes: [{ resource: 'gpu', before: 2, after: 0 }],
      warnings: [],
      effects: { over: [], started: [] },
    },
  },

  async run(context, input) {
    const subject = await subjectOf(context, input.tenant, input.pool);
    return changedQuota(subject, await unsetLimit(context, subject, input.resource));
  },
});

export const listQuotas = operation({
  name: 'quota.list',
  summary: 'List quotas, also the fullest first or only those beyond some per cent',
  method: 'GET',
  path: '/quotas',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      ...tenantFilterInput(),
      over: queryInteger(0, 1000)
        .optional()
        .describe('Only tenants that use more than so many per cent of some limit, fullest first.'),
      sort: z
        .enum(['name', 'created', 'used'])
        .optional()
        .describe('used: the fullest first, and only tenants that use something.'),
      ...pageInput(),
    }),
  output: () => pageOutput(QuotaResponse()),
  example: {
    input: { over: 80, limit: 50 },
    output: { items: [quotaExample], next_cursor: null },
  },

  async run(context, input) {
    const { tables, now } = context;
    const page = await pageOfQuotas(context, input);
    const catalogue = await catalogueOf(tables);
    const view = quotaViews({ tables, now }, catalogue, await overdueAsOf(tables, now));
    const items: QuotaView[] = [];
    for (const tenant of page.tenants) items.push(await view(tenant, undefined));
    return { items, next_cursor: page.next };
  },
});

export const quotaHistory = operation({
  name: 'quota.history',
  summary: "Who changed a tenant's limits, when and why, the newest first",
  method: 'GET',
  path: '/tenants/{tenant}/quota/history',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ tenant: tenantReference(), ...pageInput() }),
  output: () => pageOutput(EventResponse()),
  example: {
    input: { tenant: 'acme', limit: 10 },
    output: { items: [eventExample], next_cursor: null },
  },

  async run(context, input) {
    const { id } = await findTenantOrTombstone(context.tables, input.tenant);
    return pageOfEvents(context, { tenant: id, operations: QUOTA_OPERATIONS }, input);
  },
});

/** What gives or changes limits. */
const QUOTA_OPERATIONS = ['tenant.create', 'quota.set', 'quota.unset'];

const inPool = lazy(() =>
  poolReference().optional().describe('Limits in this pool, in place of those everywhere.'),
);

async function subjectOf(
  context: Context,
  tenant: string,
  pool: string | undefined,
): Promise<Subject> {
  const found = await findTenantToChange(context, tenant);
  return { tenant: found, pool: await limitedPool(context.tables, pool) };
}

function quotaViews(
  at: Pick<Context, 'tables' | 'now'>,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
) {
  return async (tenant: TenantRow, pool: PoolRow | undefined): Promise<QuotaView> =>
    viewQuota(tenant, await allowancesOf(at, tenant, pool, catalogue, overdue));
}

function changedQuota({ tenant }: Subject, { outcome, allowances }: Changed) {
  return { ...viewQuota(tenant, allowances), ...outcome };
}

interface QuotaListInput extends Omit<TenantPageInput, 'sort'> {
  readonly over?: number | undefined;
  readonly sort?: 'name' | 'created' | 'used' | undefined;
}

async function pageOfQuotas(context: Within, input: QuotaListInput): Promise<TenantPage> {
  const { over, sort, ...rest } = input;
  if (over === undefined && sort !== 'used') return pageOfTenants(context, { ...rest, sort });
  if (sort !== undefined && sort !== 'used') {
    throw invalid(`A list of those over ${over} % comes fullest first, not by ${sort}.`);
  }
  if (input.tree) throw invalid('A list by use cannot be a tree: take its children with parent.');
  return pageByUse(context.tables, input);
}

async function pageByUse(tables: Tables, input: QuotaListInput): Promise<TenantPage> {
  const filter = {
    tenants: await toTenantFilter(tables, input),
    ...(input.over === undefined ? {} : { overPercent: input.over }),
  };
  const ranks = await tables.balances.fullest(filter, rankOf(input.cursor), input.limit + 1);
  const { rows, next } = cutPage(ranks, input.limit, 'used', (last) => [
    last.permille,
    last.tenant,
  ]);
  const tenants = [];
  for (const { tenant } of rows) tenants.push(await existing(tables, tenant));
  return { tenants, next };
}

function rankOf(cursor: string | undefined): UseRank | undefined {
  if (cursor === undefined) return undefined;
  const [permille, tenant] = decodeCursor('used', cursor, ['number', 'number']);
  return { permille: Number(permille), tenant: Number(tenant) };
}

type QuotaInput = z.output<ReturnType<typeof setQuota.input>>;

/** The limits in a quota document that was sent: all that is not one of its own fields. */
function sentLimits(input: QuotaInput): SentLimits {
  const own = new Set([...READ_ONLY_FIELDS, 'tenant', 'pool', 'unset']);
  const sent = Object.entries(input).filter(([field]) => !own.has(field));
  return Object.fromEntries(sent) as SentLimits;
}
