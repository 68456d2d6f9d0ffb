import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverLog } from '../../src/http/logger.ts';
import { answerUnreadable } from '../../src/http/unreadable.ts';
import { pathsOf } from '../../src/http/wire.ts';
import { operations } from '../../src/service/index.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { parseReply, sendRaw, startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTenant(server.behind.call, 'acme');
});
afterAll(() => server.stop());

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'];

/** Every path there is, with the methods that it has. */
function paths(): [string, string[]][] {
  const routes = operations.flatMap((operation) =>
    pathsOf(operation).map((path) => ({ path, method: operation.method })),
  );
  const methods = new Map<string, Set<string>>();
  for (const { path } of routes) {
    const filled = path.replace('{resource}', 'gpu').replace(/\{\w+\}/g, 'acme');
    // What something is called is not known to the router: history could be a resource.
    const here = routes.filter((route) => {
      return new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(filled);
    });
    const there = here.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    methods.set(`/api/v1${filled}`, new Set(there));
  }
  const ours = ['/healthz', '/readyz', '/api/openapi.json', '/api/docs', '/api/docs/'];
  return [
    ...[...methods].map(([path, there]) => [path, [...there].sort()] as [string, string[]]),
    ...ours.map((path) => [path, ['GET', 'HEAD']] as [string, string[]]),
  ];
}

describe('a method that a path does not have', () => {
  it.each(paths())('answers 405 on %s, with Allow: %j', async (path, allowed) => {
    for (const method of METHODS.filter((one) => !allowed.includes(one))) {
      const { status, headers, body } = await server.ask(path, { method });
      expect(status, method).toBe(405);
      expect(headers['allow']).toBe(allowed.join(', '));
      expect(headers['x-trace-id']).toMatch(/^\d{32}$/);
      if (method === 'HEAD') continue;
      expect(body).toMatchObject({
        error: `${method} is not possible on ${path}.`,
        code: 'invalid',
        hint: `Possible: ${allowed.join(', ')}`,
      });
    }
  });

  it('is 405 before what is wrong with its body', async () => {
    const wrong = { method: 'PATCH', headers: { 'content-type': 'text/plain' }, body: '{' };
    expect((await server.ask('/api/v1/tenants/acme', wrong)).status).toBe(405);
    expect((await server.ask('/nowhere', { ...wrong, method: 'POST' })).status).toBe(404);
  });
});

describe('a path that does not exist', () => {
  it.each([
    ['/tenants', 'Did you mean /api/v1/tenants?'],
    ['/v1/tenants', 'Did you mean /api/v1/tenants?'],
    ['/api/tenants/acme', 'Did you mean /api/v1/tenants/acme?'],
    ['/api/v2/tenants', 'Did you mean /api/v1/tenants?'],
    ['/tenants/acme/quota', 'Did you mean /api/v1/tenants/acme/quota?'],
    ['/tenants/', 'Did you mean /api/v1/tenants?'],
    ['/api/v1/tenants/', 'Did you mean /api/v1/tenants?'],
    ['/api/v1/tenants/acme/', 'Did you mean /api/v1/tenants/acme?'],
    ['/api/v1/tenants//quota', 'All there is: /api/docs'],
    ['/api/v1/tenants/acme/quota/', 'Did you mean /api/v1/tenants/acme/quota?'],
    ['/api/v1/Tenants', 'All there is: /api/docs'],
    ['/api/v1', 'All there is: /api/docs'],
    ['/', 'All there is: /api/docs'],
    ['/api/docs/static/nothing.js', 'All there is: /api/docs'],
    [`/${'x'.repeat(2000)}`, 'All there is: /api/docs'],
    ['*', 'All there is: /api/docs'],
  ])('answers 404 with a hint: %s', async (path, hint) => {
    const { status, body } = await server.ask(path);
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: `There is nothing at ${path}.`, code: 'not_found', hint });
  });

  it('never leads out of the files of the docs page', async () => {
    for (const path of ['/../package.json', '/..%2fpackage.json', '/%2e%2e/index.js']) {
      const { status, body } = await server.ask(`/api/docs/static${path}`);
      expect([400, 403, 404], path).toContain(status);
      expect(body).toHaveProperty('trace_id');
    }
  });
});

describe('names in a path', () => {
  it('may be long: the operation says that there is no such tenant', async () => {
    const name = 'a'.repeat(200);
    const { status, body } = await server.ask(`/api/v1/tenants/${name}`);
    expect(status).toBe(404);
    expect(body['error']).toBe(`Tenant not found: ${name}`);
    const tooLong = await server.ask(`/api/v1/tenants/${'a'.repeat(9000)}`);
    expect(tooLong.status).toBe(400);
    expect(tooLong.body['error']).toMatch(/^tenant: /);
  });

  it.each(['/api/v1/tenants/%', '/api/v1/tenants/%zz', '/api/v1/tenants/%ff', '/%e0%a4'])(
    'are refused when they cannot be decoded: %s',
    async (path) => {
      const { status, body } = await server.ask(path);
      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'invalid', error: expect.stringMatching(/decoded/) });
    },
  );
});

describe('a query', () => {
  it.each(['label=%', 'label=%zz', 'label=%ff', '%e0%a4=1'])(
    'is refused when it cannot be decoded: %s',
    async (query) => {
      const { status, body } = await server.ask(`/api/v1/tenants?${query}`);
      expect(status).toBe(400);
      expect(body['error']).toMatch(/^The query cannot be decoded/);
    },
  );

  it.each(['__proto__=1', 'constructor=1', 'limit[]=1', 'hasOwnProperty=1', '=1', '%00=1'])(
    'is refused with names that nobody knows: %s',
    async (query) => {
      const { status, body } = await server.ask(`/api/v1/tenants?${query}`);
      expect(status).toBe(400);
      expect(body['error']).toMatch(/^unknown field/);
    },
  );
});

describe('a body', () => {
  const put = (body: string | Buffer, type = 'application/json') =>
    server.ask('/api/v1/tenants/acme', { method: 'PUT', body, headers: { 'content-type': type } });

  it.each([
    ['{', 'The body is not JSON: Expected property name'],
    ['{"email": "a@b.example",}', 'The body is not JSON: '],
    ["{'email': 1}", 'The body is not JSON: '],
    ['\ufeff{}', 'The body is not JSON: '],
    ['undefined', 'The body is not JSON: '],
    ['NaN', 'The body is not JSON: '],
    ['null', 'The body must be a JSON object.'],
    ['[]', 'The body must be a JSON object.'],
    ['"text"', 'The body must be a JSON object.'],
    ['7', 'The body must be a JSON object.'],
    ['{"__proto__": {"email": "x@y.example"}}', 'unknown field "__proto__"'],
    ['{"labels": {"__proto__": "x"}}', 'unknown field "__proto__"'],
    ['{"labels": {"\\u005f_proto__": "x"}}', 'unknown field "__proto__"'],
    ['{"weight": 1, "labels": {}, "weight": 2}', '"weight" stands twice in the same object'],
    ['{"labels": {"a": "x", "\\u0061": "y"}}', '"a" stands twice in the same object'],
    [
      '{"weight": 9007199254740993}',
      'weight: must be a whole number up to 2^53-1, not 9007199254740993',
    ],
    ['{"weight": 1e400}', 'weight: must be a whole number up to 2^53-1, not 1e400'],
    ['['.repeat(64 * 1024), 'more than 32 levels deep'],
    [
      '{"weight": 2.0000000000000001}',
      'weight: must be a number that can be kept exactly, not 2.0000000000000001',
    ],
    ['{"constructor": {"prototype": {"x": 1}}}', 'unknown field "constructor"'],
    ['{"labels": {"constructor": "x"}}', "a label's key has"],
    [`{"labels": ${'['.repeat(40)}${']'.repeat(40)}}`, 'more than 32 levels deep'],
    [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, 'more than 32 levels deep'],
  ])('is refused, with what is wrong: %.40s', async (body, problem) => {
    const answer = await put(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'invalid',
      error: expect.stringContaining(problem),
    });
    expect({}).not.toHaveProperty('x');
  });

  it('is refused when it is not UTF-8, which would otherwise become other text', async () => {
    const latin1 = Buffer.from('{"labels": {"city": "Málaga"}}', 'latin1');
    expect((await put(latin1)).body['error']).toBe('The body is not UTF-8 text.');
  });

  it('may have numbers of every whole spelling, and fractions inside a text', async () => {
    const { status, body } = await put('{"weight": 2.0e0, "labels": {"a": "2.0000000000000001"}}');
    expect([status, body['weight']]).toEqual([200, 2]);
  });

  it('of a quota with __proto__ is refused, not half applied', async () => {
    const body = '{"cpu_m": 1, "__proto__": 5}';
    const path = '/api/v1/tenants/acme/quota';
    expect((await server.ask(path, { method: 'PUT', body })).status).toBe(400);
    expect((await server.ask(path)).body).toMatchObject({ cpu_m: 4000, version: 1 });
  });

  it('may be empty, and then need not be declared', async () => {
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      const sent = { method: 'POST', headers };
      const { status } = await server.ask('/api/v1/tenants/acme/resume', sent);
      expect(status).toBe(200);
    }
    expect((await server.ask('/api/v1/tenants', { method: 'POST' })).body).toMatchObject({
      error: 'name is missing; email is missing',
    });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'text/json', 'nonsense', ''])(
    'that is not declared as JSON answers 415: %s',
    async (type) => {
      const answer = await put('{"email": "x@y.example"}', type);
      expect(answer.status).toBe(415);
      expect(answer.body).toMatchObject({
        code: 'invalid',
        hint: 'Send it with the header content-type: application/json',
      });
    },
  );

  it('may say that its JSON is UTF-8, as it must be', async () => {
    expect((await put('{}', 'application/json; charset=utf-8')).status).toBe(200);
    expect((await put('{}', 'Application/JSON')).status).toBe(200);
  });

  it('answers 413 beyond 64 KiB, declared or not', async () => {
    const big = JSON.stringify({ email: 'x'.repeat(64 * 1024) });
    expect(await put(big)).toMatchObject({
      status: 413,
      body: { code: 'invalid', error: 'The body is larger than 64 KiB.' },
    });
    const head = 'PUT /api/v1/tenants/acme HTTP/1.1\r\nhost: localhost\r\n';
    const chunk = `${big.length.toString(16)}\r\n${big}\r\n`;
    const reply = await sendRaw(
      server.port,
      `${head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
    );
    expect(parseReply(reply).status).toBe(413);
    const fits = JSON.stringify({ x: 'x'.repeat(64 * 1024 - 8) });
    expect(fits).toHaveLength(64 * 1024);
    expect((await put(fits)).body['error']).toContain('unknown field "x"');
  });

  it.each([
    ['GET', '/api/v1/tenants/acme', '{"x": 1}'],
    ['DELETE', '/api/v1/tenants/acme', '{"cascade": true}'],
  ])('is refused where the input is in the query: %s', async (method, path, body) => {
    const answer = await server.ask(path, { method, body });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toBe(`${method} takes no body here.`);
    expect((await server.ask('/api/v1/tenants/acme')).status).toBe(200);
  });
});

describe('what Node cannot read as a request', () => {
  const host = 'host: localhost\r\n';
  it.each([
    ['not HTTP', 'hello\r\n\r\n', 400],
    ['large headers', `GET / HTTP/1.1\r\n${host}x: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a large URL', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, 431],
    [
      'two lengths',
      `POST /api/v1/tenants HTTP/1.1\r\n${host}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`,
      400,
    ],
    [
      'length and chunks',
      `POST / HTTP/1.1\r\n${host}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a control character', `GET / HTTP/1.1\r\n${host}x: a\u0000b\r\n\r\n`, 400],
  ])('is answered as JSON and hung up on: %s', async (_what, bytes, status) => {
    const reply = await sendRaw(server.port, bytes);
    expect(parseReply(reply)).toMatchObject({
      status,
      body: { code: 'invalid', trace_id: expect.stringMatching(/^\d{32}$/) },
    });
    expect(reply.toLowerCase()).toContain('connection: close');
  });

  it('also when it takes too long to arrive', async () => {
    const log = serverLog({ logLevel: 'silent', log: { write: () => undefined } });
    const answer = answerUnreadable(log, () => 'trace-1');
    const connection = new PassThrough();
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    answer(late, connection as unknown as Socket);
    expect(parseReply(await text(connection))).toEqual({
      status: 408,
      body: {
        error: 'The request took too long to arrive.',
        code: 'invalid',
        trace_id: 'trace-1',
      },
    });
  });

  it('but not what merely asks for another protocol, which is answered in this one', async () => {
    const upgrade = 'connection: upgrade, close\r\nupgrade: h2c\r\n';
    const reply = await sendRaw(server.port, `GET /healthz HTTP/1.1\r\n${host}${upgrade}\r\n`);
    expect(parseReply(reply).status).toBe(200);
  });
});
