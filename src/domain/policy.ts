import { nameProblem } from './name.ts';
import { isPrintable } from './text.ts';

/** When a rule is asked: of every request, or of one that does not fit. */
export const policyMoments = ['request', 'violation'] as const;

export type PolicyMoment = (typeof policyMoments)[number];

/** What a rule does with what it matches. */
export const policyActions = ['allow', 'reject', 'queue', 'burst', 'warn'] as const;

export type PolicyAction = (typeof policyActions)[number];

/** One rule of the ordered list; the first that matches at a moment acts. */
export interface PolicyRule {
  readonly name: string;
  readonly on: PolicyMoment;
  /** An expression of the Common Expression Language that is true or false. */
  readonly when: string;
  readonly action: PolicyAction;
  /** What the caller is told. */
  readonly message: string | null;
}

/** All rules, in their order, and the zone in which they see the time of day. */
export interface Policy {
  readonly timeZone: string;
  readonly rules: readonly PolicyRule[];
}

export const noPolicy: Policy = { timeZone: 'UTC', rules: [] };

/** A rule that matched, and what it does. */
export type Verdict = Pick<PolicyRule, 'name' | 'action' | 'message'>;

export const MAX_RULES = 100;
export const MAX_MESSAGE = 300;

/** Something that is wrong in a policy document, and where. */
export interface PolicyProblem {
  /** Of the value: `['rules', 2, 'when']`. */
  readonly path: readonly (string | number)[];
  /** Where in that value, counted in characters from 0. */
  readonly offset?: number | undefined;
  /** The key itself is wrong, not what it has. */
  readonly isKey?: boolean;
  readonly message: string;
}

/** What is wrong with a policy beside its expressions. */
export function checkPolicy({ timeZone, rules }: Policy): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  if (!isTimeZone(timeZone)) {
    const message = `"${timeZone.slice(0, 64)}" is no time zone; one is written Europe/Madrid`;
    problems.push({ path: ['time_zone'], message });
  }
  if (rules.length > MAX_RULES) {
    const message = `there are ${rules.length} rules, and ${MAX_RULES} are the most`;
    problems.push({ path: ['rules'], message });
  }
  const places = new Map<string, number>();
  for (const [index, rule] of rules.entries()) {
    const add = (field: string, message: string | undefined) => {
      if (message !== undefined) problems.push({ path: ['rules', index, field], message });
    };
    add('name', nameProblem("a rule's name", rule.name) ?? twice(places.get(rule.name)));
    add('action', actionProblem(rule));
    add('message', messageProblem(rule.message));
    places.set(rule.name, places.get(rule.name) ?? index);
  }
  return problems;
}

function twice(earlier: number | undefined): string | undefined {
  return earlier === undefined ? undefined : `rules[${earlier}] has this name already`;
}

function actionProblem({ on, action }: PolicyRule): string | undefined {
  if ((action !== 'allow' && action !== 'burst') || on === 'violation') return undefined;
  return `${action} is for a rule on: violation: a request that fits needs nobody to ${action === 'allow' ? 'allow it' : 'lend it anything'}`;
}

function messageProblem(message: string | null): string | undefined {
  if (message === null) return undefined;
  if (message.length > MAX_MESSAGE) return `a message has at most ${MAX_MESSAGE} characters`;
  return isPrintable(message) ? undefined : 'a message has no control or invisible characters';
}

function isTimeZone(name: string): boolean {
  try {
    return name.length <= 64 && calendarOf(name).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The time of day as a rule sees it. */
export interface LocalTime {
  readonly hour: number;
  readonly minute: number;
  /** 1 is Monday, 7 is Sunday. */
  readonly weekday: number;
  /** `2026-11-23` */
  readonly date: string;
}

/** Reads moments (epoch milliseconds) in a time zone, with its summer time. */
export function localTimeIn(timeZone: string): (time: number) => LocalTime {
  const calendar = calendarOf(timeZone);
  return (time) => {
    const parts = new Map(calendar.formatToParts(time).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
    const date = `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
    return {
      hour: Number(part('hour')),
      minute: Number(part('minute')),
      weekday: new Date(`${date}T00:00:00Z`).getUTCDay() || 7,
      date,
    };
  };
}

function calendarOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  });
}

/** What became of a rule (null: of the list or its zone). */
export interface PolicyChange {
  readonly rule: string | null;
  readonly change: 'added' | 'changed' | 'removed' | 'moved' | 'time_zone';
}

/** Everything in which two policies differ; nothing where they are the same. */
export function diffPolicies(before: Policy, after: Policy): PolicyChange[] {
  const changes: PolicyChange[] = [];
  if (before.timeZone !== after.timeZone) changes.push({ rule: null, change: 'time_zone' });
  const old = new Map(before.rules.map((rule) => [rule.name, rule]));
  const kept = new Set(after.rules.map(({ name }) => name));
  for (const { name } of before.rules) {
    if (!kept.has(name)) changes.push({ rule: name, change: 'removed' });
  }
  for (const rule of after.rules) {
    const earlier = old.get(rule.name);
    if (earlier === undefined) changes.push({ rule: rule.name, change: 'added' });
    else if (!isSameRule(earlier, rule)) changes.push({ rule: rule.name, change: 'changed' });
  }
  const orderBefore = before.rules.filter(({ name }) => kept.has(name));
  const orderAfter = after.rules.filter(({ name }) => old.has(name));
  const isMoved = orderBefore.some(({ name }, i) => name !== orderAfter[i]?.name);
  return isMoved ? [...changes, { rule: null, change: 'moved' }] : changes;
}

function isSameRule(a: PolicyRule, b: PolicyRule): boolean {
  return a.on === b.on && a.when === b.when && a.action === b.action && a.message === b.message;
}
