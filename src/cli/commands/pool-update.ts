import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { getPool, updatePool } from '../../service/pools.ts';
import type { PoolChangeView, PoolView } from '../../service/pool-view.ts';
import { sayStarted } from '../effect-words.ts';
import {
  limited,
  named,
  poolOf,
  withPoolFlags,
  type PoolFlags,
  type SaidPool,
} from '../pool-flags.ts';
import { printPools, sayChanges, sayOver } from '../pool-words.ts';
import type { Run } from '../run.ts';
import { forEach } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';

export function addUpdate(cli: Cli, noun: Command): void {
  addVerb<PoolFlags>(
    cli,
    noun,
    {
      usage: 'update <pool...>',
      summary: 'change workers, what each has, or how many jobs there may be',
      examples: [
        'pool update gpu --max-size 2 --dry-run',
        'pool update spot --size 12',
        'pool update gpu --memory 24Gi --set license=unlimited',
      ],
      changes: true,
      isVersioned: true,
      flags: (command) => withPoolFlags(command).option('--no-provider', 'take the label away'),
    },
    async (run, [ids], flags) => {
      const said = poolOf(flags);
      if (Object.keys({ ...said.fields, ...said.resources }).length === 0) {
        throw invalid('Nothing to change was named.', 'See what can be: hodei pool update --help');
      }
      const wanted = named(ids);
      const changed = await forEach(run, wanted, (pool) => updateOne(run, pool, said));
      const sentences = changed.flatMap(({ before, after }) => sayUpdated(run, before, after));
      const pools = changed.map(({ after }) => after);
      await printPools(run, wanted.length === 1, pools, sentences);
    },
  );
}

interface Updated {
  readonly before: PoolView;
  readonly after: PoolChangeView;
}

/** What a worker has travels as a whole, so it is written only over what was read. */
async function updateOne(
  run: Run,
  pool: string,
  { fields, resources }: SaidPool,
): Promise<Updated> {
  const before = await run.call(getPool, { pool });
  if (Object.keys(resources).length === 0) {
    return { before, after: await run.call(updatePool, { pool, ...fields }) };
  }
  const ifVersion = run.flags.ifVersion ?? before.version;
  const worker = limited({ ...before.resources, ...resources });
  const input = { pool, ...fields, resources: worker };
  return { before, after: await run.call(updatePool, input, { ifVersion }) };
}

function sayUpdated(run: Run, before: PoolView, after: PoolChangeView): string[] {
  const changes = sayChanges(before, after);
  const follows = [
    ...sayOver(after, run.isDryRun),
    ...sayStarted(after.effects.started, run.isDryRun),
  ];
  if (changes.length === 0)
    return [`${after.id}: nothing to change, it is so already.`, ...follows];
  const sentence = `${after.id}: ${changes.join(', ')}.`;
  return [run.isDryRun ? `Would set ${sentence} Nothing was changed.` : sentence, ...follows];
}
