import { createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HodeiError, errorCodes } from '../../src/domain/errors.ts';
import { callRemote, type RemoteOptions } from '../../src/http/client.ts';
import { canChange } from '../../src/http/wire.ts';
import { operations } from '../../src/service/index.ts';
import type { Caller } from '../../src/service/operation.ts';
import { getQuota, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import {
  createTenant,
  deleteTenant,
  getTenant,
  listTenants,
  suspendTenant,
} from '../../src/service/tenants.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';
import {
  failingWith,
  fakeServer,
  listening,
  LOOK,
  startTestServer,
  type TestServer,
} from './helpers.ts';

describe('a remote call', () => {
  let server: TestServer;
  const remote = (options: Partial<RemoteOptions> = {}) =>
    callRemote({ url: server.url, ...options });
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server.stop());

  it('answers what a local one does', async () => {
    const call = remote();
    const local = server.behind.call;
    const created = await call(createTenant, { name: 'acme', email: 'ops@acme.example' });
    expect(created).toEqual(await local(getTenant, { tenant: 'acme' }));
    await call(setQuota, { tenant: 'acme', cpu_m: 6000, gpu: null });
    expect(await call(getQuota, { tenant: 'acme' })).toEqual(
      await local(getQuota, { tenant: 'acme' }),
    );
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ unset: ['gpu'] });
    await call(deleteTenant, { tenant: 'acme' });
  });

  it('carries text, numbers, booleans and lists in the query', async () => {
    const { call } = server.behind;
    await makeTenant(call, 'eng');
    await makeTenant(call, 'web', { parent: 'eng', labels: { tier: 'a & b', 'team/x': 'ü+é' } });
    const byLabels = await remote()(listTenants, {
      label: ['tier=a & b', 'team/x=ü+é'],
      limit: 5,
    });
    expect(byLabels.items.map(({ name }) => name)).toEqual(['web']);
    const tree = await remote()(listTenants, { tree: true });
    expect(tree.items.map(({ name, depth }) => [name, depth])).toEqual([
      ['eng', 0],
      ['web', 1],
    ]);
  });

  it('takes the base of the routes for the server', async () => {
    await makeTenant(server.behind.call, 'acme');
    const call = callRemote({ url: `${server.url}/api/v1/` });
    expect(await call(getTenant, { tenant: 'acme' })).toMatchObject({ name: 'acme' });
  });

  // What the metrics are, a server does not ask its service as it was asked itself.
  const passedOn = operations.filter(({ name }) => name !== 'metrics.get');

  it.each(passedOn.map((operation) => [operation.name, operation] as const))(
    'brings the input of %s over as it was given',
    async (_name, operation) => {
      const heard: { input: unknown; caller: Caller }[] = [];
      const recording = await startTestServer({
        service: async (_operation, input, caller) => {
          heard.push({ input, caller });
          return {} as never;
        },
      });
      const call = callRemote({ url: recording.url, reason: 'ß & ü', actingAs: 'a+b' });
      const ifVersion = operation.isVersioned ? 7 : undefined;
      await call(operation, operation.example.input, { ifVersion, dryRun: true });
      const parsed = operation.input().parse(heard[0]?.input);
      expect(parsed).toEqual(operation.input().parse(operation.example.input));
      const { principal: _principal, traceId: _traceId, ...rest } = heard[0]!.caller;
      const { role: _role, boundTo: _boundTo, ...options } = rest;
      expect(options).toEqual(
        canChange(operation) ? { reason: 'ß & ü', actingAs: 'a+b', dryRun: true, ifVersion } : {},
      );
      await recording.stop();
    },
  );

  it('obeys version and dry run', async () => {
    await makeTenant(server.behind.call, 'acme');
    const input = { tenant: 'acme', cpu_m: 1 };
    expect(await remote()(setQuota, input, { dryRun: true })).toMatchObject({ cpu_m: 1 });
    expect(await remote()(getQuota, { tenant: 'acme' })).toMatchObject({ cpu_m: 4000 });
    expect(await refusal(remote()(setQuota, input, { ifVersion: 9 }))).toMatchObject({
      code: 'stale_version',
      message: 'The quota of acme is at version 1, not 9.',
    });
  });

  it.each(errorCodes)('throws an error of code %s as the service did', async (code) => {
    const thrown = new HodeiError(code, 'So it is.', { hint: 'Do this.' });
    const failing = await startTestServer({ service: failingWith(thrown) });
    const attempt = callRemote({ url: failing.url })(getTenant, { tenant: 'acme' });
    const error = await refusal(attempt);
    expect(error).toMatchObject({ code, message: 'So it is.' });
    // What the server says of headers is of no use at a terminal.
    const hasOwnHint = ['internal', 'unauthenticated'].includes(code);
    if (!hasOwnHint) expect(error.hint).toBe('Do this.');
    await failing.stop();
  });

  it('throws internal for a bug over there, and says where its cause is', async () => {
    const failing = await startTestServer({ service: failingWith(new TypeError('oh')) });
    expect(await refusal(callRemote({ url: failing.url })(listTenants, {}))).toEqual({
      code: 'internal',
      message: 'Internal error',
      hint: `The server's log says why, under trace id ${'1'.padStart(32, '0')}.`,
    });
    await failing.stop();
  });

  it.each(['a/b', 'a b', 'é', '%2e%2e', '%', '?x', '#x', 'a;b', '\\', '..a', '...', "'"])(
    'names a tenant as it is typed: %s',
    async (tenant) => {
      expect(await refusal(remote()(getTenant, { tenant }))).toMatchObject({
        code: 'not_found',
        message: `Tenant not found: ${tenant}`,
      });
    },
  );

  it.each(['', '.', '..', '\ud800'])('refuses what no path can carry: %j', async (tenant) => {
    await makeTenant(server.behind.call, 'acme');
    for (const attempt of [
      remote()(deleteTenant, { tenant, cascade: true }),
      remote()(getQuota, { tenant }),
    ]) {
      expect(await refusal(attempt)).toEqual({
        code: 'invalid',
        message: `tenant: must not be "${tenant}"`,
      });
    }
    expect(server.lines).toEqual([]);
  });

  it('keeps the path of the URL, as behind a proxy', async () => {
    const asked: string[] = [];
    const proxy = await fakeServer((request, response) => {
      asked.push(request.url ?? '');
      response.setHeader('content-type', 'application/json').end('{}');
    });
    for (const url of [`${proxy.url}/ci/hodei`, `${proxy.url}/ci/hodei/`, `${proxy.url}/`]) {
      await callRemote({ url })(getTenant, { tenant: 'acme' });
    }
    expect(asked).toEqual([
      '/ci/hodei/api/v1/tenants/acme',
      '/ci/hodei/api/v1/tenants/acme',
      '/api/v1/tenants/acme',
    ]);
    await proxy.stop();
  });
});

describe('the URL of a server', () => {
  it.each([
    ...['', 'localhost:8080', '127.0.0.1:8080', 'ftp://localhost', 'file:///etc/passwd'],
    ...['http://', 'http://localhost?x=1', 'http://localhost#x', 'nonsense'],
  ])('is refused when it cannot be one: %j', (url) => {
    expect(() => callRemote({ url })).toThrow(
      expect.objectContaining({ code: 'invalid', message: `"${url}" is not the URL of a server.` }),
    );
  });

  it.each(['http://ana:secret@localhost', 'http://ana@localhost'])(
    'is refused with a password, which is not repeated: %s',
    (url) => {
      expect(() => callRemote({ url })).toThrow(expect.objectContaining({ code: 'invalid' }));
      expect(() => callRemote({ url })).not.toThrow(/secret/);
    },
  );
});

describe('a server that is not there', () => {
  it('is unavailable, and nothing was done', async () => {
    const gone = await fakeServer(() => undefined);
    await gone.stop();
    for (const attempt of [
      callRemote({ url: gone.url })(getTenant, { tenant: 'acme' }),
      callRemote({ url: gone.url })(suspendTenant, { tenant: 'acme' }),
    ]) {
      expect(await refusal(attempt)).toEqual({
        code: 'unavailable',
        message: `Cannot reach a hodei server at ${gone.url} (ECONNREFUSED).`,
        hint: 'Start one there, or name another one with --server: hodei serve',
      });
    }
  });

  it('is unavailable too when its name is not known, or it does not speak TLS', async () => {
    const unknown = callRemote({ url: 'http://hodei.invalid' });
    expect(await refusal(unknown(suspendTenant, { tenant: 'acme' }))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Cannot reach a hodei server at http://hodei.invalid ('),
    });
    const plain = await fakeServer((_request, response) => void response.end());
    const tls = callRemote({ url: plain.url.replace('http:', 'https:') });
    expect(await refusal(tls(suspendTenant, { tenant: 'acme' }))).toMatchObject({
      code: 'unavailable',
    });
    await plain.stop();
  });
});

/** Reading, changing, and changing nothing: who must not be told that nothing was done. */
const attempts = [
  ['a reading call', 'unavailable', (call) => call(getTenant, { tenant: 'acme' })],
  ['a change', 'unknown_outcome', (call) => call(suspendTenant, { tenant: 'acme' })],
  ['a deletion', 'unknown_outcome', (call) => call(deleteTenant, { tenant: 'acme' })],
  ['a document', 'unknown_outcome', (call) => call(applySettings, { resources: [] })],
  [
    'a dry run',
    'unavailable',
    (call) => call(setQuota, { tenant: 'acme', cpu_m: 1 }, { dryRun: true }),
  ],
] as const satisfies [string, string, (call: ReturnType<typeof callRemote>) => Promise<unknown>][];

describe.each(attempts)('%s whose connection breaks off is %s', (_what, code, attempt) => {
  it('before an answer', async () => {
    const server = await fakeServer((request) => void request.socket.destroy());
    const error = await refusal(attempt(callRemote({ url: server.url })));
    expect(error).toMatchObject({
      code,
      message: `The connection to ${server.url} broke off before the answer was there.`,
    });
    if (code === 'unknown_outcome') expect(error.hint).toBe(LOOK);
    await server.stop();
  });

  it('in the middle of one', async () => {
    const server = await fakeServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id": ', () => response.socket?.resetAndDestroy());
    });
    expect(await refusal(attempt(callRemote({ url: server.url })))).toMatchObject({ code });
    await server.stop();
  });

  it('because it takes too long', async () => {
    const server = await fakeServer(() => undefined);
    expect(await refusal(attempt(callRemote({ url: server.url, timeoutMs: 100 })))).toMatchObject({
      code,
      message: `${server.url} did not answer within 0.1 s.`,
    });
    await server.stop();
  });
});

describe('a reply that is not from hodei', () => {
  const replies: [string, number, string][] = [
    ['a page', 200, '<html>Welcome to nginx</html>'],
    ['nothing', 200, ''],
    ['JSON that is no object', 200, '[]'],
    ['JSON that is null', 200, 'null'],
    ['no content', 204, ''],
    ['a redirect', 302, ''],
    ['not found', 404, '<html>404</html>'],
    ['an error of another program', 404, '{"error": "Not Found", "statusCode": 404}'],
    ['an error of another shape', 400, '{"error": {"code": 1}, "code": 2}'],
    ['a proxy without a server behind it', 502, 'Bad Gateway'],
    ['a proxy that waited too long', 504, ''],
  ];

  it.each(replies)('makes a reading call unavailable: %s', async (_what, status, text) => {
    const server = await fakeServer((_request, response) => {
      response.writeHead(status, { location: '/elsewhere' }).end(text);
    });
    expect(await refusal(callRemote({ url: server.url })(getTenant, { tenant: 'a' }))).toEqual({
      code: 'unavailable',
      message: `${server.url} did not answer like a hodei server (status ${status}).`,
      hint: 'Check the URL: --server, or HODEI_SERVER.',
    });
    await server.stop();
  });

  it.each(replies)(
    'leaves open what a change did, where it may be done: %s',
    async (_what, status, text) => {
      const server = await fakeServer(
        (_request, response) => void response.writeHead(status).end(text),
      );
      const isRefusal = status >= 300 && status < 500;
      expect(
        await refusal(callRemote({ url: server.url })(suspendTenant, { tenant: 'a' })),
      ).toMatchObject({
        code: isRefusal ? 'unavailable' : 'unknown_outcome',
        message: `${server.url} did not answer like a hodei server (status ${status}).`,
      });
      await server.stop();
    },
  );

  it('with an unknown code is internal: a newer server than the client', async () => {
    const body = '{"error": "The moon is full.", "code": "full_moon", "trace_id": "t-1"}';
    const server = await fakeServer((_request, response) => void response.writeHead(418).end(body));
    expect(await refusal(callRemote({ url: server.url })(getTenant, { tenant: 'a' }))).toEqual({
      code: 'internal',
      message: 'The moon is full.',
      hint: "The server's log says why, under trace id t-1.",
    });
    await server.stop();
  });

  it('or that is not even HTTP counts as broken off', async () => {
    const tcp = createTcpServer((socket) => void socket.resume().end('SSH-2.0\r\n'));
    const { url, stop } = await listening(tcp);
    const call = callRemote({ url });
    expect(await refusal(call(getTenant, { tenant: 'a' }))).toMatchObject({ code: 'unavailable' });
    expect(await refusal(call(suspendTenant, { tenant: 'a' }))).toMatchObject({
      code: 'unknown_outcome',
    });
    await stop();
  });
});
