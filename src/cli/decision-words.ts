import { type ReasonCode } from '../domain/admission.ts';
import { scopeText } from '../domain/ceiling.ts';
import { kindOf } from '../domain/job.ts';
import { formatAmount, splitAmount } from '../domain/quantity.ts';
import { builtInOf, limitField } from '../domain/resource.ts';
import type { JobView, ViolationView } from '../service/job-view.ts';
import { sayPrice } from './budget-words.ts';
import { isSameUnit, sayAmount, sayMoment, sayTime } from './words.ts';

/** Units by resource, where an answer carries them. */
export type Units = Readonly<Record<string, string>>;

/** `4 cores`, `1 GiB`, `2 GPU`, `3 license`, `2 gpu.h100`. */
export function sayNeed(resource: string, amount: number, units: Units = {}): string {
  const kind = kindOf(resource);
  const unit = units[resource] ?? unitOf(resource);
  if (kind === undefined || unit === 'count') return sayAmount(amount, limitField(resource), unit);
  return `${formatAmount(amount, { name: resource, unit })} of ${resource}`;
}

/** Where an answer carries no units: those of built-in resources, and of kinds of them, are known. */
function unitOf(resource: string): string {
  return builtInOf(kindOf(resource) ?? resource)?.unit ?? 'count';
}

/** All that a job holds or asks for; not what goes without saying. */
export function sayNeeds(resources: Readonly<Record<string, number>>, units: Units = {}): string[] {
  const all = Object.entries(resources);
  const parents = new Set(all.map(([name]) => kindOf(name)));
  const said = all.filter(([name, amount]) => {
    return !parents.has(name) && !(name === 'jobs' && amount === 1 && all.length > 1);
  });
  return said.map(([name, amount]) => sayNeed(name, amount, units));
}

type Subject = Pick<JobView, 'tenant' | 'rule'> & {
  readonly grows?: boolean;
  /** When it was decided: of that day only the time is said. */
  readonly decided_at?: string;
};

/** Why a request did not get what it asked for, a clause for each reason. */
export function sayReasons(
  subject: Subject,
  violations: readonly ViolationView[] | undefined,
): string[] {
  return (violations ?? []).map((violation) => clauses[violation.code](subject, violation));
}

const clauses: Readonly<Record<ReasonCode, (subject: Subject, why: ViolationView) => string>> = {
  suspended: ({ tenant }, { scope }) =>
    scope.tenant === tenant
      ? `${tenant} is suspended: nothing new starts there`
      : `${scope.tenant ?? ''} above ${tenant} is suspended: nothing new starts below it`,
  impossible: sayImpossible,
  over_quota: sayLack,
  over_capacity: sayLack,
  over_budget: sayOverrun,
  pool_held: (_, { scope }) => `${scopeText(scope)} is held: nothing new starts in it`,
  waiting_ahead: (_, { scope }) =>
    `others wait longer in ${scopeText(scope)}, and are looked at first`,
  reserved: (subject, violation) =>
    `${sayAsks(subject, violation.resource, violation.requested)}, and what ` +
    `${scopeText(violation.scope)} has left is kept for a job that has waited too long`,
  policy: ({ tenant, rule }) =>
    rule === undefined
      ? `a policy rule holds ${tenant} back`
      : `${rule.message ?? `it holds ${tenant} back`} (policy rule ${rule.name})`,
  queue_full: (_, { scope }) => `as many jobs wait in ${scopeText(scope)} as may`,
};

/** `acme asks for 4 cores and has 2.5 free of 6` */
function sayLack(subject: Subject, violation: ViolationView): string {
  const { scope, limit, used, resource } = violation;
  const free = Math.max(0, (limit ?? 0) - (used ?? 0));
  const left = free === 0 ? 'none' : beside(violation, free);
  const room = `has ${left} free of ${beside(violation, limit ?? 0)}${sayLent(subject, violation)}`;
  const asks = sayAsks(subject, resource, violation.requested);
  return isOwn(subject, scope)
    ? `${asks} and ${room}`
    : `${asks}, and ${whose(subject, scope)} ${room}`;
}

/** `acme's budget of 500.00 a month has 478.20 spent and committed, and this needs 31.00 until its lease or the month ends` */
function sayOverrun(subject: Subject, { scope, limit, used, requested }: ViolationView): string {
  const whoseBudget = isOwn(subject, scope) ? subject.tenant : `${scope.tenant}`;
  return (
    `${whoseBudget}'s budget of ${saySum(limit)} a month has ${saySum(used)} ` +
    `spent and committed, and this needs ${saySum(requested)} until its lease or the month ends`
  );
}

/** The most that a number tells exactly stands for all that is more. */
function saySum(micros: number | null | undefined): string {
  const most = Number.MAX_SAFE_INTEGER;
  return micros === most ? `more than ${sayPrice(most)}` : sayPrice(micros ?? 0);
}

/** `, lent until 14:30; 4 without`: what a burst session makes of a limit is not for long. */
function sayLent({ decided_at: at }: Subject, violation: ViolationView): string {
  const { base, lent_until: until } = violation;
  if (base === undefined) return '';
  const without = `; ${beside(violation, base)} without`;
  if (until === undefined) return `, lent${without}`;
  const end = at === undefined ? sayTime(until) : sayMoment(until, Date.parse(at));
  return `, lent until ${end}${without}`;
}

/** `acme asks for 12 cores, and its limit is 6: waiting would not help` */
function sayImpossible(subject: Subject, violation: ViolationView): string {
  const { scope, limit, resource, requested } = violation;
  const most = limit === null ? 'no more than can be counted' : beside(violation, limit);
  const asks = sayAsks(subject, resource, requested);
  const has = isOwn(subject, scope)
    ? `its limit is ${most}`
    : `${whose(subject, scope)} has ${most} at most`;
  return `${asks}, and ${has}: waiting would not help`;
}

function sayAsks(
  { tenant, grows }: Subject,
  resource: string | null,
  amount: number | null,
): string {
  const need = sayNeed(resource ?? 'jobs', amount ?? 0);
  return `${tenant} asks for ${need}${grows === true ? ' more' : ''}`;
}

function isOwn({ tenant }: Subject, scope: ViolationView['scope']): boolean {
  return scope.tenant === tenant && scope.pool === null;
}

/** Another scope than the tenant itself: the tenant in a pool, one above it, or a pool. */
function whose({ tenant }: Subject, scope: ViolationView['scope']): string {
  const isAbove = scope.tenant !== null && scope.tenant !== tenant;
  return isAbove ? `${scopeText(scope)} above it` : scopeText(scope);
}

/** An amount beside the one that is asked for: without the unit where that has the same. */
function beside({ resource, requested }: ViolationView, amount: number): string {
  const named = { name: resource ?? 'jobs', unit: unitOf(resource ?? 'jobs') };
  const asked = splitAmount(requested ?? 0, named);
  const { number, unit } = splitAmount(amount, named, asked.unit || undefined);
  return unit === '' || isSameUnit(unit, asked.unit) ? number : `${number} ${unit}`;
}

const ordinals = [
  ...[
    'first',
    'second',
    'third',
    'fourth',
    'fifth',
    'sixth',
    'seventh',
    'eighth',
    'ninth',
    'tenth',
  ],
];

/** `second in line` */
export function sayPlace(position: number): string {
  return `${ordinals[position - 1] ?? `number ${position.toLocaleString('en-US')}`} in line`;
}

/** What a waiting job waits for: `2 cores in acme`. */
export function sayAwaited(job: Pick<JobView, 'tenant' | 'violations' | 'resources'>): string {
  const [first] = job.violations ?? [];
  if (first === undefined) return `${sayNeeds(job.resources).join(', ')} in ${job.tenant}`;
  const { scope, resource, requested, code } = first;
  if (resource !== null) return `${sayNeed(resource, requested ?? 0)} in ${scopeText(scope)}`;
  if (code === 'waiting_ahead') return `others in ${scopeText(scope)}`;
  if (code === 'over_budget') return `the budget of ${scopeText(scope)}`;
  return code === 'policy' ? 'a policy rule' : `${scopeText(scope)}, which is held`;
}
