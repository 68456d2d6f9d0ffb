import { invalid } from '../domain/errors.ts';
import { parseJson } from '../service/json.ts';

export type Entry = Record<string, unknown>;

/** A file with the most entries has some of it left. */
export const MAX_ENTRIES_BYTES = 16 * 1024 * 1024;

const MOST = 10_000;
/** A request takes so many entries, and somewhat more bytes. */
const CHUNK_ENTRIES = 1_000;
const CHUNK_BYTES = 960 * 1024;

/**
 * The entries of a file: a JSON array, an object with `items` as a list answers it, or one JSON
 * object a line.
 * @throws invalid with what is wrong, and in which entry.
 */
export function parseEntries(text: string): Entry[] {
  const entries = entriesIn(text);
  if (entries.length === 0)
    throw invalid('There are no entries.', 'One is {"tenant": "acme", "cpu_m": 2000}');
  if (entries.length > MOST) {
    throw invalid(
      `There are ${entries.length.toLocaleString('en-US')} entries, and ${MOST.toLocaleString('en-US')} are the most.`,
      'Send them in parts.',
    );
  }
  return entries.map(requireObject);
}

function entriesIn(text: string): unknown[] {
  const whole = attempt(text);
  if ('error' in whole)
    return text.trimStart().startsWith('[') ? refuse(whole.error) : byLine(text);
  const { value } = whole;
  if (Array.isArray(value)) return value;
  const { items } = Object(value) as { items?: unknown };
  return Array.isArray(items) ? items : [value];
}

function byLine(text: string): unknown[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const parsed = attempt(line);
    return 'error' in parsed ? refuse(`line ${i + 1}: ${parsed.error}`) : [parsed.value];
  });
}

function attempt(text: string): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: parseJson(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return { error: error.message };
    throw error;
  }
}

function refuse(why: string): never {
  throw invalid(
    `This is not JSON: ${why}.`,
    'A JSON array, {"items": […]}, or one JSON object a line is expected.',
  );
}

function requireObject(entry: unknown, i: number): Entry {
  if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) return entry as Entry;
  throw invalid(`entry ${i + 1} is no object: ${JSON.stringify(entry).slice(0, 60)}`);
}

/** Entries in parts that one request can carry. */
export function chunksOf(entries: readonly Entry[]): Entry[][] {
  const chunks: Entry[][] = [];
  let last: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1;
    const isFull = last.length === CHUNK_ENTRIES || bytes + size > CHUNK_BYTES;
    if (chunks.length === 0 || isFull) {
      last = [];
      bytes = 0;
      chunks.push(last);
    }
    last.push(entry);
    bytes += size;
  }
  return chunks;
}
