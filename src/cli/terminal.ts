import { once } from 'node:events';
import { Chalk, type ChalkInstance } from 'chalk';
import { escapeUnprintable } from '../domain/text.ts';
import type { Screen, ScreenEvents } from './screen.ts';

/** Where the CLI reads and writes; tests hand in one that remembers. */
export interface Terminal {
  /** Results: one line, without its end. */
  out(line: string): void;
  /** Waits until what was written has been taken. @returns whether anybody takes more. */
  outTaken(): Promise<boolean>;
  /** Words about the results: one line, without its end. */
  err(line: string): void;
  /** How far something is: a terminal writes the next words over it; '' takes it away. */
  errStatus(words: string): void;
  /** Whether results are read by a person who sees them as they come. */
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  readonly isInTerminal: boolean;
  /** Whether somebody is there to answer a question. */
  readonly isInteractive: boolean;
  readonly columns: number;
  /** Whether all of the terminal can be taken over: not where it knows nothing but lines. */
  readonly hasScreen: boolean;
  /** Whether it shows more than ASCII, such as what charts are drawn with. */
  readonly isUnicode: boolean;
  readonly outColour: ChalkInstance;
  readonly errColour: ChalkInstance;
  /** @returns what was answered; undefined when the question was left unanswered. */
  confirm(question: string): Promise<boolean | undefined>;
  /** @returns what was typed, without being shown; undefined when the question was left. */
  askSecret(question: string): Promise<string | undefined>;
  /** Takes all of the terminal over, until the screen is closed. */
  openScreen(events: ScreenEvents): Promise<Screen>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The terminal of this process. */
export function processTerminal(noColour: boolean): Terminal {
  const { stdout, stderr, stdin, env } = process;
  return {
    out: (line) => void stdout.write(`${line}\n`),
    outTaken: () => taken(stdout),
    err: (line) => void stderr.write(`${line}\n`),
    errStatus: (words) => {
      if (stderr.isTTY && env['TERM'] !== 'dumb') stderr.write(`\r${words}\u001b[K`);
    },
    isOutTerminal: stdout.isTTY,
    isErrTerminal: stderr.isTTY,
    isInTerminal: stdin.isTTY,
    isInteractive: stdin.isTTY && stderr.isTTY,
    columns: stdout.columns || 80,
    hasScreen: stdout.isTTY && env['TERM'] !== 'dumb',
    isUnicode: isUnicode(env),
    outColour: colours(stdout.isTTY && !noColour, env),
    errColour: colours(stderr.isTTY && !noColour, env),
    confirm,
    askSecret,
    openScreen: async (events) => (await import('./screen.ts')).openScreen(stdin, stdout, events),
  };
}

/** chalk itself does not know NO_COLOR, nor that a pipe wants none. */
function colours(isWanted: boolean, env: Environment): ChalkInstance {
  const isRefused = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  return new Chalk({ level: isWanted && !isRefused ? 1 : 0 });
}

/** As every program finds it out: by the first that is said of these three. */
function isUnicode(env: Environment): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

/** A stream that has failed never says that it takes more. */
async function taken(stream: NodeJS.WriteStream): Promise<boolean> {
  if (stream.writableNeedDrain) {
    const ended = new AbortController();
    const heard = ['drain', 'error', 'close'].map((event) => once(stream, event, ended));
    await Promise.race(heard).catch(() => undefined);
    ended.abort();
    await Promise.allSettled(heard);
  }
  // A failed write tells of itself a moment later.
  await new Promise(setImmediate);
  return stream.writable;
}

/** Only a whole line that says yes is one; Ctrl-C and Ctrl-D leave the question. */
async function confirm(question: string): Promise<boolean | undefined> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string | undefined>((resolve) => {
    lines.on('close', () => resolve(undefined));
    lines.question(`${question} [y/N] `).then(resolve, () => resolve(undefined));
  });
  lines.close();
  if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
  process.stderr.write('\n');
  return undefined;
}

/** Nothing of the answer is echoed, nor how long it is. */
async function askSecret(question: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  const { Writable } = await import('node:stream');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question);
  const answer = await new Promise<string | undefined>((resolve) => {
    lines.on('line', resolve);
    lines.on('close', () => resolve(undefined));
  });
  lines.close();
  process.stderr.write('\n');
  return answer;
}

/** Data as it may be shown: no control character of it takes effect, and it stays on its line. */
export function shown(text: string): string {
  return escapeUnprintable(text);
}
