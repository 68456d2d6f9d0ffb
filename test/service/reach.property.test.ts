import fc from 'fast-check';
import { expect, it } from 'vitest';
import { operations } from '../../src/service/index.ts';
import { creditBudget, setBudget } from '../../src/service/budgets.ts';
import { approveBurstSession, listBursts, requestBurstSession } from '../../src/service/bursts.ts';
import { checkJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import type { Call, Operation } from '../../src/service/operation.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { deleteTenant, suspendTenant } from '../../src/service/tenants.ts';
import { listViolations } from '../../src/service/violations.ts';
import { createToken } from '../../src/service/tokens.ts';
import { admit } from '../helpers/job.ts';
import { everyPage } from '../helpers/pages.ts';
import { makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const POOLS = ['default', 'small'];

/** A tree, who is in it bound to a token, and what they all ask for. */
const scene = fc.record({
  /** Of each tenant which of those before it is its parent: 0 none, 1 the first, and so on. */
  parents: fc.array(fc.nat(12), { minLength: 2, maxLength: 9 }),
  bound: fc.nat(8),
  jobs: fc.array(
    fc.record({
      tenant: fc.nat(8),
      pool: fc.constantFrom(...POOLS),
      cpu: fc.constantFrom(500, 1_000, 2_000, 9_000_000),
      onFull: fc.constantFrom('queue', 'reject'),
    }),
    { minLength: 4, maxLength: 14 },
  ),
  suspended: fc.option(fc.nat(8)),
  deleted: fc.option(fc.nat(8)),
});

type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

interface Planted {
  readonly name: string;
  readonly id: string;
  readonly parent: Planted | undefined;
}

/** What is never a part of another word. */
const nameOf = (index: number) => `tenant${index}x`;

async function plant({ call }: TestService, { parents }: Scene): Promise<Planted[]> {
  const planted: Planted[] = [];
  for (const [index, place] of parents.entries()) {
    const parent = planted[(place % (index + 1)) - 1];
    const name = nameOf(index);
    const quota = { cpu_m: 3_000, max_concurrent_jobs: null };
    const { id } = await makeTenant(call, name, {
      ...{ parent: parent?.name ?? null, labels: { team: name, kind: 'any' }, quota },
    });
    planted.push({ name, id, parent });
  }
  return planted;
}

async function people(hodei: TestService, scene: Scene): Promise<Planted[]> {
  const { call } = hodei;
  await makePool(call, 'small', { max_size: 1, resources: { cpu_m: 2_000 } });
  const planted = await plant(hodei, scene);
  const at = (index: number) => planted[index % planted.length]!.name;
  for (const [index, { tenant, pool, cpu, onFull }] of scene.jobs.entries()) {
    const as = hodei.as({ principal: `user-of-${at(tenant)}` });
    const asked = { pool, cpu_m: cpu, job_id: `job${index}x`, labels: { of: at(tenant) } };
    await admit(as, at(tenant), { ...asked, on_full: onFull as 'queue' });
    hodei.clock.advance(1_000);
  }
  for (const { name } of planted) {
    const as = hodei.as({ principal: `lender-of-${name}` });
    const wanted = { tenant: name, percentage: 120, reason: `for ${name}`, resources: ['cpu_m'] };
    await as(requestBurstSession, wanted);
    const paid = hodei.as({ principal: `payer-of-${name}`, reason: `paid for ${name}` });
    await paid(setBudget, { tenant: name, monthly_micro: 1, on_exceeded: 'block' });
    await paid(creditBudget, { tenant: name, amount_micro: 1 });
  }
  await call(createToken, { name: 'runner', role: 'agent', tenant: at(scene.bound) });
  if (scene.suspended !== null) await call(suspendTenant, { tenant: at(scene.suspended) });
  if (scene.deleted !== null) {
    await call(deleteTenant, { tenant: at(scene.deleted), cascade: true });
  }
  return planted;
}

/** Words that an answer to who is bound must not hold. */
async function foreignWords(
  { call, events }: TestService,
  planted: readonly Planted[],
  bound: Planted,
): Promise<string[]> {
  const isWithin = (tenant: Planted | undefined): boolean =>
    tenant === bound || (tenant !== undefined && isWithin(tenant.parent));
  const isAbove = (tenant: Planted) => {
    for (let each = bound.parent; each !== undefined; each = each.parent) {
      if (each === tenant) return true;
    }
    return false;
  };
  const beyond = planted.filter((tenant) => !isWithin(tenant));
  const ids = new Set(beyond.map(({ id }) => id));
  const objects = (await events())
    .filter(({ tenant, object }) => tenant !== null && ids.has(tenant) && object !== tenant)
    .map(({ object }) => object);
  const jobs = (await call(listJobs, { state: 'all', limit: 500 })).items
    .filter(({ tenant_id }) => ids.has(tenant_id))
    .flatMap(({ id, job_id }) => [id ?? '', job_id ?? '']);
  const refused = (await call(listViolations, { limit: 500 })).items
    .filter(({ tenant_id }) => ids.has(tenant_id))
    .flatMap(({ id, principal }) => [id, principal]);
  const names = beyond.filter((tenant) => !isAbove(tenant)).map(({ name }) => name);
  return [...new Set([...names, ...ids, ...objects, ...jobs, ...refused])].filter(Boolean);
}

/** What is asked of every operation that reads; what is about a tenant, job or decision, of each. */
function asked(own: Own): Readonly<Record<string, readonly object[]>> {
  const { tenants, jobs, decisions, bursts } = own;
  const ofTenants = tenants.map((tenant) => ({ tenant }));
  const ofJobs = jobs.map((job) => ({ job }));
  const trees = [{}, { tree: true }, { label: 'kind=any' }, { name_prefix: 'tenant' }];
  const inPools = POOLS.map((pool) => ({ pool }));
  return {
    'tenant.list': [...trees, { sort: 'created' }, ...tenants.map((parent) => ({ parent }))],
    'tenant.get': ofTenants,
    'quota.get': [...ofTenants, ...ofTenants.map((each) => ({ ...each, pool: 'small' }))],
    'quota.list': [...trees, { over: 0 }, { sort: 'used' }, { sort: 'created' }],
    'quota.history': ofTenants,
    'usage.get': ofTenants,
    'usage.history': [
      { resource: 'cpu_m' },
      ...ofTenants.map((each) => ({ ...each, resource: 'cpu_m' })),
    ],
    'usage.list': [...trees, { roots: true }],
    'usage.top': [{}, ...inPools, ...ofTenants],
    'pool.list': [{}],
    'pool.get': inPools,
    'job.list': [{ state: 'all' }, { state: 'queued' }, ...ofTenants, ...inPools],
    'job.get': ofJobs,
    'job.explain': ofJobs,
    'decision.explain': decisions.map((decision) => ({ decision })),
    'tenant.explain': ofTenants,
    'queue.list': inPools,
    'queue.status': [{}, ...inPools],
    'burst.history': ofTenants,
    'burst.list': [{}, { state: 'all' }, ...ofTenants],
    'burst.get': bursts.map((burst) => ({ burst })),
    'budget.get': ofTenants,
    'budget.entries': ofTenants,
    'budget.list': [{}],
    'violation.list': [{}, ...ofTenants, ...inPools],
    'advice.list': [{}, { last: '1h' }, ...ofTenants],
    'rate.list': [{}, { all: true }],
    'cost.report': [
      ...[{}, { tree: true }, { group: 'pool' }, { group: 'job' }, { group: 'label:of' }],
      ...ofTenants,
      ...inPools,
    ],
    'token.whoami': [{}],
    'audit.list': [{}, { operation: 'job.admit' }, ...ofTenants],
    'event.follow': [{ after: 0 }, { after: 0, kind: 'job' }, { after: 0, pool: 'small' }],
    'config.get': [{}],
  };
}

interface Own {
  readonly tenants: readonly string[];
  readonly jobs: readonly string[];
  readonly decisions: readonly string[];
  readonly bursts: readonly string[];
}

/** All that stands on the pages of a list; or the one answer there is. */
async function wholeAnswer(call: Call, operation: Operation, input: object): Promise<string> {
  const takesPages = 'cursor' in operation.input().shape;
  if (!takesPages) return JSON.stringify(await call(operation, { ...input }));
  const texts: string[] = [];
  for await (const page of everyPage(
    (after) =>
      call(operation, { ...input, limit: 3, ...after }) as Promise<{ next_cursor: string | null }>,
  )) {
    texts.push(JSON.stringify({ ...page, next_cursor: null }));
  }
  return texts.join('\n');
}

/** Of what changes something, what it would lead to. */
async function rehearsals(call: Call, { tenants, jobs, bursts }: Own): Promise<string[]> {
  const answers: unknown[] = [];
  const dryRun = { dryRun: true };
  const tried = async (answer: Promise<unknown>) => answers.push(await answer.catch(String));
  for (const tenant of tenants) {
    await tried(call(checkJob, { tenant, cpu_m: 2_000, pool: 'small', on_full: 'queue' }));
    await tried(call(checkJob, { tenant, cpu_m: 9_000_000 }));
    await tried(call(setQuota, { tenant, cpu_m: 90_000_000 }, dryRun));
    await tried(call(deleteTenant, { tenant }, dryRun));
    await tried(call(suspendTenant, { tenant }, dryRun));
  }
  for (const job of jobs) await tried(call(releaseJob, { job }, dryRun));
  for (const burst of bursts) await tried(call(approveBurstSession, { burst }, dryRun));
  return answers.map((answer) => JSON.stringify(answer ?? null));
}

async function judge(drawn: Scene): Promise<void> {
  const hodei = await testService();
  try {
    const planted = await people(hodei, drawn);
    const bound = planted[drawn.bound % planted.length]!;
    const words = await foreignWords(hodei, planted, bound);
    const call = hodei.as({ principal: 'bound', role: 'admin', boundTo: bound.id });
    const tenants = (
      (await call(operationOf('tenant.list'), { limit: 500 })) as { items: { name: string }[] }
    ).items.map(({ name }) => name);
    const jobs = (await call(listJobs, { state: 'all', limit: 500 })).items.map(({ id }) => id!);
    const decisions = (await call(listViolations, { limit: 500 })).items.map(({ id }) => id);
    const bursts = (await call(listBursts, { state: 'all' })).items.map(({ id }) => id);
    const own = { tenants, jobs, decisions, bursts };
    for (const [name, inputs] of Object.entries(asked(own))) {
      for (const input of inputs) {
        const text = await wholeAnswer(call, operationOf(name), input);
        const found = words.filter((word) => text.includes(word));
        expect(found, `${name} ${JSON.stringify(input)} to ${bound.name}: ${text}`).toEqual([]);
      }
    }
    for (const text of await rehearsals(call, own)) {
      expect(
        words.filter((word) => text.includes(word)),
        text,
      ).toEqual([]);
    }
    // A word of the asker's own comes back, but no other one.
    for (const { name } of planted.filter(({ id }) => words.includes(id))) {
      const { message, hint } = await refusal(call(operationOf('tenant.get'), { tenant: name }));
      expect(message).toBe(`Tenant not found: ${name}`);
      expect(words.filter((word) => hint?.includes(word))).toEqual([]);
    }
  } finally {
    await hodei.close();
  }
}

function operationOf(name: string): Operation {
  const found = operations.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no operation ${name}`);
  return found;
}

it('asks every operation that reads and is there for who is bound', () => {
  const reading = operations.filter(({ isReadOnly, reach }) => isReadOnly && reach === 'tenant');
  const rows = Object.keys(asked({ tenants: [], jobs: [], decisions: [], bursts: [] }));
  expect(rows.sort()).toEqual(reading.map(({ name }) => name).sort());
});

it('answers who is bound without a word of what lies beyond its tenant', async () => {
  await fc.assert(fc.asyncProperty(scene, judge), {
    ...{ interruptAfterTimeLimit: 6_000, numRuns: 60 },
  });
});
