import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operations } from '../../src/service/index.ts';
import { operation, pathParameters, type Operation } from '../../src/service/operation.ts';
import {
  askers,
  kinds,
  livingJobs,
  makeWorld,
  type Asker,
  type Kind,
  type Target,
  type World,
} from './authorisation-world.ts';
import { startTestServer } from './helpers.ts';
import * as z from 'zod';

/** What is asked of an operation about a target; none, where it is about nobody in particular. */
type Row = { readonly about: (target: Target) => object[] } | { readonly plainly: object };

const ofTenant = (more: object = {}): Row => ({
  about: ({ tenant, tenantId }) => [
    { tenant, ...more },
    { tenant: tenantId, ...more },
  ],
});
const ofParent = (more: object = {}): Row => ({
  about: ({ tenant, tenantId }) => [
    { parent: tenant, ...more },
    { parent: tenantId, ...more },
  ],
});
const ofJob = (more: object = {}): Row => ({
  about: ({ job, jobId }) => [
    { job, ...more },
    { job: jobId, ...more },
  ],
});
const ofBurst = (more: object = {}): Row => ({ about: ({ burst }) => [{ burst, ...more }] });
const ofJobsOf = (): Row => ({ about: ({ tenant }) => [{ jobs: [{ tenant, cpu_m: 1 }] }] });

/** A row for every operation that hodei has; a new one wants a new row. */
const rows: Readonly<Record<string, Row>> = {
  'tenant.create': ofParent({ name: 'new', email: 'ops@new.example' }),
  'tenant.list': ofParent({ tree: true }),
  'tenant.get': ofTenant(),
  'tenant.update': ofTenant({ email: 'other@acme.example' }),
  'tenant.delete': ofTenant({ cascade: true }),
  'tenant.suspend': ofTenant(),
  'tenant.resume': ofTenant(),
  'quota.get': ofTenant(),
  'quota.set': ofTenant({ cpu_m: 5000 }),
  'quota.unset': ofTenant({ resource: 'cpu_m' }),
  'quota.list': ofParent(),
  'quota.history': ofTenant(),
  'usage.get': ofTenant(),
  'usage.list': ofParent(),
  'usage.top': ofTenant(),
  'usage.history': ofTenant({ resource: 'cpu_m' }),
  'usage.verify': { plainly: {} },
  'usage.repair': { plainly: {} },
  'usage.prune': { plainly: {} },
  'pool.create': { plainly: { id: 'new' } },
  'pool.list': { plainly: {} },
  'pool.get': { plainly: { pool: 'default' } },
  'pool.update': { plainly: { pool: 'default', max_size: 3 } },
  'pool.delete': { plainly: { pool: 'gpu' } },
  'pool.hold': { plainly: { pool: 'gpu' } },
  'pool.resume': { plainly: { pool: 'gpu' } },
  'job.admit': ofTenant({ cpu_m: 1, pool: 'default' }),
  'job.check': ofTenant({ cpu_m: 1, pool: 'default' }),
  'job.list': ofTenant(),
  'job.get': ofJob(),
  'job.release': ofJob(),
  'job.renew': ofJob(),
  'job.cancel': ofJob(),
  'job.resize': ofJob({ cpu_m: 50 }),
  'job.batch': ofJobsOf(),
  'job.adopt': ofJobsOf(),
  'job.explain': ofJob(),
  'decision.explain': { about: ({ decision }) => [{ decision }] },
  'tenant.explain': ofTenant(),
  'queue.list': { plainly: { pool: 'default' } },
  'queue.status': { plainly: {} },
  'violation.list': ofTenant(),
  'policy.list': { plainly: {} },
  'policy.set': { plainly: { rules: [] } },
  'policy.delete': { plainly: { rule: 'none' } },
  'policy.test': { plainly: { tenant: 'acme', cpu_m: 1 } },
  'burst.request': ofTenant({ percentage: 140, reason: 'release week' }),
  'burst.history': ofTenant(),
  'burst.list': ofTenant(),
  'burst.get': ofBurst(),
  'burst.approve': ofBurst(),
  'burst.deny': ofBurst({ reason: 'not now' }),
  'burst.cancel': ofBurst(),
  'burst.end': ofBurst(),
  'token.create': { plainly: { name: 'new', role: 'viewer' } },
  'budget.get': ofTenant(),
  'budget.set': ofTenant({ monthly_micro: 5 }),
  'budget.unset': ofTenant(),
  'budget.credit': ofTenant({ amount_micro: 5 }),
  'budget.correct': ofTenant({ amount_micro: -5 }),
  'budget.entries': ofTenant(),
  'budget.list': { plainly: {} },
  'token.list': { plainly: {} },
  'token.revoke': { plainly: { token: 'viewer-free' } },
  'token.whoami': { plainly: {} },
  'advice.list': ofTenant(),
  'rate.list': { plainly: {} },
  'rate.set': { plainly: { resource: 'cpu_m', price_micro: 1 } },
  'rate.unset': { plainly: { resource: 'cpu_m' } },
  'cost.report': ofTenant(),
  'webhook.list': { plainly: {} },
  'webhook.test': { plainly: { webhook: 'none' } },
  'audit.list': ofTenant(),
  'audit.verify': { plainly: {} },
  'audit.export': { plainly: {} },
  'event.follow': ofTenant({ after: 0 }),
  'metrics.get': { plainly: {} },
  'config.get': { plainly: {} },
  'config.apply': { plainly: {} },
};

let world: World;

beforeAll(async () => {
  world = await makeWorld(true);
});

afterAll(() => world.server.stop());

it('has a row for every operation, and for nothing else', () => {
  expect(Object.keys(rows).sort()).toEqual(operations.map(({ name }) => name).sort());
});

it('does not start with an operation that declares nobody', async () => {
  const { roles: _roles, ...undeclared } = operation({
    ...{ name: 'room.open', summary: 'Open a room', method: 'POST', path: '/rooms' },
    ...{ roles: [], reach: 'all', isReadOnly: false, isVersioned: false },
    input: () => z.strictObject({}),
    output: () => z.unknown(),
    example: { input: {}, output: undefined },
    run: () => Promise.resolve(undefined),
  });
  for (const offered of [undeclared, { ...undeclared, roles: [] }]) {
    const started = startTestServer({ operations: [offered as unknown as Operation] });
    await expect(started).rejects.toThrow('room.open does not declare who may call it');
  }
});

function inputsOf({ name }: Operation, target: Target): object[] {
  const row = rows[name];
  if (row === undefined) throw new Error(`there is no row for ${name}`);
  return 'about' in row ? row.about(target) : [row.plainly];
}

/** What binds a tenant is decided above it, and not by who is bound to it. */
const decidedAbove = [
  ...['tenant.update', 'tenant.delete', 'tenant.suspend', 'tenant.resume'],
  ...['quota.set', 'quota.unset', 'burst.approve'],
  ...['budget.set', 'budget.unset', 'budget.credit', 'budget.correct'],
];
/** What an agent does only to what it asked for itself. */
const ownOfAgents = ['burst.cancel', 'burst.end'];

/** By the rules, written down once more: who may, and within what. */
function verdictOn(
  { name, roles, reach }: Operation,
  { role, isBound }: Asker,
  kind: Kind,
): 'refused' | 'bound' | 'free' {
  if (!roles.includes(role) || (reach === 'all' && isBound)) return 'refused';
  if (isBound && kind === 'own' && decidedAbove.includes(name)) return 'refused';
  const isBeyondReach = isBound && (kind === 'foreign' || kind === 'above');
  if (role === 'agent' && ownOfAgents.includes(name) && !isBeyondReach) return 'refused';
  return isBound ? 'bound' : 'free';
}

const cases = operations.map((each) => [each.name, each] as const);

describe.each(cases)('%s', (_name, each) => {
  it('wants to know who asks', async () => {
    for (const kind of kinds) {
      for (const input of inputsOf(each, world.targets[kind])) {
        const { status, body, headers } = await world.ask(undefined, each, input);
        expect([status, body['code']]).toEqual([401, 'unauthenticated']);
        expect(headers['www-authenticate']).toBe('Bearer realm="hodei"');
      }
    }
  });

  it('answers every role, bound and not, as it may', async () => {
    for (const asker of askers) {
      for (const kind of kinds) {
        for (const input of inputsOf(each, world.targets[kind]))
          await judge(each, asker, kind, input);
      }
    }
  });
});

async function judge(each: Operation, asker: Asker, kind: Kind, input: object): Promise<void> {
  const verdict = verdictOn(each, asker, kind);
  const { status, body, text } = await world.ask(asker, each, input);
  const said = `${JSON.stringify({ asker, kind, input })}: ${status} ${text}`;
  if (verdict === 'refused') expect([status, body['code']], said).toEqual([403, 'forbidden']);
  else if (verdict === 'bound' && isBeyond(each, kind)) {
    expect(isNotFound(status, text), said).toBe(true);
  } else expect([400, 401, 403, 404, 500, 503], said).not.toContain(missing(each, status));
}

/** What a pool has in use, also as that of which shares are, and how many events there are, is of all. */
function isAboutAll({ name }: Operation, kind: Kind): boolean {
  const isAmongAll = ['audit.list', 'event.follow', 'usage.top'].includes(name);
  return name.startsWith('pool.') || (isAmongAll && (kind === 'own' || kind === 'descendant'));
}

/** What is about nobody in particular is not beyond anybody's reach. */
function isBeyond({ name }: Operation, kind: Kind): boolean {
  return 'about' in rows[name]! && (kind === 'foreign' || kind === 'above');
}

/** Of several jobs each has an answer of its own. */
function isNotFound(status: number, text: string): boolean {
  return status === 404 || (status === 200 && text.includes('"code":"not_found"'));
}

/** There is no rule, webhook or budget of that name, which is no matter of who asks. */
function missing({ name }: Operation, status: number): number {
  const isRare = ['policy.delete', 'rate.unset', 'webhook.test'].includes(name);
  return (isRare || name.startsWith('budget.')) && status === 404 ? 0 : status;
}

describe('what is foreign', () => {
  it('is answered byte for byte like what is not there, whoever asks for what', async () => {
    const [peopled, without] = [await makeWorld(true), await makeWorld(false)];
    let compared = 0;
    for (const each of operations) {
      for (const asker of askers.filter(({ isBound }) => isBound)) {
        for (const kind of kinds) {
          for (const input of inputsOf(each, peopled.targets[kind])) {
            if (isAboutAll(each, kind)) continue;
            const there = await peopled.ask(asker, each, input);
            const absent = await without.ask(asker, each, input);
            const what = `${asker.role} ${each.name} ${kind} ${JSON.stringify(input)}`;
            expect(essence(there), what).toEqual(essence(absent));
            compared += 1;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(1_000);
    await peopled.server.stop();
    await without.server.stop();
  });

  it('is in no list and no explanation of who is bound', async () => {
    const viewer: Asker = { role: 'viewer', isBound: true };
    const { tenantId, job, burst } = world.targets.foreign;
    for (const each of operations.filter(
      ({ isReadOnly, reach }) => isReadOnly && reach !== 'all',
    )) {
      const plainly = pathParameters(each.path).length === 0 ? [{}] : [];
      for (const input of [...plainly, ...inputsOf(each, world.targets.own)]) {
        const { text } = await world.ask(viewer, each, input);
        for (const trace of ['beta', tenantId, job, burst])
          expect(text, each.name).not.toContain(trace);
      }
    }
  });

  it('is there for who is not bound', async () => {
    const { status } = await world.ask(
      { role: 'viewer', isBound: false },
      operations.find(({ name }) => name === 'tenant.get')!,
      { tenant: 'beta' },
    );
    expect(status).toBe(200);
  });
});

it('has kept nothing of all that was asked', async () => {
  expect(await livingJobs(world)).toBe(4);
});

/** All but what is another one with each request. */
function essence({ status, headers, text }: Awaited<ReturnType<World['ask']>>) {
  const { date: _date, 'x-trace-id': trace, ...rest } = headers;
  const untraced = text.replaceAll(String(trace), '');
  return { status, headers: { ...rest, 'content-length': undefined }, text: untraced };
}
