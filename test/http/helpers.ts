import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import type { createServer as createTcpServer } from 'node:net';
import { connect, type AddressInfo } from 'node:net';
import { startServer, type RunningServer, type ServerOptions } from '../../src/http/server.ts';
import type { Service } from '../../src/service/call.ts';
import { identityOperations } from '../../src/service/token-identity.ts';
import { onThisMachine } from '../helpers/server.ts';
import { testService, type TestService } from '../helpers/service.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; empty when it is not JSON. */
  readonly body: Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** An object is sent as JSON, with its content type. */
  readonly body?: string | Buffer | object;
}

export interface TestServer extends RunningServer {
  readonly port: number;
  /** What stands behind it. */
  readonly behind: TestService;
  /** What was logged, a line each. */
  readonly lines: readonly string[];
  ask(path: string, options?: Ask): Promise<Answer>;
  stop(): Promise<void>;
}

/** A real server on a free port, before a real database. */
export async function startTestServer(overrides: Partial<ServerOptions> = {}): Promise<TestServer> {
  const behind = await testService();
  const lines: string[] = [];
  let traces = 0;
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    corsOrigins: [],
    ...onThisMachine,
    logLevel: 'info',
    log: { write: (line) => void lines.push(line) },
    checkReady: async () => undefined,
    version: '1.2.3',
    newTraceId: () => String((traces += 1)).padStart(32, '0'),
    ...overrides,
    service: knowingTokens(behind.service, overrides.service ?? behind.service),
  }).catch(async (error: unknown) => {
    await behind.close();
    throw error;
  });
  const port = Number(new URL(server.url).port);
  return {
    ...server,
    ...{ port, behind, lines },
    ask: (path, options) => ask(port, path, options),
    async stop() {
      await server.close();
      await behind.close();
    },
  };
}

/** Also before a service that answers all else in a way of its own, somebody knows who asks. */
function knowingTokens(real: Service, other: Service): Service {
  const names: readonly string[] = identityOperations.map(({ name }) => name);
  return (operation, input, caller) =>
    (names.includes(operation.name) ? real : other)(operation, input, caller);
}

/** A service in which the calls end with these, in turn. */
export function failingWith(...thrown: Error[]): Service {
  let calls = 0;
  return () => Promise.reject(thrown[calls++ % thrown.length]!);
}

/** A service whose answers wait until they are let go. */
export function heldService() {
  let begun = 0;
  let letGo = () => {};
  const released = new Promise<void>((resolve) => (letGo = resolve));
  const service: Service = async () => {
    begun += 1;
    await released;
    return { items: [] } as never;
  };
  return { service, letGo: () => letGo(), begun: () => begun };
}

/** What is said where nobody knows what became of a change. */
export const LOOK = 'It may or may not have been done: look before you repeat it.';

/** A server that is not hodei. */
export function fakeServer(listener: RequestListener) {
  return listening(createServer(listener));
}

export async function listening(server: Server | ReturnType<typeof createTcpServer>) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One request by node:http, which sends any header and takes any path as they are. */
export function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', body } = options;
  const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const payload = isRaw ? body : JSON.stringify(body);
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(payload !== undefined && { 'content-length': String(Buffer.byteLength(payload)) }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers: received } = response;
          const isJson = received['content-type']?.startsWith('application/json') && text !== '';
          const json = isJson ? (JSON.parse(text) as Answer['body']) : {};
          resolve({ status, headers: received, text, body: json });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

/** Sends bytes as they are and gives all that comes back until the server closes. */
export function sendRaw(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, host, () => socket.write(text));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

/** Status and JSON body of a reply as it came over the wire. */
export function parseReply(text: string): Pick<Answer, 'status' | 'body'> {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    body: body === '' ? {} : (JSON.parse(body) as Answer['body']),
  };
}

/** Until the server has noticed that connections are gone. */
export async function untilServed({ ask: get }: TestServer): Promise<void> {
  const status = async () => (await get('/api/v1/tenants').catch(() => undefined))?.status;
  const deadline = Date.now() + 5_000;
  while ((await status()) !== 200) {
    if (Date.now() > deadline) throw new Error('nobody was served within 5 s');
  }
}

/** Waits far longer than it takes, because a machine may have other things to do. */
export async function eventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not come true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
