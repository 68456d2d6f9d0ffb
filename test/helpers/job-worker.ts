import { createInterface } from 'node:readline';
import { fullAuthority } from '../../src/service/authority.ts';
import { HodeiError } from '../../src/domain/errors.ts';
import { callLocal } from '../../src/service/call.ts';
import { operations } from '../../src/service/index.ts';
import { admitJob, releaseJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/store.ts';
import { callAs, TRACE_ID } from './service.ts';

/** What a line asks of a worker, several at once, and the next line that it writes answers. */
interface Asked {
  readonly operation: string;
  readonly input: Record<string, unknown>;
}

export type Answered = { readonly done: unknown } | { readonly refused: string; why: string };

/** What a process of the tests of jobs does. It talks to the test in lines. */
const works: Record<string, (...args: string[]) => Promise<void>> = {
  /** Does all that a line says at once, and answers it with one. */
  async operate(path = '', name = '') {
    const store = openSqliteStore({ path, create: false, now: Date.now });
    const call = callOn(store, name);
    say('ready');
    for await (const line of createInterface({ input: process.stdin })) {
      const asked = JSON.parse(line) as Asked[];
      say(JSON.stringify(await Promise.all(asked.map((each) => answerTo(call, each)))));
    }
    await store.close();
  },

  /** Opens the file for the first line, answers each, and closes it at `close`, as a command does. */
  async command(path = '', name = '') {
    let store: Store | undefined;
    say('ready');
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === 'close') {
        await store?.close();
        store = undefined;
        say('closed');
      } else {
        store ??= openSqliteStore({ path, create: false, now: Date.now });
        say(JSON.stringify(await answerTo(callOn(store, name), JSON.parse(line) as Asked)));
      }
    }
  },

  /** Admits jobs and releases some of them, several at a time, and says so when it is acknowledged. */
  async load(path = '', name = '') {
    const call = callOn(openSqliteStore({ path, create: false, now: Date.now }), name);
    say('ready');
    for (let round = 0; ; round++) {
      await Promise.all([1, 2, 3].map((part) => admitAndRelease(call, `${name}-${round}-${part}`)));
    }
  },
};

async function admitAndRelease(call: Call, jobId: string): Promise<void> {
  const request = { tenant: 'acme', job_id: jobId, cpu_m: 1, on_full: 'queue' as const };
  const { id, state } = await call(admitJob, request);
  say(`${state} ${id}`);
  // One of three stays, so that what is used grows and the limit comes to bind.
  if (state !== 'admitted' || jobId.endsWith('1')) return;
  await call(releaseJob, { job: String(id) });
  say(`released ${id}`);
}

async function answerTo(call: Call, { operation: name, input }: Asked): Promise<Answered> {
  const operation = operations.find((each) => each.name === name);
  if (operation === undefined) throw new Error(`there is no ${name}`);
  try {
    return { done: await call(operation, input) };
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return { refused: error.code, why: error.message };
  }
}

function callOn(store: Store, principal: string): Call {
  const service = callLocal(store, { now: Date.now, newId: randomId });
  return callAs(service, { ...fullAuthority, principal, traceId: TRACE_ID });
}

/** Ids of many processes, which must differ. */
function randomId(kind: string): string {
  const digits = Array.from({ length: 12 }, () => Math.floor(Math.random() * 10));
  return `${kind}-${digits.join('')}`;
}

/** Written at once, also when the process is killed right after. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const [, , work = '', ...args] = process.argv;
await works[work]?.(...args);
