import { lookAtBudgets, tellOfBudgets, type BudgetLooks } from '../service/budget-looks.ts';
import type { Service } from '../service/call.ts';
import { system } from '../service/system.ts';
import { pruneUsage } from '../service/usage-prune.ts';
import { recordUsage, sumUpUsage } from '../service/usage-rollup.ts';

/** How often a server sums up what ended jobs used, looks at budgets, and removes those that are too old. */
const ROLL_UP_MS = 10_000;
const PRUNE_MS = 3_600_000;
/** Between two steps, so that those who ask for something come in between. */
const REST_MS = 20;

export interface UsageRollup {
  /** Resolves when what is under way is over. */
  stop(): Promise<void>;
}

/**
 * Sums up from time to time, in steps: the thread that reads adds up, the one that writes only writes.
 * What fails is tried again: nothing is lost by being late.
 */
export function startUsageRollup(
  service: Service,
  newTraceId: () => string,
  everyMs = ROLL_UP_MS,
): UsageRollup {
  const stopping = new AbortController();
  let lastPruned = -Infinity;
  let current: Promise<void> | undefined;
  const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));
  const sumUpAll = async () => {
    for (let left = 1; left > 0 && !stopping.signal.aborted;) {
      const caller = system(newTraceId());
      const step = await service(sumUpUsage, {}, caller);
      left = step.left;
      if (step.until > step.after) await service(recordUsage, { step }, caller);
      await rest();
    }
  };
  const pruneAll = async () => {
    for (let next: number | null = 0; next !== null && !stopping.signal.aborted;) {
      const step: { next: number | null } = await service(
        pruneUsage,
        { after: next },
        system(newTraceId()),
      );
      next = step.next;
      await rest();
    }
  };
  const judgeBudgets = async () => {
    const caller = system(newTraceId());
    const seen: BudgetLooks = await service(lookAtBudgets, {}, caller);
    if (seen.looks.length > 0) await service(tellOfBudgets, { seen }, caller);
  };
  const work = async () => {
    await sumUpAll();
    await judgeBudgets();
    if (performance.now() - lastPruned < PRUNE_MS) return;
    lastPruned = performance.now();
    await pruneAll();
  };
  const timer = setInterval(() => {
    current ??= work()
      .catch(() => undefined)
      .finally(() => (current = undefined));
  }, everyMs);
  return {
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await current;
    },
  };
}
