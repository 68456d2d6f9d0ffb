import fc from 'fast-check';
import { expect, it } from 'vitest';
import type * as z from 'zod';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import type { Call, CallOptions } from '../../src/service/operation.ts';
import { listQuotas, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import {
  createTenant,
  deleteTenant,
  listTenants,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import {
  apply,
  childrenOf,
  Refused,
  type Command,
  type Fields,
  type Model,
  type ModelTenant,
} from '../helpers/model.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const parent = fc.option(name, { nil: null, freq: 3 });
const weight = fc.integer({ min: 1, max: 3 });
const labels = fc.dictionary(fc.constantFrom('tier', 'cc', '1'), fc.constantFrom('x', 'y', ''));
const field = fc.constantFrom<Fields>('cpu_m', 'memory_mb', 'gpu', 'max_concurrent_jobs');
const absolute = fc.constantFrom<number | null>(null, 0, 10, Number.MAX_SAFE_INTEGER);
const limit = fc.oneof(absolute, fc.constantFrom('+1', '-1', '+9007199254740981', '-5', '+0'));

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('create'), name, parent, weight, gpu: absolute }),
    weight: 4,
  },
  fc.record({ do: fc.constant('update'), tenant: name, weight, labels }),
  fc.record({
    do: fc.constant('updateSeen'),
    tenant: name,
    weight,
    version: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ do: fc.constant('rename'), tenant: name, name }),
  fc.record({ do: fc.constant('move'), tenant: name, parent }),
  fc.record({ do: fc.constantFrom('suspend', 'resume'), tenant: name }),
  fc.record({ do: fc.constant('delete'), tenant: name, cascade: fc.boolean() }),
  fc.record({ do: fc.constant('set'), tenant: name, field, limit }),
  fc.record({ do: fc.constant('unset'), tenant: name, field }),
);

const step = fc.record({ command, byId: fc.boolean(), dryRun: fc.boolean() });

it('whatever is asked in whatever order, hodei and a plain model agree on all that can be seen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const hodei = await testService();
      try {
        const model: Model = { tenants: [], events: ['config.apply config'] };
        for (const [index, { command, byId, dryRun }] of steps.entries()) {
          // The first commands have something to act on.
          const isDry = dryRun && index > 5;
          await doBoth(hodei, model, byId ? withIds(model, command) : command, isDry);
          await compare(hodei, model);
        }
      } finally {
        await hodei.close();
      }
    }),
    { numRuns: 80, interruptAfterTimeLimit: 20_000 },
  );
}, 30_000);

async function doBoth(
  hodei: TestService,
  model: Model,
  command: Command,
  dryRun: boolean,
): Promise<void> {
  const id = `tenant-${String(model.events.length).padStart(12, '0')}`;
  hodei.ids.say(id);
  const expected = structuredClone(model);
  let code: string | undefined;
  try {
    apply(expected, command, id);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    code = error.message;
  }
  const asked = ask(hodei.call, command, { dryRun });
  if (code === undefined) await asked;
  else expect((await refusal(asked)).code).toBe(code);
  hodei.ids.drop();
  if (code === undefined && !dryRun) Object.assign(model, expected);
}

function ask(call: Call, command: Command, options: CallOptions): Promise<unknown> {
  switch (command.do) {
    case 'create': {
      const { name, parent, weight, gpu } = command;
      const email = `ops@${name}.example`;
      return call(createTenant, { name, email, parent, weight, quota: { gpu } }, options);
    }
    case 'update':
    case 'rename':
    case 'move': {
      const { do: _, ...input } = command;
      return call(updateTenant, input, options);
    }
    case 'updateSeen': {
      const { tenant, weight, version } = command;
      return call(updateTenant, { tenant, weight }, { ...options, ifVersion: version });
    }
    case 'suspend':
      return call(suspendTenant, { tenant: command.tenant }, options);
    case 'resume':
      return call(resumeTenant, { tenant: command.tenant }, options);
    case 'delete':
      return call(deleteTenant, { tenant: command.tenant, cascade: command.cascade }, options);
    case 'set':
      return call(setQuota, { tenant: command.tenant, [command.field]: command.limit }, options);
    case 'unset':
      return call(unsetQuota, { tenant: command.tenant, resource: command.field }, options);
  }
}

/** The same command with ids in place of the names of tenants that are there. */
function withIds({ tenants }: Model, command: Command): Command {
  const idOf = (text: string) => tenants.find(({ name }) => name === text)?.id ?? text;
  const changed = { ...command };
  if ('tenant' in changed) changed.tenant = idOf(changed.tenant);
  if ('parent' in changed && changed.parent !== null) changed.parent = idOf(changed.parent);
  return changed;
}

async function compare(hodei: TestService, model: Model): Promise<void> {
  const { call } = hodei;
  const byName = [...model.tenants].sort((a, b) => (a.name < b.name ? -1 : 1));
  const list = async (input: { sort?: 'created'; tree?: boolean; label?: string }) =>
    (await call(listTenants, input)).items;
  expect((await list({})).map(seen)).toEqual(byName.map(expectedOf));
  expect((await list({ sort: 'created' })).map(seen)).toEqual(model.tenants.map(expectedOf));
  const tree = treeOf(model, null, 0);
  expect((await list({ tree: true })).map(({ name, depth }) => `${depth} ${name}`)).toEqual(tree);
  const labelled = model.tenants.filter((tenant) => tenant.labels['tier'] === 'x');
  expect((await list({ label: 'tier=x' })).map(seen)).toEqual(labelled.map(expectedOf));
  const quotas = (await call(listQuotas, {})).items;
  expect(quotas.map(quotaSeen)).toEqual(byName.map(expectedQuota));
  const events = await hodei.events();
  expect(events.map(({ operation, object }) => `${operation} ${object}`)).toEqual(model.events);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
  expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, events)).toBeUndefined();
}

type TenantSeen = z.output<ReturnType<typeof listTenants.output>>['items'][number];
type QuotaSeen = z.output<ReturnType<typeof listQuotas.output>>['items'][number];

function seen({ created_at: _, updated_at: __, ...tenant }: TenantSeen) {
  return tenant;
}

function expectedOf({ limits: _, quotaVersion: __, ...tenant }: ModelTenant) {
  return { ...tenant, parent: tenant.parent?.name ?? null };
}

function quotaSeen(quota: QuotaSeen) {
  const { tenant_id: id, cpu_m, memory_mb, gpu, max_concurrent_jobs, unset, version } = quota;
  return { id, limits: { cpu_m, memory_mb, gpu, max_concurrent_jobs }, unset, version };
}

function expectedQuota({ id, limits, quotaVersion: version }: ModelTenant) {
  const order: Fields[] = ['cpu_m', 'memory_mb', 'gpu', 'max_concurrent_jobs'];
  const inForce = order.map((key) => [key, limits[key] === 'unset' ? 0 : limits[key]]);
  const unset = order.filter((key) => limits[key] === 'unset');
  return { id, limits: Object.fromEntries(inForce) as object, unset, version };
}

function treeOf(model: Model, parent: ModelTenant | null, depth: number): string[] {
  return childrenOf(model, parent).flatMap((tenant) => [
    `${depth} ${tenant.name}`,
    ...treeOf(model, tenant, depth + 1),
  ]);
}
