import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HodeiError, unavailable } from '../../src/domain/errors.ts';
import { makeTenant } from '../helpers/tenant.ts';
import {
  eventually,
  failingWith,
  parseReply,
  sendRaw,
  startTestServer,
  untilServed,
  type TestServer,
  heldService,
} from './helpers.ts';

let server: TestServer;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
});

const PATH = '/api/v1/tenants';
const RETRY = { 'retry-after': '1' };

/** A connection that sends what it is told, and keeps what comes back. */
async function open(
  text = '',
): Promise<{ socket: Socket; got: () => string; ended: Promise<unknown> }> {
  const socket = connect(server.port, '127.0.0.1');
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return { socket, got: () => got, ended };
}

const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);

const get = (path = PATH, more = '') => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
const limits = { connections: 2_000, inFlight: 1_000 };

describe('more calls at once than the server takes upon itself', () => {
  it('are answered 503 at once, while those that were begun are finished', async () => {
    const { service, letGo, begun } = heldService();
    server = await startTestServer({ service, limits: { ...limits, inFlight: 2 } });
    const accepted = [server.ask(PATH), server.ask(PATH)];
    await eventually(() => begun() === 2);
    for (let i = 0; i < 3; i++) {
      const { status, headers, body } = await server.ask(PATH);
      expect([status, headers]).toEqual([503, expect.objectContaining(RETRY)]);
      expect(body).toEqual({
        error: '2 calls are under way: this one was not begun.',
        code: 'unavailable',
        hint: 'Try again in a moment.',
        trace_id: headers['x-trace-id'],
      });
    }
    for (const path of ['/healthz', '/readyz', '/api/openapi.json']) {
      expect((await server.ask(path)).status).toBe(200);
    }
    letGo();
    for (const { status } of await Promise.all(accepted)) expect(status).toBe(200);
    expect((await server.ask(PATH)).status).toBe(200);
    expect(begun()).toBe(3);
  });

  it('are counted also when they come on one connection', async () => {
    const { service, letGo, begun } = heldService();
    server = await startTestServer({ service, limits: { ...limits, inFlight: 2 } });
    const { got } = await open(get().repeat(10));
    await eventually(() => begun() === 2);
    letGo();
    const expected = [...Array<string>(2).fill('200'), ...Array<string>(8).fill('503')];
    await eventually(() => statusesIn(got()).length === 10);
    expect(statusesIn(got())).toEqual(expected);
    expect(begun()).toBe(2);
  });

  it('do not come on one connection, whose answers would all have to be kept', async () => {
    const { service, letGo, begun } = heldService();
    server = await startTestServer({ service });
    const { got, ended } = await open(get().repeat(500));
    await eventually(() => begun() === 10);
    letGo();
    await ended;
    expect(statusesIn(got())).toEqual([...Array<string>(10).fill('200'), '503']);
    expect(got()).toContain('10 requests wait on this connection already.');
    expect(begun()).toBe(10);
    const { got: inTurn } = await open(get().repeat(10));
    await eventually(() => statusesIn(inTurn()).length === 10);
  });

  it('are no longer too many when one has failed', async () => {
    const service = failingWith(new HodeiError('not_found', 'no'), new Error('a bug'));
    server = await startTestServer({ service, limits: { ...limits, inFlight: 1 } });
    for (const status of [404, 500, 404, 500]) expect((await server.ask(PATH)).status).toBe(status);
  });

  it('are not those that follow the events, nor those that are still coming', async () => {
    server = await startTestServer({ limits: { ...limits, inFlight: 1 } });
    const stream = get('/api/v1/events', 'accept: text/event-stream\r\n');
    const streams = await Promise.all(Array.from({ length: 5 }, () => open(stream)));
    for (const { got } of streams) await eventually(() => got().includes('retry: 1000'));
    const half = 'POST /api/v1/tenants HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n';
    await Promise.all(
      Array.from({ length: 5 }, () => open(`${half}content-type: application/json\r\n\r\n{`)),
    );
    await makeTenant(server.behind.call, 'acme');
    expect((await server.ask(`${PATH}/acme`)).status).toBe(200);
  });

  it('leave an error that may be done already without a word about trying again', async () => {
    const unknown = new HodeiError('unknown_outcome', 'who knows');
    server = await startTestServer({ service: failingWith(unavailable('not now'), unknown) });
    expect((await server.ask(PATH)).headers).toMatchObject(RETRY);
    const { status, headers } = await server.ask(PATH);
    expect([status, headers['retry-after']]).toEqual([503, undefined]);
  });
});

describe('more connections than the server serves', () => {
  it('are told so and closed, while the others and the probes are served', async () => {
    server = await startTestServer({ limits: { ...limits, connections: 3 } });
    const [first, second] = await Promise.all([open(get()), open(), open()]);
    await eventually(() => first.got().includes('HTTP/1.1 200'));
    const surplus = await open(get());
    await surplus.ended;
    expect(surplus.got()).toMatch(/\r\nretry-after: 1\r\n/);
    expect(surplus.got()).toMatch(/\r\nconnection: close\r\n/);
    expect(parseReply(surplus.got())).toMatchObject({
      status: 503,
      body: { code: 'unavailable', error: '3 connections are open already.' },
    });
    for (const path of ['/healthz', '/readyz']) {
      const probe = await open(get(path));
      await probe.ended;
      expect(parseReply(probe.got()).status).toBe(200);
    }
    first.socket.write(get());
    await eventually(() => first.got().split('HTTP/1.1 200').length === 3);
    second.socket.destroy();
    await untilServed(server);
  });

  it('are closed without a word when there are far too many', async () => {
    server = await startTestServer({ limits: { ...limits, connections: 1 } });
    const held = await Promise.all(Array.from({ length: 101 }, () => open()));
    const dropped = await open(get()).catch(() => undefined);
    await dropped?.ended;
    expect(dropped?.got() ?? '').toBe('');
    held[0]!.socket.write(get());
    await eventually(() => held[0]!.got().includes('HTTP/1.1 200'));
  });
});

describe('more headers than anybody sends', () => {
  const headers = (count: number) =>
    Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join('');

  it('are refused, so that none is passed over', async () => {
    server = await startTestServer();
    const ask = async (more: string) => parseReply(await sendRaw(server.port, get(PATH, more)));
    expect(await ask(`${headers(98)}connection: close\r\n`)).toMatchObject({ status: 200 });
    for (const count of [99, 500, 2_000]) {
      expect(await ask(`connection: close\r\n${headers(count)}host: evil.test\r\n`)).toMatchObject({
        status: 431,
        body: { code: 'invalid', error: 'The request has more than 100 headers.' },
      });
    }
  });
});
