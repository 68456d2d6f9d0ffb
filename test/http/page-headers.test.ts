import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTenant } from '../helpers/tenant.ts';
import { startTestServer, type Answer, type TestServer } from './helpers.ts';

/** What tells a browser how to treat a page. */
const PAGE_HEADERS = [
  ...['content-security-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy'],
  ...['referrer-policy', 'cache-control', 'strict-transport-security', 'x-frame-options'],
  ...['permissions-policy', 'x-xss-protection', 'cross-origin-embedder-policy'],
];

const pageHeadersOf = ({ headers }: Answer) => PAGE_HEADERS.filter((name) => name in headers);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTenant(server.behind.call, 'acme');
});
afterAll(() => server.stop());

describe('headers for browsers', () => {
  it.each(['/api/docs', '/api/docs/'])('are on the page: %s', async (path) => {
    const { headers } = await server.ask(path);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    const policy = String(headers['content-security-policy']);
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]) {
      expect(policy.split('; ')).toContain(rule);
    }
    expect(policy).not.toMatch(/unsafe-eval|script-src [^;]*unsafe-inline|\*/);
    // Without TLS a browser would not believe it.
    expect(headers['strict-transport-security']).toBeUndefined();
  });

  it.each([
    ['/api/v1/tenants', 200],
    ['/api/v1/tenants/acme', 200],
    ['/api/v1/tenants/nobody', 404],
    ['/api/v1/tenants?limit=x', 400],
    ['/api/openapi.json', 200],
    ['/api/docs/json', 200],
    ['/api/docs/static/nothing.js', 404],
    ['/nowhere', 404],
    ['/%zz', 400],
    ['/healthz', 200],
    ['/readyz', 200],
  ])('are not on JSON, which says only that it is nothing else: %s', async (path, status) => {
    const answer = await server.ask(path);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(pageHeadersOf(answer)).toEqual([]);
  });

  it('are not on what has no body', async () => {
    const sent = { method: 'DELETE', headers: {} };
    const gone = await server.ask('/api/v1/tenants/acme/quota/gpu', sent);
    const elsewhere = await server.ask('/api/docs/static/index.html');
    expect([gone, elsewhere].map(pageHeadersOf)).toEqual([[], []]);
  });
});
