import { Command, CommanderError, Help } from 'commander';
import { HodeiError, invalid } from '../domain/errors.ts';
import { nearest } from '../service/nearest.ts';
import { Exit, exitCodes, USAGE } from './exit-codes.ts';
import type { Host } from './host.ts';
import { nouns, type Noun } from './nouns.ts';
import { refuseSecrets } from './secret-words.ts';
import type { Format } from './render.ts';
import { sayError } from './run.ts';
import { shown, type Terminal } from './terminal.ts';
import { addPlaceFlags, examplesText, type Cli } from './verb.ts';

export interface ProgramOptions {
  readonly terminal: Terminal;
  readonly host: Host;
  /** Show the cause of a bug, for who looks for it. */
  readonly isDebugging: boolean;
  readonly newTraceId: () => string;
}

/**
 * Runs one command line.
 * @returns the exit code. Errors are caught here, and nowhere else in the CLI.
 */
export async function runProgram(
  argv: readonly string[],
  options: ProgramOptions,
): Promise<number> {
  let exitCode = 0;
  let called: Noun | undefined;
  const { terminal, host } = options;
  const cli: Cli = { terminal, host, setExitCode: (code) => void (exitCode = code) };
  const program = buildProgram(cli, (noun) => void (called = noun));
  try {
    refuseSecrets(argv);
    await program.parseAsync(asFlag(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof Exit) return error.exitCode;
    const own = exitCodeOf(error, formatAsked(argv), options);
    return own === 0 ? 0 : own + (called?.refusalBase ?? 0);
  }
}

/** `hodei help quota set` and `hodei version`, as people try them. */
function asFlag(argv: readonly string[]): string[] {
  const [first, ...rest] = argv;
  if (first === 'help') return [...rest, '--help'];
  return first === 'version' ? ['--version'] : [...argv];
}

function exitCodeOf(
  error: unknown,
  format: Format,
  { terminal, isDebugging, newTraceId }: ProgramOptions,
): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  if (error instanceof HodeiError) {
    sayError(terminal, error, format);
    return exitCodes[error.code];
  }
  const hint = 'This is a bug in hodei. HODEI_LOG=debug shows its cause.';
  const message = `internal error (trace ${newTraceId()})`;
  sayError(terminal, new HodeiError('internal', message, { hint }), format);
  if (isDebugging) terminal.err(error instanceof Error ? String(error.stack) : String(error));
  return exitCodes.internal;
}

/** Errors come as JSON too where results were asked for as JSON, even in a line that is wrong. */
function formatAsked(argv: readonly string[]): Format {
  const end = argv.indexOf('--');
  const flags = end < 0 ? argv : argv.slice(0, end);
  const isJson = flags.some(
    (flag, i) =>
      flag === '--json' ||
      ['-ojson', '--output=json'].includes(flag) ||
      (['-o', '--output'].includes(flag) && flags[i + 1] === 'json'),
  );
  return isJson ? 'json' : 'table';
}

/** The root command; the verbs of a noun are added when the noun is called. */
export function buildProgram(cli: Cli, onCall?: (noun: Noun) => void): Command {
  const { terminal, host } = cli;
  const program = new Command('hodei')
    .description('The quota authority for job servers: who may use how much, and why not more.')
    .version(host.version, '-V, --version', 'the version')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({
      subcommandTerm: (command) => command.name(),
      // A word that only leads to others has nothing of its own to say about flags.
      visibleOptions: (command) =>
        command.commands.length > 0 ? [] : new Help().visibleOptions(command),
    })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      outputError: (text, write) => write(wordsOf(text)),
      getOutHasColors: () => terminal.outColour.level > 0,
      getErrHasColors: () => terminal.errColour.level > 0,
    });
  addPlaceFlags(program);
  for (const noun of nouns) addNoun(program, noun);
  program.hook('preSubcommand', async (_, command) => {
    const noun = nouns.find(({ name }) => name === command.name());
    if (noun === undefined) return;
    onCall?.(noun);
    await noun.register(cli, command);
  });
  program
    .usage('<command>')
    .addHelpText('after', `${examplesText(programExamples)}\n\n${everywhere}`);
  helpOrUnknown(program);
  return program;
}

const everywhere = `Every command has --help, and takes -o json|yaml|csv|name, --db PATH, --server URL and --context NAME.`;

const programExamples = [
  'tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi',
  'quota set acme --cpu 6 --gpu +2',
  'quota get acme',
  'serve',
];

function addNoun(program: Command, noun: Noun): void {
  const command = program.command(noun.name).summary(noun.summary).description(noun.summary);
  command.copyInheritedSettings(program);
  if (!noun.hasVerbs) return;
  command.helpCommand(false).usage('<command>').addHelpText('after', examplesText(noun.examples));
  helpOrUnknown(command);
}

/** Without another word the help; with one that does not exist the nearest that does. */
function helpOrUnknown(command: Command): void {
  command.allowExcessArguments().action(() => {
    const [word] = command.args;
    if (word === undefined) return command.outputHelp();
    const known = command.commands.map((each) => each.name());
    const suggestion = nearest(word, known);
    const said = [command.parent?.name(), command.name()].filter(Boolean).join(' ');
    throw invalid(
      `There is no command "${said} ${word}".`,
      suggestion === undefined
        ? `There are: ${known.join(', ')}.`
        : `Did you mean ${said} ${suggestion}?`,
    );
  });
}

/** commander says `error: unknown option '--cpus'`; hodei says who speaks, and repeats it as data. */
function wordsOf(text: string): string {
  const [, said = '', suggestion] =
    /^(?:error: )?(.*?)(?:\n\((Did you mean .*)\))?\n?$/s.exec(text) ?? [];
  return `hodei: ${shown(said)}${suggestion === undefined ? '' : `\n       ${shown(suggestion)}`}`;
}
