import type * as z from 'zod';
import { weightToPass } from '../domain/fair-share.ts';
import { MAX_PRIORITY } from '../domain/job.ts';
import { MAX_WEIGHT } from '../domain/tenant.ts';
import type { InLine, JobRow, PoolRow } from '../store/store.ts';
import type { Line } from './line.ts';
import type { Contest, Rival } from './line-tree.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { openQueue, overWaiting } from './queue-order.ts';
import { dominantOf, waitingIn } from './queue-status.ts';
import type { ExplainResponse } from './schemas/explain.ts';

type Explanation = z.output<ReturnType<typeof ExplainResponse>>;
type LineView = NonNullable<Explanation['line']>;
type Level = LineView['levels'][number];
type Move = LineView['moves'][number];

type Reading = Pick<Context, 'tables' | 'now' | 'reach'>;

/** A check of a request against a ceiling, as explanations have it. */
type Check = NonNullable<Explanation['now']>['checks'][number];

/** How a waiting job has come to its place in the line, and what would move it. */
export async function lineOf(
  at: Reading,
  job: JobRow,
  position: number | null,
  checks: readonly Check[],
): Promise<LineView> {
  const pool = await existingPool(at.tables, job.pool);
  const line = await openQueue(at, pool);
  const contests = line.strategy === 'weighted_fair' ? await line.contestsOf(job.tenant) : [];
  const contested = contests.filter(({ rivals }) => rivals.length > 1);
  const others = await othersOf(at, pool, line, job);
  return {
    strategy: line.strategy,
    position,
    waiting: await waitingIn(at, pool),
    levels: await levelsOf(at, line, contested),
    own_ahead: others.ahead,
    reserved: (await at.tables.reservations.list()).some((row) => row.job === job.key),
    moves: [
      ...checks.flatMap(roomMove),
      ...(await weightMove(at, line, contested)),
      ...priorityMove(line, job, others),
    ],
  };
}

/** So many of its rivals are named. */
const NAMED = 3;

async function levelsOf(at: Reading, line: Line, contests: readonly Contest[]): Promise<Level[]> {
  const levels: Level[] = [];
  for (const contest of contests) levels.push(await levelOf(at, line, contest));
  return levels;
}

async function levelOf({ reach }: Reading, line: Line, { under, rivals }: Contest): Promise<Level> {
  const at = rivals.findIndex(({ isAsked }) => isAsked);
  const rival = rivals[at];
  if (rival === undefined) throw new Error('who is asked about takes no part in its own contest');
  const ahead: Rival[] = [];
  for (const other of rivals.slice(Math.max(0, at - NAMED), at)) {
    if (await reach.includes(other.tenant.key)) ahead.push(other);
  }
  return {
    under: under?.name ?? null,
    rank: at + 1,
    of: rivals.length,
    ...nameOf(rival),
    dominant: dominantOf(line, rival),
    ahead: ahead.map(nameOf),
  };
}

function nameOf({ tenant, isOwn, share, weight }: Rival) {
  return { tenant: tenant.name, is_own: isOwn, share, weight };
}

interface Others {
  /** How many of its tenant stand before it; null where age alone decides. */
  readonly ahead: number | null;
  /** The first one of them; of all tenants where priority alone decides. */
  readonly first: InLine | undefined;
}

/** So many of its tenant are counted. */
const COUNTED = 1_000;

async function othersOf(at: Reading, pool: PoolRow, line: Line, job: JobRow): Promise<Others> {
  if (line.strategy === 'fifo') return { ahead: null, first: undefined };
  const { waiting } = at.tables;
  const own = (await waiting.firstOfEach(pool.key)).filter(({ tenant }) => tenant === job.tenant);
  const [head] = own;
  if (head !== undefined) own.push(...(await waiting.behind(pool.key, head, COUNTED)));
  const over = new Set((await overWaiting(at)).map(({ key }) => key));
  const place = own.findIndex((each) => each.job === job.key);
  const before = own.slice(0, place === -1 ? COUNTED : place).filter((each) => !over.has(each.job));
  const first = line.strategy === 'priority' ? await line.first() : before[0];
  return { ahead: before.length, first };
}

/** What has to be free for it to start. */
function roomMove({ scope, resource, over_by: amount }: Check): Move[] {
  return amount > 0 ? [{ kind: 'room', scope, resource, amount }] : [];
}

/** The smallest weight with which it comes first where it does not, nearest to the root. */
async function weightMove(
  { reach }: Reading,
  line: Line,
  contests: readonly Contest[],
): Promise<Move[]> {
  const contest = contests.find(({ rivals: [first] }) => first?.isAsked === false);
  const [first] = contest?.rivals ?? [];
  const rival = contest?.rivals.find(({ isAsked }) => isAsked);
  // What a tenant runs itself competes with those below it at a weight that nobody sets.
  if (first === undefined || rival === undefined || rival.isOwn) return [];
  if (!(await reach.includes(rival.tenant.key))) return [];
  const to = weightToPass(rival, line.measure.capacities, first, MAX_WEIGHT);
  return to === undefined ? [] : [{ kind: 'weight', tenant: rival.tenant.name, to }];
}

/** With which priority it would come before those that have a higher one. */
function priorityMove({ strategy }: Line, { key, priority }: JobRow, { first }: Others): Move[] {
  if (strategy === 'fifo' || first === undefined || first.priority <= priority) return [];
  const to = first.job < key ? first.priority + 1 : first.priority;
  return to > MAX_PRIORITY ? [] : [{ kind: 'priority', to }];
}
