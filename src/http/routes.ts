import type { FastifyInstance, FastifyReply } from 'fastify';
import { unavailable } from '../domain/errors.ts';
import type { Service } from '../service/call.ts';
import { operations } from '../service/index.ts';
import type { Operation } from '../service/operation.ts';
import { requestReader } from './request.ts';
import { BASE_PATH } from './wire.ts';

/** One route for each operation: what hodei can do, and nothing besides. */
export function addOperationRoutes(app: FastifyInstance, service: Service): void {
  for (const operation of operations) addRoute(app, service, operation);
}

function addRoute(app: FastifyInstance, service: Service, operation: Operation): void {
  const read = requestReader(operation);
  app.route({
    method: operation.method,
    url: BASE_PATH + operation.path.replace(/\{(\w+)\}/g, ':$1'),
    config: { operation: operation.name },
    handler: async (request, reply) => {
      const { input, caller } = read(request);
      const output = await service(operation, input, caller);
      if (operation.isVersioned && caller.dryRun !== true) setEtag(reply, output);
      reply.code(operation.status ?? 200);
      return operation.status === 204 ? reply.send() : output;
    },
  });
}

/** The configuration calls its version a revision. */
function setEtag(reply: FastifyReply, output: unknown): void {
  const { version, revision = version } = Object(output) as Record<string, unknown>;
  if (typeof revision === 'number') reply.header('etag', `"${revision}"`);
}

/** Probes: whether the process answers, and whether it can work. */
export function addProbes(app: FastifyInstance, checkReady: () => Promise<void>): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    try {
      await checkReady();
    } catch (cause) {
      throw unavailable('The database does not answer.', { cause });
    }
    return { status: 'ok' };
  });
}
