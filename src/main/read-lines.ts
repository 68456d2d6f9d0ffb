import { createReadStream } from 'node:fs';
import { HodeiError, invalid, unavailable } from '../domain/errors.ts';
import { sayCause } from './config-file.ts';

/** Many times as long as the longest line that hodei writes. */
const LONGEST_BYTES = 16 * 1024 * 1024;

const LINE_END = 0x0a;

/**
 * The lines of a file, or of the standard input (`-`): no more than one of them is in memory. They
 * end where a line feed is, and nowhere else.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  const name = path === '-' ? 'The standard input' : path;
  let begun: Buffer[] = [];
  let length = 0;
  let number = 1;
  const takeLine = () => {
    const text = decoded(begun, name, number);
    [begun, length, number] = [[], 0, number + 1];
    return text;
  };
  for await (const chunk of chunksOf(path, name)) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      begun.push(chunk.subarray(start, end));
      yield takeLine();
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    length += rest.length;
    if (length > LONGEST_BYTES) throw invalid(`${name}: line ${number} is too long.`);
    if (rest.length > 0) begun.push(rest);
  }
  if (length > 0) yield takeLine();
}

async function* chunksOf(path: string, name: string): AsyncGenerator<Buffer> {
  try {
    const stream = path === '-' ? process.stdin : createReadStream(path);
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (cause) {
    if (cause instanceof HodeiError) throw cause;
    throw unavailable(`${name} cannot be read: ${sayCause(cause)}.`, { cause });
  }
}

function decoded(parts: readonly Buffer[], name: string, number: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch (cause) {
    throw new HodeiError('invalid', `${name}: line ${number} is not text.`, { cause });
  }
}
