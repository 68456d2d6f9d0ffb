import * as z from 'zod';
import type { FastifyRequest } from 'fastify';
import { invalid } from '../domain/errors.ts';
import { nearest } from '../service/nearest.ts';
import { lazy, type Caller, type Operation } from '../service/operation.ts';
import { freeText, queryBoolean } from '../service/schemas/common.ts';
import { KEY_HEADER, requireKey } from './idempotency-key.ts';
import { canChange, sendsBody } from './wire.ts';

/** What the query of every changing operation may carry beside its input. */
export const commonParameters = lazy(() =>
  z.object({
    reason: freeText(500).min(1).optional().describe('Why: kept with the change in the audit.'),
    as: freeText(100)
      .min(1)
      .optional()
      .describe('A name noted beside the principal; it never counts as another person.'),
    dry_run: queryBoolean()
      .optional()
      .describe('Do everything, answer what would be, and keep nothing.'),
  }),
);

export interface Asked {
  readonly input: unknown;
  readonly caller: Caller;
}

/** Reads what a request asks of an operation. @throws invalid */
export function requestReader(operation: Operation): (request: FastifyRequest) => Asked {
  const takesBody = sendsBody(operation);
  const takesCommon = canChange(operation);
  return (request) => {
    requireReadableQuery(request.raw.url);
    const query = request.query as Record<string, unknown>;
    const { common, rest } = takesCommon ? split(query) : { common: {}, rest: query };
    if (takesBody) requireNoMore(rest, takesCommon ? commonNames() : []);
    else requireNoBody(request, operation);
    const sent = takesBody ? bodyOf(request) : rest;
    const inPath = request.params as object;
    const twice = Object.keys(inPath).find((name) => Object.hasOwn(sent, name));
    if (twice !== undefined) {
      const second = takesBody ? 'the body' : 'the query';
      throw invalid(`${twice} stands in the path and again in ${second}: say it once.`);
    }
    return {
      input: { ...sent, ...inPath },
      caller: callerOf(operation, request, common),
    };
  };
}

type Common = z.output<ReturnType<typeof commonParameters>>;

function split(query: Record<string, unknown>): { common: Common; rest: Record<string, unknown> } {
  if (Object.keys(query).length === 0) return { common: {}, rest: query };
  const result = commonParameters().safeParse(query);
  if (!result.success) {
    const problems = result.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw invalid(problems.join('; '));
  }
  const { reason: _reason, as: _as, dry_run: _dryRun, ...rest } = query;
  return { common: result.data, rest };
}

function commonNames(): string[] {
  return Object.keys(commonParameters().shape);
}

function requireNoMore(query: Record<string, unknown>, known: readonly string[]): void {
  const [unknown] = Object.keys(query);
  if (unknown === undefined) return;
  const meant = nearest(unknown, known);
  throw invalid(
    `unknown query parameter "${unknown}"${meant === undefined ? '' : ` (did you mean ${meant}?)`}`,
    'What the operation itself takes belongs in the body.',
  );
}

/** The query parser leaves what it cannot decode as it stands, which nobody meant. */
function requireReadableQuery(url = ''): void {
  const query = url.indexOf('?');
  if (query === -1 || !url.includes('%', query)) return;
  try {
    decodeURIComponent(url.slice(query));
  } catch {
    throw invalid('The query cannot be decoded: a % in it does not begin an encoded character.');
  }
}

function requireNoBody({ headers }: FastifyRequest, { method }: Operation): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  if (length === '0' && encoding === undefined) return;
  throw invalid(`${method} takes no body here.`, 'Send the input in the query.');
}

function bodyOf({ body }: FastifyRequest): object {
  if (body === undefined) return {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw invalid('The body must be a JSON object.');
}

function callerOf(operation: Operation, request: FastifyRequest, common: Common): Caller {
  const { id: traceId, identity } = request;
  if (identity === null) throw new Error('a request came past the guard');
  const { reason, as: actingAs, dry_run: dryRun } = common;
  return {
    traceId,
    reason,
    actingAs,
    dryRun,
    ifVersion: versionOf(operation, request),
    idempotencyKey: keyOf(operation, request),
    ...identity,
  };
}

function versionOf(operation: Operation, { headers }: FastifyRequest): number | undefined {
  const header = headers['if-match'];
  if (header === undefined || header === '*' || !canChange(operation)) return undefined;
  if (!operation.isVersioned) {
    throw invalid(`${operation.name} has no version that If-Match could be compared with.`);
  }
  const [, version] = /^"(\d{1,15})"$/.exec(header) ?? [];
  if (version !== undefined) return Number(version);
  throw invalid(
    `If-Match is not a version as an ETag gave it: ${header}`,
    'Send it in quotes, such as If-Match: "7".',
  );
}

function keyOf({ takesKey }: Operation, { raw }: FastifyRequest): string | undefined {
  if (takesKey !== true) return undefined;
  // Of `headers`, two keys would be one with a comma in it.
  const [key, second] = raw.headersDistinct[KEY_HEADER] ?? [];
  if (second !== undefined) throw invalid('Idempotency-Key is there twice: send one.');
  return key === undefined ? undefined : requireKey(key);
}
