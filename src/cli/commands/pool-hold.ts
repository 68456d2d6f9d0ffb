import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { holdPool, listPools, resumePool } from '../../service/pools.ts';
import { sayStarted } from '../effect-words.ts';
import { endFrom } from '../instant.ts';
import { pagesFrom } from '../pages.ts';
import { named } from '../pool-flags.ts';
import { printPools, sayHeld, sayOver } from '../pool-words.ts';
import type { Run } from '../run.ts';
import { forEach } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';

interface AllFlag {
  readonly all?: boolean;
}

interface HoldFlags extends AllFlag {
  readonly until?: string;
}

export function addHold(cli: Cli, noun: Command): void {
  addVerb<HoldFlags>(
    cli,
    noun,
    {
      usage: 'hold [pool...]',
      summary: 'let nothing new start in pools; what runs runs on',
      examples: [
        'pool hold gpu --reason "new driver"',
        'pool hold gpu --until 18:00 --reason driver',
        'pool hold --all --until 2h',
      ],
      changes: true,
      isVersioned: true,
      flags: (command) =>
        command
          .option('--until <time>', 'resume by itself: 18:00, 2026-11-24T08:00, or 2h from now')
          .option('--all', 'every pool'),
    },
    async (run, [ids], { until, all }) => {
      const now = run.host.time.now();
      const end = until === undefined ? {} : { until: endFrom(until, now) };
      const wanted = await selected(run, named(ids), all === true);
      const held = await forEach(run, wanted, (pool) => run.call(holdPool, { pool, ...end }));
      const sentences = held.map((pool) => sayHeld(pool, now, run.isDryRun));
      await printPools(run, isOne(wanted, all), held, sentences);
    },
  );
}

export function addResume(cli: Cli, noun: Command): void {
  addVerb<AllFlag>(
    cli,
    noun,
    {
      usage: 'resume [pool...]',
      summary: 'undo hold; what waits starts as far as it fits',
      examples: ['pool resume gpu', 'pool resume gpu --dry-run', 'pool resume --all'],
      changes: true,
      isVersioned: true,
      flags: (command) => command.option('--all', 'every pool'),
    },
    async (run, [ids], { all }) => {
      const wanted = await selected(run, named(ids), all === true);
      const resumed = await forEach(run, wanted, (pool) => run.call(resumePool, { pool }));
      const sentences = resumed.flatMap((pool) => [
        run.isDryRun ? `${pool.id} would be active. Nothing was changed.` : `${pool.id} is active.`,
        ...sayOver(pool, run.isDryRun),
        ...sayStarted(pool.effects.started, run.isDryRun),
      ]);
      await printPools(run, isOne(wanted, all), resumed, sentences);
    },
  );
}

/** Who asks for all gets a list, however many there are. */
function isOne(wanted: readonly string[], all: boolean | undefined): boolean {
  return wanted.length === 1 && all !== true;
}

/** The pools that are named, or every one. */
async function selected(run: Run, wanted: string[], isAll: boolean): Promise<string[]> {
  if (!isAll) {
    if (wanted.length > 0) return wanted;
    throw invalid('Which pool?', 'Name one or several, or all of them: --all');
  }
  if (wanted.length > 0) throw invalid('Name pools or take all with --all, not both.');
  const every: string[] = [];
  for await (const { items } of pagesFrom({}, (page) => run.call(listPools, page))) {
    every.push(...items.map(({ id }) => id));
  }
  return every;
}
