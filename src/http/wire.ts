import { escapeInJson } from '../domain/text.ts';
import type { Operation } from '../service/operation.ts';

/** Where the operations begin on every server. */
export const BASE_PATH = '/api/v1';

/** Where an operation is, below the base path. */
export function pathsOf({ path, alias }: Pick<Operation, 'path' | 'alias'>): string[] {
  return alias === undefined ? [path] : [path, alias];
}

/** Whether the input travels in a JSON body, and not in the query. */
export function sendsBody({ method }: Pick<Operation, 'method'>): boolean {
  return method === 'POST' || method === 'PUT';
}

/** Whether something can be different after it. */
export function canChange(operation: Pick<Operation, 'isReadOnly' | 'isRehearsal'>): boolean {
  return !operation.isReadOnly && operation.isRehearsal !== true;
}

/** JSON with its end of line, for who reads an answer at a terminal: nothing in it takes effect there. */
export function jsonLine(payload: unknown): string {
  return `${escapeInJson(JSON.stringify(payload))}\n`;
}
