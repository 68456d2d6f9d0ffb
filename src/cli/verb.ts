import { Option, type Command } from 'commander';
import { invalid } from '../domain/errors.ts';
import { startRun, type Run, type SharedFlags } from './run.ts';
import type { Host } from './host.ts';
import type { Terminal } from './terminal.ts';

/** What the commands are registered with. */
export interface Cli {
  readonly terminal: Terminal;
  readonly host: Host;
  setExitCode(code: number): void;
}

export interface VerbWords {
  /** As commander writes it: `create <name>`, `get <tenant...>`. */
  readonly usage: string;
  readonly summary: string;
  /** What one would really type, without `hodei`. */
  readonly examples: readonly string[];
  /** Whether it changes something, so that it takes --reason, --as and --dry-run. */
  readonly changes?: boolean;
  /** Whether it changes one thing that has a version. */
  readonly isVersioned?: boolean;
  /** Whether it asks before it acts. */
  readonly asks?: boolean;
  /** The flags that only this verb has. */
  readonly flags?: (command: Command) => Command;
}

/** Adds a verb to a noun; `act` is called with the positional words and the verb's own flags. */
export function addVerb<Flags extends object>(
  cli: Cli,
  noun: Command,
  words: VerbWords,
  act: (run: Run, positionals: readonly (string | string[])[], flags: Flags) => Promise<void>,
): void {
  const command = noun.command(words.usage).summary(words.summary).description(words.summary);
  asVerb(cli, command, words, act);
}

/** The same for a noun that stands alone, such as `serve`; its arguments are its own to declare. */
export function asVerb<Flags extends object>(
  cli: Cli,
  command: Command,
  words: Omit<VerbWords, 'usage' | 'summary'>,
  act: (run: Run, positionals: readonly (string | string[])[], flags: Flags) => Promise<void>,
): void {
  command.allowExcessArguments(false);
  words.flags?.(command);
  withSharedFlags(command, words);
  command.addHelpText('after', examplesText(words.examples));
  command.action(async (...all: unknown[]) => {
    const flags = command.optsWithGlobals<SharedFlags & Flags>();
    const run = startRun(cli.terminal, cli.host, flags);
    const positionals = all.slice(0, -2) as (string | string[])[];
    try {
      await act(run, positionals, flags);
      cli.setExitCode(run.exitCode());
    } finally {
      await run.close();
    }
  });
}

export function examplesText(examples: readonly string[]): string {
  if (examples.length === 0) return '';
  return `\nExamples:\n${examples.map((example) => `  $ hodei ${example}`).join('\n')}`;
}

function withSharedFlags(
  command: Command,
  { changes, isVersioned, asks }: Pick<VerbWords, 'changes' | 'isVersioned' | 'asks'>,
): void {
  if (changes === true) {
    command
      .optionsGroup('The change:')
      .option('--reason <text>', 'why, for the audit')
      .option('--as <name>', 'a name to be noted beside yours')
      .option('--dry-run', 'say what would follow, and change nothing');
    if (isVersioned === true) {
      command.option('--if-version <n>', 'only if it is still at this version', toWholeNumber);
    }
  }
  if (asks === true) command.option('-y, --yes', 'do not ask');
  addPlaceFlags(command);
}

/** The flags that stand anywhere in a command line. */
export function addPlaceFlags(command: Command): Command {
  return command
    .optionsGroup('Where and how:')
    .option('-o, --output <format>', 'table, json, yaml, csv or name')
    .option('--json', 'the same as -o json: what REST answers')
    .option('--db <path>', 'the database file')
    .option('--server <url>', 'a hodei server, instead of a file')
    .option('--context <name>', 'where you are logged in; local: the file here')
    .option('--config <file>', 'the config file')
    .addOption(new Option('--no-color', 'no colours (also NO_COLOR)').default(undefined))
    .helpOption('-h, --help', 'this help');
}

export function toWholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`A whole number is expected: "${text}"`);
}

/** Collects a flag that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
