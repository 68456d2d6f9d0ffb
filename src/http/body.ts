import { isUtf8 } from 'node:buffer';
import { invalid } from '../domain/errors.ts';
import { parseJson } from '../service/json.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Where an operation says nothing of its own. */
export const MAX_BODY_BYTES = 64 * KIB;

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
  try {
    return parseJson(body.toString());
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(`The body is not JSON: ${error.message}.`);
    throw error;
  }
}
