import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { deletePolicy, listPolicies, setPolicies, testPolicy } from '../../src/service/policies.ts';
import { rulesInForce } from '../../src/service/policy-rules.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

type Rule = z.input<ReturnType<typeof setPolicies.input>>['rules'][number];

function rule(name: string, overrides: Partial<Rule> = {}): Rule {
  return { name, on: 'request', when: 'true', action: 'reject', ...overrides };
}

const onViolation = { on: 'violation' } as const;

describe.each(doors)('a policy ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const set = (...rules: readonly Rule[]) => call(setPolicies, { rules: [...rules] });
  const names = async () => (await call(listPolicies, {})).rules.map(({ name }) => name);

  it('has no rules at first', async () => {
    expect(await call(listPolicies, {})).toEqual({
      ...{ time_zone: 'UTC', rules: [], revision: 0, applied_at: null },
    });
  });

  it('is set as a whole, in its order, and answers what changed', async () => {
    const first = await call(setPolicies, {
      time_zone: 'Europe/Madrid',
      rules: [rule('b', { when: ' time.hour > 3\n', message: 'At night.' }), rule('a')],
    });
    expect(first).toEqual({
      time_zone: 'Europe/Madrid',
      rules: [
        {
          ...{ name: 'b', on: 'request', when: 'time.hour > 3', action: 'reject' },
          message: 'At night.',
        },
        { name: 'a', on: 'request', when: 'true', action: 'reject', message: null },
      ],
      ...{ revision: 1, applied_at: '2026-11-23T09:00:00.000Z' },
      changes: [
        { rule: null, change: 'time_zone' },
        { rule: 'b', change: 'added' },
        { rule: 'a', change: 'added' },
      ],
    });
    const { changes: _, ...listed } = first;
    expect(await call(listPolicies, {})).toEqual(listed);
    const second = await call(setPolicies, { time_zone: 'Europe/Madrid', rules: [rule('a')] });
    expect(second).toMatchObject({ revision: 2, changes: [{ rule: 'b', change: 'removed' }] });
  });

  it('takes back what a list answered, and changes nothing then', async () => {
    const { revision } = await set(rule('a'), rule('b', onViolation));
    const events = await hodei.events();
    const again = await call(setPolicies, await call(listPolicies, {}));
    expect(again).toMatchObject({ revision, changes: [] });
    expect(await hodei.events()).toEqual(events);
  });

  it('leaves one event with what changed, and nothing of what did not', async () => {
    await set(rule('a'), rule('b'));
    await set(rule('a'), rule('b', { when: 'false' }), rule('c'));
    const event = (await hodei.events()).at(-1);
    expect(event).toMatchObject({ operation: 'policy.set', object: 'policy', tenant: null });
    const b = { name: 'b', on: 'request', when: 'true', action: 'reject', message: null };
    expect(JSON.parse(event?.before ?? '')).toEqual({ b });
    expect(JSON.parse(event?.after ?? '')).toEqual({
      ...{ b: { ...b, when: 'false' }, c: { ...b, name: 'c' } },
    });
  });

  it('is refused with every problem, and where it stands', async () => {
    await set(rule('old'));
    const sent = set(
      rule('Big'),
      rule('b', { when: 'tenant.nam == "x"' }),
      rule('c', { when: 'true\n  && request.priority > "a"' }),
      rule('d', { when: '"gpu" in violations.resources' }),
      rule('d', { action: 'allow' }),
      rule('e', { action: 'burst' }),
    );
    const { code, message } = await refusal(sent);
    expect(code).toBe('invalid');
    expect(message.split('; ').map((each) => each.replace(/: .*/, ''))).toEqual([
      'rules[0].name',
      'rules[4].name',
      'rules[4].action',
      'rules[5].action',
      'rules[1].when, column 8',
      'did you mean name?',
      'rules[2].when, line 2, column 6',
      'rules[3].when, column 10',
    ]);
    expect(await names()).toEqual(['old']);
  });

  it.each([
    [{ rules: [{ ...rule('a'), wen: 'x' }] }, /wen/],
    [{ rules: [{ name: 'a' }] }, /rules\.0\.on/],
    [{ rules: [{ ...rule('a'), on: 'never' }] }, /request or violation/],
    [{ rules: [{ ...rule('a'), action: 'log' }] }, /allow, reject, queue, burst or warn/],
    [{ rules: 'a' }, /a list of rules/],
    [{}, /rules/],
    [{ rules: [], time_zone: 'Mars/Olympus' }, /no time zone/],
    [{ rules: Array.from({ length: 101 }, (_, i) => rule(`r${i}`)) }, /100 are the most/],
  ])('is refused where its shape is wrong (%#)', async (document, said) => {
    const { code, message } = await refusal(call(setPolicies, document as { rules: Rule[] }));
    expect(code).toBe('invalid');
    expect(message).toMatch(said);
  });

  it('takes as many rules as there may be, each as long as it may be', async () => {
    const when = `true${' '.repeat(1_989)}&& true`;
    const message = 'x'.repeat(300);
    const rules = Array.from({ length: 100 }, (_, i) => rule(`r${i}`, { when, message }));
    expect((await set(...rules)).rules).toHaveLength(100);
  });

  it('is changed only at the version that was seen', async () => {
    await set(rule('a'));
    const stale = { ifVersion: 0 };
    expect(await refusal(call(setPolicies, { rules: [] }, stale))).toMatchObject({
      ...{ code: 'stale_version', message: 'The policy is at version 1, not 0.' },
    });
    expect((await refusal(call(deletePolicy, { rule: 'a' }, stale))).code).toBe('stale_version');
    await call(deletePolicy, { rule: 'a' }, { ifVersion: 1 });
  });

  it('is not changed by a dry run', async () => {
    await set(rule('a'));
    const dry = { dryRun: true };
    const answer = await call(setPolicies, { rules: [rule('b')] }, dry);
    expect(answer).toMatchObject({ revision: 2, rules: [{ name: 'b' }] });
    await call(deletePolicy, { rule: 'a' }, dry);
    expect(await names()).toEqual(['a']);
  });

  it('loses one rule, and keeps the others in their order', async () => {
    await set(rule('a'), rule('gpu-at-night'), rule('c'));
    expect(await refusal(call(deletePolicy, { rule: 'gpu-at-nigh' }))).toEqual({
      ...{ code: 'not_found', message: 'Policy rule not found: gpu-at-nigh' },
      hint: 'Did you mean gpu-at-night?',
    });
    await call(deletePolicy, { rule: 'gpu-at-night' });
    expect(await names()).toEqual(['a', 'c']);
    expect((await refusal(call(deletePolicy, { rule: 'gpu-at-night' }))).hint).toBe(
      'See which there are: hodei policy list',
    );
    const event = (await hodei.events()).at(-1);
    expect(event).toMatchObject({
      operation: 'policy.delete',
      object: 'gpu-at-night',
      after: null,
    });
    expect(JSON.parse(event?.before ?? '')).toMatchObject({ name: 'gpu-at-night', when: 'true' });
  });

  describe('tested', () => {
    const test = (rules: readonly Rule[] | undefined, asked: object = { gpu: 1 }) =>
      call(testPolicy, { tenant: 'acme', ...(rules && { rules: [...rules] }), ...asked });

    it('names the first rule that matches, and why no other one acts', async () => {
      await makeTenant(call, 'acme', { quota: { gpu: 4 } });
      const answer = await test([
        rule('no', { when: 'request.resources.gpu > 1' }),
        rule('broken', { when: 'request.labels.team == "x"' }),
        rule('first', { action: 'queue', message: 'Later.' }),
        rule('second'),
        rule('other', { ...onViolation, action: 'allow' }),
      ]);
      expect(answer).toMatchObject({
        ...{ tenant: 'acme', pool: 'default', violations: [] },
        time: { zone: 'UTC', date: '2026-11-23', hour: 9, minute: 0, weekday: 1 },
        fired: {
          request: { rule: 'first', action: 'queue', message: 'Later.' },
          violation: null,
        },
      });
      const said = answer.rules.map(({ name, matched, outcome, detail }) => {
        return [name, matched, outcome, detail];
      });
      const notAsked =
        'asked only where a request does not fit, and no rule on: request decided it';
      expect(said).toEqual([
        ['no', false, 'false', 'request.resources.gpu > 1 is false: request.resources.gpu is 1'],
        ['broken', false, 'error', 'no such key: team'],
        ['first', true, 'fired', ''],
        ['second', true, 'preceded', 'it matches, but first acted before it'],
        ['other', false, 'not_asked', notAsked],
      ]);
    });

    it('asks rules on: violation where something stands against it, also after a warning', async () => {
      await makeTenant(call, 'acme', { quota: { gpu: 4 } });
      await admit(call, 'acme', { gpu: 4 });
      const allow = rule('b', {
        ...onViolation,
        action: 'allow',
        when: '"gpu" in violations.resources',
      });
      const answer = await test([allow, rule('a', { action: 'warn' })]);
      expect(answer.fired).toEqual({
        request: { rule: 'a', action: 'warn', message: null },
        violation: { rule: 'b', action: 'allow', message: null },
      });
      expect(answer.rules.map(({ name }) => name)).toEqual(['b', 'a']);
      expect(answer.violations).toMatchObject([
        { code: 'over_quota', resource: 'gpu', over_by: 1 },
      ]);
      const decided = await test([allow, rule('a')]);
      expect(decided.fired).toMatchObject({ request: { rule: 'a' }, violation: null });
    });

    it('asks no rule on: violation of what can never fit, or is suspended', async () => {
      await makeTenant(call, 'acme', { quota: { gpu: 4 } });
      const rules = [rule('a', { ...onViolation, action: 'allow' })];
      const impossible = await test(rules, { gpu: 5 });
      expect(impossible).toMatchObject({
        fired: { violation: null },
        violations: [{ code: 'impossible' }],
      });
      await call(suspendTenant, { tenant: 'acme' });
      const suspended = await test(rules);
      expect(suspended).toMatchObject({
        fired: { violation: null },
        violations: [{ code: 'suspended' }],
      });
    });

    it('takes the rules in force where none are sent, and another time of day', async () => {
      await makeTenant(call, 'acme');
      expect(await test(undefined, { cpu_m: 1 })).toMatchObject({
        rules: [],
        fired: { request: null },
      });
      await call(setPolicies, {
        time_zone: 'Asia/Tokyo',
        rules: [rule('night', { when: 'time.hour >= 20 || time.hour < 7' })],
      });
      const by = async (at: string) =>
        (await test(undefined, { cpu_m: 1, at })).fired.request?.rule;
      expect(await by('2026-11-23T10:59:00Z')).toBeUndefined();
      expect(await by('2026-11-23T11:00:00Z')).toBe('night');
      expect(await by('2026-11-23T20:00:00+09:00')).toBe('night');
    });

    it('leaves nothing behind', async () => {
      await makeTenant(call, 'acme');
      const events = await hodei.events();
      await test([rule('a')], { cpu_m: 1, job_id: 'x' });
      await refusal(test([rule('a', { when: 'x' })], { cpu_m: 1 }));
      expect(await hodei.events()).toEqual(events);
      expect(await names()).toEqual([]);
    });

    it('refuses a request and rules that are wrong', async () => {
      await makeTenant(call, 'acme');
      expect((await refusal(test([], { gpus: 1 }))).message).toBe('There is no resource "gpus".');
      expect((await refusal(test([], { gpu: 1, tenant: 'acm' }))).code).toBe('not_found');
      expect((await refusal(test([rule('a', { when: 'x' })], { cpu_m: 1 }))).message).toContain(
        'rules[0].when, column 1: there is no "x"',
      );
    });
  });

  it('is not there for admission where it has no rules', async () => {
    const { store } = hodei;
    expect(await store.read(rulesInForce)).toBeUndefined();
    await set(rule('a'));
    const rules = await store.read(rulesInForce);
    expect(rules).toBeDefined();
    expect(await store.read(rulesInForce)).toBe(rules);
    await call(deletePolicy, { rule: 'a' });
    expect(await store.read(rulesInForce)).toBeUndefined();
  });
});
