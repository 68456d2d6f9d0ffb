import { describe, expect, it } from 'vitest';
import {
  checkPolicy,
  diffPolicies,
  localTimeIn,
  MAX_MESSAGE,
  MAX_RULES,
  noPolicy,
  type Policy,
  type PolicyRule,
} from '../../src/domain/policy.ts';

function rule(name: string, overrides: Partial<PolicyRule> = {}): PolicyRule {
  return { name, on: 'request', when: 'true', action: 'reject', message: null, ...overrides };
}

function policy(...rules: readonly PolicyRule[]): Policy {
  return { timeZone: 'UTC', rules };
}

const saidOf = (checked: Policy) =>
  checkPolicy(checked).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('a policy', () => {
  it('is fine with rules of different names, and without any', () => {
    expect(checkPolicy(noPolicy)).toEqual([]);
    expect(checkPolicy(policy(rule('a'), rule('b2-c', { on: 'violation' })))).toEqual([]);
    expect(checkPolicy(policy(rule('a'.repeat(63))))).toEqual([]);
  });

  it.each(['', 'A', 'a b', '-a', 'a-', '7a', 'a_b', 'a'.repeat(64), 'ä', '__proto__'])(
    'has no rule called %j',
    (name) => {
      const [said = ''] = saidOf(policy(rule(name)));
      expect(said).toContain("rules.0.name: a rule's name has 1 to 63 of a-z, 0-9 and -");
    },
  );

  it('has each name once, and says which rule has it', () => {
    expect(saidOf(policy(rule('a'), rule('b'), rule('a')))).toEqual([
      'rules.2.name: rules[0] has this name already',
    ]);
  });

  it('has a limited number of rules', () => {
    const many = (count: number) =>
      policy(...Array.from({ length: count }, (_, i) => rule(`r${i}`)));
    expect(checkPolicy(many(MAX_RULES))).toEqual([]);
    expect(saidOf(many(MAX_RULES + 1))).toEqual([
      'rules: there are 101 rules, and 100 are the most',
    ]);
  });

  it('allows only what does not fit', () => {
    expect(checkPolicy(policy(rule('a', { on: 'violation', action: 'allow' })))).toEqual([]);
    const [said] = saidOf(policy(rule('a', { action: 'allow' })));
    expect(said).toContain('rules.0.action: allow is for a rule on: violation');
  });

  it('says messages that people can see, and not too long ones', () => {
    const message = (text: string) => saidOf(policy(rule('a', { message: text })));
    expect(message('x'.repeat(MAX_MESSAGE))).toEqual([]);
    expect(message('x'.repeat(MAX_MESSAGE + 1))).toEqual([
      'rules.0.message: a message has at most 300 characters',
    ]);
    for (const text of ['a\nb', '\u001b[31m', 'a\u202eb', '\u0000']) {
      expect(message(text)).toEqual([
        'rules.0.message: a message has no control or invisible characters',
      ]);
    }
  });

  it.each(['UTC', 'Europe/Madrid', 'America/New_York', 'Asia/Kolkata'])(
    'sees the time of day in %s',
    (timeZone) => {
      expect(checkPolicy({ timeZone, rules: [] })).toEqual([]);
    },
  );

  it.each(['', 'Mars/Olympus', 'Europe/Madri', 'x'.repeat(70), '../etc'])(
    'knows no time zone %j',
    (timeZone) => {
      const [said = ''] = saidOf({ timeZone, rules: [] });
      expect(said).toContain('is no time zone; one is written Europe/Madrid');
    },
  );
});

describe('the time of day', () => {
  const madrid = localTimeIn('Europe/Madrid');
  const at = (text: string) => madrid(Date.parse(text));

  it('has hour, minute, date, and a weekday from Monday, 1, to Sunday, 7', () => {
    const monday = { hour: 10, minute: 5, weekday: 1, date: '2026-11-23' };
    expect(at('2026-11-23T09:05:59.999Z')).toEqual(monday);
    expect(at('2026-11-29T09:05:00Z')).toMatchObject({ weekday: 7, date: '2026-11-29' });
  });

  it('is another day where it is past midnight', () => {
    expect(at('2026-11-23T22:59:00Z')).toMatchObject({ hour: 23, minute: 59, weekday: 1 });
    expect(at('2026-11-23T23:00:00Z')).toEqual({
      ...{ hour: 0, minute: 0, weekday: 2, date: '2026-11-24' },
    });
    const kolkata = localTimeIn('Asia/Kolkata')(Date.parse('2026-12-31T18:30:00Z'));
    expect(kolkata).toEqual({ hour: 0, minute: 0, weekday: 5, date: '2027-01-01' });
  });

  it('leaves an hour out when summer time begins, and has one twice when it ends', () => {
    const clock = (text: string) => `${at(text).hour}:${String(at(text).minute).padStart(2, '0')}`;
    expect(clock('2026-03-29T00:59:00Z')).toBe('1:59');
    expect(clock('2026-03-29T01:00:00Z')).toBe('3:00');
    expect(clock('2026-10-25T00:30:00Z')).toBe('2:30');
    expect(clock('2026-10-25T01:30:00Z')).toBe('2:30');
    expect(clock('2026-10-25T02:30:00Z')).toBe('3:30');
    const newYork = localTimeIn('America/New_York');
    expect(newYork(Date.parse('2026-03-08T06:59:00Z')).hour).toBe(1);
    expect(newYork(Date.parse('2026-03-08T07:00:00Z')).hour).toBe(3);
  });

  it('has a leap day', () => {
    expect(at('2028-02-29T12:00:00Z')).toMatchObject({ weekday: 2, date: '2028-02-29' });
  });
});

describe('two policies', () => {
  it('do not differ where they are the same', () => {
    expect(diffPolicies(policy(rule('a')), policy(rule('a')))).toEqual([]);
  });

  it('differ in what was removed, added and changed, and in the zone', () => {
    const before = policy(rule('a'), rule('b'), rule('c'));
    const after = { ...policy(rule('b', { message: 'x' }), rule('c'), rule('d')), timeZone: 'CET' };
    expect(diffPolicies(before, after)).toEqual([
      { rule: null, change: 'time_zone' },
      { rule: 'a', change: 'removed' },
      { rule: 'b', change: 'changed' },
      { rule: 'd', change: 'added' },
    ]);
  });

  it.each([
    { on: 'violation' } as const,
    { when: 'false' },
    { action: 'warn' } as const,
    { message: 'x' },
  ])('differ where a rule has %j', (change) => {
    expect(diffPolicies(policy(rule('a')), policy(rule('a', change)))).toEqual([
      { rule: 'a', change: 'changed' },
    ]);
  });

  it('differ in the order of the rules that both have', () => {
    const moved = [{ rule: null, change: 'moved' }];
    expect(diffPolicies(policy(rule('a'), rule('b')), policy(rule('b'), rule('a')))).toEqual(moved);
    expect(diffPolicies(policy(rule('a'), rule('b')), policy(rule('c'), rule('b')))).toEqual([
      { rule: 'a', change: 'removed' },
      { rule: 'c', change: 'added' },
    ]);
  });
});
