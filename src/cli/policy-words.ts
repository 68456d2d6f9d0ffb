import type { PolicyChange } from '../domain/policy.ts';
import type { PolicyView, PolicyTestView } from '../service/policies.ts';
import type { Listing } from './render.ts';
import { count, sayList } from './words.ts';

type Rule = PolicyView['rules'][number];

export const ruleListing: Listing<Rule> = {
  name: ({ name }) => name,
  columns: [
    { header: 'NAME', text: ({ name }) => name },
    { header: 'ON', text: ({ on }) => on },
    {
      header: 'WHEN',
      text: ({ when }) => when.replace(/\s+/g, ' '),
      value: ({ when }) => when,
    },
    { header: 'ACTION', text: ({ action }) => action },
    { header: 'MESSAGE', text: ({ message }) => message ?? '-', value: ({ message }) => message },
  ],
};

/** The rules for somebody who reads: an expression has lines of its own, as it was written. */
export function sayRules(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ name, on, when, action, message }, i) => [
    ...(i === 0 ? [] : ['']),
    `${name}  on ${on}: ${action}`,
    ...when.split('\n').map((line) => `    ${line}`),
    ...(message === null ? [] : [`  says "${message}"`]),
  ]);
}

type TestedRule = PolicyTestView['rules'][number];

const outcomes: Readonly<Record<TestedRule['outcome'], string>> = {
  fired: 'acts',
  preceded: 'matches',
  false: 'no',
  error: 'error',
  not_asked: 'not asked',
};

export const testListing: Listing<TestedRule> = {
  name: ({ name }) => name,
  columns: [
    { header: 'RULE', text: ({ name }) => name },
    { header: 'ON', text: ({ on }) => on },
    { header: 'ACTION', text: ({ action }) => action },
    {
      header: 'OUTCOME',
      text: ({ outcome }) => outcomes[outcome],
      value: ({ outcome }) => outcome,
      isAlarming: ({ outcome }) => outcome === 'error',
    },
    { header: 'WHY', text: ({ outcome, detail }) => sayWhy(outcome, detail) },
  ],
};

function sayWhy(outcome: TestedRule['outcome'], detail: string): string {
  if (outcome === 'fired') return 'the first that matches';
  return outcome === 'error' ? `error: ${detail}` : detail;
}

const verbs = [
  ['added', 'Added', 'Would add'],
  ['changed', 'Changed', 'Would change'],
  ['removed', 'Removed', 'Would remove'],
] as const;

/** What became of which rule, and what is in force now. */
export function sayChanges(
  policy: Pick<PolicyView, 'revision' | 'rules' | 'time_zone'>,
  changes: readonly PolicyChange[],
  isDryRun: boolean,
): string[] {
  if (changes.length === 0) return [`Nothing to change: ${sayInForce(policy)}.`];
  const sentences: string[] = verbs.flatMap(([change, done, would]) => {
    const names = changes.flatMap((each) => (each.change === change ? (each.rule ?? []) : []));
    return names.length === 0 ? [] : [`${isDryRun ? would : done} ${sayList(names)}.`];
  });
  const order = policy.rules.map(({ name }) => name);
  const verb = isDryRun ? 'would be' : 'is now';
  if (changes.some(({ change }) => change === 'moved')) {
    sentences.push(`The order ${verb} ${order.join(', ')}.`);
  }
  if (changes.some(({ change }) => change === 'time_zone')) {
    sentences.push(`The time of day ${verb} that of ${policy.time_zone}.`);
  }
  return [...sentences, isDryRun ? 'Nothing was changed.' : `In force: ${sayInForce(policy)}.`];
}

function sayInForce({
  revision,
  rules,
  time_zone: zone,
}: Pick<PolicyView, 'revision' | 'rules' | 'time_zone'>): string {
  if (rules.length === 0) return `no rules (revision ${revision})`;
  return `${count(rules.length, 'rule')}, in the time of ${zone} (revision ${revision})`;
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** What the rules do to the request, in sentences. */
export function sayTest({ time, fired, violations, rules }: PolicyTestView): string[] {
  const two = (part: number) => String(part).padStart(2, '0');
  const clock = `${two(time.hour)}:${two(time.minute)}`;
  const when = `${weekdays[time.weekday - 1] ?? ''} ${time.date} ${clock} in ${time.zone}`;
  const codes = violations.map(({ code }) => code);
  if (codes.includes('suspended')) {
    return [
      `On ${when}:`,
      'it is rejected before any rule is asked, since its tenant is suspended',
    ];
  }
  const sentences = [`On ${when}:`, `on request: ${sayVerdict(fired.request)}`];
  if (!rules.some(({ on }) => on === 'violation')) return sentences;
  const isDecided = fired.request !== null && fired.request.action !== 'warn';
  if (isDecided) return [...sentences, 'on violation: not asked, since that decides it'];
  if (violations.length === 0) return [...sentences, 'on violation: not asked, since it fits'];
  if (codes.includes('impossible')) {
    return [...sentences, 'on violation: not asked, since it can never fit'];
  }
  return [...sentences, `on violation: ${sayVerdict(fired.violation)}`];
}

function sayVerdict(verdict: PolicyTestView['fired']['request']): string {
  if (verdict === null) return 'no rule acts';
  const { rule, action, message } = verdict;
  const said = message === null ? '' : `, and says "${message}"`;
  return `${rule} acts: ${actions[action]}${said}`;
}

const actions = {
  allow: 'it starts above limits',
  reject: 'it is rejected',
  queue: 'it waits in the queue',
  burst: 'capacity is lent to it, where nobody has to agree to that',
  warn: 'it goes on with a warning',
} as const;
