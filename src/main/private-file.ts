import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { sayCause } from './config-file.ts';

interface Reading {
  /** For people: what the file is for. */
  readonly what: string;
  readonly maxBytes: number;
  /** Whether it may be a link to somewhere else. */
  readonly mayBeLink: boolean;
}

const OTHERS = 0o077;

/**
 * The text of a file that holds secrets; undefined where there is none.
 * @throws invalid when others can read it: then it is no secret any more.
 */
export function readPrivate(path: string, reading: Reading): string | undefined {
  const file = open(path, reading);
  if (file === undefined) return undefined;
  try {
    requirePrivate(path, fstatSync(file), reading);
    return readUpTo(file, path, reading);
  } finally {
    closeSync(file);
  }
}

function open(path: string, { what, mayBeLink }: Reading): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | (mayBeLink ? 0 : constants.O_NOFOLLOW));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'EMLINK') {
      throw invalid(
        `${path} is a link, and ${what} is not read from elsewhere.`,
        `Look where it leads, then take it away: rm ${path}`,
      );
    }
    throw unreadable(path, error);
  }
}

function requirePrivate(path: string, { mode, uid }: Stats, { what }: Reading): void {
  if (process.platform === 'win32') return;
  if ((mode & OTHERS) !== 0) {
    const octal = (mode & 0o7777).toString(8).padStart(4, '0');
    throw invalid(
      `${path} can be read by others (${octal}), and ${what} is for nobody else.`,
      `If nobody has read it: chmod 600 ${path}`,
    );
  }
  const own = process.getuid?.();
  if (own !== 0 && uid !== own && uid !== 0) {
    throw invalid(`${path} belongs to somebody else (uid ${uid}), who could change ${what}.`);
  }
}

function readUpTo(file: number, path: string, { what, maxBytes }: Reading): string {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  try {
    // A pipe gives what is there, and not yet all of it.
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (length <= maxBytes) return buffer.toString('utf8', 0, length);
  throw invalid(`${path} is larger than ${maxBytes} bytes, which ${what} never is.`);
}

function unreadable(path: string, error: unknown): HodeiError {
  return invalid(`${path} cannot be read: ${sayCause(error)}.`);
}
