import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import type { CostReport } from '../src/service/cost-rows.ts';
import { setRate } from '../src/service/rates.ts';
import { pruneUsage } from '../src/service/usage-prune.ts';
import { fill, nameOf, caller, type Filled } from './fill.ts';
import { median, ms, perSecond, type Figure } from './measure.ts';

const door = fileURLToPath(new URL('../../bin/hodei.js', import.meta.url));
const TENANTS = 100;
const JOBS = 1_000_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RUNS = 5;

/** The month before this one, which is over. */
function lastMonth(): { readonly from: number; readonly days: number; readonly name: string } {
  const now = new Date();
  const from = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1);
  const to = Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
  return { from, days: (to - from) / DAY, name: new Date(from).toISOString().slice(0, 7) };
}

/**
 * A month of a million jobs, reported by tenant and day: how long that takes, and whether it is what
 * another way of computing comes to, to the millionth, also when the jobs are removed.
 */
export async function measureCost(path: string): Promise<Figure[]> {
  const month = lastMonth();
  const filled = await fill(path, TENANTS);
  const change = month.from + 11 * DAY + 6 * HOUR;
  const from = new Date(change).toISOString();
  await filled.service(setRate, { resource: 'cpu_m', price_micro: 61_203, from }, caller);
  const bill = insertMonth(path, month.from, month.days, change);
  const summed = performance.now();
  const before = new Date(month.from + 40 * DAY).toISOString();
  await sumUp(filled);
  const summing = performance.now() - summed;
  const kept = reportOf(path, month.name);
  requireEqual(kept.report, bill, 'from jobs that are kept');
  for (let after: number | null = 0; after !== null;) {
    const input: { before: string; after: number } = { before, after };
    after = (await filled.service(pruneUsage, input, caller)).next;
  }
  const pruned = reportOf(path, month.name);
  requireEqual(pruned.report, bill, 'after the jobs were removed');
  await filled.store.close();
  const cells = bill.size.toLocaleString('en-US');
  return [
    {
      what: `cost of ${JOBS.toLocaleString('en-US')} jobs by tenant and day, CLI`,
      measured: ms(kept.time),
      against: `node -e 0: ${ms(kept.base)}; ${cells} sums equal to the millionth, also when pruned`,
      ratio: kept.time / kept.base,
      target: '< 2 s',
    },
    {
      what: 'summing up ended jobs by the hour',
      measured: perSecond((JOBS / summing) * 1000),
      against: '',
      ratio: undefined,
      target: '',
    },
  ];
}

/** Deterministic, and well spread: the same month in every run. */
function randomOf(n: number, salt: string): number {
  return createHash('md5').update(`${n}${salt}`).digest().readUInt32LE(0) / 2 ** 32;
}

/** By tenant and day, in parts of a millionth: over 3 600 000 × 128 000. */
type Bill = Map<string, bigint>;

function insertMonth(path: string, begin: number, days: number, change: number): Bill {
  const bill: Bill = new Map();
  const connection = new Sqlite(path);
  connection.pragma('synchronous = OFF');
  const { last } = connection.prepare('select max(id) as last from job').get() as { last: number };
  const { head } = connection.prepare('select max(sequence) as head from event').get() as {
    head: number;
  };
  const job = connection.prepare(
    `insert into job (id, public_id, tenant, pool, state, priority, labels, queue_ttl_seconds,
       requested_at, admitted_at, ended_at, claim_due, request_hash, version)
     values (?, ?, ?, 1, 'released', 0, '{}', 60, ?, ?, ?, 0, '', 2)`,
  );
  const amount = connection.prepare(
    'insert into job_resource (job, resource, amount) values (?, ?, ?)',
  );
  const event = connection.prepare(
    `insert into event (sequence, time, principal, operation, object, trace_id, previous_hash, hash)
     values (?, ?, 'bench', 'job.release', ?, '', '', '')`,
  );
  connection.transaction(() => {
    for (let i = 1; i <= JOBS; i++) {
      const [key, id] = [last + i, `job-bench${i}`];
      const tenant = 1 + (i % TENANTS);
      const from = begin + Math.floor(randomOf(i, 'from') * (days * DAY - 8 * HOUR));
      const to = from + 1 + Math.floor(randomOf(i, 'for') ** 3 * 8 * HOUR);
      const cpu = 1 + Math.floor(randomOf(i, 'cpu') * 8_000);
      const memory = 1 + Math.floor(randomOf(i, 'memory') * 16_384);
      job.run(key, id, tenant, from, from, to);
      amount.run(key, 1, cpu);
      amount.run(key, 2, memory);
      amount.run(key, 4, 1);
      event.run(head + i, to, id);
      addTo(bill, tenant, begin, { from, to, cpu, memory }, change);
    }
  })();
  connection.close();
  return bill;
}

/** Cut at every midnight and where the price of a core changes. */
function addTo(
  bill: Bill,
  tenant: number,
  begin: number,
  { from, to, cpu, memory }: Readonly<Record<'from' | 'to' | 'cpu' | 'memory', number>>,
  change: number,
): void {
  for (let time = from; time < to;) {
    const day = Math.floor((time - begin) / DAY);
    const midnight = begin + (day + 1) * DAY;
    const until = Math.min(to, midnight, time < change ? change : to);
    const price = time < change ? 50_000n : 61_203n;
    const cores = BigInt(cpu) * price * 128n;
    const memories = BigInt(memory) * 10_000n * 125n;
    const name = `${nameOf(tenant)} ${day}`;
    bill.set(name, (bill.get(name) ?? 0n) + BigInt(until - time) * (cores + memories));
    time = until;
  }
}

/** As a server does it, without removing anything. */
async function sumUp({ service }: Filled): Promise<void> {
  for (let behind = 1; behind > 0;) {
    const step = await service(pruneUsage, { before: '2000-01-01T00:00:00Z' }, caller);
    behind = step.behind;
  }
}

function reportOf(path: string, month: string) {
  const words = ['cost', 'report', '--month', month, '--by', 'day', '--limit', '200', '-o', 'json'];
  const times: number[] = [];
  const bases: number[] = [];
  let text = '';
  for (let run = 0; run < RUNS; run++) {
    bases.push(timed(['-e', '0']).time);
    const { time, out } = timed([door, ...words, '--db', path]);
    times.push(time);
    text = out;
  }
  return { report: JSON.parse(text) as CostReport, time: median(times), base: median(bases) };
}

function timed(args: readonly string[]): { readonly time: number; readonly out: string } {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${String(stderr)}`);
  return { time: performance.now() - start, out: String(stdout) };
}

/** @throws where one sum differs: a fast answer that is wrong is no figure. */
function requireEqual({ rows }: CostReport, bill: Bill, which: string): void {
  const parts = 3_600_000n * 128_000n;
  let compared = 0;
  for (const { name, periods } of rows) {
    for (const [day, told] of periods.entries()) {
      const exact = bill.get(`${name} ${day}`) ?? 0n;
      const rounded = Number((2n * exact + parts) / (2n * parts));
      if (told !== rounded)
        throw new Error(`${which}: ${name}, day ${day}: ${told}, not ${rounded}`);
      compared += exact === 0n ? 0 : 1;
    }
  }
  if (compared !== bill.size) throw new Error(`${which}: ${compared} of ${bill.size} sums told`);
}
