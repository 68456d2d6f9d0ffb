import type * as z from 'zod';
import { errorCodes, HodeiError, invalid, unavailable, type ErrorCode } from '../domain/errors.ts';
import {
  pathParameters,
  type Call,
  type CallOptions,
  type InputSchema,
  type Operation,
} from '../service/operation.ts';
import { KEY_HEADER, requireKey } from './idempotency-key.ts';
import { connectionTo, type Connection, type Remote } from './remote.ts';
import { BASE_PATH, canChange, sendsBody } from './wire.ts';

export interface RemoteOptions extends Remote {
  readonly actingAs?: string | undefined;
  readonly reason?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Aborted when nobody waits for an answer any longer. */
  readonly signal?: AbortSignal | undefined;
}

/** Longer than a server waits for its database, so that mostly it says itself what happened. */
export const TIMEOUT_MS = 30_000;

/**
 * Carries operations out on a server.
 * @throws invalid when the URL cannot be that of a server, or the way is not safe for a token.
 */
export function callRemote(remote: RemoteOptions): Call {
  const connection = connectionTo(remote);
  const timeoutMs = remote.timeoutMs ?? TIMEOUT_MS;
  return async <I extends InputSchema, O extends z.ZodType>(
    operation: Operation<I, O>,
    input: z.input<I>,
    options: CallOptions = {},
  ) => {
    const request = requestOf(operation, { ...input }, { ...remote, ...options });
    const changes = canChange(operation) && options.dryRun !== true;
    const exchange = { ...connection, changes, timeoutMs, signal: remote.signal };
    const attempt = async () =>
      outputOf(exchange, operation, await send(exchange, request)) as z.output<O>;
    return Object.hasOwn(request.headers, KEY_HEADER) ? repeatOnce(attempt) : attempt();
  };
}

/** When one of these is answered, nobody has decided on what was asked. */
const UNDECIDED: readonly ErrorCode[] = [
  'unavailable',
  'unknown_outcome',
  'rate_limited',
  'database',
  'internal',
];

/**
 * With a key a second attempt does nothing that the first has done, so that instead of not knowing
 * what became of it, it is sent again at once.
 */
async function repeatOnce<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (first) {
    if (codeOf(first) !== 'unknown_outcome') throw first;
    try {
      return await attempt();
    } catch (second) {
      // That the second did nothing does not say what the first did.
      const code = codeOf(second);
      throw code === undefined || UNDECIDED.includes(code) ? first : second;
    }
  }
}

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof HodeiError ? error.code : undefined;
}

interface Request {
  readonly method: string;
  /** Path and query, below the URL of the server. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Options = Pick<RemoteOptions, 'actingAs' | 'reason'> & CallOptions;

export function requestOf(
  operation: Operation<InputSchema, z.ZodType>,
  input: Readonly<Record<string, unknown>>,
  options: Options,
): Request {
  const { method } = operation;
  const inPath = pathParameters(operation.path);
  const sent = Object.entries(input).filter(
    ([name, value]) => value !== undefined && !inPath.includes(name),
  );
  const hasBody = sendsBody(operation) && sent.length > 0;
  const query = new URLSearchParams(canChange(operation) ? commonQuery(options) : []);
  if (!sendsBody(operation)) for (const [name, value] of sent) appendTo(query, name, value);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  return {
    method,
    path: BASE_PATH + fillPath(operation.path, input) + search,
    headers: {
      ...(hasBody && { 'content-type': 'application/json' }),
      ...headersOf(operation, options),
    },
    ...(hasBody && { body: JSON.stringify(Object.fromEntries(sent)) }),
  };
}

function headersOf(
  { takesKey }: Pick<Operation, 'takesKey'>,
  { ifVersion, idempotencyKey }: CallOptions,
): Record<string, string> {
  const sendsKey = takesKey === true && idempotencyKey !== undefined;
  return {
    ...(ifVersion !== undefined && { 'if-match': `"${ifVersion}"` }),
    ...(sendsKey && { [KEY_HEADER]: requireKey(idempotencyKey) }),
  };
}

function commonQuery({ reason, actingAs, dryRun }: Options): [string, string][] {
  const query: [string, string][] = [];
  if (reason !== undefined) query.push(['reason', reason]);
  if (actingAs !== undefined) query.push(['as', actingAs]);
  if (dryRun === true) query.push(['dry_run', 'true']);
  return query;
}

function appendTo(query: URLSearchParams, name: string, value: unknown): void {
  for (const one of [value].flat()) query.append(name, textOf(one));
}

/** A URL carries text, numbers and booleans; of anything else the server says what is wrong. */
function textOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const LONE_SURROGATE = /\p{Cs}/u;

function fillPath(path: string, input: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{(\w+)\}/g, (_part, name: string) => {
    const value = textOf(input[name]);
    // A URL cannot carry these as a part: whoever reads it takes them for a way to move in it.
    if (['', '.', '..'].includes(value) || LONE_SURROGATE.test(value)) {
      throw invalid(`${name}: must not be "${value}"`);
    }
    return encodeURIComponent(value);
  });
}

/** Whom is asked, and whether it could change something. */
interface Exchange extends Connection {
  readonly changes: boolean;
  readonly timeoutMs: number;
  /** Aborted when it is given up; undefined: never. */
  readonly signal?: AbortSignal | undefined;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function send(exchange: Exchange, { path, ...init }: Request): Promise<Reply> {
  try {
    const response = await exchange.fetch(path, {
      ...init,
      redirect: 'manual',
      signal: untilWhen(exchange),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw noReply(exchange, error);
  }
}

function untilWhen({ timeoutMs, signal }: Exchange): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

export function noReply({ base, changes, timeoutMs }: Exchange, error: unknown): HodeiError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const { code, message, name } = Object(cause) as Record<string, unknown>;
  if (wasNeverSent(cause)) {
    return unavailable(`Cannot reach a hodei server at ${base} (${String(code ?? message)}).`, {
      hint: isDistrusted(cause)
        ? `If you trust it, say by which authority: hodei login --server ${base} --ca FILE`
        : 'Start one there, or name another one with --server: hodei serve',
      cause: error,
    });
  }
  const happened =
    name === 'TimeoutError'
      ? `${base} did not answer within ${timeoutMs / 1000} s.`
      : `The connection to ${base} broke off before the answer was there.`;
  return changes ? unknownOutcome(happened, error) : unavailable(happened, { cause: error });
}

const DISTRUSTED = /CERT|^UNABLE_TO_/;
const NEVER_SENT = /^(UND_ERR_CONNECT_TIMEOUT|ERR_SSL_.*)$/;

/** Whether it was reached, and showed a certificate that proves nothing to us. */
function isDistrusted(cause: unknown): boolean {
  const { code } = Object(cause) as Record<string, unknown>;
  return typeof code === 'string' && DISTRUSTED.test(code);
}

/** Whether it failed while it was looking for the server, or before it trusted it. */
function wasNeverSent(cause: unknown): boolean {
  const { code, syscall, errors } = Object(cause) as Record<string, unknown>;
  if (Array.isArray(errors)) return errors.every(wasNeverSent);
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
  return isDistrusted(cause) || (typeof code === 'string' && NEVER_SENT.test(code));
}

function unknownOutcome(message: string, cause?: unknown): HodeiError {
  const hint = 'It may or may not have been done: look before you repeat it.';
  return new HodeiError('unknown_outcome', message, { hint, cause });
}

export function outputOf(
  exchange: Exchange,
  operation: Pick<Operation, 'status' | 'statuses' | 'output'>,
  { status, text }: Reply,
): unknown {
  if (status === 204 && operation.status === 204) return undefined;
  const body = parseObject(text);
  if (body === undefined) throw notHodei(exchange, status);
  if (status >= 200 && status < 300) return body;
  if (operation.statuses?.[status] !== undefined && isAnswer(operation, body)) return body;
  throw errorOf(exchange, body) ?? notHodei(exchange, status);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether it has all that an answer has, and is not an error of the same status. What this program
 * does not understand in it is of a newer server, and no reason to take it for something else.
 */
function isAnswer({ output }: Pick<Operation, 'output'>, body: Record<string, unknown>): boolean {
  const issues = output().safeParse(body).error?.issues ?? [];
  return issues.every(
    ({ code, path: [field = ''] }) => code === 'unrecognized_keys' || Object.hasOwn(body, field),
  );
}

/** The error as the server's service threw it. */
function errorOf(exchange: Connection, body: Record<string, unknown>): HodeiError | undefined {
  const { error, code, hint, trace_id: traceId } = body;
  if (typeof error !== 'string' || typeof code !== 'string') return undefined;
  const known = errorCodes.find((candidate) => candidate === code) ?? 'internal';
  const detail = {
    ...(typeof hint === 'string' && { hint }),
    ...(known === 'internal' && {
      hint: `The server's log says why, under trace id ${textOf(traceId)}.`,
    }),
    ...(known === 'unauthenticated' && { hint: loginHint(exchange) }),
  };
  return new HodeiError(known, error, detail);
}

/** The server knows headers, and people know commands. */
function loginHint({ base, tokenFrom }: Connection): string {
  const login = `hodei login --server ${base}`;
  if (tokenFrom === undefined) return `Log in there: ${login}`;
  return `The token is that of ${tokenFrom}. For another one: ${login}`;
}

/** A reply that did not come from hodei, but perhaps from something in front of it that gave up. */
export function notHodei({ base, changes }: Exchange, status: number): HodeiError {
  const message = `${base} did not answer like a hodei server (status ${status}).`;
  const mayBeDone = changes && (status < 300 || status >= 500);
  if (mayBeDone) return unknownOutcome(message);
  return unavailable(message, { hint: 'Check the URL: --server, or HODEI_SERVER.' });
}
