import type { Command, Option } from 'commander';
import { FILES } from './commands/completion.ts';
import { nouns } from './nouns.ts';
import { buildProgram } from './program.ts';
import { formats } from './render.ts';
import type { Cli } from './verb.ts';

interface Candidate {
  readonly value: string;
  readonly about?: string;
}

/** Prints what may stand in the place of the last word, in the form that the shell wants. */
export async function printCandidates(cli: Cli, argv: readonly string[]): Promise<void> {
  const [shell, , ...words] = argv;
  // bash splits at = and hands it over as a word of its own.
  const typed = shell === 'bash' ? words.filter((word) => word !== '=') : words;
  const isValueMissing = typed.length < words.length && words.at(-1) === '=';
  const found = await candidates(cli, isValueMissing ? [...typed, ''] : typed);
  const lines = found.map((candidate) => lineFor(shell, candidate));
  if (lines.length > 0) cli.terminal.out(lines.join('\n'));
}

function lineFor(shell: string | undefined, { value, about }: Candidate): string {
  if (about === undefined || value === FILES || shell === 'bash') return value;
  if (shell === 'fish') return `${value}\t${about}`;
  return `${value.replaceAll(':', '\\:')}:${about}`;
}

async function candidates(cli: Cli, words: readonly string[]): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const { command, operands, flag, isRaw } = await walk(cli, words.slice(0, -1));
  if (flag !== undefined) return startingWith(current, valuesOf(flag));
  if (isRaw) return fileOrNothing(command, operands);
  const [, name, value] = /^(--[^=]+)=(.*)$/.exec(current) ?? [];
  if (name !== undefined && value !== undefined) {
    return startingWith(value, valuesOf(optionOf(command, name))).map((candidate) =>
      candidate.value === FILES ? candidate : { ...candidate, value: `${name}=${candidate.value}` },
    );
  }
  if (current.startsWith('-')) return startingWith(current, flagsOf(command));
  const below = command.createHelp().visibleCommands(command);
  if (below.length === 0) return startingWith(current, operandsOf(command, operands));
  if (operands > 0) return [];
  return startingWith(
    current,
    below.map((each) => ({ value: each.name(), about: each.summary() })),
  );
}

interface Walked {
  readonly command: Command;
  /** How many words stand there that are neither a command nor a flag. */
  readonly operands: number;
  /** The flag whose value comes next. */
  readonly flag: Option | undefined;
  /** After `--` nothing is a flag. */
  readonly isRaw: boolean;
}

/** Goes down from the program along the words; only the noun on the way is loaded. */
async function walk(cli: Cli, words: readonly string[]): Promise<Walked> {
  let command = buildProgram(cli);
  let operands = 0;
  let flag: Option | undefined;
  for (const word of words) {
    if (flag !== undefined) flag = undefined;
    else if (word === '--') return { command, operands, flag, isRaw: true };
    else if (word.startsWith('-')) flag = awaitingValue(optionOf(command, word));
    else {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) operands += 1;
      else command = await entered(cli, command, next);
    }
  }
  return { command, operands, flag, isRaw: false };
}

async function entered(cli: Cli, from: Command, next: Command): Promise<Command> {
  const isNoun = from.parent === null;
  const noun = isNoun ? nouns.find(({ name }) => name === next.name()) : undefined;
  await noun?.register(cli, next);
  return next;
}

function awaitingValue(option: Option | undefined): Option | undefined {
  return option?.required === true ? option : undefined;
}

function optionOf(command: Command, word: string): Option | undefined {
  return command.options.find(({ long, short }) => word === long || word === short);
}

function flagsOf(command: Command): Candidate[] {
  const flags = command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', about: description }));
  return [...flags, { value: '--help', about: 'this help' }];
}

/** `<path>` and `<file>` in the usage say that it is a file. */
function valuesOf(option: Option | undefined): Candidate[] {
  if (option === undefined) return [];
  if (option.attributeName() === 'output') return formats.map((value) => ({ value }));
  if (/<(path|file)>/.test(option.flags)) return [{ value: FILES }];
  return (option.argChoices ?? []).map((value) => ({ value }));
}

function operandsOf(command: Command, index: number): Candidate[] {
  const declared = command.registeredArguments;
  const expected = declared[index] ?? declared.find(({ variadic }) => variadic);
  if (expected === undefined) return [];
  if (expected.name() === 'file') return [{ value: FILES }];
  return (expected.argChoices ?? []).map((value) => ({ value }));
}

function fileOrNothing(command: Command, index: number): Candidate[] {
  return operandsOf(command, index).filter(({ value }) => value === FILES);
}

function startingWith(text: string, all: readonly Candidate[]): Candidate[] {
  return all.filter(({ value }) => value === FILES || value.startsWith(text));
}
