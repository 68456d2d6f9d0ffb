import type { Operation } from '../service/operation.ts';

/** Where the operations begin on every server. */
export const BASE_PATH = '/api/v1';

/** Whether the input travels in a JSON body, and not in the query. */
export function sendsBody({ method }: Pick<Operation, 'method'>): boolean {
  return method === 'POST' || method === 'PUT';
}

/** JSON with its end of line, for who reads an answer at a terminal. */
export function jsonLine(payload: unknown): string {
  return `${JSON.stringify(payload)}\n`;
}
