import { formatDuration } from '../domain/duration.ts';
import { limitField } from '../domain/resource.ts';
import type { BurstView } from '../service/bursts.ts';
import type { JobView } from '../service/job-view.ts';
import { sayJobs, sayLiftsShort, sayTimeOf, saysBinding } from './burst-words.ts';
import type { Column, Format, Listing } from './render.ts';
import { sayChange, sayLimit, sayMoment } from './words.ts';

/** Sessions as people read them; a spreadsheet gets the instants, and what is lifted by name. */
export function burstListing(now: number, format: Format): Listing<BurstView> {
  const columns: Column<BurstView>[] = [
    { header: 'ID', text: ({ id }) => id, isWhole: true },
    { header: 'TENANT', text: ({ tenant }) => tenant },
    { header: 'STATE', text: ({ state }) => state },
    { header: 'LIFTS', text: sayLiftsShort },
    ...(format === 'csv' ? exact : [timeLeft(now)]),
    { header: 'ASKED BY', text: ({ requested_by: by }) => by },
    { header: 'REASON', text: ({ reason }) => reason, isDim: true },
  ];
  return { name: ({ id }) => id, columns };
}

function timeLeft(now: number): Column<BurstView> {
  return { header: 'TIME', text: (burst) => sayTimeOf(burst, now) };
}

const exact: readonly Column<BurstView>[] = [
  { header: 'POOL', text: ({ pool }) => pool ?? '' },
  exactly('PERCENTAGE', ({ percentage }) => percentage),
  exactly('STARTS AT', ({ starts_at: start }) => start),
  exactly('ENDS AT', ({ ends_at: end }) => end),
  exactly('LAPSES AT', ({ lapses_at: lapse }) => lapse),
  exactly('ENDED AT', ({ ended_at: ended }) => ended),
];

function exactly(
  header: string,
  value: (burst: BurstView) => string | number | null,
): Column<BurstView> {
  return { header, text: (burst) => String(value(burst) ?? ''), value };
}

interface Field {
  readonly name: string;
  readonly value: string;
}

/** One session, field by field, with the jobs that it let in. */
export function burstFieldsOf(burst: BurstView, jobs: readonly JobView[], now: number): Field[] {
  const { starts_at: start, ends_at: end, duration_seconds: seconds } = burst;
  const fields: readonly (readonly [string, string | null])[] = [
    ['session', burst.id],
    ['tenant', burst.tenant],
    ['pool', burst.pool],
    ['state', saysState(burst, now)],
    ...burst.lifts.map((lift) => ['lifts', sayLift(lift)] as const),
    ...saysBinding(burst).map((line) => ['note', line] as const),
    ['asked by', `${burst.requested_by} at ${sayMoment(burst.requested_at, now)}`],
    ['reason', burst.reason],
    ['approvals', sayApprovals(burst, now)],
    ['decided by', sayDecided(burst, now)],
    ['begins', start === null ? 'when it is approved' : sayMoment(start, now)],
    ['ends', end === null ? null : sayMoment(end, now)],
    ['lasts', formatDuration(seconds)],
    ['at its end', endings[burst.on_end]],
    ['jobs', sayUnder(burst, jobs)],
    ['version', String(burst.version)],
  ];
  return fields.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

const endings = {
  keep: 'jobs that run above the limits stay',
  evict: 'jobs that do not fit then are evicted, the youngest first',
} as const satisfies Record<BurstView['on_end'], string>;

function saysState(burst: BurstView, now: number): string {
  const time = sayTimeOf(burst, now);
  return time === '-' || time.startsWith(burst.state) ? time : `${burst.state}, ${time}`;
}

/** `cpu 6 → 8.4 cores, 7 cores used` */
function sayLift({ resource, unit, limit, raised, used }: BurstView['lifts'][number]): string {
  const field = limitField(resource);
  return `${sayChange(field, unit, limit, raised)}, ${sayLimit(used, field, unit)} used`;
}

function sayApprovals({ approvals, approvals_required: required }: BurstView, now: number): string {
  if (required === 0) return 'none needed';
  const given = approvals.map(
    ({ principal, approved_at: at }) => `${principal} at ${sayMoment(at, now)}`,
  );
  const names = given.length === 0 ? '' : `: ${given.join(', ')}`;
  return `${given.length} of ${required}${names}`;
}

/** Who ended it otherwise than by agreeing. */
function sayDecided(burst: BurstView, now: number) {
  const { state, decided_by: by, decided_at: at, decided_reason: why, approvals } = burst;
  const isApproval = approvals.some(
    ({ principal, approved_at: given }) => principal === by && given === at,
  );
  if (by === null || at === null || isApproval) return null;
  const said = why === null ? '' : `: "${why}"`;
  return `${by} at ${sayMoment(at, now)} (${state})${said}`;
}

/** How many it let in, and of those that are known which. */
function sayUnder({ jobs: number }: BurstView, jobs: readonly JobView[]): string | null {
  if (number === 0) return null;
  return jobs.length === 0 ? String(number) : `${number}: ${sayJobs(jobs)}`;
}
