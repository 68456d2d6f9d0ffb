import { parentPort, workerData } from 'node:worker_threads';
import { lookAtBudgets, tellOfBudgets } from '../service/budget-looks.ts';
import { runLocal } from '../service/call.ts';
import { steadyClock } from '../service/clock.ts';
import { sweep } from '../service/sweep.ts';
import { operations } from '../service/index.ts';
import { createMeter, type Meter } from '../service/meter.ts';
import { partsOfMetrics, readMeter } from '../service/metrics.ts';
import type { Operation } from '../service/operation.ts';
import { identityOperations } from '../service/token-identity.ts';
import { recordUsage, sumUpUsage } from '../service/usage-rollup.ts';
import { webhookOperations } from '../service/webhook-progress.ts';
import { answerCalls, type Port } from '../service/worker.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { newId, newTraceId } from './caller.ts';
import { systemTime } from './clock.ts';
import { canRead, canWrite } from './probes.ts';
import type { WorkerTask } from './workers.ts';

// A thread of the server that works on the database. One of them writes and one reads; the program
// starts them from main/workers.ts.

/** How often the thread that writes looks for what is due, in case no call comes that would. */
const SWEEP_MS = 1_000;

/** An fsync is worth it for so many. */
const LEAST_IN_GROUP = 16;

/**
 * Half of those who wait: while they are written, the thread of HTTP answers the others and takes in
 * what these ask next. If all were taken, it would have nothing to do, and after that the writer.
 */
function groupOf(waiting: number): number {
  return Math.max(LEAST_IN_GROUP, Math.ceil(waiting / 2));
}

function work(port: Port & { close(): void }, { path, writes, mostTenants }: WorkerTask): void {
  const stopwatch = () => performance.now() / 1000;
  const meter = createMeter({ mostTenants, stopwatch, now: Date.now });
  const { committed, timeCommit } = meter;
  const store = openSqliteStore({ path, create: false, now: Date.now, timeCommit });
  const environment = { now: steadyClock(systemTime(Date.now)), newId, committed, groupOf };
  const run = meter.metered(runLocal(store, environment));
  const sweepOnce = async () => {
    if (await sweep(store, environment, run, newTraceId())) meter.swept();
  };
  const sweeper = writes ? startSweeping(sweepOnce) : none;
  answerCalls(port, {
    operations: operationsOf(writes, meter),
    run,
    async close() {
      await sweeper.stop();
      await store.close();
      port.close();
    },
  });
}

/** Who asks is found out by the thread that writes: no read that takes long shall keep it waiting. */
function operationsOf(writes: boolean, meter: Meter): Operation[] {
  const bookkeeping = [
    ...[sumUpUsage, recordUsage, lookAtBudgets, tellOfBudgets],
    ...partsOfMetrics,
  ];
  const all = [...operations, canRead, canWrite, ...bookkeeping];
  const own = all.filter(({ isReadOnly }) => isReadOnly !== writes);
  if (!writes) return own;
  const measured = { ...readMeter, run: () => Promise.resolve(meter.collect()) };
  return [...own, ...identityOperations, ...webhookOperations, measured];
}

interface Sweeper {
  /** Resolves when the last sweep is over. */
  stop(): Promise<void>;
}

const none: Sweeper = { stop: () => Promise.resolve() };

/** One sweep at a time. One that fails ends the thread, as any fault in it does. */
function startSweeping(once: () => Promise<void>): Sweeper {
  let current: Promise<void> | undefined;
  const timer = setInterval(() => {
    current ??= once().finally(() => (current = undefined));
  }, SWEEP_MS);
  return {
    async stop() {
      clearInterval(timer);
      await current;
    },
  };
}

// At the end, when everything above is there to be used.
if (parentPort !== null) work(parentPort, workerData as WorkerTask);
