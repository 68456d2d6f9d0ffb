import type { FastifyInstance, InjectOptions } from 'fastify';
import { createApp, type AppOptions } from '../../src/http/app.ts';
import { serverLog } from '../../src/http/logger.ts';
import type { Authentication } from '../../src/http/authentication.ts';
import { createStreams } from '../../src/http/event-stream.ts';
import { createHub } from '../../src/http/hub.ts';
import { createRateLimits } from '../../src/http/rate-limits.ts';
import { BASE_PATH, sendsBody } from '../../src/http/wire.ts';
import { fullAuthority } from '../../src/service/authority.ts';
import type { Service } from '../../src/service/call.ts';
import type { Operation } from '../../src/service/operation.ts';
import { onThisMachine } from './server.ts';
import { TRACE_ID } from './service.ts';

/** Whoever asks may: how requests are read is the same for all. */
const everybody: Authentication = {
  identify: async () => ({ ...fullAuthority, principal: 'anonymous' }),
  isKnown: () => true,
  forget: () => undefined,
  close: async () => undefined,
};

/** The server without its socket: the whole of what reads a request and writes an answer. */
export async function injectedApp(
  service: Service,
  log: (line: string) => void,
): Promise<FastifyInstance> {
  const newTraceId = () => TRACE_ID;
  const authentication = everybody;
  const options: AppOptions = {
    ...onThisMachine,
    ...{ service, authentication, newTraceId },
    streams: createStreams({ service, authentication, hub: createHub(service, newTraceId) }),
    rateLimits: createRateLimits(onThisMachine.rateLimiting),
    refusals: { note: () => undefined, close: async () => undefined },
    ...{ host: '127.0.0.1', allowedHosts: [], corsOrigins: [], version: '0.0.0' },
    serverLog: serverLog({ logLevel: 'info', log: { write: log } }),
    checkReady: async () => undefined,
  };
  const app = await createApp(options, undefined);
  // What is injected has one of each header, and Node's own view of them is missing.
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const distinct = Object.entries(raw.headers).map(([name, value]) => [name, [value].flat()]);
    Object.defineProperty(raw, 'headersDistinct', { value: Object.fromEntries(distinct) });
    done();
  });
  return app;
}

/** A request for an operation, also with what no client of hodei would send. */
export function requestFor(
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, string>> = {},
): InjectOptions & { url: string } {
  const rest = { ...input };
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    Reflect.deleteProperty(rest, name);
    return encoded(typeof value === 'string' ? value : 'acme');
  });
  const inQuery = sendsBody(operation) ? query : { ...query, ...rest };
  const pairs = Object.entries(inQuery).flatMap(([key, value]) =>
    [value].flat().map((one) => `${encoded(key)}=${encoded(textOf(one))}`),
  );
  return {
    method: operation.method,
    url: BASE_PATH + path + (pairs.length === 0 ? '' : `?${pairs.join('&')}`),
    headers: { host: '127.0.0.1' },
    ...(sendsBody(operation) && {
      headers: { host: '127.0.0.1', 'content-type': 'application/json' },
      payload: JSON.stringify(rest),
    }),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

/** Half a character cannot be encoded; its bytes can be sent all the same. */
function encoded(text: string): string {
  return text
    .split(/(\p{Cs})/u)
    .map((part) => (/^\p{Cs}$/u.test(part) ? '%ed%a0%80' : encodeURIComponent(part)))
    .join('');
}
