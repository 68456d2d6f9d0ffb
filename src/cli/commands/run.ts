import { Option, type Command } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { invalid } from '../../domain/errors.ts';
import { Exit } from '../exit-codes.ts';
import { withRequestFlags } from '../job-flags.ts';
import { runAsJob, type RunFlags } from '../run-job.ts';
import { asVerb, type Cli } from '../verb.ts';

export function register(cli: Cli, command: Command): void {
  command.usage('[options] -- <command> [word...]').argument('[command...]', 'what to run');
  asVerb<RunFlags>(
    cli,
    command,
    {
      examples: [
        'run --tenant acme --cpu 2 --memory 4Gi -- make test',
        'run --tenant acme --gpu 1 --wait 30m --id "$BUILD_TAG" -- python train.py',
      ],
      flags: withRunFlags,
    },
    async (run, [words], flags) => {
      const argv = commandBehind(command, words as string[]);
      run.beQuiet();
      throw new Exit(await runAsJob(run, argv, flags));
    },
  );
}

function withRunFlags(command: Command): Command {
  return withRequestFlags(command)
    .option('--id <key>', 'your own name for it, new for every run')
    .option('--ttl <time>', 'its lease, renewed while the command lives; 60s', parseDuration)
    .option('--wait <time>', 'wait so long for room; else it starts at once or not', parseDuration)
    .addOption(
      new Option(
        '--on-unavailable <what>',
        'when hodei cannot be asked: fail; or proceed, unguarded',
      ).choices(['fail', 'proceed']),
    )
    .option('--reason <text>', 'why, for the audit')
    .option('--as <name>', 'a name to be noted beside yours');
}

/** Only what stands behind `--` is the command: hodei takes no flag from it, nor it one of hodei's. */
function commandBehind(command: Command, words: readonly string[]): string[] {
  const { rawArgs = [] } = command.parent as { rawArgs?: readonly string[] };
  const cut = rawArgs.indexOf('--');
  const behind = cut === -1 ? [] : rawArgs.slice(cut + 1);
  const example = 'Behind two dashes: hodei run --tenant acme --cpu 2 -- make test';
  if (behind.length === 0) throw invalid('Which command?', example);
  if (behind.length < words.length) throw invalid(`What is ${words[0] ?? ''} here?`, example);
  if (behind[0] === '') throw invalid('The command has an empty name.', example);
  return behind;
}
