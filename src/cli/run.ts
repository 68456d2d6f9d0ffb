import { HodeiError, invalid } from '../domain/errors.ts';
import { escapeInJson } from '../domain/text.ts';
import type { Call, CallOptions } from '../service/operation.ts';
import { Exit, exitCodes, INTERRUPTED } from './exit-codes.ts';
import type { Follow, Host, Place, Session } from './host.ts';
import { parseFormat, renderDocument, renderRows, type Format, type Listing } from './render.ts';
import { shown, type Terminal } from './terminal.ts';

/** The flags of every command, as typed. */
export interface SharedFlags extends Place {
  readonly output?: string | undefined;
  readonly json?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly ifVersion?: number | undefined;
}

/** What a command has while it runs. */
export interface Run {
  readonly terminal: Terminal;
  readonly host: Host;
  readonly flags: SharedFlags;
  readonly format: Format;
  readonly isDryRun: boolean;
  /** Carries an operation out where the flags say; opens the place when it is first used. */
  readonly call: Call;
  /** Follows the events there. */
  readonly follow: Follow;
  /** Where that is, for people: the path of the file, or the URL. */
  place(): Promise<string>;
  /** Whether it acts on a server. */
  isServer(): Promise<boolean>;
  /** Lets a missing database be created; to be said before the first call. */
  allowCreation(): void;
  /** Does not warn that config file and settings differ: for the command that mends it. */
  expectDrift(): void;
  /** Does not say where it acts either: for a command among whose words others stand. */
  beQuiet(): void;
  /** What went wrong with one of several objects: the command goes on and ends with its code. */
  fail(error: unknown, subject?: string): void;
  exitCode(): number;
  close(): Promise<void>;
}

export function startRun(terminal: Terminal, host: Host, flags: SharedFlags): Run {
  const format = chosenFormat(flags);
  let session: Promise<Session> | undefined;
  let create = false;
  let isDriftExpected = false;
  let isQuiet = false;
  let exitCode = 0;
  const connect = async () => {
    const opened = await host.connect(flags, { create, dryRun: flags.dryRun === true });
    if (!isQuiet) announce(terminal, opened, isDriftExpected);
    return opened;
  };
  const call: Call = async (operation, input, options) => {
    session ??= connect();
    return (await session).call(operation, input, { ...optionsOf(flags), ...options });
  };
  const follow: Follow = async function* (input, signal) {
    session ??= connect();
    yield* (await session).follow(input, signal);
  };
  const place = async () => (await (session ??= connect())).place;
  return {
    terminal,
    host,
    flags,
    format,
    isDryRun: flags.dryRun === true,
    call,
    follow,
    place,
    async isServer() {
      session ??= connect();
      return (await session).isServer;
    },
    allowCreation: () => void (create = true),
    expectDrift: () => void (isDriftExpected = true),
    beQuiet: () => void (isQuiet = true),
    fail(error, subject) {
      if (!(error instanceof HodeiError) || !isAboutOne(error)) throw error;
      sayError(terminal, withSubject(error, subject), format);
      exitCode ||= exitCodes[error.code];
    },
    exitCode: () => exitCode,
    async close() {
      // One that could not be opened has been reported already.
      const opened = await session?.catch(() => undefined);
      await opened?.close();
    },
  };
}

/** Whether the next object may fare better; when the database is gone none will. */
function isAboutOne({ code }: HodeiError): boolean {
  return ['invalid', 'not_found', 'conflict', 'stale_version', 'forbidden'].includes(code);
}

/** Of several objects the error says which, unless it does so anyway. */
function withSubject(error: HodeiError, subject: string | undefined): HodeiError {
  if (subject === undefined || error.message.includes(subject)) return error;
  const { code, hint, cause } = error;
  return new HodeiError(code, `${subject}: ${error.message}`, { hint, cause });
}

function optionsOf({ dryRun, ifVersion }: SharedFlags): CallOptions {
  return { dryRun, ifVersion };
}

function chosenFormat({ output, json }: SharedFlags): Format {
  if (output === undefined) return json === true ? 'json' : 'table';
  const format = parseFormat(output);
  if (json !== true || format === 'json') return format;
  throw invalid(`--json and -o ${format} cannot both be followed.`);
}

/** On a terminal people see where they act, before anything happens there. */
function announce(
  { err, isErrTerminal, errColour }: Terminal,
  { place, drift }: Session,
  isDriftExpected: boolean,
): void {
  if (isErrTerminal) err(errColour.dim(`on ${place}`));
  if (drift === undefined || isDriftExpected) return;
  const keys = drift.keys === 1 ? '1 key' : `${drift.keys} keys`;
  err(`Note: ${drift.file} differs from what is in force (${keys}): hodei config apply --dry-run`);
}

/** What was asked for, in whichever form was asked for. */
export interface Answer<Row> {
  /** The document as REST answers it: for JSON and YAML. */
  readonly document: unknown;
  readonly rows: readonly Row[];
  readonly listing: Listing<Row>;
  /** Said instead of a table. */
  readonly sentences?: readonly string[];
}

export async function print<Row>(run: Run, answer: Answer<Row>): Promise<void> {
  const { terminal, format } = run;
  if (format === 'json' || format === 'yaml') {
    terminal.out(await renderDocument(format, answer.document));
    return;
  }
  if (format === 'table' && answer.sentences !== undefined) {
    for (const sentence of answer.sentences) terminal.out(shown(sentence));
    return;
  }
  const lines = await renderRows(terminal, format, answer.listing, answer.rows, true);
  for (const line of lines) terminal.out(line);
}

/** A note beside the results; not mixed into what a program reads. */
export function note(run: Run, sentence: string): void {
  run.terminal.err(shown(sentence));
}

/**
 * @returns whether to go on.
 * @throws invalid where nobody can be asked, and Exit when the question was interrupted.
 */
export async function confirmed(run: Run, question: string): Promise<boolean> {
  if (run.flags.yes === true || run.isDryRun) return true;
  if (!run.terminal.isInteractive) {
    throw invalid(`${question} Nobody is here to answer.`, 'Say it beforehand with --yes.');
  }
  const answer = await run.terminal.confirm(shown(question));
  if (answer === undefined) throw new Exit(INTERRUPTED);
  if (!answer) run.terminal.err('Nothing was changed.');
  return answer;
}

/** An error in words; as JSON where the results were asked for as JSON. */
export function sayError(terminal: Terminal, error: HodeiError, format: Format): void {
  const { message, hint, code } = error;
  if (format === 'json') {
    terminal.err(escapeInJson(JSON.stringify({ error: message, code, hint })));
    return;
  }
  const [first = '', ...rest] = message.split('\n');
  terminal.err(`${terminal.errColour.red('hodei:')} ${shown(first)}`);
  for (const line of rest) terminal.err(`       ${shown(line)}`);
  if (hint !== undefined) terminal.err(`       ${shown(hint)}`);
}
