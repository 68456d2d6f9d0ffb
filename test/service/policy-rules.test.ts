import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Violation } from '../../src/domain/admission.ts';
import { parse } from 'yaml';
import { setPolicies, testPolicy } from '../../src/service/policies.ts';
import { policyFromFields } from '../../src/service/policy-document.ts';
import { compileRules, rulesInForce, type Facts } from '../../src/service/policy-rules.ts';
import type { PolicyFields } from '../../src/service/schemas/policy.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit } from '../helpers/job.ts';
import { makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

const [local] = doors;
if (local === undefined) throw new Error('there is no door');

describe('a rule is told', () => {
  const hodei = useLedger(local);
  const { call } = hodei;

  /** Whether it holds of a request for two GPUs of shop, below web and eng, in the pool gpu. */
  async function outcomeOf(when: string): Promise<string> {
    await makeTenant(call, 'eng', { quota: { gpu: 50 } });
    await makeTenant(call, 'web', { parent: 'eng', quota: { gpu: null } });
    const quota = { gpu: 6, cpu_m: null, max_concurrent_jobs: 5 };
    const labels = { tier: 'gold', 'a.b/c': 'd' };
    await makeTenant(call, 'shop', { parent: 'web', weight: 7, labels, quota });
    await makePool(call, 'gpu');
    await call(setQuota, { tenant: 'shop', pool: 'gpu', gpu: 5 });
    await admit(call, 'shop', { gpu: 3, cpu_m: 500, pool: 'gpu' });
    await makeTenant(call, 'beta', { quota: { gpu: 9 } });
    await admit(call, 'beta', { gpu: 1, pool: 'gpu' });
    const answer = await call(testPolicy, {
      ...{ tenant: 'shop', pool: 'gpu', gpu: 3, cpu_m: 1000, priority: 4, job_id: 'build-8' },
      ...{ labels: { 'team.x/y': 'red' }, ttl_seconds: 60, at: '2026-11-28T23:30:00Z' },
      time_zone: 'Europe/Madrid',
      rules: [{ name: 'it', on: 'violation', when, action: 'reject' }],
    });
    return answer.rules.map(({ outcome, detail }) => `${outcome} ${detail}`.trim()).join();
  }

  it.each([
    'tenant.id.startsWith("tenant-") && tenant.name == "shop" && tenant.weight == 7',
    'tenant.labels.tier == "gold" && tenant.labels["a.b/c"] == "d" && size(tenant.labels) == 2',
    'tenant.ancestors == ["web", "eng"]',
    'request.resources.gpu == 3 && request.resources.cpu_m == 1000 && request.resources.jobs == 1',
    'size(request.resources) == 3 && !("memory_mb" in request.resources)',
    'request.labels["team.x/y"] == "red" && !has(request.labels.team)',
    'request.priority == 4 && request.pool == "gpu" && request.job_id == "build-8"',
    'request.ttl_seconds == 60',
    'usage.gpu == 3 && usage.cpu_m == 500 && usage.jobs == 1',
    'limits.gpu == 6 && limits.jobs == 5 && !("cpu_m" in limits)',
    'pool.name == "gpu" && pool.type == "static"',
    'pool.used.gpu == 4 && pool.capacity.gpu == 8 && !("jobs" in pool.capacity)',
    'violations.codes == ["over_quota"] && violations.resources == ["gpu"]',
    'violations.scopes == ["shop in pool gpu"]',
    'time.hour == 0 && time.minute == 30 && time.weekday == 7 && time.date == "2026-11-29"',
  ])('%s', async (when) => {
    expect(await outcomeOf(when)).toBe('fired');
  });

  it('nothing of a key or a lease that there is not', async () => {
    await makeTenant(call, 'acme');
    const answer = await call(testPolicy, {
      ...{ tenant: 'acme', cpu_m: 1 },
      rules: [
        {
          ...{ name: 'it', on: 'request', action: 'warn' },
          when: 'request.job_id == "" && request.ttl_seconds == 0 && size(request.labels) == 0',
        },
      ],
    });
    expect(answer.fired.request?.rule).toBe('it');
  });
});

/** Facts of a request for GPUs; nothing else about it matters. */
function facts(asked: Partial<Facts> = {}): Facts {
  const row = { key: 1, id: 'tenant-1', name: 'acme', weight: 1 };
  const pool = { key: 1, name: 'default', type: 'static' };
  return {
    line: [row] as unknown as Facts['line'],
    ...{ tenantLabels: {}, labels: {}, priority: 0, jobId: null, ttlSeconds: null },
    pool: pool as Facts['pool'],
    amounts: new Map([['gpu', 1]]),
    ceilings: [],
    now: Date.parse('2026-11-23T12:00:00Z'),
    ...asked,
  };
}

const violation: Violation = {
  ...{ scope: { tenant: 'acme', pool: null }, resource: 'gpu', code: 'over_quota' },
  ...{ limit: 1, base: null, used: 1, requested: 1, overBy: 1 },
};

describe('the rules in force', () => {
  const hodei = useLedger(local);
  const { call } = hodei;
  const read = async () => {
    const rules = await hodei.store.read(rulesInForce);
    if (rules === undefined) throw new Error('there are no rules');
    return rules;
  };

  it('answer with the first of each moment that holds, and pass over errors', async () => {
    await call(setPolicies, {
      rules: [
        { name: 'a', on: 'violation', when: 'true', action: 'allow' },
        { name: 'b', on: 'request', when: 'request.labels.team == "x"', action: 'reject' },
        { name: 'c', on: 'request', when: 'request.priority > 0', action: 'queue', message: 'm' },
        { name: 'd', on: 'request', when: 'request.priority > 1', action: 'reject' },
        { name: 'e', on: 'violation', when: 'true', action: 'reject' },
      ],
    });
    const rules = await read();
    expect(rules.onRequest(facts())).toBeUndefined();
    expect(rules.onRequest(facts({ priority: 5 }))).toEqual({
      ...{ name: 'c', action: 'queue', message: 'm' },
    });
    expect(rules.onRequest(facts({ labels: { team: 'x' } }))?.name).toBe('b');
    expect(rules.onViolation(facts(), [violation])?.name).toBe('a');
  });

  it('are told each code, resource and scope of the violations once', async () => {
    const when =
      'violations.codes == ["over_quota", "pool_held"] && violations.resources == ["gpu"] && ' +
      'violations.scopes == ["acme", "pool default"]';
    await call(setPolicies, { rules: [{ name: 'a', on: 'violation', when, action: 'reject' }] });
    const held: Violation = {
      ...{ scope: { tenant: null, pool: 'default' }, resource: null, code: 'pool_held' },
      ...{ limit: null, base: null, used: null, requested: null, overBy: null },
    };
    expect((await read()).onViolation(facts(), [violation, violation, held])?.name).toBe('a');
  });

  it('are unavailable where a stored rule cannot be read any more', async () => {
    await hodei.store.transaction(({ tables }) =>
      tables.policies.insert({
        ...{ revision: 1, appliedAt: 0 },
        document: JSON.stringify({
          time_zone: 'UTC',
          rules: [{ name: 'a', on: 'request', when: 'x', action: 'warn', message: null }],
        }),
      }),
    );
    expect(await refusal(hodei.store.read(rulesInForce))).toMatchObject({
      code: 'unavailable',
      message:
        'The policy rule a cannot be read: there is no "x"; there are tenant, request, ' +
        'usage, limits, pool, time.',
    });
  });
});

describe('the example file', async () => {
  const file = new URL('../../docs/examples/policy-rules.yaml', import.meta.url);
  const fields = parse(readFileSync(file, 'utf8')) as PolicyFields;
  const rules = await compileRules(policyFromFields(fields));
  const byDay = Date.parse('2026-11-23T12:00:00Z');
  const atNight = Date.parse('2026-11-23T22:00:00Z');
  const onSunday = Date.parse('2026-11-29T12:00:00Z');
  const team = { team: 'web' };
  const interactive = { ...team, mode: 'interactive' };
  const ask = (asked: Partial<Facts>) => rules.onRequest(facts({ labels: team, ...asked }))?.name;
  const cpu = (amount: number) => new Map([['cpu_m', amount]]);
  const ceiling = (subject: object, limit: number | null, used: number) =>
    [{ scope: { subject }, resource: 'cpu_m', limit, used }] as unknown as Facts['ceilings'];

  it('has six rules, of which those on: request refuse before they warn', () => {
    expect(fields.rules.map(({ name, action }) => `${name} ${action}`)).toEqual([
      'team-label reject',
      'gpu-at-night queue',
      'interactive-first reject',
      'large-on-weekends queue',
      'nearly-full warn',
      'release-may-exceed allow',
    ]);
    for (const { message } of fields.rules) expect(message).not.toBeNull();
  });

  it('requires the label of a team, but not in a sandbox', () => {
    const cores = cpu(1);
    expect(ask({ labels: {}, amounts: cores })).toBe('team-label');
    expect(ask({ labels: {}, amounts: cores, tenantLabels: { sandbox: '' } })).toBeUndefined();
    expect(ask({ amounts: cores })).toBeUndefined();
  });

  it('starts GPU jobs at night and on weekends, and interactive ones always', () => {
    expect(ask({ now: byDay })).toBe('gpu-at-night');
    expect(ask({ now: atNight })).toBeUndefined();
    expect(ask({ now: onSunday })).toBeUndefined();
    expect(ask({ now: byDay, labels: interactive })).toBeUndefined();
    expect(ask({ now: byDay, labels: { ...team, mode: 'batch' } })).toBe('gpu-at-night');
    const morning = (time: string) => ask({ now: Date.parse(`2026-11-23T${time}Z`) });
    expect([morning('05:59'), morning('06:00')]).toEqual([undefined, 'gpu-at-night']);
    expect([morning('18:59'), morning('19:00')]).toEqual(['gpu-at-night', undefined]);
  });

  it('keeps a priority above 0 for interactive jobs', () => {
    const amounts = cpu(1);
    expect(ask({ amounts, priority: 1 })).toBe('interactive-first');
    expect(ask({ amounts, priority: 1, labels: interactive })).toBeUndefined();
    expect(ask({ amounts, priority: 0 })).toBeUndefined();
  });

  it('starts jobs for a quarter of the pool on weekends', () => {
    const ceilings = ceiling({ tenant: null, pool: 1 }, 4000, 0);
    expect(ask({ amounts: cpu(1000), ceilings })).toBe('large-on-weekends');
    expect(ask({ amounts: cpu(999), ceilings })).toBeUndefined();
    expect(ask({ amounts: cpu(1000), ceilings, now: onSunday })).toBeUndefined();
    expect(ask({ amounts: cpu(1000) })).toBeUndefined();
  });

  it('warns above 80 per cent of the cores', () => {
    const own = (limit: number | null) => ceiling({ tenant: 1, pool: null }, limit, 7000);
    expect(ask({ amounts: cpu(1000), ceilings: own(10_000) })).toBeUndefined();
    expect(ask({ amounts: cpu(1001), ceilings: own(10_000) })).toBe('nearly-full');
    expect(ask({ amounts: cpu(1001), ceilings: own(null) })).toBeUndefined();
  });

  it('lets releases exceed their limits', () => {
    const allowed = (asked: Partial<Facts>) => rules.onViolation(facts(asked), [violation])?.action;
    expect(allowed({ tenantLabels: { release: '7.2' } })).toBe('allow');
    expect(allowed({})).toBeUndefined();
    const line = [{ ...facts().line[0] }, { key: 2, name: 'release' }] as Facts['line'];
    expect(allowed({ line })).toBe('allow');
  });
});
