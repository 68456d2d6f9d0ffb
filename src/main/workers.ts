import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { HodeiError } from '../domain/errors.ts';
import type { Service } from '../service/call.ts';
import type { Caller, Operation } from '../service/operation.ts';
import { readMeter } from '../service/metrics.ts';
import { system } from '../service/system.ts';
import { findKnownToken } from '../service/token-identity.ts';
import { callThrough } from '../service/worker.ts';
import { canRead, canWrite } from './probes.ts';

/** What a worker is started with. */
export interface WorkerTask {
  readonly path: string;
  /** Whether it carries out what changes something, or all the rest. */
  readonly writes: boolean;
  /** So many tenants have a name of their own in the metrics. */
  readonly mostTenants: number;
}

/** The service in two threads, so that neither an fsync nor a long read keeps HTTP waiting. */
export interface Workers {
  readonly service: Service;
  /** Asks both whether the database answers. */
  checkReady(): Promise<void>;
  /** Rejects when one of them ended that was not told to; without it there is no service. */
  readonly broken: Promise<never>;
  /** Has them finish what is under way, close the database and end. @throws why one has died. */
  close(): Promise<void>;
}

/** Starts them from the built file of `worker.ts`, on a database that is there. */
export function startWorkers(file: string, path: string, mostTenants: number): Workers {
  setFlagsFromString(COLLECT_SOON);
  const writer = startWorker(file, { path, writes: true, mostTenants });
  const reader = startWorker(file, { path, writes: false, mostTenants });
  return {
    service: (operation, input, caller) =>
      (isForReader(operation) ? reader : writer).call(operation, input, caller),
    async checkReady() {
      await Promise.all([reader.call(canRead, {}, prober), writer.call(canWrite, {}, prober)]);
    },
    broken: firstRejection(writer.ended, reader.ended),
    async close() {
      // In this order: the last connection to close checkpoints the WAL, which a reading one cannot.
      await reader.close().finally(writer.close);
    },
  };
}

/** As `operationsOf` in worker.ts has it. */
function isForReader({ isReadOnly, name }: Pick<Operation, 'isReadOnly' | 'name'>): boolean {
  return isReadOnly && name !== findKnownToken.name && name !== readMeter.name;
}

const prober: Caller = { ...system(''), dryRun: true };

/**
 * Three heaps that may each double or more before V8 looks at what is old take tens of megabytes more, and
 * are no faster where what lives is small. Less than this makes the largest reports slow. V8 asks for
 * it whenever it has collected, so that it may be said while it runs.
 */
const COLLECT_SOON = '--heap-growing-percent=40';

/** What a call leaves behind is small and soon gone: more room for it is only more memory (30 MB). */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

interface OneWorker {
  readonly call: Service;
  /** Rejects unless it was told to end. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

function startWorker(file: string, task: WorkerTask): OneWorker {
  const name = task.writes ? 'hodei writer' : 'hodei reader';
  const worker = new Worker(file, { name, workerData: task, resourceLimits });
  const line = callThrough(worker);
  let isTold = false;
  let failure: Error | undefined;
  worker.once('error', (error: unknown) => (failure = toError(error)));
  const ended = new Promise<void>((resolve, reject) => {
    // What it answered before its end has arrived by then.
    worker.once('exit', (code) => {
      const why = death(name, failure, code);
      line.lose(why);
      if (isTold && code === 0) resolve();
      else reject(why);
    });
  });
  ended.catch(() => undefined);
  return {
    call: line.call,
    ended,
    async close() {
      isTold = true;
      line.close();
      await ended;
    },
  };
}

/** Anything can be thrown. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function death(name: string, failure: Error | undefined, code: number): HodeiError {
  const why = failure === undefined ? `it ended with ${code}.` : String(failure.stack);
  return new HodeiError('internal', `The thread "${name}" has died: ${why}`, {
    hint: 'This is a fault in hodei. What was answered is kept.',
    cause: failure,
  });
}

function firstRejection(...promises: Promise<unknown>[]): Promise<never> {
  const first = new Promise<never>((_, reject) => {
    for (const promise of promises) promise.catch(reject);
  });
  first.catch(() => undefined);
  return first;
}
