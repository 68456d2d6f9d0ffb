import { parentPort, workerData } from 'node:worker_threads';
import { runLocal } from '../service/call.ts';
import { steadyClock } from '../service/clock.ts';
import { operations } from '../service/index.ts';
import { answerCalls, type Port } from '../service/worker.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { newId } from './caller.ts';
import { systemTime } from './clock.ts';
import { canRead, canWrite } from './probes.ts';
import type { WorkerTask } from './workers.ts';

// A thread of the server that works on the database. One of them writes and one reads; the program
// starts them from main/workers.ts.

if (parentPort !== null) work(parentPort, workerData as WorkerTask);

/** What the server will do by itself from time to time is one more user of `run`, where it writes. */
function work(port: Port & { close(): void }, { path, writes }: WorkerTask): void {
  const store = openSqliteStore({ path, create: false, now: Date.now });
  const run = runLocal(store, { now: steadyClock(systemTime(Date.now)), newId });
  answerCalls(port, {
    operations: [...operations, canRead, canWrite].filter(
      ({ isReadOnly }) => isReadOnly !== writes,
    ),
    run,
    async close() {
      await store.close();
      port.close();
    },
  });
}
