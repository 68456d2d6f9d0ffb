import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainDecision, explainJob, explainTenant } from '../../src/service/explain.ts';
import { followEvents } from '../../src/service/event-follow.ts';
import { listAudit } from '../../src/service/events.ts';
import { adoptJobs, batchJobs } from '../../src/service/job-batch.ts';
import { cancelJob, getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { listQueue, queueStatus } from '../../src/service/queue.ts';
import { listQuotas, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import {
  createTenant,
  deleteTenant,
  getTenant,
  listTenants,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { createToken, whoami } from '../../src/service/tokens.ts';
import { getUsage, listUsage } from '../../src/service/usage.ts';
import { listViolations } from '../../src/service/violations.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { makeFreeTenant, makePool } from '../helpers/pool.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { dump } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

/** eng above acme above team, and beside it rival; beta above betakid elsewhere. */
let hodei: TestService;
let call: Call;
/** On behalf of an admin who is bound to acme. */
let bound: Call;
let acme: string;
let beta: string;

const ABSENT = { hint: 'See which there are: hodei tenant list' };

beforeEach(async () => {
  hodei = await testService();
  ({ call } = hodei);
  await makeLine(call, 'eng', 'acme', 'team');
  await makeTenant(call, 'rival', { parent: 'eng' });
  await makeLine(call, 'beta', 'betakid');
  acme = (await call(getTenant, { tenant: 'acme' })).id;
  beta = (await call(getTenant, { tenant: 'beta' })).id;
  bound = hodei.as({ principal: 'acme-admin', boundTo: acme });
});
afterEach(() => hodei.close());

const namesOf = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);
const tenantsOf = (items: readonly { readonly tenant: string }[]) =>
  items.map(({ tenant }) => tenant);
const absent = (tenant: string) => ({
  code: 'not_found',
  message: `Tenant not found: ${tenant}`,
  ...ABSENT,
});

describe('a list', () => {
  it.each([
    ['by name', {}],
    ['by creation', { sort: 'created' }],
    ['as a tree', { tree: true }],
    ['by the beginning of a name', { name_prefix: '' }],
  ])('of tenants %s is of the one bound to and those below it', async (_order, input) => {
    const { name_prefix: prefix, ...rest } = input as Record<string, unknown>;
    const { items } = await bound(listTenants, prefix === '' ? rest : input);
    expect(namesOf(items)).toEqual(['acme', 'team']);
  });

  it('by label or prefix has none of another one that fits', async () => {
    for (const tenant of ['team', 'beta', 'eng']) {
      await call(updateTenant, { tenant, labels: { tier: 'gold' } });
    }
    const { items } = await bound(listTenants, { label: 'tier=gold' });
    expect(namesOf(items)).toEqual(['team']);
    expect((await bound(listTenants, { name_prefix: 'b' })).items).toEqual([]);
  });

  it('begins a tree with the one bound to, as if nothing stood above', async () => {
    const { items } = await bound(listTenants, { tree: true });
    expect(items.map(({ name, depth }) => [name, depth])).toEqual([
      ['acme', 0],
      ['team', 1],
    ]);
  });

  it('of children is refused for a parent beyond reach as for one that is not there', async () => {
    for (const parent of ['eng', 'beta', beta, 'nobody']) {
      for (const list of [listTenants, listQuotas, listUsage] as unknown[]) {
        expect(await refusal(bound(list as typeof listTenants, { parent }))).toEqual(
          absent(parent),
        );
      }
    }
  });

  it('of quotas that are nearly used up has none of others', async () => {
    for (const tenant of ['acme', 'beta', 'rival', 'team']) await admit(call, tenant);
    for (const input of [{ over: 0 }, { sort: 'used' as const }]) {
      const { items } = await bound(listQuotas, input);
      expect(items.map(({ tenant_name: name }) => name)).toEqual(['acme', 'team']);
    }
  });

  it('of jobs, violations, changes and events is of own ones', async () => {
    for (const tenant of ['eng', 'acme', 'rival', 'betakid', 'team']) {
      await admit(call, tenant);
      await admit(call, tenant, { cpu_m: 9_000_000 });
    }
    const own = new Set(['acme', 'team']);
    const jobs = (await bound(listJobs, { state: 'all' })).items;
    const violations = (await bound(listViolations, {})).items;
    expect([tenantsOf(jobs), tenantsOf(violations)]).toEqual([
      ['team', 'acme'],
      ['team', 'acme'],
    ]);
    const changes = (await bound(listAudit, {})).items;
    const events = (await bound(followEvents, { after: 0 })).items;
    for (const { tenant_name: name } of [...changes, ...events]) expect(own).toContain(name);
    expect(events.map(({ operation }) => operation)).toEqual([
      ...['tenant.create', 'tenant.create'],
      ...['job.admit', 'job.reject', 'job.admit', 'job.reject'],
    ]);
    expect(changes).toHaveLength(6);
  });

  it('of roots is empty for who is bound below one', async () => {
    expect((await bound(listUsage, { roots: true })).items).toEqual([]);
    const atRoot = hodei.as({ boundTo: beta });
    expect(tenantsOf((await atRoot(listUsage, { roots: true })).items)).toEqual(['beta']);
  });
});

describe('a cursor that somebody made up', () => {
  const cursor = (order: string, ...place: (string | number)[]) =>
    Buffer.from(JSON.stringify([order, ...place])).toString('base64url');
  const keyOf = (name: string) =>
    hodei.store.read(async (tables) => (await tables.tenants.byName(name))?.key ?? 0);

  it.each(['eng', 'beta', 'betakid', 'rival'])('does not lead below %s', async (name) => {
    const key = await keyOf(name);
    const acmeKey = await keyOf('acme');
    for (const place of [`${key}/`, `0/acme/${key}/`, `0/acme/${acmeKey}/team/${key}/a`]) {
      for (const list of [listTenants, listUsage, listQuotas] as unknown[]) {
        const input = { tree: true, cursor: cursor('tree', place) };
        const asked = bound(list as typeof listTenants, input);
        expect(await refusal(asked)).toMatchObject({ code: 'invalid' });
      }
    }
  });

  it.each(['0/', '0/a', '0/0/', '0/zzz', '0/acme/0/', '999/', '1e3/a', '-1/', `${2 ** 60}/`, '/'])(
    'such as %j shows nothing foreign, and ends',
    async (place) => {
      const names: string[] = [];
      try {
        for await (const { items } of everyPage((after) =>
          bound(listTenants, {
            ...{ tree: true, limit: 1, cursor: cursor('tree', place) },
            ...after,
          }),
        )) {
          names.push(...namesOf(items));
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid' });
      }
      expect(names.filter((name) => !['acme', 'team'].includes(name))).toEqual([]);
      expect(names.length).toBeLessThan(10);
    },
  );

  it('goes on below 20 levels as it began, and nowhere else', async () => {
    const line = Array.from({ length: 20 }, (_, level) => `level-${level}`);
    let parent = 'team';
    for (const name of line) {
      await makeTenant(call, name, { parent });
      parent = name;
    }
    const names: string[] = [];
    for await (const { items } of everyPage((after) =>
      bound(listTenants, { tree: true, limit: 1, ...after }),
    )) {
      names.push(...namesOf(items));
    }
    expect(names).toEqual(['acme', 'team', ...line]);
  });

  it('in other orders only skips own rows', async () => {
    const before = [
      await bound(listTenants, { cursor: cursor('name', 'a') }),
      await bound(listTenants, { sort: 'created', cursor: cursor('created', 0) }),
    ];
    for (const { items } of before) expect(namesOf(items)).toEqual(['acme', 'team']);
    await admit(call, 'beta');
    const asked = { state: 'all' as const, cursor: cursor('job', 1_000_000) };
    expect((await bound(listJobs, asked)).items).toEqual([]);
  });
});

describe('what lies beyond reach', () => {
  it('is found by no name, id or beginning of an id', async () => {
    for (const tenant of ['beta', 'eng', 'rival', beta, beta.slice(0, 15), 'nobody']) {
      expect(await refusal(bound(getTenant, { tenant }))).toEqual(absent(tenant));
      expect(await refusal(bound(getUsage, { tenant }))).toEqual(absent(tenant));
      expect(await refusal(bound(explainTenant, { tenant }))).toEqual(absent(tenant));
    }
  });

  it('does not make the beginning of an own id ambiguous', async () => {
    hodei.ids.say('tenant-bbbbbbbb0001', 'tenant-bbbbbbbb0002');
    await makeTenant(call, 'own', { parent: 'acme' });
    await makeTenant(call, 'foreign');
    const tenant = 'tenant-bbbbbbbb';
    expect((await bound(getTenant, { tenant })).name).toBe('own');
    expect(await refusal(call(getTenant, { tenant }))).toMatchObject({ code: 'conflict' });
  });

  it('is not suggested to who has mistyped', async () => {
    for (const tenant of ['betta', 'rivall', 'engg']) {
      expect(await refusal(bound(getTenant, { tenant }))).toEqual(absent(tenant));
    }
    expect(await refusal(bound(getTenant, { tenant: 'tean' }))).toMatchObject({
      hint: 'Did you mean team?',
    });
  });

  it('is no job or decision that there is', async () => {
    const job = idOf(await admit(call, 'beta', { cpu_m: 1, job_id: 'build' }));
    await admit(call, 'beta', { cpu_m: 9_000_000 });
    const decision = (await call(listViolations, { tenant: 'beta' })).items[0]?.id ?? '';
    const nowhere = `job-${'0'.repeat(job.length - 4)}`;
    for (const each of [getJob, explainJob, releaseJob, cancelJob] as unknown[]) {
      const operation = each as typeof getJob;
      const there = await refusal(bound(operation, { job }));
      const none = await refusal(bound(operation, { job: nowhere }));
      expect({ ...there, message: '' }).toEqual({ ...none, message: '' });
      expect(there.message).toBe(`Job not found: ${job}`);
      expect(await refusal(bound(operation, { job: 'beta:build' }))).toEqual(absent('beta'));
    }
    expect(await refusal(bound(explainDecision, { decision }))).toMatchObject({
      message: `Decision not found: ${decision}`,
    });
    expect((await call(getJob, { job })).state).toBe('admitted');
  });

  it('is not admitted in a batch, and the own ones beside it are', async () => {
    const jobs = ['beta', 'team', 'eng', 'nobody'].map((tenant) => ({ tenant, cpu_m: 1 }));
    const { items } = await bound(batchJobs, { jobs });
    expect(items.map((item) => ('error' in item ? item.error : item.state))).toEqual([
      ...['Tenant not found: beta', 'admitted'],
      ...['Tenant not found: eng', 'Tenant not found: nobody'],
    ]);
    const [refused] = (await call(listAudit, { operation: 'token.refuse' })).items;
    expect(refused).toMatchObject({ principal: 'acme-admin', tenant: null });
    expect(refused?.after).toMatchObject({ asked: 'job.batch', code: 'not_found' });
    // Above limits, which are also those of others.
    expect((await refusal(bound(adoptJobs, { jobs }))).code).toBe('forbidden');
    expect((await call(listJobs, { tenant: 'beta' })).items).toEqual([]);
  });

  it('is not changed by whatever who is bound tries', async () => {
    const before = dump(hodei.path);
    for (const tenant of ['beta', 'eng', 'rival', beta]) {
      const attempts = [
        bound(updateTenant, { tenant, email: 'mine@acme.example' }),
        bound(deleteTenant, { tenant, cascade: true }),
        bound(setQuota, { tenant, cpu_m: 0 }),
        bound(resumeTenant, { tenant }),
        admit(bound, tenant),
      ];
      for (const attempt of attempts) expect(await refusal(attempt)).toEqual(absent(tenant));
    }
    expect(dump(hodei.path)).toEqual(before);
  });
});

describe('a move', () => {
  it('leads nobody out of reach, nor anybody in', async () => {
    const forbidden = { code: 'forbidden' };
    expect(await refusal(bound(updateTenant, { tenant: 'team', parent: null }))).toMatchObject(
      forbidden,
    );
    for (const parent of ['eng', 'beta', 'nobody']) {
      expect(await refusal(bound(updateTenant, { tenant: 'team', parent }))).toEqual(
        absent(parent),
      );
    }
    expect(await refusal(bound(updateTenant, { tenant: 'rival', parent: 'acme' }))).toEqual(
      absent('rival'),
    );
    expect(await refusal(bound(updateTenant, { tenant: 'acme', parent: null }))).toMatchObject(
      forbidden,
    );
    expect((await call(getTenant, { tenant: 'team' })).parent).toBe('acme');
  });

  it('is in no history by the name of a foreign parent', async () => {
    await call(updateTenant, { tenant: 'acme', parent: 'beta' });
    await call(updateTenant, { tenant: 'acme', parent: 'eng', email: 'new@acme.example' });
    const { items } = await bound(listAudit, { operation: 'tenant.update' });
    expect(items.map(({ before, after }) => [before, after])).toEqual([
      [{ email: 'ops@acme.example' }, { email: 'new@acme.example' }],
      [{}, {}],
    ]);
    const all = await call(listAudit, { operation: 'tenant.update' });
    expect(all.items[1]).toMatchObject({ before: { parent: 'eng' }, after: { parent: 'beta' } });
  });

  it('takes the reach of who is bound along', async () => {
    await call(updateTenant, { tenant: 'acme', parent: 'beta' });
    await call(updateTenant, { tenant: 'acme', name: 'apex' });
    expect(namesOf((await bound(listTenants, {})).items)).toEqual(['apex', 'team']);
    expect(await bound(whoami, {})).toMatchObject({ tenant: 'apex', tenant_id: acme });
    expect(await refusal(bound(getTenant, { tenant: 'beta' }))).toEqual(absent('beta'));
    await call(updateTenant, { tenant: 'team', parent: 'beta' });
    expect(namesOf((await bound(listTenants, {})).items)).toEqual(['apex']);
  });
});

describe('the tenant that somebody is bound to', () => {
  it('is changed by those above it, and what is below it by who is bound', async () => {
    const changes: ((tenant: string) => Promise<unknown>)[] = [
      (tenant) => bound(setQuota, { tenant, cpu_m: null }),
      (tenant) => bound(unsetQuota, { tenant, resource: 'gpu' }),
      (tenant) => bound(updateTenant, { tenant, weight: 1_000_000 }),
      (tenant) => bound(suspendTenant, { tenant }),
      (tenant) => bound(resumeTenant, { tenant }),
      (tenant) => bound(deleteTenant, { tenant, cascade: true }),
    ];
    await call(suspendTenant, { tenant: 'acme' });
    const before = await call(getTenant, { tenant: 'acme' });
    for (const change of changes) {
      expect(await refusal(change('acme'))).toEqual({
        code: 'forbidden',
        message: 'You are bound to acme: who stands above it changes it.',
        hint: 'What is below it is yours to change.',
      });
      await change('team');
    }
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(before);
  });
});

describe('a new tenant', () => {
  const input = { name: 'new', email: 'ops@new.example' };

  it('stands below the one bound to, or is none', async () => {
    expect(await refusal(bound(createTenant, input))).toMatchObject({ code: 'forbidden' });
    expect(await refusal(bound(createTenant, { ...input, parent: null }))).toMatchObject({
      code: 'forbidden',
    });
    expect(await refusal(bound(createTenant, { ...input, parent: 'beta' }))).toEqual(
      absent('beta'),
    );
    expect((await bound(createTenant, { ...input, parent: 'acme' })).parent).toBe('acme');
  });

  it('shows that a name is taken beyond reach, and no more of it', async () => {
    const taken = { code: 'conflict', message: 'A tenant of this name exists already.' };
    const made = bound(createTenant, { ...input, name: 'beta', parent: 'acme' });
    expect(await refusal(made)).toEqual(taken);
    expect(await refusal(bound(updateTenant, { tenant: 'team', name: 'beta' }))).toEqual(taken);
    expect(await refusal(bound(createTenant, { ...input, name: 'team', parent: 'acme' }))).toEqual({
      code: 'conflict',
      message: expect.stringMatching(/^A tenant named team exists already \(tenant-/) as string,
    });
  });
});

describe('who holds the room and who waits', () => {
  beforeEach(async () => {
    await makePool(call, 'tight', { max_size: 1, resources: { cpu_m: 3_000 } });
    for (const name of ['one', 'two', 'three']) await makeFreeTenant(call, name);
    for (const tenant of ['one', 'two', 'three']) {
      await admit(call, tenant, { pool: 'tight', cpu_m: 1_000, job_id: `of-${tenant}` });
    }
    await enqueue(call, 'beta', { pool: 'tight', cpu_m: 1_000, job_id: 'first-in-line' });
    await enqueue(call, 'team', { pool: 'tight', cpu_m: 1_000, job_id: 'own' });
  });

  it('is explained by one sum without a name, where they are foreign', async () => {
    const { now, line } = await bound(explainJob, { job: 'team:own' });
    expect(now?.holders.filter(({ scope }) => scope.pool === 'tight')).toEqual([
      expect.objectContaining({ tenant: null, job: null, job_id: null, amount: 3_000 }),
    ]);
    expect(line?.levels.flatMap(({ ahead }) => ahead)).toEqual([]);
    const all = await call(explainJob, { job: 'team:own' });
    expect(all.now?.holders.map(({ tenant }) => tenant)).toEqual(
      expect.arrayContaining(['one', 'two', 'three']),
    );
  });

  it('is in no queue, but leaves its place', async () => {
    const { items } = await bound(listQueue, { pool: 'tight' });
    expect(items.map(({ job_id, position }) => [job_id, position])).toEqual([['own', 2]]);
    const [status] = (await bound(queueStatus, { pool: 'tight' })).items;
    expect(status).toMatchObject({ waiting: 2, next: null, more_tenants: 0 });
    expect(status?.tenants.map(({ tenant }) => tenant)).toEqual(['team']);
    const all = (await call(queueStatus, { pool: 'tight' })).items[0];
    expect(all?.next?.job_id).toBe('first-in-line');
  });

  it('is not told of when a change would let it start', async () => {
    await enqueue(call, 'rival', { cpu_m: 4_000, job_id: 'waits-at-eng' });
    const text = JSON.stringify(
      await bound(setQuota, { tenant: 'team', cpu_m: 40_000 }, { dryRun: true }),
    );
    expect(text).not.toMatch(/beta|rival|one|first-in-line/);
  });
});

describe('a key of a request', () => {
  it('of another token of the same owner tells nothing of a job beyond reach', async () => {
    const ci = { principal: 'ci', role: 'agent' as const };
    const job = idOf(
      await admit(
        hodei.as({ ...ci, boundTo: beta }),
        'beta',
        { cpu_m: 1 },
        { idempotencyKey: 'k-1' },
      ),
    );
    const asked = admit(
      hodei.as({ ...ci, boundTo: acme }),
      'acme',
      { cpu_m: 1 },
      { idempotencyKey: 'k-1' },
    );
    const { code, message } = await refusal(asked);
    expect(code).toBe('conflict');
    expect(message).not.toContain(job);
  });
});

describe('a token that is bound to a tenant that was deleted since', () => {
  beforeEach(async () => {
    await call(createToken, { name: 'acme-ci', role: 'agent', tenant: 'acme' });
    await call(deleteTenant, { tenant: 'acme', cascade: true });
  });

  it('sees its history and nothing else, and starts nothing', async () => {
    expect((await bound(listTenants, {})).items).toEqual([]);
    expect((await bound(listTenants, { tree: true })).items).toEqual([]);
    expect(await refusal(admit(bound, 'acme'))).toEqual(absent('acme'));
    expect(await refusal(admit(bound, acme))).toEqual(absent(acme));
    const changes = (await bound(listAudit, {})).items;
    expect(new Set(changes.map(({ tenant_name: name }) => name))).toEqual(
      new Set(['acme', 'team']),
    );
    expect(await bound(whoami, {})).toMatchObject({ tenant: 'acme', tenant_id: acme });
  });

  it('has no part in another tenant that took the name', async () => {
    await makeLine(call, 'acme', 'other-team');
    expect((await bound(listTenants, {})).items).toEqual([]);
    expect(await refusal(bound(getTenant, { tenant: 'acme' }))).toEqual(absent('acme'));
    const made = bound(createTenant, { name: 'new', email: 'a@b.example', parent: 'acme' });
    expect(await refusal(made)).toEqual(absent('acme'));
  });
});

it('an agent follows what becomes of jobs within its reach, whatever else it asks for', async () => {
  await admit(call, 'acme', { cpu_m: 1, job_id: 'own' });
  await admit(call, 'beta', { cpu_m: 1, job_id: 'foreign' });
  await call(createToken, { name: 'acme-ci', role: 'agent', tenant: 'acme' });
  const agent = hodei.as({ role: 'agent', boundTo: acme, actingAs: 'ana' });
  const seen = async (kind?: string[]) => {
    const { items } = await agent(followEvents, { after: 0, ...(kind && { kind }) });
    return items.map(({ operation, after }) => [operation, after?.['job_id']]);
  };
  expect(await seen()).toEqual([['job.admit', 'own']]);
  expect(await seen(['job', 'token', 'tenant'])).toEqual([['job.admit', 'own']]);
  expect(await seen(['token', 'tenant', 'quota'])).toEqual([]);
  const everywhere = hodei.as({ role: 'agent' });
  const { items } = await everywhere(followEvents, { after: 0, kind: ['token', 'tenant'] });
  expect(items).toEqual([]);
});

it('a reach to a tenant that has never been is a fault, and no reach to everything', async () => {
  const nobody = hodei.as({ boundTo: 'tenant-nowhere00000' });
  await expect(nobody(listTenants, {})).rejects.toThrow('is gone');
  await expect(admit(nobody, 'acme')).rejects.toThrow('is gone');
});
