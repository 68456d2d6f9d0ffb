import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { oncePerTurn } from '../src/service/worker.ts';
import { serveBareRoutes } from './bare-app.ts';
import { handWritten } from './by-hand.ts';

// The rows of an admission behind a bare route, with nothing asked and nothing decided: what is left of
// Fastify's speed for whoever keeps a promise. Its own process, and in it a thread that writes.

interface Task {
  readonly path: string;
  readonly tenants: number;
}

if (isMainThread) ask({ path: process.argv[2] ?? '', tenants: Number(process.argv[3]) });
else answer(workerData as Task);

function ask(task: Task): void {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: task });
  const waiting: (() => void)[] = [];
  const write = oncePerTurn<number>((tenants) => worker.postMessage(tenants));
  worker.on('message', (written: number) => {
    for (const done of waiting.splice(0, written)) done();
  });
  serveBareRoutes((tenant) => {
    write(Number(tenant.slice(2)));
    return new Promise<void>((resolve) => waiting.push(resolve));
  });
}

function answer(task: Task): void {
  const hand = handWritten(task);
  const write = oncePerTurn<number>((tenants) => {
    parentPort?.postMessage(hand.admit(tenants).length);
  });
  parentPort?.on('message', (tenants: readonly number[]) => tenants.forEach(write));
}
