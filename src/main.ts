import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './cli/host.ts';
import { exitCodes } from './cli/exit-codes.ts';
import { runProgram } from './cli/program.ts';
import { processTerminal, type Terminal } from './cli/terminal.ts';
import { newTraceId } from './main/caller.ts';
import { sayCause } from './main/config-file.ts';
import { createHost } from './main/host.ts';
import type { World } from './main/world.ts';

/** Put in by the build; not there where the source itself runs. */
declare const __HODEI_VERSION__: string | undefined;

/** Runs one command line. @returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  // Before any file: what hodei writes is nobody else's to read.
  const umask = process.umask(0o077);
  const terminal = processTerminal(isColourRefused(argv));
  const traceId = newTraceId();
  const progress = { isChanging: false };
  const outputFailure = watchOutput(() => progress.isChanging);
  const packageFolder = join(__dirname, '..');
  const world: World = {
    env: process.env,
    version: versionOf(packageFolder),
    packageFolder,
    umask,
    now: Date.now,
    traceId,
    say: (line) => terminal.err(line),
    log: (lines) => void process.stdout.write(lines),
    beginChange: () => void (progress.isChanging = true),
  };
  const host = createHost(world);
  if (argv[0] === 'complete') return complete(argv.slice(1), terminal, host);
  const exitCode = await runProgram(argv, {
    terminal,
    host,
    isDebugging: ['debug', 'trace'].includes(process.env['HODEI_LOG'] ?? ''),
    newTraceId: () => traceId,
  });
  // A failed write tells of itself a moment later.
  await new Promise(setImmediate);
  const failure = outputFailure();
  if (failure === undefined) return exitCode;
  terminal.err(`hodei: The results could not be written: ${sayCause(failure)}.`);
  if (progress.isChanging && exitCode === 0)
    terminal.err('       What was asked for was done all the same.');
  return exitCodes.unavailable;
}

/** What the shells call behind TAB: no command of its own, so that it is in no help. */
async function complete(words: string[], terminal: Terminal, host: Host): Promise<number> {
  const { printCandidates } = await import('./cli/complete.ts');
  await printCandidates({ terminal, host, setExitCode: () => undefined }, words);
  return 0;
}

/** Known before the command line is parsed, since what is wrong with it is coloured too. */
function isColourRefused(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--no-color');
}

/**
 * `hodei tenant list | head -1`: who has read enough ends what only reads. A change goes on to its
 * end, so that a reader who leaves does not decide how much of it is done.
 * @returns why the results could not be written, where that is not the reader's wish.
 */
function watchOutput(isChanging: () => boolean): () => Error | undefined {
  let failure: Error | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error;
    // eslint-disable-next-line no-restricted-properties -- there is nobody left to write to
    else if (!isChanging()) process.exit(0);
  });
  // Where words cannot be said, the exit code still says it.
  process.stderr.on('error', () => undefined);
  return () => failure;
}

function versionOf(packageFolder: string): string {
  if (typeof __HODEI_VERSION__ === 'string') return __HODEI_VERSION__;
  const text = readFileSync(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
