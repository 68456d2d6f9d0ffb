import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import { isLoopback } from '../../src/http/hosts.ts';
import { operations } from '../../src/service/index.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { refusal } from '../helpers/refusal.ts';
import { parseReply, sendRaw, startTestServer, type TestServer } from './helpers.ts';

describe('the Host header', () => {
  let server: TestServer;
  beforeAll(async () => {
    const allowedHosts = ['Hodei.example', 'ci.example:8443', 'fd00::7', 'dotted.example.'];
    server = await startTestServer({ allowedHosts });
  });
  afterAll(() => server.stop());

  const withHost = (host: string, path = '/healthz') => server.ask(path, { headers: { host } });

  it.each([
    ...['localhost', 'localhost:8080', 'LOCALHOST', 'localhost.', 'localhost.:80'],
    ...['127.0.0.1', '127.0.0.1:8080', '[::1]', '[::1]:8080', 'localhost:'],
    ...['hodei.example', 'HODEI.EXAMPLE:443', 'hodei.example.', 'ci.example', 'ci.example:1'],
    ...['[fd00::7]', '[FD00::7]:80', 'dotted.example', 'dotted.example.'],
  ])('may call the server by its own names: %s', async (host) => {
    expect((await withHost(host)).status).toBe(200);
  });

  it.each([
    ...['evil.test', 'evil.test:8080', 'evil.test.', 'localhost.evil.test', 'evil.localhost'],
    ...['127.0.0.1.evil.test', '127.0.0.2', '127.1', '2130706433', '0x7f.0.0.1', '0.0.0.0'],
    ...['192.168.1.7', '10.0.0.1:8080', '[::2]', '[::ffff:127.0.0.1]', '::1', '[::1', '::1]'],
    ...['localhost:8080@evil.test', 'evil.test@localhost', 'localhost/evil.test', 'localhost?'],
    ...['localhost evil.test', 'localhost,evil.test', 'localhost#', 'localhost..', '.localhost'],
    ...['xn--localhost', 'localhost:80:80', '.', ':', '*', '-'],
  ])('of another name is refused, against DNS rebinding: %j', async (host) => {
    const { status, body } = await withHost(host);
    expect(status).toBe(403);
    expect(body).toMatchObject({
      code: 'forbidden',
      error: `This server does not answer to the name ${host}.`,
      hint: 'If it is its name, add it to server.allowed_hosts in the config file.',
    });
  });

  it('is looked at on every path, also on those that do not exist or cannot be read', async () => {
    const paths = [
      ...operations.map(({ path }) => `/api/v1${path}`),
      ...['/healthz', '/readyz', '/api/openapi.json', '/api/docs', '/api/docs/json'],
      ...['/api/docs/static/swagger-ui.css', '/nowhere', '/', '/api/v1/tenants/%zz'],
    ];
    for (const path of paths) {
      for (const method of ['GET', 'PUT', 'OPTIONS']) {
        const { status, body } = await server.ask(path, { method, headers: { host: 'evil.test' } });
        expect(status, `${method} ${path}`).toBe(403);
        expect(body['code']).toBe('forbidden');
      }
    }
  });

  it('must be there once', async () => {
    const line = 'GET /healthz HTTP/1.1\r\nconnection: close\r\n';
    for (const hosts of [
      '',
      'host: localhost\r\nhost: localhost\r\n',
      'host: localhost\r\nHost: evil.test\r\n',
      'host: localhost\r\nHOST:\r\n',
    ]) {
      const reply = parseReply(await sendRaw(server.port, `${line}${hosts}\r\n`));
      expect(reply).toMatchObject({
        status: 400,
        body: { code: 'invalid', error: 'A request must have exactly one Host header.' },
      });
    }
    const empty = parseReply(await sendRaw(server.port, `${line}host:\r\n\r\n`));
    expect(empty).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const old = await sendRaw(server.port, 'GET /healthz HTTP/1.0\r\n\r\n');
    expect(parseReply(old).status).toBe(400);
  });

  it('has to be a name also where the server listens on every address', async () => {
    const open = await startTestServer({ host: '0.0.0.0', allowUnauthenticated: true });
    for (const host of ['evil.test', 'a b', ':', '0.0.0.1']) {
      expect((await open.ask('/healthz', { headers: { host } })).status).toBe(403);
    }
    await open.stop();
  });

  it('is not overruled by a URL that names a server itself', async () => {
    const ask = async (url: string, host: string) => {
      const request = `GET ${url} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
      return parseReply(await sendRaw(server.port, request)).status;
    };
    expect(await ask('http://localhost/healthz', 'localhost')).toBe(200);
    expect(await ask('http://evil.test/healthz', 'localhost')).toBe(403);
    expect(await ask('http://localhost/healthz', 'evil.test')).toBe(403);
    expect(await ask('http://localhost@evil.test/healthz', 'localhost')).toBe(403);
  });

  it('may be the address that the server listens on', async () => {
    const other = await startTestServer({ host: '127.0.0.3' });
    const line = 'GET /healthz HTTP/1.1\r\nconnection: close\r\n';
    const reply = await sendRaw(
      other.port,
      `${line}host: 127.0.0.3:${other.port}\r\n\r\n`,
      '127.0.0.3',
    );
    expect(parseReply(reply).status).toBe(200);
    await other.stop();
  });
});

describe('a page of another origin', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  const suspend = (headers: Record<string, string>) =>
    server.ask('/api/v1/tenants/acme/suspend', { method: 'POST', headers });

  it.each(['https://evil.test', 'null', 'http://localhost:1', 'http://127.0.0.1.evil.test', ''])(
    'may not change anything, not even by a request that browsers let through: %j',
    async (origin) => {
      server = await startTestServer();
      await makeTenant(server.behind.call, 'acme');
      const { status, body } = await suspend({ origin });
      expect(status).toBe(403);
      expect(body).toMatchObject({
        code: 'forbidden',
        error: `Pages of ${origin} may not change anything here.`,
      });
      expect((await server.ask('/api/v1/tenants/acme')).body).toMatchObject({ status: 'active' });
    },
  );

  it('is another one: pages of the server itself, and programs, may', async () => {
    server = await startTestServer();
    await makeTenant(server.behind.call, 'acme');
    expect((await suspend({})).status).toBe(200);
    expect((await suspend({ origin: server.url })).status).toBe(200);
    const behindTls = { origin: 'https://localhost', host: 'localhost' };
    expect((await suspend(behindTls)).status).toBe(200);
  });

  it('reads nothing: there are no CORS headers where no origins are configured', async () => {
    server = await startTestServer();
    const get = await server.ask('/api/v1/tenants', { headers: { origin: 'https://ops.example' } });
    const preflight = await server.ask('/api/v1/tenants', {
      method: 'OPTIONS',
      headers: { origin: 'https://ops.example', 'access-control-request-method': 'PUT' },
    });
    expect(preflight.status).toBe(405);
    for (const { headers } of [get, preflight]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('reads and changes when its origin is configured, and only then', async () => {
    server = await startTestServer({
      corsOrigins: ['https://ops.example', 'http://localhost:3000'],
    });
    await makeTenant(server.behind.call, 'acme');
    for (const origin of ['https://ops.example', 'http://localhost:3000']) {
      const { headers } = await server.ask('/api/v1/tenants/acme', { headers: { origin } });
      expect(headers['access-control-allow-origin']).toBe(origin);
      expect(headers['access-control-expose-headers']).toBe('etag, x-trace-id');
      expect(headers['access-control-allow-credentials']).toBeUndefined();
      expect(headers['vary']).toBe('Origin');
      expect((await suspend({ origin })).status).toBe(200);
      const missing = await server.ask('/api/v1/tenants/x', { headers: { origin } });
      expect(missing.headers['access-control-allow-origin']).toBe(origin);
    }
    for (const origin of [
      ...['null', 'https://evil.test', 'https://ops.example.evil.test', 'http://ops.example'],
      ...['https://ops.example:444', 'https://OPS.example', 'https://ops.example/', '*'],
    ]) {
      const { headers } = await server.ask('/api/v1/tenants/acme', { headers: { origin } });
      expect(headers['access-control-allow-origin'], origin).toBeUndefined();
      expect((await suspend({ origin })).status, origin).toBe(403);
    }
  });

  it('is told beforehand what it may send', async () => {
    server = await startTestServer({ corsOrigins: ['https://ops.example'] });
    const preflight = (origin: string) =>
      server.ask('/api/v1/tenants/acme', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'PUT' },
      });
    const { status, headers } = await preflight('https://ops.example');
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://ops.example',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, if-match, idempotency-key, last-event-id, traceparent',
    });
    const evil = await preflight('https://evil.test');
    expect(evil.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['*', 'null', 'ops.example', 'https://ops.example/', 'https://Ops.example', 'file://x'])(
    'cannot be configured as what is not an origin: %s',
    async (origin) => {
      server = await startTestServer();
      const attempt = startTestServer({ corsOrigins: [origin] });
      expect(await refusal(attempt)).toMatchObject({
        code: 'invalid',
        message: `"${origin}" is not the origin of a web page.`,
      });
    },
  );
});

describe('where the server listens', () => {
  it.each(['0.0.0.0', '::', '192.168.1.7', 'hodei.example', '::ffff:10.0.0.1', '127.1'])(
    'is not where others reach it, unless that is allowed: %j',
    async (host) => {
      expect(await refusal(startTestServer({ host }))).toEqual({
        code: 'invalid',
        message: `On ${host} other machines could change everything: nobody is asked who they are.`,
        hint: expect.stringMatching(/^Make a token with hodei token create\. Name a certificate/),
      });
    },
  );

  it.each(['localhost', 'LocalHost', '127.0.0.1', '127.255.0.1', '::1', '0:0:0:0:0:0:0:1'])(
    'is this machine alone: %s',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it('is somewhere', async () => {
    const nowhere = startTestServer({ host: '', allowUnauthenticated: true });
    expect(await refusal(nowhere)).toMatchObject({ code: 'invalid' });
  });

  it('is everywhere when that is allowed', async () => {
    const server = await startTestServer({ host: '0.0.0.0', allowUnauthenticated: true });
    expect(server.url).toBe(`http://0.0.0.0:${server.port}`);
    expect((await server.ask('/healthz')).status).toBe(200);
    await server.stop();
  });

  it('has a URL that works: with brackets, and localhost is 127.0.0.1', async () => {
    const local = await startTestServer({ host: 'localhost' });
    expect(local.url).toBe(`http://localhost:${local.port}`);
    expect((await local.ask('/healthz')).status).toBe(200);
    await local.stop();
    const six = await startTestServer({ host: '::1' }).catch((error: unknown) => error);
    // Not every machine has IPv6.
    if (six instanceof HodeiError) expect(six.code).toBe('unavailable');
    else {
      const { url, stop } = six as TestServer;
      expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      await stop();
    }
  });

  it('is said when it cannot be had', async () => {
    const server = await startTestServer();
    expect(await refusal(startTestServer({ port: server.port }))).toMatchObject({
      code: 'unavailable',
      message: `Port ${server.port} of 127.0.0.1 is in use.`,
    });
    const nowhere = startTestServer({ host: '192.0.2.1', allowUnauthenticated: true });
    expect(await refusal(nowhere)).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Cannot listen on port 0 of 192.0.2.1: '),
    });
    await server.stop();
  });
});
