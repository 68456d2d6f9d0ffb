import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approveBurstSession,
  cancelBurst,
  endBurstSession,
  getBurst,
  requestBurstSession,
} from '../../src/service/bursts.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { createToken } from '../../src/service/tokens.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

let hodei: TestService;

beforeEach(async () => {
  hodei = await testService();
  await makeTenant(hodei.call, 'eng');
  await makeTenant(hodei.call, 'acme', { parent: 'eng' });
});

afterEach(() => hodei.close());

const by = (principal: string, more: object = {}): TestService['call'] =>
  hodei.as({ principal, ...more });

async function asked(principal = 'ana'): Promise<string> {
  const wanted = { tenant: 'acme', percentage: 140, reason: 'release week' };
  return (await by(principal)(requestBurstSession, wanted)).id;
}

function require(approval: object): Promise<unknown> {
  return hodei.call(applySettings, { burst_capacity: { approval } });
}

async function token(name: string, owner: string, maker = 'root', more: object = {}) {
  const made = { name, owner, role: 'approver' as const, ...more };
  return (await by(maker)(createToken, made)).id;
}

const stateOf = async (burst: string) => (await hodei.call(getBurst, { burst })).state;

describe('who asked for a session', () => {
  it.each([
    ['under their own name', { principal: 'ana' }],
    ['in other capitals', { principal: 'ANA' }],
    ['in letters that look wider', { principal: 'ａｎａ' }],
    ['with a space around the name', { principal: ' ana ' }],
    ['as somebody else', { principal: 'ana', actingAs: 'ben' }],
    ['in another role', { principal: 'ana', role: 'approver' as const }],
  ])('cannot approve it %s', async (_how, caller) => {
    const burst = await asked();
    const { code, message } = await refusal(hodei.as(caller)(approveBurstSession, { burst }));
    expect(code).toBe('forbidden');
    expect(message).toBe(`ana asked for ${burst}: another person has to agree to it.`);
    expect(await stateOf(burst)).toBe('requested');
  });

  it('cannot approve it by another token of theirs, made by whoever', async () => {
    const [first, second] = [await token('laptop', 'ana'), await token('phone', 'ana')];
    const burst = (
      await by('ana', { token: first })(requestBurstSession, {
        ...{ tenant: 'acme', percentage: 140, reason: 'release week' },
      })
    ).id;
    for (const id of [first, second]) {
      const answer = by('ana', { token: id })(approveBurstSession, { burst });
      expect(await refusal(answer)).toMatchObject({ code: 'forbidden' });
    }
  });

  it('cannot approve it by a token that they made since for a name of their invention', async () => {
    const before = await token('early', 'ben', 'ana');
    hodei.clock.advance(1);
    const burst = await asked();
    hodei.clock.advance(1);
    const since = await token('late', 'zoe', 'ANA');
    const late = by('zoe', { token: since })(approveBurstSession, { burst });
    expect(await refusal(late)).toMatchObject({
      code: 'forbidden',
      message: `ana made the token late after ${burst} was asked for: it does not count as another person.`,
    });
    // Who has had a token for long is somebody.
    await by('ben', { token: before })(approveBurstSession, { burst });
    expect(await stateOf(burst)).toBe('active');
  });

  it('cannot be told from others by a server that asks nobody', async () => {
    const wanted = { tenant: 'acme', percentage: 140, reason: 'release week' };
    const asking = by('anonymous')(requestBurstSession, wanted);
    expect(await refusal(asking)).toMatchObject({ code: 'forbidden' });
    const approving = by('anonymous')(approveBurstSession, { burst: await asked() });
    expect(await refusal(approving)).toMatchObject({ code: 'forbidden' });
  });
});

describe('who approves', () => {
  it('is one of those who are named, in whatever capitals', async () => {
    await require({ approvers: ['Ben', 'cleo'] });
    const burst = await asked();
    expect(await refusal(by('dan')(approveBurstSession, { burst }))).toMatchObject({
      code: 'forbidden',
      message: 'dan is not among those who may approve.',
      hint: 'burst_capacity.approval.approvers names: Ben, cleo.',
    });
    await by('ben')(approveBurstSession, { burst });
    expect(await stateOf(burst)).toBe('active');
  });

  it('has a role that allows it', async () => {
    const burst = await asked();
    for (const role of ['viewer', 'agent'] as const) {
      const answer = by('ben', { role })(approveBurstSession, { burst });
      expect(await refusal(answer)).toMatchObject({ code: 'forbidden' });
    }
    await by('ben', { role: 'approver' })(approveBurstSession, { burst });
  });

  it('is not bound to the tenant itself, but may be to one above it', async () => {
    const burst = await asked();
    const idOf = async (name: string) =>
      (await hodei.store.read((tables) => tables.tenants.byName(name)))?.id ?? '';
    const own = by('ben', { boundTo: await idOf('acme') })(approveBurstSession, { burst });
    expect(await refusal(own)).toMatchObject({
      code: 'forbidden',
      message: 'You are bound to acme: who stands above it agrees to what it is lent.',
    });
    await by('ben', { boundTo: await idOf('eng') })(approveBurstSession, { burst });
    expect(await stateOf(burst)).toBe('active');
  });

  it('counts once, and as many different ones as are required have to', async () => {
    await require({ approvals_required: 2 });
    const burst = await asked();
    for (const name of ['ben', 'ben', 'BEN']) await by(name)(approveBurstSession, { burst });
    expect(await hodei.call(getBurst, { burst })).toMatchObject({
      state: 'requested',
      approvals: [{ principal: 'ben' }],
      approvals_required: 2,
      decided_by: null,
    });
    hodei.clock.advance(1);
    const since = await token('late', 'zoe', 'ben');
    const again = by('zoe', { token: since })(approveBurstSession, { burst });
    expect(await refusal(again)).toMatchObject({ code: 'forbidden' });
    await by('cleo')(approveBurstSession, { burst });
    expect(await stateOf(burst)).toBe('active');
    const events = (await hodei.events()).filter(({ object }) => object === burst);
    expect(events.map(({ operation, principal }) => `${operation} ${principal}`)).toEqual([
      'burst.request ana',
      'burst.approve ben',
      'burst.approve cleo',
      'burst.begin cleo',
    ]);
  });

  it('of two who race, the first has approved, and the second reads how it stands', async () => {
    const burst = await asked();
    const answers = await Promise.allSettled(
      ['ben', 'cleo'].map((name) => by(name)(approveBurstSession, { burst })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await refusal(by('dan')(approveBurstSession, { burst }))).toMatchObject({
      code: 'conflict',
      message: `${burst} is active, and cannot be approved.`,
    });
    // Who repeats what was done is told that it is.
    const approver = (await hodei.call(getBurst, { burst })).approvals[0]?.principal ?? '';
    expect(await by(approver)(approveBurstSession, { burst })).toMatchObject({ state: 'active' });
    expect((await hodei.call(getBurst, { burst })).approvals).toHaveLength(1);
  });
});

describe('the bounds of the privilege', () => {
  it('hold at the approval too: what was asked for earlier may be too much by then', async () => {
    const [first, second] = [await asked(), await asked()];
    await by('ben')(approveBurstSession, { burst: first });
    expect(await refusal(by('ben')(approveBurstSession, { burst: second }))).toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('The next one can begin at 2026-11-23T10:15:00Z'),
    });
    expect(await stateOf(second)).toBe('requested');
  });

  it('hold where the limit was lowered since', async () => {
    const wanted = { tenant: 'acme', add: { cpu_m: 2000 }, reason: 'release week' };
    const { id: burst } = await hodei.call(requestBurstSession, wanted);
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 3000 });
    expect(await refusal(by('ben')(approveBurstSession, { burst }))).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('can be lent up to 150 % of it: 4.5 cores'),
    });
    expect(await stateOf(burst)).toBe('requested');
  });

  it('are of all tenants together, and of each on a day', async () => {
    await hodei.call(applySettings, {
      burst_capacity: {
        ...{ max_concurrent_burst_sessions: 1, max_per_tenant_per_day: 2 },
        burst_cooldown_minutes: 0,
      },
    });
    await by('ben')(approveBurstSession, { burst: await asked() });
    await makeTenant(hodei.call, 'beta');
    const wanted = { percentage: 140, reason: 'release week' };
    const crowd = hodei.call(requestBurstSession, { ...wanted, tenant: 'beta' });
    expect(await refusal(crowd)).toMatchObject({
      message:
        'At that time there are as many sessions as there may be: 1 (max_concurrent_burst_sessions).',
    });
    const at = (time: string) => ({ ...wanted, tenant: 'acme', starts_at: time });
    const later = await hodei.call(requestBurstSession, at('2026-11-23T20:00:00Z'));
    await by('ben')(approveBurstSession, { burst: later.id });
    const third = hodei.call(requestBurstSession, at('2026-11-23T23:59:59Z'));
    expect(await refusal(third)).toMatchObject({
      message:
        'acme has as many sessions that begin on 2026-11-23 (UTC) as it may: 2 (max_per_tenant_per_day).',
    });
    await hodei.call(requestBurstSession, at('2026-11-24T00:00:00Z'));
  });

  it('do not let anybody pile up requests', async () => {
    for (let i = 0; i < 5; i++) await asked();
    const wanted = { tenant: 'acme', percentage: 140, reason: 'release week' };
    expect(await refusal(hodei.call(requestBurstSession, wanted))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(
        'acme has as many unanswered requests as it may have sessions in a day: 5',
      ),
    });
  });
});

it('an agent takes back and ends only what it asked for itself', async () => {
  const agent = { role: 'agent' as const };
  const wanted = { tenant: 'acme', percentage: 140, reason: 'release week' };
  const burst = await asked();
  const foreign = by('runner', agent)(cancelBurst, { burst });
  expect(await refusal(foreign)).toMatchObject({ code: 'forbidden' });
  const { id } = await by('runner', agent)(requestBurstSession, wanted);
  await by('ben')(approveBurstSession, { burst: id });
  expect(await by('runner', agent)(endBurstSession, { burst: id })).toMatchObject({
    state: 'ended',
  });
});

it('a session wants a reason, and is refused where bursts are switched off', async () => {
  const wanted = { tenant: 'acme', percentage: 140 };
  const message = 'A session wants a reason: who shall agree to it reads it.';
  expect(await refusal(hodei.call(requestBurstSession, wanted))).toMatchObject({ message });
  const said = hodei.as({ reason: 'release week' });
  expect(await said(requestBurstSession, wanted)).toMatchObject({ reason: 'release week' });
  await hodei.call(applySettings, { burst_capacity: { enabled: false } });
  expect(await refusal(said(requestBurstSession, wanted))).toMatchObject({
    code: 'invalid',
    message: 'Burst capacity is switched off.',
  });
});
