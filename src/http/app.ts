import cors from '@fastify/cors';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { HodeiError } from '../domain/errors.ts';
import { requireDeclared } from '../service/authority.ts';
import type { Service } from '../service/call.ts';
import { operations } from '../service/index.ts';
import type { Operation } from '../service/operation.ts';
import { BeyondReach } from '../service/reach.ts';
import { MAX_BODY_BYTES, parseBody } from './body.ts';
import { addDocs } from './docs.ts';
import { refuse, toFailure } from './errors.ts';
import type { Streams } from './event-stream.ts';
import { gate, type GateOptions } from './gate.ts';
import { addGuard, noteRefusal, type GuardOptions } from './guard.ts';
import { KEY_HEADER } from './idempotency-key.ts';
import { createListener, usualTimeouts, type Timeouts } from './listener.ts';
import type { ServerLog } from './logger.ts';
import { limitCalls, limitConnections, type Limits } from './overload.ts';
import { addMetrics, answeringMetrics, createMetrics, type MetricsOptions } from './metrics.ts';
import { collectPaths, noRoute, type Paths } from './paths.ts';
import { trustIn } from './proxies.ts';
import { addOperationRoutes, addProbes } from './routes.ts';
import type { TlsIdentity } from './tls.ts';
import { traceIdOf } from './trace.ts';
import { answerUnreadable } from './unreadable.ts';
import { jsonLine } from './wire.ts';

export interface AppOptions
  extends
    Omit<GateOptions, 'trust' | 'connections'>,
    Omit<GuardOptions, 'operations'>,
    MetricsOptions {
  readonly service: Service;
  readonly streams: Streams;
  readonly serverLog: ServerLog;
  /** What can be asked of the service: everything there is, where nothing is said. */
  readonly operations?: readonly Operation[];
  /** Throws when the database does not answer. */
  readonly checkReady: () => Promise<void>;
  /** hodei's own. */
  readonly version: string;
  readonly newTraceId: () => string;
  /** Addresses and networks of the proxies in front of the server. */
  readonly trustedProxies: readonly string[];
  readonly limits: Limits;
  /** The usual ones, where nothing is said. */
  readonly timeouts?: Timeouts;
}

/** Beyond what Node lets through, so that a long name is the operation's to refuse. */
const MAX_PARAMETER_LENGTH = 64 * 1024;

/** The server before it listens, with TLS where it has an identity. */
export async function createApp(
  options: AppOptions,
  tlsIdentity: TlsIdentity | undefined,
): Promise<FastifyInstance> {
  const { newTraceId, serverLog: log, timeouts = usualTimeouts } = options;
  const connections = limitConnections(options.limits.connections);
  const trust = trustIn(options.trustedProxies);
  const enter = gate({ ...options, trust, connections }, log);
  const app = fastify({
    logger: false,
    genReqId: ({ headers }) => traceIdOf(headers['traceparent']) ?? newTraceId(),
    bodyLimit: MAX_BODY_BYTES,
    serverFactory: (handler) => createListener(handler, timeouts, tlsIdentity),
    trustProxy: trust ?? false,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable(log, newTraceId),
    frameworkErrors: (error, request, reply) =>
      refuse(request, reply, enter(request, reply) ?? toFailure(error)),
  });
  connections.watch(app.server, tlsIdentity !== undefined);
  app.decorateRequest('failure', null);
  app.decorateRequest('rejection', null);
  app.setReplySerializer(jsonLine);
  app.setErrorHandler((error, request, reply) => {
    if (isBeyondReach(error)) noteRefusal(options.refusals, request, error);
    refuse(request, reply, toFailure(error, request.routeOptions.bodyLimit));
  });
  app.addHook('onRequest', (request, reply, done) => {
    const failure = enter(request, reply);
    if (failure === undefined) done();
    else refuse(request, reply, failure);
  });
  takeJsonOnly(app);
  await addCors(app, options.corsOrigins);
  addGuard(app, { ...options, operations: options.operations ?? operations });
  await addRoutes(app, options, tlsIdentity !== undefined);
  return app;
}

/** Somebody asked for what is there, but not for them. From another thread it comes by its name. */
function isBeyondReach(error: unknown): error is HodeiError {
  const { name } = Object(error instanceof HodeiError ? error.cause : undefined) as {
    name?: unknown;
  };
  return name === BeyondReach.name;
}

function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, parseBody(body)),
  );
}

async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'if-match',
      KEY_HEADER,
      'last-event-id',
      'traceparent',
    ],
    exposedHeaders: ['etag', 'x-trace-id'],
    maxAge: 600,
    strictPreflight: false,
  });
}

async function addRoutes(app: FastifyInstance, options: AppOptions, isTls: boolean): Promise<void> {
  const offered = options.operations ?? operations;
  const paths = collectPaths(app);
  refuseTheRest(app, paths);
  addProbes(app, options.checkReady);
  const { streams, authentication } = options;
  const metrics = createMetrics(options);
  addMetrics(app, options.metrics, metrics);
  const service = limitCalls(answeringMetrics(options.service, metrics), options.limits.inFlight);
  requireDeclared(offered);
  addOperationRoutes(app, offered, {
    ...{ service, streams },
    onChange({ name }) {
      streams.kick();
      if (name.startsWith('token.')) authentication.forget();
    },
  });
  await addDocs(app, offered, options.version, isTls);
}

/** Before a body is read: what is wrong with it does not matter where there is nothing. */
function refuseTheRest(app: FastifyInstance, paths: Paths): void {
  const refuseUnknown = (request: FastifyRequest, reply: FastifyReply) => {
    const { allow, ...failure } = noRoute(request, paths);
    if (allow.length > 0) reply.header('allow', allow.join(', '));
    refuse(request, reply, failure);
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || hasEmptyPart(request)) refuseUnknown(request, reply);
    else done();
  });
  app.setNotFoundHandler(refuseUnknown);
}

/** `/tenants/` is not the tenant without a name. */
function hasEmptyPart({ params }: FastifyRequest): boolean {
  return Object.values(params as Record<string, string>).includes('');
}
