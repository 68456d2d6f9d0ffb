import { comparePriorities, type Strategy } from '../domain/fair-share.ts';
import type { Settings } from '../domain/settings.ts';
import type { InLine, Key, PoolRow, ResourceAmount } from '../store/store.ts';
import { fairUseIn, type FairUse, type Overdue } from './fair-use.ts';
import { treeOf, type Contest, type Rival } from './line-tree.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** Waiting jobs of one pool in the order of their turn: the one order behind promotion, queue and explain. */
export interface Line {
  readonly strategy: Strategy;
  /** What shares are measured in, and against. */
  readonly measure: Pick<FairUse, 'resources' | 'capacities'>;
  /** Whose turn it is. */
  first(): Promise<InLine | undefined>;
  add(job: InLine): Promise<void>;
  remove(job: InLine): void;
  /** It was given, or is thought to have been given, what it asks for: that counts from now on. */
  took(job: InLine, amounts: readonly ResourceAmount[]): Promise<void>;
  /** How a tenant's place comes about: the contests from the root of the tree down to its own jobs. */
  contestsOf(tenant: Key): Promise<Contest[]>;
  /** What a tenant has of the pool: with all below it, or by itself where those below it compete too. */
  rivalOf(tenant: Key, part: 'all' | 'own'): Promise<Rival>;
}

/** The strategy in force: without fair queueing nobody's share counts. */
export function strategyOf({ scheduling }: Settings): Strategy {
  const { strategy, fairQueuing } = scheduling;
  return strategy === 'weighted_fair' && !fairQueuing.enabled ? 'fifo' : strategy;
}

/** For reads, with what is overdue. */
export async function openLine(
  at: At,
  pool: PoolRow,
  jobs: readonly InLine[],
  overdue?: Overdue,
): Promise<Line> {
  const strategy = strategyOf(await settingsInForce(at.tables));
  const use = await fairUseIn(at, pool, overdue);
  const tree = treeOf(at, use);
  const order = strategy === 'weighted_fair' ? tree : flatOrder(strategy);
  for (const job of jobs) await order.add(job);
  return {
    ...{ strategy, measure: use, first: order.first, add: order.add, remove: order.remove },
    ...{ took: tree.took, contestsOf: tree.contestsOf, rivalOf: tree.rivalOf },
  };
}

type Order = Pick<Line, 'first' | 'add' | 'remove'>;

/** Where tenants do not matter. */
function flatOrder(strategy: Strategy): Order {
  const jobs = new Map<Key, InLine>();
  const isBefore = (a: InLine, b: InLine) =>
    (strategy === 'fifo' ? a.job - b.job : comparePriorities(a, b)) < 0;
  return {
    first() {
      let first: InLine | undefined;
      for (const job of jobs.values()) if (first === undefined || isBefore(job, first)) first = job;
      return Promise.resolve(first);
    },
    add: (job) => Promise.resolve(void jobs.set(job.job, job)),
    remove: ({ job }) => void jobs.delete(job),
  };
}
