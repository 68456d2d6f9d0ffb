import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { HodeiError, invalid, unavailable } from '../domain/errors.ts';
import { sayCause } from './config-file.ts';

/**
 * The text of a file, or of the standard input (`-`).
 * @throws unavailable when it cannot be read, invalid when it is larger, or no text.
 */
export async function readText(path: string, maxBytes: number): Promise<string> {
  const name = path === '-' ? 'The standard input' : path;
  try {
    const whole = await readBytes(path, maxBytes);
    if (whole === undefined) throw invalid(`${name} is larger than ${maxBytes} bytes.`);
    if (!isUtf8(whole)) throw invalid(`${name} is not UTF-8 text.`);
    return whole.toString().replace(/^\ufeff/, '');
  } catch (cause) {
    if (cause instanceof HodeiError) throw cause;
    throw unavailable(`${name} cannot be read: ${sayCause(cause)}.`, { cause });
  }
}

/** Undefined where there are more: not every file says before how large it is. */
async function readBytes(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  const input = path === '-' ? process.stdin : createReadStream(path);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) return undefined;
  }
  return Buffer.concat(chunks);
}
