/**
 * Speed, as ratios within one run on one machine: absolute times mean nothing on a shared one.
 * Prints a table and writes bench/results/<time>.json.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureCost } from './cost.ts';
import { fill } from './fill.ts';
import { measureHttp } from './http.ts';
import { measureHttpJobs } from './http-jobs.ts';
import { measureJobs } from './jobs.ts';
import { printFigures, type Figure } from './measure.ts';
import { measureQueue } from './queue.ts';
import { measureScale } from './scale.ts';
import { measureStart } from './start.ts';

const SMALL = 1_000;
const LARGE = 1_000_000;

void main();

async function main(): Promise<void> {
  const figures = [...measureStart()];
  const folder = mkdtempSync(join(tmpdir(), 'hodei-bench-'));
  try {
    const small = await fill(join(folder, 'small.db'), SMALL);
    const large = await fill(join(folder, 'large.db'), LARGE);
    const hand = await fill(join(folder, 'hand.db'), SMALL);
    const sizes = [
      { ...small, tenants: SMALL },
      { ...large, tenants: LARGE },
    ] as const;
    figures.push(
      ...(await measureScale(...sizes)),
      ...(await measureJobs(...sizes, { ...hand, tenants: SMALL })),
      ...(await measureQueue(join(folder, 'queue.db'))),
      ...(await measureCost(join(folder, 'cost.db'))),
      ...(await measureHttp(small, large, LARGE)),
      ...(await measureHttpJobs(...sizes, { ...hand, tenants: SMALL })),
    );
    for (const { store } of [small, large, hand]) await store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
  printFigures(figures);
  write(figures);
}

function write(measured: readonly Figure[]): void {
  const results = new URL('../../bench/results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  const time = new Date().toISOString();
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model };
  const file = new URL(`${time.replaceAll(':', '-')}.json`, results);
  writeFileSync(file, `${JSON.stringify({ time, machine, figures: measured }, null, 2)}\n`);
}
