import { isUtf8 } from 'node:buffer';
import { invalid } from '../domain/errors.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Where an operation says nothing of its own. */
export const MAX_BODY_BYTES = 64 * KIB;
const MAX_DEPTH = 32;

/** What a body may be at most; a limit is whole in one of the two units. */
export function sizeText(limit: number): string {
  return limit % MIB === 0 ? `${limit / MIB} MiB` : `${limit / KIB} KiB`;
}

export function tooLargeText(limit: number): string {
  return `The body is larger than ${sizeText(limit)}.`;
}

/** A JSON body; undefined when it is empty. @throws invalid with what is wrong and where. */
export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw invalid('The body is not UTF-8 text.');
  const text = body.toString();
  const value = parseJson(text);
  refuseRounded(text);
  checkShape(value, 0);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`The body is not JSON: ${error instanceof Error ? error.message : ''}.`);
  }
}

/** Refuses what would vanish or do harm further in, where objects are copied field by field. */
function checkShape(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) throw invalid(`The body is more than ${MAX_DEPTH} levels deep.`);
  if (Object.hasOwn(value, '__proto__')) throw invalid('unknown field "__proto__"');
  for (const inner of Object.values(value)) checkShape(inner, depth + 1);
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON.parse makes the whole 1000 of 1000.0000000000000001, and amounts are never rounded. */
function refuseRounded(text: string): void {
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    const hasFraction = /^-?\d+\.\d*[1-9]\d*$/.test(token);
    if (hasFraction && Number.isInteger(Number(token))) {
      throw invalid(`The number ${token.slice(0, 40)} cannot be kept exactly.`);
    }
  }
}
