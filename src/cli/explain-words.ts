import { scopeText } from '../domain/ceiling.ts';
import { formatDuration } from '../domain/duration.ts';
import { splitAmount } from '../domain/quantity.ts';
import { sayNeed, sayNeeds, sayPlace, sayReasons } from './decision-words.ts';
import { beside, labelled, labelledOnce, sayStand } from './explain-facts.ts';
import { sayLine, sayMoves } from './line-words.ts';
import { saysBurst, saysRaises } from './raise-words.ts';
import { sayJob } from './job-words.ts';
import type { Explanation, Fact, Story } from './story.ts';
import { sayList, sayMoment } from './words.ts';

type Now = NonNullable<Explanation['now']>;

/** Of a job or a decision. */
export function storyOf(explanation: Explanation, now: number): Story {
  const { then } = explanation;
  return {
    answer: sayAnswer(explanation, now),
    facts: [
      [...need(explanation), ...lacks(explanation), ...fits(explanation)],
      [...past(explanation, now)],
      [
        ...holders(explanation, now),
        ...sayLine(explanation),
        ...labelled('decided by', then === null ? [] : [then.decided_by]),
      ],
    ],
    wayOut: [...sayWayOut(explanation), ...sayMoves(explanation)],
  };
}

function sayAnswer(explanation: Explanation, now: number): string {
  const { kind, tenant, then, state, pool, position } = explanation;
  if (kind === 'decision') {
    const again = then === null || then.times === 1 ? '' : ` (${then.times} times within a minute)`;
    return `A request of ${tenant} was ${state} at ${sayMoment(explanation.requested_at, now)}${again}.`;
  }
  const name = sayJob(explanation);
  const since = (instant: string | null) =>
    formatDuration((now - Date.parse(instant ?? '')) / 1000);
  if (state === 'queued') {
    const place = position === null ? '' : `, ${sayPlace(position)}`;
    return `${name} has waited ${since(explanation.requested_at)} in pool ${pool}${place}.`;
  }
  if (state === 'admitted') {
    const until = explanation.expires_at;
    const lease =
      until === null ? 'without a lease' : `its lease lasts until ${sayMoment(until, now)}`;
    return `${name} has run for ${since(explanation.admitted_at)} in pool ${pool}, ${lease}.`;
  }
  const ended = explanation.ended_at;
  return `${name} was ${state}${ended === null ? '' : ` at ${sayMoment(ended, now)}`}.`;
}

function need({ state, resources, units }: Explanation): Fact[] {
  const words: Partial<Record<Explanation['state'], string>> = {
    queued: 'it asks for',
    admitted: 'it holds',
    rejected: 'it asked for',
  };
  return labelled(words[state] ?? 'it held', [sayNeeds(resources, units).join(', ')]);
}

function lacks({ kind, tenant, now, units, as_of: asOf }: Explanation): Fact[] {
  const violations = now?.violations ?? [];
  const facts = violations.filter(isLack).map((lack) => ({
    label: kind === 'job' ? 'it lacks' : 'it lacks now',
    value: `${sayNeed(lack.resource, lack.over_by, units)} in ${scopeText(lack.scope)}`,
    aside: sayStand({ ...lack, used: lack.used ?? 0 }, units, Date.parse(asOf)),
  }));
  const others = violations.filter((violation) => !isLack(violation));
  const rule = now?.rule ?? undefined;
  const reasons = sayReasons({ tenant, rule }, others).map((value) => ({
    label: 'in its way',
    value,
  }));
  return [...labelledOnce(facts), ...labelledOnce(reasons)];
}

type Violation = Now['violations'][number];

type Lack = Violation & { readonly resource: string; readonly over_by: number };

/** Whether it is a matter of amount, and of time. */
function isLack(violation: Violation): violation is Lack {
  const { resource, over_by: overBy, code } = violation;
  return resource !== null && overBy !== null && code !== 'impossible';
}

/** So many places are named in which there is room. */
const NAMED = 3;

function fits(explanation: Explanation): Fact[] {
  const { now, units, state } = explanation;
  if (state === 'admitted') return overs(explanation);
  if (now === null) return [];
  // What is closed has room for nobody, however much there is.
  if (now.violations.some(({ resource }) => resource === null)) return [];
  const lacking = new Set(now.violations.map(({ resource }) => resource));
  const room = now.checks.filter((check) => check.over_by === 0 && check.limit !== null);
  const where = lacking.size === 0 ? 'everywhere' : 'everywhere else';
  const relevant = room.filter(({ resource }) => lacking.size === 0 || lacking.has(resource));
  const aside = relevant.slice(0, NAMED).map((check) => sayRoom(check, units));
  if (now.checks.every(({ over_by: overBy }) => overBy > 0)) return [];
  return [{ label: 'it would fit', value: where, aside: aside.join(', ') }];
}

/** `eng 12 of 40 cores` */
function sayRoom(
  { scope, resource, limit, used }: Now['checks'][number],
  units: Explanation['units'],
) {
  const named = { name: resource, unit: units[resource] ?? 'count' };
  const { unit } = splitAmount(limit ?? 0, named);
  return `${scopeText(scope)} ${beside(used, named, unit)} of ${sayNeed(resource, limit ?? 0, units)}`;
}

/** Of a running job: where more is used than there may be now. */
function overs({ now, units, as_of: asOf }: Explanation): Fact[] {
  const over = (now?.checks ?? []).filter(({ over_by: overBy }) => overBy > 0);
  return labelledOnce(
    over.map((check) => ({
      label: 'over',
      value: `${scopeText(check.scope)} by ${sayNeed(check.resource, check.over_by, units)}`,
      aside: sayStand(check, units, Date.parse(asOf)),
    })),
  );
}

/** What stood against it when it was asked for, where that is over. */
function past({ kind, state, tenant, then }: Explanation, now: number): Fact[] {
  if (then === null || (kind === 'job' && state === 'queued')) return [];
  const reasons = sayReasons({ tenant }, then.violations);
  return labelled(`at ${sayMoment(then.at, now)}`, reasons);
}

function holders({ now: today, units }: Explanation, now: number): Fact[] {
  const all = today?.holders ?? [];
  const names = all.map(({ job, job_id: own, tenant }) =>
    job === null ? `${tenant} and below` : (own ?? job),
  );
  const width = Math.max(0, ...names.map((name) => name.length));
  const facts = all.map(({ resource, amount, since, expires_at: until }, i) => {
    const times = [
      ...(since === null ? [] : [`since ${sayMoment(since, now)}`]),
      ...(until === null ? [] : [`lease until ${sayMoment(until, now)}`]),
    ];
    const value = `${(names[i] ?? '').padEnd(width)}  ${sayNeed(resource, amount, units)}`;
    return { label: 'holders', value, aside: times.join(', ') };
  });
  return labelledOnce(facts);
}

function sayWayOut({ kind, state, now, tenant, units, position }: Explanation): string[] {
  if (now === null || (state !== 'queued' && state !== 'rejected')) return [];
  const isJob = kind === 'job';
  if (now.outcome === 'admitted') {
    return [
      isJob ? 'There is room now: it starts with the next change.' : 'It would be admitted now.',
    ];
  }
  const helps = [
    ...resumes(now.violations),
    ...saysRaises(now.raises, units),
    ...saysBurst(now.burst),
  ];
  const ways = helps.map((way) => `       ${way}`);
  const lacking = now.violations.filter(isLack);
  if (lacking.length < now.violations.length) {
    return ways.length === 0 ? [] : ['It would fit with', ...ways];
  }
  const turn = position === null || position > 1 ? 'In its turn it starts' : 'It starts';
  const what = isJob ? turn : `The same request of ${tenant} is admitted`;
  const when = `${what} as soon as ${sayMore(lacking, units)}`;
  const holder = soonestOf(now, lacking);
  if (ways.length === 0) return [holder === undefined ? `${when}.` : `${when}: ${holder} ends.`];
  return [holder === undefined ? `${when}:` : `${when}: ${holder} ends, or`, ...ways];
}

/** `acme has 1.5 cores and 1 GiB more, and eng has 2.5 cores more` */
function sayMore(lacking: readonly Lack[], units: Explanation['units']): string {
  const byScope = new Map<string, string[]>();
  for (const { scope, resource, over_by: overBy } of lacking) {
    const name = scopeText(scope);
    byScope.set(name, [...(byScope.get(name) ?? []), sayNeed(resource, overBy, units)]);
  }
  return [...byScope].map(([name, needs]) => `${name} has ${sayList(needs)} more`).join(', and ');
}

/** Commands that open again what was closed. */
function resumes(violations: readonly Violation[]): string[] {
  return violations.flatMap(({ code, scope }) => {
    if (code === 'suspended') return [`hodei tenant resume ${scope.tenant ?? ''}`];
    if (code === 'policy') return ['another rule: hodei policy list'];
    return code === 'pool_held' ? [`hodei pool resume ${scope.pool ?? ''}`] : [];
  });
}

/** Of the jobs that hold enough of what is lacking the one whose lease ends first, else the largest. */
function soonestOf(
  { holders: all }: Now,
  lacking: readonly { readonly over_by: number }[],
): string | undefined {
  const [lack, other] = lacking;
  if (lack === undefined || other !== undefined) return undefined;
  const jobs = all.filter(({ job, amount }) => job !== null && amount >= lack.over_by);
  const [first] = jobs
    .filter(({ expires_at: until }) => until !== null)
    .sort((a, b) => ((a.expires_at ?? '') < (b.expires_at ?? '') ? -1 : 1));
  const holder = first ?? jobs[0];
  return holder?.job_id ?? holder?.job ?? undefined;
}
