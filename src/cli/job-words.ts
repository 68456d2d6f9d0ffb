import { formatDuration } from '../domain/duration.ts';
import type { JobView } from '../service/job-view.ts';
import { sayNeeds, sayPlace, sayReasons } from './decision-words.ts';
import type { Column, Listing } from './render.ts';
import { sayMoment } from './words.ts';

/** `build-812 of acme` */
export function sayJob({
  job_id: own,
  id,
  tenant,
}: Pick<JobView, 'job_id' | 'id' | 'tenant'>): string {
  return `${own ?? id ?? 'a job'} of ${tenant}`;
}

/** `build-812 of acme in pool gpu (job-…)`: the id where it has not been said, the pool if it is special. */
function sayJobAndPlace(job: JobView): { readonly name: string; readonly id: string } {
  const where = job.pool === 'default' ? '' : ` in pool ${job.pool}`;
  return { name: `${sayJob(job)}${where}`, id: job.job_id === null ? '' : ` (${job.id ?? ''})` };
}

export function sayAdmitted(job: JobView): string {
  const { name, id } = sayJobAndPlace(job);
  return `Admitted ${name}: ${sayNeeds(job.resources).join(', ')}${id}.`;
}

/** Of a job that an earlier request brought about. */
export function sayReplayed(job: JobView): string {
  const { name, id } = sayJobAndPlace(job);
  const place = job.position === undefined ? '' : `, ${sayPlace(job.position)}`;
  return `${name} is ${job.state} already${place}${id}: nothing was done.`;
}

export function sayQueued(job: JobView): string {
  const place = job.position === undefined ? 'in line' : sayPlace(job.position);
  const id = job.job_id === null || job.id === null ? '' : ` (${job.id})`;
  const name = job.job_id ?? job.id ?? 'it';
  const [first = `${job.tenant} has to wait`, ...rest] = sayReasons(job, job.violations);
  const more = rest.map((reason) => `; ${reason}`).join('');
  return `Queued: ${first}${more}; ${name} is ${place}${id}.`;
}

/** A rejection: what stands against it, and where to look further. */
export function sayRejected(job: JobView, { grows = false } = {}): string[] {
  const reasons = sayReasons({ ...job, grows }, job.violations);
  const [only = job.error ?? `${job.tenant} may not start it`, ...others] = reasons;
  const decision = job.decision_id === undefined ? '' : ` (decision ${job.decision_id})`;
  const why =
    others.length === 0
      ? [`Rejected: ${only}${decision}.`]
      : [
          `Rejected for ${reasons.length} reasons${decision}:`,
          ...reasons.map((each) => `       ${each}`),
        ];
  const rule = job.code === 'policy' ? [] : [sayRule(job)].filter((line) => line !== undefined);
  const said = [...why, ...rule.map((line) => `       ${line}`)];
  if (job.decision_id === undefined) return said;
  const more =
    job.code === 'policy' ? 'how it stands otherwise' : 'who holds them, and what would help';
  return [...said, `       hodei explain ${job.decision_id}   ${more}`];
}

/** What the policy rule that had a part in an answer says; undefined where none had. */
export function sayRule({ rule, mark }: JobView): string | undefined {
  if (rule === undefined) return undefined;
  const by = `policy rule ${rule.name}${mark === 'override' ? ', above its limits' : ''}`;
  return rule.message === null ? by : `${rule.message} (${by})`;
}

/** That a job runs above limits, for as long as they are lifted; undefined where it does not. */
export function sayBorrowed({ burst }: JobView): string | undefined {
  return burst === null ? undefined : `it would not have fitted without burst session ${burst}`;
}

/** What would become of a request. */
export function sayOutcome(job: JobView): string[] {
  const needs = sayNeeds(job.resources).join(', ');
  const reasons = sayReasons(job, job.violations);
  const rule = sayRule(job);
  if (job.state === 'admitted') {
    const note = rule === undefined ? [] : [`Note: ${rule}.`];
    return [`Would be admitted: ${needs} for ${job.tenant}.`, ...note];
  }
  if (job.state !== 'rejected') {
    const place = job.position === undefined ? [] : [sayPlace(job.position)];
    return [`Would be queued: ${[...reasons, ...place].join('; ')}.`];
  }
  return reasons.length === 1
    ? [`Would be rejected: ${reasons.join('')}.`]
    : ['Would be rejected:', ...reasons.map((each) => `       ${each}`)];
}

/** `2 cores, 4 GiB are free again` */
export function sayFreed(job: JobView): string {
  const needs = sayNeeds(job.resources);
  const isOne = needs.length === 1 && needs[0]?.startsWith('1 ') === true;
  return `${needs.join(', ')} ${isOne ? 'is' : 'are'} free again`;
}

/** Of a job that holds nothing any more: `build-812 of acme had ended already (expired 10:02)`. */
export function sayEndedBefore(job: JobView, now: number): string {
  const when = job.ended_at === null ? '' : ` ${sayMoment(job.ended_at, now)}`;
  return `${sayJob(job)} had ended already (${job.state}${when}): nothing was done.`;
}

function sayLabels({ labels }: JobView): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

function needColumn(resource: string, header: string): Column<JobView> {
  return {
    header,
    text: ({ resources }) => {
      const amount = resources[resource];
      return amount === undefined ? '-' : sayNeeds({ [resource]: amount }).join('');
    },
    value: ({ resources }) => resources[resource] ?? 0,
  };
}

export function jobListing(now: number): Listing<JobView> {
  return {
    name: ({ id }) => id ?? '',
    columns: [
      { header: 'JOB', text: ({ job_id, id }) => job_id ?? id ?? '-' },
      { header: 'TENANT', text: ({ tenant }) => tenant },
      { header: 'POOL', text: ({ pool }) => pool },
      {
        header: 'STATE',
        text: sayMarked,
        value: ({ state }) => state,
        isAlarming: ({ state }) => state === 'rejected',
      },
      needColumn('cpu_m', 'CPU'),
      needColumn('memory_mb', 'MEMORY'),
      needColumn('gpu', 'GPU'),
      {
        header: 'AGE',
        text: ({ requested_at }) => formatDuration((now - Date.parse(requested_at)) / 1000),
        value: ({ requested_at }) => requested_at,
      },
      {
        header: 'EXPIRES',
        text: ({ expires_at }) => (expires_at === null ? '-' : sayMoment(expires_at, now)),
        value: ({ expires_at }) => expires_at ?? '',
      },
    ],
  };
}

/** `admitted (burst)`: it would not have fitted without a session. */
function sayMarked({ state, burst }: JobView): string {
  return state === 'admitted' && burst !== null ? `${state} (burst)` : state;
}

/** One job, field by field. */
export function jobFieldsOf(job: JobView) {
  const fields: readonly (readonly [string, string | null])[] = [
    ['job', job.job_id],
    ['id', job.id],
    ['tenant', job.tenant],
    ['pool', job.pool],
    ['state', job.mark === null ? job.state : `${job.state} (${job.mark})`],
    ['burst', job.burst],
    ['needs', sayNeeds(job.resources).join(', ')],
    ['priority', String(job.priority)],
    ['labels', sayLabels(job) || null],
    ['lease', job.ttl_seconds === null ? null : formatDuration(job.ttl_seconds)],
    ['requested', job.requested_at],
    ['admitted', job.admitted_at],
    ['expires', job.expires_at],
    ['ended', job.ended_at],
    ['line', job.position === undefined ? null : sayPlace(job.position)],
    ['because', sayReasons(job, job.violations).join('; ') || null],
    ['decision', job.decision_id ?? null],
    ['version', String(job.version)],
  ];
  const always = new Set(['job', 'labels', 'lease', 'expires']);
  return fields
    .filter(([name, value]) => value !== null || always.has(name))
    .map(([name, value]) => ({ name, value: value ?? '-' }));
}
