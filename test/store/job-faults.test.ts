import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answered } from '../helpers/job-worker.ts';
import { requireCleanLedger } from '../helpers/ledger.ts';
import { beginLedger } from '../helpers/ledger-start.ts';
import { bundleWorker, startWorker } from '../helpers/processes.ts';
import { memoryFolder, onFile, removeFolder } from '../helpers/store.ts';
import {
  faults,
  traceWhile,
  whyNoFaults,
  type Fault,
  type Injection,
  type Trace,
} from '../helpers/strace.ts';

/** In memory: what happens to a write is decided here, and not by a disk. */
const folder = memoryFolder();
const begun = join(folder, 'begun.db');
const left = join(folder, 'left.db');

let worker: string;

const missing = whyNoFaults();
if (missing !== undefined) {
  it('system calls can be made to fail', ({ skip }) => {
    if (process.env['CI'] !== undefined) throw new Error(missing);
    skip(missing);
  });
}

beforeAll(async () => {
  if (missing !== undefined) return;
  worker = await bundleWorker(folder, 'job-worker');
  await beginLedger(begun, { acme: {} });
  await beginLedger(left, { acme: { cpu_m: 1 } });
  // Its process is killed before it tidies up, so that the next one has to recover the WAL.
  const killed = startWorker(worker, 'operate', left, 'killed');
  expect(await killed.hear()).toBe('ready');
  const request = { tenant: 'acme', cpu_m: 1, on_full: 'queue' };
  const jobs = ['held', 'next'].map((job_id) => ({ ...request, job_id }));
  killed.say(JSON.stringify(jobs.map((input) => ({ operation: 'job.admit', input }))));
  expect(await killed.hear()).toContain('queued');
  await killed.kill();
});
afterAll(() => removeFolder(folder));

/** A command, and which jobs there are before and after it. */
interface Command {
  readonly name: string;
  readonly files: () => readonly string[];
  readonly operation: string;
  readonly input: object;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const commands: readonly Command[] = [
  {
    name: 'an admission',
    files: () => [begun],
    operation: 'job.admit',
    input: { tenant: 'acme', job_id: 'new', cpu_m: 1 },
    before: [],
    after: ['new admitted'],
  },
  {
    name: 'a release after a crash, for which another job waits,',
    files: () => [left, `${left}-wal`],
    operation: 'job.release',
    input: { job: 'acme:held' },
    before: ['held admitted', 'next queued'],
    after: ['held released', 'next admitted'],
  },
];

describe.skipIf(missing !== undefined).each(commands)('$name', (command) => {
  it.concurrent.each(faults)(
    'that meets %s at any of its writes tells the truth, can be tried again, and leaves a clean ledger',
    async (fault) => {
      const stage = openStage(command, fault);
      const { calls } = await stage.play();
      const counts = new Map<string, number>();
      for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1);
      for (const [call, count] of counts) {
        for (let at = 1; at <= count; at++) await stage.play({ call, at, fault });
      }
      await stage.close();
      // The frames of the WAL, the database they are copied to, and what makes both durable.
      expect(calls.length).toBeGreaterThan(40);
      expect([...counts.keys()].sort()).toEqual(['fsync', 'ftruncate', 'pwrite64', 'unlink']);
    },
    120_000,
  );
});

interface Stage {
  /** The command on files as they were before it, and all that has to be so after it. */
  play(injection?: Injection): Promise<Trace>;
  close(): Promise<void>;
}

function openStage(command: Command, fault: Fault): Stage {
  const path = join(folder, `${command.operation} ${fault}.db`);
  const start = async () => {
    const actor = startWorker(worker, 'command', path, fault);
    expect(await actor.hear()).toBe('ready');
    return actor;
  };
  // One is always getting ready, for when the other is killed.
  let [actor, understudy] = [start(), start()];
  return {
    async play(injection) {
      setTheStage(path, command);
      const { pid, say, hear } = await actor;
      const answers: (Answered | undefined)[] = [];
      const line = JSON.stringify({ operation: command.operation, input: command.input });
      const ask = async () => {
        say(line);
        const answer = await hear();
        answers.push(answer === undefined ? undefined : (JSON.parse(answer) as Answered));
        // Who opens the file of a killed process first shall be hodei.
        if (answer !== undefined) requireTruth(path, command, answers, injection);
      };
      let last: string | undefined;
      const work = async () => {
        await ask();
        await ask();
        say('close');
        last = await hear();
        return last === 'closed';
      };
      const watched = { files: sidecars.map((end) => path + end), log: `${path}.trace` };
      const trace = await traceWhile(pid, watched, injection, work);
      expect([injection, trace.hasFired]).toEqual([injection, injection !== undefined]);
      await requireCleanLedger(path);
      requireTruth(path, command, answers, injection);
      const isKilled = injection?.fault === 'KILL';
      expect([injection, last]).toEqual([injection, isKilled ? undefined : 'closed']);
      if (isKilled) [actor, understudy] = [understudy, start()];
      return trace;
    },
    async close() {
      const ends = [await (await actor).end(), await (await understudy).end()];
      expect(ends).toEqual(ends.map(() => ({ code: 0, stderr: '' })));
    },
  };
}

const sidecars = ['', '-wal', '-shm', '-journal'];

function setTheStage(path: string, { files }: Command): void {
  for (const end of sidecars) rmSync(path + end, { force: true });
  files().forEach((file, i) => copyFileSync(file, path + (sidecars[i] ?? '')));
}

/**
 * What was acknowledged is in the file, and what was refused is not; of the rest all or nothing. Of
 * two tries only one can meet what happens once.
 */
function requireTruth(
  path: string,
  { before, after }: Command,
  answers: readonly (Answered | undefined)[],
  injection: Injection | undefined,
): void {
  const jobs = onFile(path, (db) =>
    db.prepare(`select job_id || ' ' || state from job order by id`).pluck().all(),
  );
  const isDone = answers.some((answer) => answer !== undefined && 'done' in answer);
  const isUnknown = answers.some(
    (answer) =>
      answer === undefined || ('refused' in answer && answer.refused === 'unknown_outcome'),
  );
  const possible = isDone ? [after] : isUnknown ? [before, after] : [before];
  const why = JSON.stringify({ injection, answers });
  expect(possible, why).toContainEqual(jobs);
  const isOnce = injection?.fault === 'EIO' || injection?.fault === 'ENOSPC';
  if (isOnce && answers.length === 2) expect(isDone, why).toBe(true);
}
