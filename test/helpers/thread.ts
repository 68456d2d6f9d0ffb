import { parentPort, workerData } from 'node:worker_threads';
import { canRead, canWrite } from '../../src/main/probes.ts';
import { runLocal } from '../../src/service/call.ts';
import { operations } from '../../src/service/index.ts';
import { identityOperations } from '../../src/service/token-identity.ts';
import { answerCalls } from '../../src/service/worker.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { counting } from './counting.ts';
import { groups, threadOperations } from './thread-operations.ts';

// A thread as src/main/worker.ts has it, that can do some things more and counts its transactions.

const port = parentPort!;
const { path } = workerData as { path: string };
const store = counting(groups)(openSqliteStore({ path, create: false, now: Date.now }));
let ids = 0;

answerCalls(port, {
  operations: [...operations, ...identityOperations, canRead, canWrite, ...threadOperations],
  run: runLocal(store, {
    now: Date.now,
    newId: (kind) => `${kind}-${String((ids += 1)).padStart(12, '0')}`,
  }),
  async close() {
    await store.close();
    port.close();
  },
});
