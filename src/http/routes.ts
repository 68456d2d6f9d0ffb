import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { unavailable } from '../domain/errors.ts';
import type { Service } from '../service/call.ts';
import type { Operation } from '../service/operation.ts';
import { MAX_BODY_BYTES } from './body.ts';
import { requestReader } from './request.ts';
import { wantsStream, type Streams } from './event-stream.ts';
import { BASE_PATH, canChange, pathsOf } from './wire.ts';

export interface RouteOptions {
  readonly service: Service;
  readonly streams: Streams;
  /** Called when an operation has changed something, or may have. */
  readonly onChange: (operation: Operation) => void;
}

/** One route for each path of an operation: what hodei can do, and nothing besides. */
export function addOperationRoutes(
  app: FastifyInstance,
  operations: readonly Operation[],
  { service, streams, onChange }: RouteOptions,
): void {
  for (const operation of operations) {
    const handler = handlerOf(operation, { service, streams, onChange });
    for (const path of pathsOf(operation)) addRoute(app, operation, path, handler);
  }
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

function addRoute(app: FastifyInstance, operation: Operation, path: string, handler: Handler) {
  app.route({
    method: operation.method,
    url: BASE_PATH + path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: operation.bodyLimit ?? MAX_BODY_BYTES,
    config: { operation: operation.name },
    handler,
  });
}

function handlerOf(operation: Operation, { service, streams, onChange }: RouteOptions): Handler {
  const read = requestReader(operation);
  return async (request, reply) => {
    const asked = read(request);
    const { input, caller } = asked;
    if (operation.isStream === true) {
      reply.header('vary', 'accept');
      if (wantsStream(request)) return streams.open(request, reply, asked);
    }
    const output = await service(operation, input, caller);
    if (canChange(operation)) onChange(operation);
    if (operation.isVersioned && caller.dryRun !== true) setEtag(reply, output);
    const status = operation.statusOf?.(output) ?? operation.status ?? 200;
    reply.code(status);
    if (status >= 400) request.rejection = codeOf(output);
    return operation.status === 204 ? reply.send() : output;
  };
}

function codeOf(output: unknown): string | null {
  const { code } = Object(output) as Record<string, unknown>;
  return typeof code === 'string' ? code : null;
}

/** The configuration calls its version a revision. */
function setEtag(reply: FastifyReply, output: unknown): void {
  const { version, revision = version } = Object(output) as Record<string, unknown>;
  if (typeof revision === 'number') reply.header('etag', `"${revision}"`);
}

/** Probes: whether the process answers, and whether it can work. */
export function addProbes(app: FastifyInstance, checkReady: () => Promise<void>): void {
  const config = { isOpen: true };
  app.get('/healthz', { config }, () => ({ status: 'ok' }));
  app.get('/readyz', { config }, async () => {
    try {
      await checkReady();
    } catch (cause) {
      throw unavailable('The database does not answer.', { cause });
    }
    return { status: 'ok' };
  });
}
