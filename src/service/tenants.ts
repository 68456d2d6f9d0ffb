import * as z from 'zod';
import { conflict, HodeiError, invalid } from '../domain/errors.ts';
import { OPERATORS, READERS } from '../domain/role.ts';
import type { TenantRow } from '../store/store.ts';
import { forgetUses } from './budget-use.ts';
import { recordEvent } from './event-log.ts';
import { tenantExample, tenantRequestExample } from './examples.ts';
import { expectVersion, lazy, operation, Unfinished, type Context } from './operation.ts';
import { openQuota, type InitialLimits } from './quota-opening.ts';
import { pageInput, pageOutput, queryBoolean, tenantReference } from './schemas/common.ts';
import { askSettled } from './settle.ts';
import { CreateTenantRequest, TenantResponse, UpdateTenantRequest } from './schemas/tenant.ts';
import {
  deleteSubtree,
  parentAfter,
  requireFreeName,
  requireRootsInReach,
  saveTenant,
  setStatus,
  settableFields,
  verbOf,
} from './tenant-changes.ts';
import { findTenant, findTenantToChange, findTenantToRead } from './tenant-lookup.ts';
import { carryUsage } from './tenant-move.ts';
import { pageOfTenants, tenantFilterInput } from './tenant-page.ts';
import { tenantViews, viewTenant, type TenantView } from './tenant-view.ts';

const tenantOnly = lazy(() => z.strictObject({ tenant: tenantReference() }));

export const createTenant = operation({
  name: 'tenant.create',
  summary: 'Create a tenant, with the default quota or limits of its own',
  method: 'POST',
  path: '/tenants',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  status: 201,
  requestName: 'CreateTenantRequest',
  input: CreateTenantRequest,
  output: TenantResponse,
  example: { input: tenantRequestExample, output: tenantExample },

  async run(context, input) {
    const { tables, now } = context;
    await requireFreeName(tables, input.name);
    if (context.caller.ifVersion !== undefined) throw noVersionYet(input.name);
    const parent = input.parent == null ? null : await findTenant(tables, input.parent);
    if (parent === null) requireRootsInReach(context);
    const tenant = {
      id: context.newId('tenant'),
      name: input.name,
      email: input.email,
      parent: parent?.key ?? null,
      weight: input.weight,
      status: 'active' as const,
      version: 1,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    };
    const key = await tables.tenants.insert(tenant);
    await tables.tenants.replaceLabels(key, input.labels);
    const limits = await openQuota(context, key, (input.quota ?? {}) as InitialLimits);
    const created = await viewTenant(tables, { ...tenant, key });
    await recordEvent(context, {
      operation: 'tenant.create',
      tenant: tenant.id,
      object: tenant.id,
      before: null,
      after: { ...settableFields(created), quota: limits },
    });
    return created;
  },
});

export const getTenant = operation({
  name: 'tenant.get',
  summary: 'Get a tenant',
  method: 'GET',
  path: '/tenants/{tenant}',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: true,
  input: tenantOnly,
  output: TenantResponse,
  example: { input: { tenant: 'acme' }, output: tenantExample },

  async run({ tables }, input) {
    return viewTenant(tables, await findTenantToRead(tables, input.tenant));
  },
});

export const listTenants = operation({
  name: 'tenant.list',
  summary: 'List tenants, page by page: all, children of one, a subtree, or those with a label',
  method: 'GET',
  path: '/tenants',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      ...tenantFilterInput(),
      sort: z.enum(['name', 'created']).optional().describe('name unless a label is given.'),
      ...pageInput(),
    }),
  output: () => pageOutput(TenantResponse()),
  example: {
    input: { parent: 'eng', limit: 50 },
    output: { items: [tenantExample], next_cursor: null },
  },

  async run(context, input) {
    const { tenants, next } = await pageOfTenants(context, input);
    const view = tenantViews(context.tables);
    const items: TenantView[] = [];
    for (const { depth, ...tenant } of tenants) {
      items.push({ ...(await view(tenant)), ...(depth !== undefined && { depth }) });
    }
    return { items, next_cursor: next };
  },
});

export const updateTenant = operation({
  name: 'tenant.update',
  summary: 'Change a tenant: rename it, move it in the tree, set email, weight or labels',
  method: 'PUT',
  path: '/tenants/{tenant}',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  requestName: 'UpdateTenantRequest',
  input: () =>
    UpdateTenantRequest().extend({
      tenant: tenantReference(),
      force: z
        .boolean()
        .default(false)
        .describe('Move it also where it brings a tenant above it over a limit.'),
    }),
  output: TenantResponse,
  example: {
    input: { tenant: 'acme', email: 'platform@acme.example', labels: { tier: 'gold' } },
    output: {
      ...tenantExample,
      email: 'platform@acme.example',
      labels: { tier: 'gold' },
      version: 2,
    },
  },

  async run(context, input) {
    const { tables } = context;
    const tenant = await findTenantToChange(context, input.tenant);
    expectVersion(context, tenant.version, tenant.name);
    if (input.status !== undefined && input.status !== tenant.status) {
      throw invalid(
        'status is not changed by an update.',
        `hodei tenant ${verbOf(input.status)} ${tenant.name}`,
      );
    }
    if (input.name !== undefined && input.name !== tenant.name) {
      await requireFreeName(tables, input.name);
    }
    const before = await viewTenant(tables, tenant);
    const changed: TenantRow = {
      ...tenant,
      name: input.name ?? tenant.name,
      email: input.email ?? tenant.email,
      weight: input.weight ?? tenant.weight,
      parent: await parentAfter(context, tenant, input.parent),
    };
    if (input.labels !== undefined) await tables.tenants.replaceLabels(tenant.key, input.labels);
    const saved = await saveTenant(context, 'tenant.update', before, changed);
    if (changed.parent !== tenant.parent) {
      // What it used until now was used below those that were above it then.
      await tables.formerParents.insert({
        ...{ tenant: tenant.key, untilAt: context.now, parent: tenant.parent },
      });
      await forgetUses(context);
      await carryUsage(context, tenant, changed, input.force);
    }
    return saved;
  },
});

export const suspendTenant = operation({
  name: 'tenant.suspend',
  summary: 'Suspend a tenant: nothing new starts for it or below it',
  method: 'POST',
  path: '/tenants/{tenant}/suspend',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  input: tenantOnly,
  output: TenantResponse,
  example: {
    input: { tenant: 'acme' },
    output: { ...tenantExample, status: 'suspended' as const, version: 2 },
  },
  run: (context, input) => setStatus(context, input.tenant, 'suspended'),
});

export const resumeTenant = operation({
  name: 'tenant.resume',
  summary: 'Resume a suspended tenant',
  method: 'POST',
  path: '/tenants/{tenant}/resume',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  input: tenantOnly,
  output: TenantResponse,
  example: { input: { tenant: 'acme' }, output: { ...tenantExample, version: 3 } },
  run: (context, input) => setStatus(context, input.tenant, 'active'),
});

export const deleteTenant = operation({
  name: 'tenant.delete',
  summary: 'Delete a tenant; its history stays and its name can be used again',
  method: 'DELETE',
  path: '/tenants/{tenant}',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: true,
  status: 204,
  input: () =>
    z.strictObject({
      tenant: tenantReference(),
      cascade: queryBoolean()
        .default(false)
        .describe('Delete everything below it too, leaf first, and end their jobs.'),
    }),
  output: () => z.undefined(),
  example: { input: { tenant: 'acme' }, output: undefined },

  async run(context, input) {
    const { tables } = context;
    const tenant = await findTenantToChange(context, input.tenant);
    if (context.round === 0) expectVersion(context, tenant.version, tenant.name);
    const [child] = await tables.tenants.children(tenant.key, '', 1);
    if (child !== undefined && !input.cascade) {
      throw conflict(
        `${tenant.name} has tenants below it, such as ${child.name}.`,
        `Move or delete them first, or delete all of them: hodei tenant delete ${tenant.name} --cascade`,
      );
    }
    if (!input.cascade) await requireNoJobs(context, tenant);
    const how = await deleteSubtree(context, tenant);
    return how === 'done' ? undefined : new Unfinished({ ...input, tenant: tenant.id });
  },
});

async function requireNoJobs(context: Context, tenant: TenantRow): Promise<void> {
  const living = () => context.tables.jobs.livingOf(tenant.key, 1);
  const [job] = await askSettled(context, living, (jobs) => jobs.length === 0);
  if (job === undefined) return;
  throw conflict(
    `${tenant.name} has jobs that run or wait, such as ${job.jobId ?? job.id}.`,
    `See them: hodei job list --tenant ${tenant.name}; --cascade evicts and cancels them.`,
  );
}

/** What does not exist is at no version: RFC 9110, 13.1.1. */
function noVersionYet(name: string): HodeiError {
  return new HodeiError('stale_version', `${name} does not exist yet, so it is at no version.`);
}
