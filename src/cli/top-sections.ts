import { limitField, spokenName } from '../domain/resource.ts';
import type { BurstView } from '../service/bursts.ts';
import type { PoolView } from '../service/pool-view.ts';
import type { QueuedJobView } from '../service/queue.ts';
import type { UsageTopTenant } from '../service/usage-top.ts';
import { sayLiftsShort, sayTimeOf } from './burst-words.ts';
import { sayNeeds, type Units } from './decision-words.ts';
import { sectionOf, type Cell, type FrameColumn, type Section, type Tone } from './frame.ts';
import { sayDominant } from './line-words.ts';
import { sayAge, sayAwaited } from './queue-words.ts';
import { sayUsedOf } from './quota-words.ts';
import { bar } from './render.ts';
import type { TopData } from './top-data.ts';
import { sayLimit } from './words.ts';

/** What is shown where the role of who asks does not show it. */
const NOT_SHOWN = 'not for your role';

/** Names may be cut to so many places, other texts to a few more. */
const NAME = 12;
const TEXT = 20;

/** All there is to see, the most important first. */
export function topSections(data: TopData, now: number, pool: string | undefined): Section[] {
  return [
    tenantsSection(data, pool),
    poolsSection(data, now),
    queueSection(data, now),
    burstsSection(data, now),
  ];
}

function tenantsSection({ usage }: TopData, pool: string | undefined): Section {
  const of = { title: 'TENANTS', none: none(usage, 'nobody holds anything') };
  const { tenants = [], units = {} } = usage ?? {};
  // Whom all of them stand under comes last, as their sum.
  const top = Math.max(0, ...tenants.map(({ depth }) => depth));
  return sectionOf(
    { ...of, hasMore: usage?.has_more ?? false },
    [
      {
        head: 'TENANT',
        cell: ({ tenant, depth }) => (depth === top ? tenant : `${tenant} in all`),
        rank: 0,
        least: NAME,
      },
      { head: 'SHARE', cell: ({ share }) => sayPercent(share), rank: 1, isRight: true },
      { head: '', cell: ({ share }) => bar(100 * share), rank: 5 },
      { head: 'HOLDS MOST OF', cell: (tenant) => sayMost(tenant, units), rank: 3 },
      { head: 'LIMIT', cell: (tenant) => fullest(tenant.total, tenant.limits), rank: 2 },
      { head: 'RUN', cell: (tenant) => sayJobs(tenant, pool), rank: 4, isRight: true },
      ...resourceColumns<UsageTopTenant>(units, ({ total, limits }, resource) => [
        total[resource] ?? 0,
        limits[resource] ?? null,
      ]),
    ],
    [
      ...tenants.filter(({ depth }) => depth === top),
      ...tenants.filter(({ depth }) => depth < top),
    ],
  );
}

function none(part: unknown, words: string): string {
  return part === null ? NOT_SHOWN : words;
}

/** `25 of 100 cores`, and the weight where it makes another share of it. */
function sayMost({ dominant, weight }: UsageTopTenant, units: Units): string {
  if (dominant === null) return 'nothing';
  const heavy = weight === 1 ? '' : `, at weight ${weight.toLocaleString('en-US')}`;
  return sayDominant(dominant, units) + heavy;
}

function sayJobs({ total, pools }: UsageTopTenant, pool: string | undefined): string {
  const held = pool === undefined ? total : pools.find((part) => part.pool === pool)?.used;
  return String(held?.['jobs'] ?? 0);
}

/** Of a part that is not nothing nobody reads that it is. */
function sayPercent(part: number): string {
  const percent = Math.round(100 * part);
  return percent === 0 && part > 0 ? '<1 %' : `${percent.toLocaleString('en-US')} %`;
}

type Amounts = Readonly<Record<string, number>>;
type Limits = Readonly<Record<string, number | null>>;

/** The resource of which least is left. */
function fullestOf(used: Amounts, limits: Limits) {
  let most: { readonly resource: string; readonly part: number } | undefined;
  for (const [resource, amount] of Object.entries(used)) {
    const limit = limits[resource] ?? null;
    if (limit === null || amount === 0) continue;
    const part = amount / limit;
    if (most === undefined || part > most.part) most = { resource, part };
  }
  return most;
}

/** `80 % memory`; `over in cpu` where nothing of it may be held. */
function fullest(used: Amounts, limits: Limits): Cell {
  const most = fullestOf(used, limits);
  if (most === undefined) return { text: '-', tone: 'dim' };
  const name = spokenName(most.resource);
  const text = Number.isFinite(most.part) ? `${sayPercent(most.part)} ${name}` : `over in ${name}`;
  return { text, tone: toneOf(most.part) };
}

/** From which part on it is noticed, and from which it is nearly all. */
const NOTICED = 0.8;
const NEARLY_ALL = 0.95;

function toneOf(part: number): Tone {
  if (part >= NEARLY_ALL) return 'alarm';
  return part >= NOTICED ? 'warn' : 'plain';
}

/** Behind all other columns, those of each resource for which there is still room. */
const FIRST_OF_RESOURCES = 10;

function resourceColumns<Row>(
  units: Units,
  useOf: (row: Row, resource: string) => readonly [used: number, limit: number | null],
): FrameColumn<Row>[] {
  return Object.entries(units).map(([resource, unit], i) => ({
    head: spokenName(resource).toUpperCase(),
    rank: FIRST_OF_RESOURCES + i,
    cell: (row) => {
      const [used, limit] = useOf(row, resource);
      const field = limitField(resource);
      if (limit === null) return sayLimit(used, field, unit);
      const held = { field, unit, limit, inForce: limit, used };
      const text = sayUsedOf({ ...held, lentUntil: null, isUnset: false, bound: undefined });
      return { text, tone: used > limit ? 'alarm' : 'plain' };
    },
  }));
}

function poolsSection({ pools, queues }: TopData, now: number): Section {
  const of = { title: 'POOLS', none: none(pools, 'there are none') };
  const oldest = (pool: PoolView) => queues?.find((each) => each.pool === pool.id)?.oldest_since;
  return sectionOf<PoolView>(
    { ...of, hasMore: false },
    [
      { head: 'POOL', cell: ({ id }) => id, rank: 0, least: NAME },
      { head: 'FULLEST', cell: ({ used, capacity }) => fullest(used, capacity), rank: 1 },
      { head: 'RUN', cell: ({ jobs }) => String(jobs), rank: 3, isRight: true },
      { head: 'WAIT', cell: ({ waiting }) => String(waiting), rank: 1, isRight: true },
      { head: 'OLDEST', cell: (pool) => sayWait(oldest(pool), now), rank: 4 },
      { head: 'SIZE', cell: sayPoolSize, rank: 5 },
      { head: 'STATUS', cell: sayStatus, rank: 2 },
      ...resourceColumns<PoolView>(pools?.[0]?.units ?? {}, ({ used, capacity }, resource) => [
        used[resource] ?? 0,
        capacity[resource] ?? null,
      ]),
    ],
    [...(pools ?? [])].sort((a, b) => partOf(b) - partOf(a) || (a.id < b.id ? -1 : 1)),
  );
}

/** The fullest come first, since they are what is looked for where there is no room for all. */
function partOf({ used, capacity }: PoolView): number {
  return fullestOf(used, capacity)?.part ?? 0;
}

function sayWait(since: string | null | undefined, now: number): string {
  return typeof since === 'string' ? sayAge(since, now) : '-';
}

function sayPoolSize({ size, max_size: most }: PoolView): string {
  return size === most ? String(size) : `${size} of ${most}`;
}

function sayStatus({ status }: PoolView): Cell {
  return { text: status, tone: status === 'held' ? 'alarm' : 'plain' };
}

function queueSection({ waiting }: TopData, now: number): Section {
  const of = { title: 'NEXT', none: none(waiting, 'nobody waits') };
  return sectionOf<QueuedJobView>(
    { ...of, hasMore: false },
    [
      { head: 'JOB', cell: ({ job_id: own, id }) => own ?? id, rank: 0, least: NAME },
      { head: 'TENANT', cell: ({ tenant }) => tenant, rank: 1, least: NAME },
      { head: 'POOL', cell: ({ pool }) => pool, rank: 3, least: NAME },
      { head: 'WAITED', cell: (job) => sayAge(job.waiting_since, now), rank: 2 },
      { head: 'ASKS FOR', cell: ({ resources }) => sayNeeds(resources).join(', '), rank: 5 },
      { head: 'WAITS FOR', cell: ({ waits_for: it }) => sayAwaited(it), rank: 4, least: TEXT },
    ],
    waiting ?? [],
  );
}

/** Of a session that ends so soon it is said loudly. */
const SOON_MS = 10 * 60_000;

function burstsSection({ bursts }: TopData, now: number): Section {
  const of = { title: 'BURSTS', none: none(bursts, 'none is active') };
  const toneOfEnd = ({ ends_at: end }: BurstView): Tone =>
    Date.parse(end ?? '') - now <= SOON_MS ? 'warn' : 'plain';
  return sectionOf<BurstView>(
    { ...of, hasMore: false },
    [
      { head: 'TENANT', cell: ({ tenant }) => tenant, rank: 0, least: NAME },
      {
        head: 'ENDS',
        cell: (burst) => ({ text: sayTimeOf(burst, now), tone: toneOfEnd(burst) }),
        rank: 1,
      },
      { head: 'LIFTS', cell: sayLiftsShort, rank: 2, least: TEXT },
      { head: 'JOBS', cell: ({ jobs }) => String(jobs), rank: 3, isRight: true },
      { head: 'REASON', cell: ({ reason }) => reason, rank: 4, least: TEXT },
      { head: 'ID', cell: ({ id }) => ({ text: id, tone: 'dim' }), rank: 5 },
    ],
    bursts ?? [],
  );
}
