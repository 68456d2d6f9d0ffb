import { afterEach, beforeEach, expect, it } from 'vitest';
import { makePool } from '../helpers/pool.ts';
import { startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
  await makePool(server.behind.call, 'gpu');
});
afterEach(() => server.stop());

const path = '/api/v1/pools/gpu';
const post = (query: string, body?: object) =>
  server.ask(`${path}/hold${query}`, { method: 'POST', ...(body !== undefined && { body }) });

it('a pool is held by REST until a time in the body, for the reason in the query', async () => {
  const held = await post('?reason=driver', { until: '2026-11-23T19:00:00+01:00' });
  expect(held.status).toBe(200);
  expect(held.body).toMatchObject({
    ...{ status: 'held', held_until: '2026-11-23T18:00:00.000Z', held_reason: 'driver' },
  });
  const { headers, body } = await server.ask(path);
  expect(headers['etag']).toBe('"2"');
  const back = await server.ask(path, { method: 'PUT', body });
  expect(back.status).toBe(200);
  expect(back.body).toMatchObject({ status: 'held', held_reason: 'driver', version: 2 });
});

it('a pool is held by REST without a body until somebody resumes it', async () => {
  expect((await post('')).body).toMatchObject({ status: 'held', held_until: null });
  const resumed = await server.ask(`${path}/resume`, { method: 'POST' });
  expect(resumed.body).toMatchObject({ status: 'active', held_until: null, held_reason: null });
});

it('a hold by REST that has ended, or says what it does not take, is refused', async () => {
  const past = await post('', { until: '2026-11-23T08:00:00Z' });
  expect([past.status, past.body]).toMatchObject([400, { code: 'invalid' }]);
  const own = await post('', { reason: 'driver' });
  expect([own.status, own.body]).toMatchObject([400, { error: 'unknown field "reason"' }]);
  const control = await post(`?reason=${encodeURIComponent('\u001b[2J')}`);
  expect(control.status).toBe(400);
});
