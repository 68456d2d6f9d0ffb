import * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import { ADMINS, READERS } from '../domain/role.ts';
import { catalogueOf } from './allowances.ts';
import { operation } from './operation.ts';
import { limitedPool } from './pool-lookup.ts';
import { overdueAsOf } from './overdue.ts';
import {
  pageInput,
  pageOutput,
  queryBoolean,
  queryInteger,
  tenantReference,
} from './schemas/common.ts';
import { poolReference } from './schemas/pool.ts';
import { UsageResponse, UsageTopResponse, UsageVerification } from './schemas/usage.ts';
import { findTenantToRead } from './tenant-lookup.ts';
import { pageOfTenants, tenantFilterInput } from './tenant-page.ts';
import {
  repairExample,
  usageExample,
  usageTopExample,
  verificationExample,
} from './usage-examples.ts';
import { topOf } from './usage-top.ts';
import { repairLedger, verifyLedger } from './usage-verification.ts';
import { usageViews, type UsageView } from './usage-view.ts';

export const getUsage = operation({
  name: 'usage.get',
  summary: 'Get what a tenant and everything below it holds now',
  method: 'GET',
  path: '/tenants/{tenant}/usage',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ tenant: tenantReference() }),
  output: UsageResponse,
  example: { input: { tenant: 'acme' }, output: usageExample },

  async run({ tables, now }, input) {
    const tenant = await findTenantToRead(tables, input.tenant);
    const view = usageViews(
      { tables, now },
      await catalogueOf(tables),
      await overdueAsOf(tables, now),
    );
    return view(tenant);
  },
});

export const listUsage = operation({
  name: 'usage.list',
  summary: 'List what tenants hold now, each with everything below it',
  method: 'GET',
  path: '/usage',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      ...tenantFilterInput(),
      roots: queryBoolean()
        .default(false)
        .describe('Only tenants that stand under none: together they hold all that is held.'),
      ...pageInput(),
    }),
  output: () => pageOutput(UsageResponse()),
  example: {
    input: { parent: 'eng', limit: 50 },
    output: { items: [usageExample], next_cursor: null },
  },

  async run(context, input) {
    const { tables, now } = context;
    if (input.roots && (input.tree || input.parent !== undefined)) {
      throw invalid('Roots stand under no tenant, and are no tree: leave parent and tree out.');
    }
    const { tenants, next } = await pageOfTenants(context, input);
    const view = usageViews(
      { tables, now },
      await catalogueOf(tables),
      await overdueAsOf(tables, now),
    );
    const items: UsageView[] = [];
    for (const { depth, ...tenant } of tenants) {
      items.push({ ...(await view(tenant)), ...(depth !== undefined && { depth }) });
    }
    return { items, next_cursor: next };
  },
});

/** So many are named. */
const MOST = 500;

export const topUsage = operation({
  name: 'usage.top',
  summary: 'Who has most now: the roots, or those directly below a tenant, by their shares',
  method: 'GET',
  path: '/usage/top',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      tenant: tenantReference().optional().describe('It, and those directly below it.'),
      pool: poolReference().optional().describe('Of this pool; else of all pools together.'),
      limit: queryInteger(1, MOST).default(20).describe(`So many at most, 1 to ${MOST}.`),
    }),
  output: UsageTopResponse,
  example: { input: { pool: 'default', limit: 20 }, output: usageTopExample },

  async run(context, input) {
    const { tables } = context;
    return topOf(context, {
      tenant: input.tenant === undefined ? undefined : await findTenantToRead(tables, input.tenant),
      pool: await limitedPool(tables, input.pool),
      limit: input.limit,
    });
  },
});

export const verifyUsage = operation({
  name: 'usage.verify',
  summary: 'Add up what live jobs hold, and compare it with every balance of the ledger',
  method: 'GET',
  path: '/usage/verify',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({}),
  output: UsageVerification,
  example: { input: {}, output: verificationExample },
  run: ({ tables }) => verifyLedger(tables),
});

export const repairUsage = operation({
  name: 'usage.repair',
  summary: 'Set every balance that differs to what live jobs hold',
  method: 'POST',
  path: '/usage/repair',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isAlone: true,
  isVersioned: false,
  input: () => z.strictObject({}),
  output: UsageVerification,
  example: { input: {}, output: repairExample },
  run: repairLedger,
});
