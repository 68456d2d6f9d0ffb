import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTenant } from '../helpers/tenant.ts';
import { parseReply, sendRaw, startTestServer, type TestServer } from './helpers.ts';

const OPS = 'https://ops.example';

/** One thing of a request, and what it means for a server that is to be safe from other pages. */
interface Choice<T> {
  readonly sent: T;
  readonly isOurs: boolean;
}

const ours = <T>(...all: T[]): Choice<T>[] => all.map((sent) => ({ sent, isOurs: true }));
const foreign = <T>(...all: T[]): Choice<T>[] => all.map((sent) => ({ sent, isOurs: false }));

/** What a browser was made to take this machine for: by its own name, or by one of a page. */
const hosts = [
  ...ours(
    'localhost',
    'localhost:80',
    'LOCALHOST.',
    '127.0.0.1:8080',
    '[::1]:8080',
    'hodei.example',
  ),
  ...foreign('evil.test', 'evil.test:80', 'localhost.evil.test', 'evil.test.', '0.0.0.0', '[::2]'),
  ...foreign('10.0.0.1', 'localhost@evil.test', 'hodei.example.evil.test', '[::ffff:127.0.0.1]'),
];

/** What a browser says of the page that asks; nothing where the user types an address. */
const origins = (host: string, cors: readonly string[]) => [
  ...ours<string | undefined>(undefined, `http://${host}`, `https://${host}`, ...cors),
  ...foreign<string | undefined>('null', 'https://evil.test', `http://${host}.evil.test`, ''),
  ...foreign<string | undefined>('file://', `http://evil.test@${host}`, `ftp://${host}`),
  // A page of another program on this machine.
  ...foreign<string | undefined>('http://localhost:3000'),
  ...(cors.includes(OPS) ? [] : foreign<string | undefined>(OPS)),
];

/** Forms send the first three without asking first; a script has to ask before the others. */
const types = [
  ...foreign('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'),
  ...foreign('text/plain; application/json', 'text/json'),
  ...ours('application/json', 'application/json; charset=utf-8'),
];

interface Request {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly origin?: string | undefined;
  readonly type?: string | undefined;
  readonly body?: string;
  readonly more?: string;
}

let made = 0;
const newTenant = () => JSON.stringify({ name: `made-${(made += 1)}`, email: 'ops@made.example' });

async function send(server: TestServer, request: Request) {
  const { method, path, host, origin, type, body = '', more = '' } = request;
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    'connection: close',
    ...(origin === undefined ? [] : [`origin: ${origin}`]),
    ...(type === undefined ? [] : [`content-type: ${type}`]),
    ...(body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
  ].join('\r\n');
  const text = await sendRaw(server.port, `${head}\r\n${more}\r\n${body}`);
  return { ...parseReply(method === 'HEAD' ? text.split('\r\n\r\n')[0]! : text), text };
}

const countEvents = async (server: TestServer) => (await server.behind.events()).length;

describe.each([
  ['without CORS', []],
  ['with an origin that may ask', [OPS]],
])('a browser in front of a server %s', (_what, corsOrigins) => {
  let server: TestServer;
  let seen = 0;
  beforeAll(async () => {
    server = await startTestServer({ corsOrigins, allowedHosts: ['hodei.example'] });
    await makeTenant(server.behind.call, 'acme');
  });
  afterAll(() => server.stop());

  /** Sends it and compares what it did with what it may do. */
  async function expectStatus(request: Request, expected: number, changes: number): Promise<void> {
    seen += 1;
    const what = JSON.stringify(request);
    const before = await countEvents(server);
    const { status, text } = await send(server, request);
    expect(status, what).toBe(expected);
    expect((await countEvents(server)) - before, what).toBe(changes);
    expectReadable(text, request, what);
  }

  /** Only a page that may ask is let at the answer, and it only where it called us by our name. */
  function expectReadable(text: string, { host, origin }: Request, what: string): void {
    const [, allowed] = /\r\naccess-control-allow-origin: (.*?)\r\n/i.exec(text) ?? [];
    const isOurHost = hosts.some(({ sent, isOurs }) => sent === host && isOurs);
    const mayRead = isOurHost && origin !== undefined && corsOrigins.includes(origin);
    expect(allowed, what).toBe(mayRead ? origin : undefined);
    expect(text, what).not.toMatch(/access-control-allow-credentials/i);
  }

  it('changes nothing by a POST that is not by our name, our page and as JSON', async () => {
    for (const host of hosts) {
      for (const origin of origins(host.sent, corsOrigins)) {
        for (const type of types) {
          const verdict = !host.isOurs || !origin.isOurs ? 403 : type.isOurs ? 201 : 415;
          const request = { method: 'POST', path: '/api/v1/tenants', body: newTenant() };
          const headers = { host: host.sent, origin: origin.sent, type: type.sent };
          await expectStatus({ ...request, ...headers }, verdict, verdict === 201 ? 1 : 0);
        }
      }
    }
  });

  it('changes nothing by other methods, with a body or without', async () => {
    const changes: [string, string, string | undefined][] = [
      ['POST', '/api/v1/tenants/acme/suspend', undefined],
      ['POST', '/api/v1/tenants/acme/resume', undefined],
      ['PUT', '/api/v1/tenants/acme/quota', '{"cpu_m": 1000}'],
      ['DELETE', '/api/v1/tenants/acme?cascade=true', undefined],
    ];
    const strangers = hosts.flatMap((host) =>
      origins(host.sent, corsOrigins)
        .filter(({ isOurs }) => !(host.isOurs && isOurs))
        .map((origin) => ({ host: host.sent, origin: origin.sent })),
    );
    for (const stranger of strangers) {
      for (const [method, path, body] of changes) {
        const json = body === undefined ? {} : { body, type: 'application/json' };
        await expectStatus({ method, path, ...stranger, ...json }, 403, 0);
      }
    }
    expect((await server.ask('/api/v1/tenants/acme')).status).toBe(200);
  });

  it('reads by our name only, and whatever page asks changes nothing by reading', async () => {
    for (const host of hosts) {
      for (const origin of origins(host.sent, corsOrigins)) {
        for (const method of ['GET', 'HEAD']) {
          const headers = { host: host.sent, origin: origin.sent };
          const path = '/api/v1/tenants/acme';
          await expectStatus({ method, path, ...headers }, host.isOurs ? 200 : 403, 0);
        }
      }
    }
  });

  it('asks beforehand in vain, unless its origin may ask', async () => {
    for (const host of hosts) {
      for (const origin of origins(host.sent, corsOrigins)) {
        const more = 'access-control-request-method: PUT\r\n';
        const request = { method: 'OPTIONS', path: '/api/v1/tenants/acme', more };
        // Without CORS there is no such method; with it whoever asks is told who may.
        const verdict = !host.isOurs ? 403 : corsOrigins.length === 0 ? 405 : 204;
        await expectStatus({ ...request, host: host.sent, origin: origin.sent }, verdict, 0);
      }
    }
  });

  it('is not believed by a second name: in the URL, in a header, or in none', async () => {
    const path = '/api/v1/tenants';
    const post = () => ({ method: 'POST', type: 'application/json', body: newTenant() });
    const named = (host: string) => `http://${host}${path}`;
    for (const { sent, isOurs } of hosts) {
      const verdict = isOurs ? 201 : 403;
      const changes = isOurs ? 1 : 0;
      await expectStatus({ ...post(), path: named(sent), host: 'localhost' }, verdict, changes);
      await expectStatus({ ...post(), path: named('localhost'), host: sent }, verdict, changes);
      for (const more of [`host: ${sent}\r\n`, `Host:${sent}\r\n`]) {
        await expectStatus({ ...post(), path, host: 'localhost', more }, 400, 0);
      }
    }
    for (const header of ['x-forwarded-host', 'forwarded', 'x-host', 'x-original-host']) {
      const more = `${header}: localhost\r\n`;
      await expectStatus({ ...post(), path, host: 'evil.test', more }, 403, 0);
    }
  });

  it('is not believed two origins', async () => {
    for (const [origin, second] of [
      ['https://evil.test', 'http://localhost'],
      ['http://localhost', 'https://evil.test'],
      ['null', 'http://localhost'],
      ['http://localhost', ''],
    ]) {
      const path = '/api/v1/tenants/acme/suspend';
      const more = `origin: ${second}\r\n`;
      await expectStatus({ method: 'POST', path, host: 'localhost', origin, more }, 403, 0);
    }
  });

  it('was tried in 200 ways and more', () => {
    expect(seen).toBeGreaterThan(200);
  });
});
