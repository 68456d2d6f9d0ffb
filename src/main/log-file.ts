import { appendFileSync, closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { HodeiError, invalid } from '../domain/errors.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { sayCause } from './config-file.ts';
import type { FileTarget } from './place.ts';
import type { World } from './world.ts';

/** Where the server's log goes. */
export interface LogTarget {
  /** Whether it is a file of its own. */
  readonly isFile: boolean;
  write(lines: string): void;
  /**
   * Goes on in the file that has the name now, since what had it was rotated away. Where there is no
   * such file the log stays in the one it has, which is said there too, by `warn`.
   */
  reopen(warn?: (message: string) => void): void;
}

/** @throws invalid when there is a file for it that cannot be opened. */
export function openLog(
  { config, path }: FileTarget,
  world: Pick<World, 'log' | 'say'>,
): LogTarget {
  const { logFile } = config;
  if (logFile === undefined) {
    return { isFile: false, write: (lines) => world.log(lines), reopen: () => undefined };
  }
  const others = [path, `${path}-wal`, `${path}-shm`, config.path].filter(
    (each) => each !== undefined,
  );
  return logInFile(logFile, others, (line) => world.say(escapeUnprintable(line)));
}

/**
 * Every line is written at once, as to standard output: a log that is behind would lose its last lines
 * with the process. When it cannot be written the server goes on, since what it decides is not less
 * true for that, and says so once.
 */
function logInFile(
  path: string,
  others: readonly string[],
  say: (line: string) => void,
): LogTarget {
  let file = openFile(path, others);
  let isFailing = false;
  const lost = (error: unknown) => {
    if (!isFailing) say(`The log in ${path} has lost lines: ${sayCause(error)}.`);
    isFailing = true;
  };
  const takeOver = (next: number) => {
    const last = file;
    file = next;
    try {
      closeSync(last);
    } catch (error) {
      // A disk on the network may say only now what became of the last lines.
      lost(error);
    }
    isFailing = false;
  };
  return {
    isFile: true,
    write(lines) {
      try {
        appendFileSync(file, lines);
        isFailing = false;
      } catch (error) {
        lost(error);
      }
    },
    reopen(warn) {
      try {
        takeOver(openFile(path, others));
        say(`The log goes on in the file that is now ${path}.`);
      } catch (error) {
        if (!(error instanceof HodeiError)) throw error;
        const message = `The log stays in the file that it was in. ${error.message}`;
        say(message);
        warn?.(message);
      }
    },
  };
}

/** Without waiting, as for a pipe that nobody reads. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

function openFile(path: string, others: readonly string[]): number {
  if (others.some((other) => resolve(other) === resolve(path))) throw notItsOwn(path);
  let file: number;
  try {
    file = openSync(path, FLAGS, 0o600);
  } catch (cause) {
    throw cannotOpen(path, sayCause(cause), cause);
  }
  const stats = fstatSync(file);
  if (stats.isFile() && !others.some((other) => isFile(stats, other))) return file;
  closeSync(file);
  throw stats.isFile() ? notItsOwn(path) : cannotOpen(path, 'it is no file');
}

/** Whether what was opened is this file, by whatever link. */
function isFile({ ino, dev }: Stats, path: string): boolean {
  const other = statSync(path, { throwIfNoEntry: false });
  return other !== undefined && other.ino === ino && other.dev === dev;
}

function notItsOwn(path: string): HodeiError {
  return invalid(
    `The log cannot be written to ${path}, which is another file of hodei.`,
    'Name one of its own in observability.logging.file.',
  );
}

function cannotOpen(path: string, why: string, cause?: unknown): HodeiError {
  return new HodeiError('invalid', `The log file ${path} cannot be opened: ${why}.`, {
    hint: 'It is observability.logging.file, seen from the folder of the config file.',
    cause,
  });
}
