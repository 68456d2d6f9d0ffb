import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { unavailable } from '../domain/errors.ts';
import { sayCause } from './config-file.ts';

/** The text of a file, or of the standard input (`-`). @throws unavailable when it cannot be read. */
export async function readText(path: string): Promise<string> {
  try {
    const whole = path === '-' ? await text(process.stdin) : await readFile(path, 'utf8');
    return whole.replace(/^\ufeff/, '');
  } catch (cause) {
    const name = path === '-' ? 'The standard input' : path;
    throw unavailable(`${name} cannot be read: ${sayCause(cause)}.`, { cause });
  }
}
