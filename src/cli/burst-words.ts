import { scopeText } from '../domain/ceiling.ts';
import { formatDuration } from '../domain/duration.ts';
import { spokenName } from '../domain/resource.ts';
import type { BurstView } from '../service/bursts.ts';
import type { JobView } from '../service/job-view.ts';
import { sayNeed } from './decision-words.ts';
import { sayJob } from './job-words.ts';
import { count, sayList, sayMoment } from './words.ts';

type Lift = BurstView['lifts'][number];

/** So many jobs are named; the others are counted. */
const NAMED = 5;

function sayAmount({ resource, unit }: Lift, amount: number): string {
  return sayNeed(resource, amount, { [resource]: unit });
}

/** What a tenant may do while it lasts: `up to 140 % of its cpu and memory`, `4 GPU more`. */
export function sayLifted({ percentage, lifts, pool }: BurstView): string {
  const where = pool === null ? '' : ` in pool ${pool}`;
  if (percentage === null) {
    return `${sayList(lifts.map((lift) => sayAmount(lift, lift.add ?? 0)))} more${where}`;
  }
  const names = lifts.map(({ resource }) => spokenName(resource));
  return `up to ${percentage} % of its ${sayList(names)}${where}`;
}

/** The same in a cell: `140 % of cpu, memory`, `+4 GPU`. */
export function sayLiftsShort({ percentage, lifts, pool }: BurstView): string {
  const where = pool === null ? '' : ` in pool ${pool}`;
  if (percentage === null) {
    return `${lifts.map((lift) => `+${sayAmount(lift, lift.add ?? 0)}`).join(', ')}${where}`;
  }
  return `${percentage} % of ${lifts.map(({ resource }) => spokenName(resource)).join(', ')}${where}`;
}

/** The limits as it makes them: `8.4 cores and 16 GiB`. */
function sayRaised({ lifts }: BurstView): string {
  const raised = lifts.flatMap((lift) =>
    lift.raised === null ? [] : sayAmount(lift, lift.raised),
  );
  return sayList(raised);
}

/** What is to be waited for, or has been, as of a moment: `1 h 12 min left`, `begins in 3 d`. */
export function sayTimeOf(burst: BurstView, now: number): string {
  const { state, starts_at: start, ends_at: end, lapses_at: lapse, ended_at: ended } = burst;
  const until = (instant: string | null) =>
    formatDuration((Date.parse(instant ?? '') - now) / 1000);
  if (state === 'active') return `${until(end)} left`;
  // Of what is still to come nobody counts the minutes.
  if (state === 'approved') return `begins in ${roughly(until(start))}`;
  if (state === 'requested') return `lapses in ${roughly(until(lapse))}`;
  return ended === null ? '-' : `${state} ${sayMoment(ended, now)}`;
}

/** Of `23 h 59 min` the first unit. */
function roughly(duration: string): string {
  return duration.split(' ').slice(0, 2).join(' ');
}

/** `from 08:00 until 10:00 (2 h)`; what begins when it is approved has no such times yet. */
function sayPeriod(
  { starts_at: start, ends_at: end, duration_seconds: seconds }: BurstView,
  now: number,
) {
  const long = formatDuration(seconds);
  if (start === null || end === null) return `for ${long}`;
  return `from ${sayMoment(start, now)} until ${sayMoment(end, now)} (${long})`;
}

/** How a session stands, in a sentence. */
export function saySession(burst: BurstView, now: number, isDryRun = false): string {
  const { id, tenant, state, ends_at: end, duration_seconds: seconds } = burst;
  const what = `${tenant} may use ${sayLifted(burst)}`;
  const is = isDryRun ? 'would be' : 'is';
  // What a dry run names so does not exist.
  const name = isDryRun && burst.version === 1 ? 'It' : id;
  if (state === 'requested') return `${name} ${sayAsked(burst, now, isDryRun)}`;
  if (state === 'active') {
    const until = `until ${sayMoment(end ?? '', now)} (${formatDuration(seconds)})`;
    return `${name} ${is} active: ${what} ${until}.`;
  }
  if (state === 'approved') return `${name} ${is} approved: ${what} ${sayPeriod(burst, now)}.`;
  return `${name} ${is} ${state}.`;
}

function sayAsked(burst: BurstView, now: number, isDryRun: boolean): string {
  const { tenant, approvals, approvals_required: required, lapses_at: lapse } = burst;
  const until = lapse === null ? '' : ` (until ${sayMoment(lapse, now)})`;
  if (approvals.length > 0) {
    const left = required - approvals.length;
    const who = left === 1 ? 'one more person has' : `${left} more people have`;
    return `has ${approvals.length} of ${required} approvals: ${who} to agree${until}.`;
  }
  const who = required === 1 ? 'somebody else approves' : `${required} others approve`;
  const asked = isDryRun ? 'would ask' : 'asked';
  return `${asked} for: ${tenant} may use ${sayLifted(burst)} ${sayPeriod(burst, now)} once ${who}${until}.`;
}

/** Who else limits what is lifted, and leaves less than the session would give. */
export function saysBinding(burst: BurstView): string[] {
  return burst.lifts.flatMap((lift) => {
    const { bound_by: bound } = lift;
    if (bound === null || bound.free === null) return [];
    const left = bound.free === 0 ? `no ${spokenName(lift.resource)}` : sayLeft(lift, bound.free);
    return [`${sayWho(burst, bound)} leaves ${left}, so ${burst.tenant} cannot use all of that.`];
  });
}

/** `1 GiB of memory`: a size alone does not say of what. */
function sayLeft(lift: Lift, amount: number): string {
  const text = sayAmount(lift, amount);
  return lift.unit === 'MiB' ? `${text} of ${spokenName(lift.resource)}` : text;
}

function sayWho({ tenant }: BurstView, bound: NonNullable<Lift['bound_by']>): string {
  if (bound.tenant === tenant)
    return bound.pool === null ? `${tenant} everywhere` : scopeText(bound);
  return bound.tenant === null ? scopeText(bound) : `${scopeText(bound)} above it`;
}

/** What somebody agrees to: what it lifts and until when, who asks why, and who still binds. */
export function saysAgreement(burst: BurstView, now: number): string[] {
  const { tenant, requested_by: by, requested_at: at, reason, approvals } = burst;
  const limits = ` ${sayRaised(burst)}`;
  const already = approvals.map(({ principal }) => principal);
  return [
    `${tenant} may use ${sayLifted(burst)} ${sayWhen(burst, now)},${limits}.`,
    `  asked by ${by} at ${sayMoment(at, now)}: "${reason}"`,
    ...burst.lifts.flatMap((lift) => sayStillBinds(burst, lift)).map((line) => `  ${line}`),
    ...(burst.on_end === 'evict' ? ['  at its end, jobs that do not fit then are evicted'] : []),
    ...(already.length === 0
      ? []
      : [`  ${already.length} of ${burst.approvals_required} approvals: ${sayList(already)}`]),
  ];
}

/** From when until when, if somebody agrees now. */
function sayWhen(
  { starts_at: start, ends_at: end, duration_seconds: seconds }: BurstView,
  now: number,
) {
  const begin = start === null || Date.parse(start) <= now ? 'now' : sayMoment(start, now);
  const close = end ?? new Date(now + seconds * 1000).toISOString();
  return `from ${begin} until ${sayMoment(close, now)} (${formatDuration(seconds)})`;
}

function sayStillBinds(burst: BurstView, lift: Lift): string[] {
  const { bound_by: bound } = lift;
  if (bound === null || bound.limit === null) return [];
  const used = bound.used === 0 ? '' : `, ${sayAmount(lift, bound.used)} used`;
  return [`${sayWho(burst, bound)} still binds at ${sayLeft(lift, bound.limit)}${used}`];
}

/** Which jobs a session let in: `build-3 of acme, build-4 of acme and 2 more`. */
export function sayJobs(jobs: readonly JobView[]): string {
  const named = jobs.slice(0, NAMED).map(sayJob);
  const more = jobs.length - named.length;
  return sayList(more === 0 ? named : [...named, `${more} more`]);
}

/** What has come of its end: by how much the tenant is over, and what becomes of its jobs. */
export function sayEnded(burst: BurstView, isDryRun: boolean): string {
  const { id, tenant, jobs, on_end: onEnd } = burst;
  const over = burst.lifts.flatMap((lift) => {
    const { in_force: limit, used } = lift;
    return limit === null || used <= limit ? [] : [sayLeft(lift, used - limit)];
  });
  const [is, end] = isDryRun ? ['would be', 'would end'] : ['is', 'ended'];
  if (over.length === 0) return `${id} ${end}. ${tenant} ${is} within its limits.`;
  const keeps = jobs === 1 ? 'its job keeps running' : `its ${count(jobs, 'job')} keep running`;
  const rest = jobs === 0 || onEnd === 'evict' ? 'nothing new starts until then' : keeps;
  return `${id} ${end}. ${tenant} ${is} over by ${sayList(over)}; ${rest}.`;
}
