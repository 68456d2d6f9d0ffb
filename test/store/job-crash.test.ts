import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { setBudget } from '../../src/service/budgets.ts';
import type { EventRow } from '../../src/store/store.ts';
import { countBudgetsIn } from '../helpers/budgets.ts';
import { jobStates, requireCleanLedger } from '../helpers/ledger.ts';
import { beginLedger } from '../helpers/ledger-start.ts';
import { noticesIn } from '../helpers/notice-replay.ts';
import { bundleWorker, startWorker, type Process } from '../helpers/processes.ts';
import { newFolder, removeFolder } from '../helpers/store.ts';

const folder = newFolder();
afterAll(() => removeFolder(folder));

const ROUNDS = 10;
const WORKERS = 2;

it('what was acknowledged of jobs before a kill -9 is so after it, over and over, and nothing is torn', async () => {
  const worker = await bundleWorker(folder, 'job-worker');
  const path = join(folder, 'hodei.db');
  // Room for some of them: the others wait, and are promoted as others are released.
  await beginLedger(path, { acme: { cpu_m: 100 } }, async (call) => {
    await call(setBudget, { tenant: 'acme', monthly_micro: 1_000_000_000_000 });
  });
  const acknowledged: string[] = [];
  let budgetsKept = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const workers = Array.from({ length: WORKERS }, (_, i) =>
      startWorker(worker, 'load', path, `w${round}-${i}`),
    );
    await Promise.all(workers.map((each) => killInTheMidst(each, acknowledged)));
    requireEachToldOnce(await requireCleanLedger(path));
    expect(brokenPromises(path, acknowledged)).toEqual([]);
    for (const { kept, measured } of await countBudgetsIn(path)) {
      expect(kept ?? measured).toBe(measured);
      budgetsKept += kept === undefined ? 0 : 1;
    }
  }
  expect(budgetsKept).toBeGreaterThan(0);
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * WORKERS * 5);
}, 60_000);

/** A kill neither loses a notice nor has one given twice: it is written with the job, or not at all. */
function requireEachToldOnce(events: readonly EventRow[]): void {
  const { told, expected } = noticesIn(events, { resource: 'cpu_m', limit: 100 });
  expect(told).toEqual(expected);
}

/** Lets it acknowledge a few changes, and kills it while it goes on. */
async function killInTheMidst(worker: Process, acknowledged: string[]): Promise<void> {
  expect(await worker.hear()).toBe('ready');
  for (let heard = 0; heard < 6; heard++) acknowledged.push((await worker.hear()) ?? 'silence');
  await setTimeout(Math.random() * 20);
  await worker.kill();
  // Acknowledged too, though nobody had listened yet.
  for (let line = await worker.hear(); line !== undefined; line = await worker.hear()) {
    acknowledged.push(line);
  }
}

it('the same holds of a server that is killed while many ask it at once', async () => {
  const path = join(folder, 'served.db');
  await beginLedger(path, { acme: { cpu_m: 100 } });
  const acknowledged: string[] = [];
  for (let round = 0; round < SERVED_ROUNDS; round++) {
    const server = await startServer(path);
    const life: Life = { isOver: false };
    const callers = Array.from({ length: CONNECTIONS }, (_, i) =>
      admitAndRelease(server.url, `s${round}-${i}`, acknowledged, life),
    );
    const before = acknowledged.length;
    while (acknowledged.length < before + 100) await setTimeout(5);
    await setTimeout(Math.random() * 20);
    life.isOver = true;
    await server.kill();
    await Promise.all(callers);
    requireEachToldOnce(await requireCleanLedger(path));
    expect(brokenPromises(path, acknowledged)).toEqual([]);
  }
}, 60_000);

const door = join(import.meta.dirname, '../../bin/hodei.js');
const SERVED_ROUNDS = 5;
const CONNECTIONS = 16;

/** Set before a server is killed, so that nobody wonders why it is silent. */
interface Life {
  isOver: boolean;
}

interface Server {
  readonly url: string;
  kill(): Promise<void>;
}

/** A real process of `hodei serve`, once it listens. */
async function startServer(path: string): Promise<Server> {
  const env = { PATH: process.env['PATH'], HOME: folder, HODEI_LOG: 'error' };
  const child = spawn(process.execPath, [door, 'serve', '--port', '0', '--db', path], {
    ...{ env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  });
  const exited = once(child, 'exit');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    const kill = async () => {
      child.kill('SIGKILL');
      await exited;
    };
    return { url, kill };
  }
  throw new Error(said.join('\n'));
}

/** Over one connection, one call after the other, until the server is gone. */
async function admitAndRelease(
  url: string,
  name: string,
  acknowledged: string[],
  life: Life,
): Promise<void> {
  for (let n = 0; ; n++) {
    const request = { tenant: 'acme', job_id: `${name}-${n}`, cpu_m: 1, on_full: 'queue' };
    const job = await post(`${url}/api/v1/jobs`, request, life);
    if (job === undefined) return;
    acknowledged.push(`${job.state} ${job.id}`);
    // One of three stays, so that what is used grows and the limit comes to bind.
    if (job.state !== 'admitted' || n % 3 === 0) continue;
    const released = await post(`${url}/api/v1/jobs/${job.id}/release`, {}, life);
    if (released === undefined) return;
    acknowledged.push(`${released.state} ${released.id}`);
  }
}

interface JobAnswer {
  readonly id: string;
  readonly state: string;
}

/** The answer; undefined where there is none, since who should give it was killed. */
async function post(url: string, body: object, life: Life): Promise<JobAnswer | undefined> {
  const headers = { 'content-type': 'application/json' };
  try {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = (await response.json()) as JobAnswer;
    return response.ok ? answer : { id: JSON.stringify(answer), state: 'refused' };
  } catch (error) {
    if (life.isOver) return undefined;
    throw error;
  }
}

/** In which states a job can be of which so much was said. */
const possible: Readonly<Record<string, readonly string[]>> = {
  admitted: ['admitted', 'released'],
  queued: ['queued', 'admitted'],
  released: ['released'],
};

function brokenPromises(path: string, acknowledged: readonly string[]): string[] {
  const states = jobStates(path);
  return acknowledged.flatMap((line) => {
    const [said = '', id = ''] = line.split(' ');
    const state = states.get(id) ?? 'missing';
    return possible[said]?.includes(state) === true ? [] : [`${line}, and it is ${state}`];
  });
}
