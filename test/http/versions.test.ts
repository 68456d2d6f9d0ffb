import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestReader } from '../../src/http/request.ts';
import { operations } from '../../src/service/index.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
  await makeTenant(server.behind.call, 'acme');
});
afterEach(() => server.stop());

describe('ETag', () => {
  it('is the version of what was read or changed, in quotes', async () => {
    const put = { method: 'PUT', body: { cpu_m: 1 } };
    expect((await server.ask('/api/v1/tenants/acme')).headers['etag']).toBe('"1"');
    expect((await server.ask('/api/v1/tenants/acme/quota')).headers['etag']).toBe('"1"');
    expect((await server.ask('/api/v1/tenants/acme/quota', put)).headers['etag']).toBe('"2"');
    expect((await server.ask('/api/v1/tenants/acme/quota')).headers['etag']).toBe('"2"');
    expect((await server.ask('/api/v1/tenants/acme')).headers['etag']).toBe('"1"');
    expect((await server.ask('/api/v1/config')).headers['etag']).toBe('"1"');
    const created = await server.ask('/api/v1/tenants', {
      method: 'POST',
      body: { name: 'beta', email: 'ops@beta.example' },
    });
    expect(created.headers['etag']).toBe('"1"');
  });

  it('is not there where there is no version: lists, dry runs, deletions, errors', async () => {
    const answers = [
      await server.ask('/api/v1/tenants'),
      await server.ask('/api/v1/audit'),
      await server.ask('/api/v1/tenants/nobody'),
      await server.ask('/api/v1/tenants/acme/quota?dry_run=true', {
        method: 'PUT',
        body: { cpu_m: 1 },
      }),
      await server.ask('/api/v1/tenants/acme', { method: 'DELETE' }),
    ];
    for (const { headers } of answers) expect(headers['etag']).toBeUndefined();
  });
});

describe('If-Match', () => {
  const change = (ifMatch: string, path = '/api/v1/tenants/acme') =>
    server.ask(path, {
      method: 'PUT',
      headers: { 'if-match': ifMatch },
      body: path.endsWith('quota') ? { cpu_m: 7 } : { email: 'new@acme.example' },
    });

  it('lets a change through when it is the present version', async () => {
    expect((await change('"1"')).status).toBe(200);
    expect((await change('"1"', '/api/v1/tenants/acme/quota')).status).toBe(200);
  });

  it('refuses a change with 412 when there is a newer version, and changes nothing', async () => {
    await change('"1"');
    const stale = await change('"1"');
    expect(stale.status).toBe(412);
    expect(stale.body).toMatchObject({
      code: 'stale_version',
      error: 'acme is at version 2, not 1.',
    });
    expect((await server.ask('/api/v1/tenants/acme')).headers['etag']).toBe('"2"');
  });

  it('checks nothing when it is *', async () => {
    await change('"1"');
    expect((await change('*')).status).toBe(200);
  });

  it.each([
    '1',
    'W/"1"',
    '"1", "2"',
    '""',
    '"one"',
    '"-1"',
    '"1',
    "'1'",
    '"1.0"',
    `"${'9'.repeat(20)}"`,
  ])('is refused when it is not one version in quotes: %s', async (ifMatch) => {
    const answer = await change(ifMatch);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: `If-Match is not a version as an ETag gave it: ${ifMatch}`,
      hint: 'Send it in quotes, such as If-Match: "7".',
    });
    expect((await server.ask('/api/v1/tenants/acme')).headers['etag']).toBe('"1"');
  });

  it('is refused when it is sent twice', async () => {
    const answer = await server.ask('/api/v1/tenants/acme/suspend', {
      method: 'POST',
      headers: { 'if-match': ['"1"', '"1"'] },
    });
    expect(answer.status).toBe(400);
  });

  it('is refused where there is no version to compare', () => {
    const read = requestReader({ ...suspendTenant, isVersioned: false });
    const request = { raw: {}, query: {}, params: {}, headers: { 'if-match': '"1"' } };
    expect(() => read(request as unknown as FastifyRequest)).toThrow(
      'tenant.suspend has no version that If-Match could be compared with.',
    );
  });

  it('is obeyed by every operation that changes one thing that is there', async () => {
    const versioned = operations.filter(
      ({ isReadOnly, isVersioned, path }) =>
        !isReadOnly && isVersioned && path.includes('{tenant}'),
    );
    expect(versioned.length).toBeGreaterThan(4);
    for (const { name, method, path } of versioned) {
      const filled = path.replace('{tenant}', 'acme').replace('{resource}', 'cpu_m');
      const headers = { 'if-match': '"99"' };
      const sent = method === 'PUT' ? { method, headers, body: {} } : { method, headers };
      expect((await server.ask(`/api/v1${filled}`, sent)).status, name).toBe(412);
    }
    const config = { method: 'PUT', headers: { 'if-match': '"99"' }, body: {} };
    expect((await server.ask('/api/v1/config', config)).status).toBe(412);
  });
});
