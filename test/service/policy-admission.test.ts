import { describe, expect, it } from 'vitest';
import type { PolicyRule } from '../../src/domain/policy.ts';
import { listAudit } from '../../src/service/events.ts';
import { explainJob } from '../../src/service/explain.ts';
import { checkJob, getJob, releaseJob } from '../../src/service/jobs.ts';
import { deletePolicy, setPolicies } from '../../src/service/policies.ts';
import { createPool } from '../../src/service/pools.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { makeTenant } from '../helpers/tenant.ts';

type Rule = Partial<PolicyRule> & Pick<PolicyRule, 'action' | 'when'>;

describe.each(doors)('rules of a policy ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  /** Rules in this order; what is not said is: on a request, without a message, named by place. */
  async function setRules(...rules: Rule[]): Promise<void> {
    const full = rules.map((rule, i) => ({ name: `rule-${i}`, on: 'request' as const, ...rule }));
    await call(setPolicies, { time_zone: 'UTC', rules: full });
  }

  it('refuse what one of them rejects, in admission and in a check, and say which it was', async () => {
    await makeTenant(call, 'acme');
    await setRules({
      ...{ name: 'needs-team', action: 'reject', message: 'name your team' },
      when: '!("team" in request.labels)',
    });
    const refused = await admit(call, 'acme');
    expect(refused).toMatchObject({
      ...{ state: 'rejected', code: 'policy', retryable: false },
      rule: { name: 'needs-team', action: 'reject', message: 'name your team' },
      violations: [{ scope: { tenant: 'acme', pool: null }, code: 'policy', limit: null }],
      error: 'Rejected for acme: name your team (policy rule needs-team)',
    });
    expect(await call(checkJob, { tenant: 'acme', cpu_m: 1000 })).toMatchObject({
      ...{ state: 'rejected', rule: { name: 'needs-team' } },
    });
    expect(await admit(call, 'acme', { cpu_m: 1, labels: { team: 'web' } })).toMatchObject({
      state: 'admitted',
    });
  });

  it('act in their order, and only the first that matches', async () => {
    await makeTenant(call, 'acme');
    await setRules(
      { action: 'warn', when: 'request.priority > 5', message: 'hurry' },
      { action: 'reject', when: 'request.priority > 0' },
    );
    const urgent = await admit(call, 'acme', { cpu_m: 1, priority: 9 });
    expect(urgent).toMatchObject({ state: 'admitted', rule: { action: 'warn', message: 'hurry' } });
    expect(await admit(call, 'acme', { cpu_m: 1, priority: 3 })).toMatchObject({
      ...{ state: 'rejected', rule: { name: 'rule-1' } },
    });
    expect(await admit(call, 'acme', { cpu_m: 1 })).not.toHaveProperty('rule');
  });

  it('decide nothing where they only warn, and are not said to have decided', async () => {
    await makeTenant(call, 'acme');
    await setRules({ name: 'mind', action: 'warn', when: 'true' });
    await admit(call, 'acme', { cpu_m: 4000 });
    const waiting = await enqueue(call, 'acme', { cpu_m: 1 });
    const { then } = await call(explainJob, { job: idOf(waiting) });
    expect(then?.decided_by).toBe('on_full');
  });

  it('are named, with what they say, where a job is explained that they hold back', async () => {
    await makeTenant(call, 'acme');
    await setRules({ name: 'later', action: 'queue', when: 'true', message: 'at night only' });
    const held = await admit(call, 'acme', { cpu_m: 1 });
    const { now } = await call(explainJob, { job: idOf(held) });
    expect(now).toMatchObject({
      ...{ code: 'policy', rule: { name: 'later', message: 'at night only' } },
    });
  });

  it('hold a job back though there is room, until they say otherwise', async () => {
    await makeTenant(call, 'acme');
    await setRules({ name: 'at-night', action: 'queue', when: 'time.hour < 22' });
    const held = await admit(call, 'acme', { cpu_m: 1, on_full: 'reject' });
    expect(held).toMatchObject({ state: 'queued', code: 'policy', rule: { name: 'at-night' } });
    // 09:00 + 12 h 59 min, and then past 22:00; the write itself has nothing to do with it.
    hodei.clock.advance((12 * 60 + 59) * 60_000);
    await makeTenant(call, 'b');
    expect(await call(getJob, { job: idOf(held) })).toMatchObject({ state: 'queued' });
    hodei.clock.advance(2 * 60_000);
    await makeTenant(call, 'c');
    expect(await call(getJob, { job: idOf(held) })).toMatchObject({ state: 'admitted' });
  });

  it('let go whom they held back as soon as they are changed or deleted', async () => {
    await makeTenant(call, 'acme');
    await setRules({ name: 'never', action: 'queue', when: 'true' });
    const held = await admit(call, 'acme', { cpu_m: 1 });
    await call(deletePolicy, { rule: 'never' });
    expect(await call(getJob, { job: idOf(held) })).toMatchObject({ state: 'admitted' });
  });

  it('hold back too who has waited for room, and whom only a rule keeps then', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'full' });
    const waiting = await enqueue(call, 'acme', { cpu_m: 1, priority: 1 });
    await setRules({ name: 'calm', action: 'queue', when: 'request.priority > 0' });
    await call(releaseJob, { job: 'acme:full' });
    expect(await call(getJob, { job: idOf(waiting) })).toMatchObject({ state: 'queued' });
    await call(deletePolicy, { rule: 'calm' });
    expect(await call(getJob, { job: idOf(waiting) })).toMatchObject({ state: 'admitted' });
  });

  it('admit above limits where one allows it, with a mark and an event that says so', async () => {
    await makeTenant(call, 'acme');
    await setRules({ name: 'release', on: 'violation', action: 'allow', when: 'true' });
    await admit(call, 'acme', { cpu_m: 4000 });
    const over = await admit(call, 'acme', { cpu_m: 3000 });
    expect(over).toMatchObject({ state: 'admitted', mark: 'override', rule: { name: 'release' } });
    const { items } = await call(listAudit, { operation: 'job.admit', limit: 1 });
    expect(items[0]?.after).toMatchObject({ rule: 'release' });
    // What could not even run alone stays impossible.
    expect(await admit(call, 'acme', { cpu_m: 5000 })).toMatchObject({ code: 'impossible' });
  });

  it('never admit above what a pool has', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: null } });
    await call(createPool, { id: 'farm', resources: { cpu_m: 1000 } });
    await setRules({ on: 'violation', action: 'allow', when: 'true' });
    await admit(call, 'acme', { cpu_m: 600, pool: 'farm' });
    expect(await admit(call, 'acme', { cpu_m: 600, pool: 'farm' })).toMatchObject({
      ...{ state: 'rejected', code: 'over_capacity' },
    });
  });

  it('decide instead of the caller what becomes of a request that does not fit', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    await setRules(
      { on: 'violation', action: 'reject', when: '"gpu" in violations.resources' },
      { on: 'violation', action: 'queue', when: '"over_quota" in violations.codes' },
    );
    expect(await admit(call, 'acme', { cpu_m: 1, on_full: 'reject' })).toMatchObject({
      ...{ state: 'queued', rule: { name: 'rule-1' } },
    });
  });

  it('that cannot be evaluated for a request do not stop it', async () => {
    await makeTenant(call, 'acme');
    await setRules({ action: 'reject', when: 'request.labels.team == "web"' });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({ state: 'admitted' });
  });
});
