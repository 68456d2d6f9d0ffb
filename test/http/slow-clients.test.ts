import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../src/http/server.ts';
import type { Service } from '../../src/service/call.ts';
import { makeCertificate, writeCertificate } from '../helpers/certificate.ts';
import { newFolder, removeFolder } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';
import {
  ask,
  eventually,
  parseReply,
  startTestServer,
  untilServed,
  type TestServer,
} from './helpers.ts';

let server: TestServer;
let sockets: Socket[];
beforeEach(() => {
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.stop();
});

/** So short that a test can wait for them, and still long for those who are not slow. */
const timeouts = { headers: 1_000, request: 2_000, look: 100, silence: 30_000, keepAlive: 30_000 };

async function start(options: Partial<ServerOptions> = {}): Promise<void> {
  server = await startTestServer({ timeouts, ...options });
}

interface Client {
  readonly socket: Socket;
  got(): string;
  readonly ended: Promise<unknown>;
}

async function open(text: string): Promise<Client> {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  socket.write(text);
  return { socket, got: () => got, ended };
}

const many = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

const POST =
  'POST /api/v1/tenants HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

/** Clients that behave, one request after the other on a connection each. @returns what they got. */
async function polite(clients: number, requests: number): Promise<number[]> {
  const statuses = await many(clients, async (client) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const got: number[] = [];
    for (let i = 0; i < requests; i++) {
      const body = { name: `polite-${client}-${i}`, email: 'ops@polite.example' };
      got.push((await ask(server.port, '/api/v1/tenants', { method: 'POST', body })).status);
      got.push((await ask(server.port, '/api/v1/tenants?limit=5')).status);
    }
    agent.destroy();
    return got;
  });
  return statuses.flat();
}

/** All were answered, and all did what they were asked. */
function expectServed(statuses: readonly number[], clients: number, requests: number): void {
  expect(statuses.filter((status) => status === 201)).toHaveLength(clients * requests);
  expect(statuses.filter((status) => status === 200)).toHaveLength(clients * requests);
}

describe('a client that is slow', () => {
  it.each([
    ['to send its headers', `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: `, 'x'],
    ['to send its body', `${POST}content-length: 60000\r\n\r\n{"name": "`, 'x'],
    ['to send its chunks', `${POST}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
    ['to begin', '', ''],
  ])('%s is answered 408 in the end, and stops nobody until then', async (_what, head, drop) => {
    await start();
    const slow = await many(100, () => open(head));
    const dripping = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write(drop);
    }, 50);
    expectServed(await polite(5, 10), 5, 10);
    await Promise.all(slow.map(({ ended }) => ended));
    clearInterval(dripping);
    for (const { got } of slow) {
      expect(parseReply(got())).toMatchObject({
        status: 408,
        body: { code: 'invalid', error: 'The request took too long to arrive.' },
      });
    }
    expect((await server.ask('/readyz')).status).toBe(200);
  });

  it('to shake hands is hung up on, and stops nobody until then', async () => {
    const folder = newFolder();
    await start({ tls: writeCertificate(folder, makeCertificate()) });
    removeFolder(folder);
    const slow = await many(50, () => open('\u0016\u0003\u0001'));
    await Promise.all(slow.map(({ ended }) => ended));
    expect(slow.map(({ got }) => got()).join('')).toBe('');
    await eventually(() => server.lines.some((line) => line.includes('HANDSHAKE_TIMEOUT')));
  });

  it('to take its answers is asked nothing more of, and stops nobody', async () => {
    let calls = 0;
    const page = {
      items: Array.from({ length: 500 }, (_, i) => ({ id: i, text: 'x'.repeat(500) })),
    };
    const service: Service = async (...call) => {
      if (call[0].name !== 'pool.list') return server.behind.service(...call);
      calls += 1;
      return page as never;
    };
    await start({ service });
    const ask500 = 'GET /api/v1/pools HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(500);
    const slow = await many(20, async () => {
      const client = await open('');
      client.socket.pause();
      client.socket.write(ask500);
      return client;
    });
    expectServed(await polite(5, 10), 5, 10);
    // Of 20 times 500: what nobody takes is not made.
    expect(calls).toBe(20 * 10);
    for (const { socket } of slow) socket.destroy();
    expect((await server.ask('/readyz')).status).toBe(200);
  });

  it('to take an answer is hung up on when nothing moves any more', async () => {
    const service: Service = async () => ({ text: 'x'.repeat(50_000_000) }) as never;
    await start({ service, timeouts: { ...timeouts, silence: 500 } });
    const { socket, got, ended } = await open('');
    socket.pause();
    socket.write('GET /api/v1/pools HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await eventually(() => server.lines.length === 1);
    socket.resume();
    await ended;
    expect(got()).toContain('HTTP/1.1 200');
    expect(got().length).toBeLessThan(50_000_000);
  });
});

describe('a flood', () => {
  it('of calls within the limits stops nobody, and each of them is answered', async () => {
    await start();
    const names: string[] = [];
    const flood = many(300, async (client) => {
      for (let i = 0; i < 5; i++) {
        const body = { name: `flood-${client}-${i}`, email: 'ops@flood.example' };
        const { status } = await server.ask('/api/v1/tenants', { method: 'POST', body });
        expect(status).toBe(201);
        names.push(body.name);
      }
    });
    expectServed(await polite(5, 10), 5, 10);
    await flood;
    expect(new Set(names).size).toBe(1_500);
  });

  it('of calls beyond the limits is answered 201 or 503, and what was accepted is there', async () => {
    let refuse = () => {};
    const isTooMuch = new Promise<void>((resolve) => (refuse = resolve));
    const service: Service = async (...call) => {
      await isTooMuch;
      return server.behind.service(...call);
    };
    await start({ service, limits: { connections: 2_000, inFlight: 20 } });
    const made: string[] = [];
    const statuses = await many(500, async (client) => {
      const body = { name: `flood-${client}`, email: 'ops@flood.example' };
      const { status } = await server.ask('/api/v1/tenants', { method: 'POST', body });
      if (status === 201) made.push(body.name);
      else refuse();
      return status;
    });
    expect(new Set(statuses)).toEqual(new Set([201, 503]));
    const kept = await server.behind.events();
    expect(kept.filter(({ operation }) => operation === 'tenant.create')).toHaveLength(made.length);
    expectServed(await polite(2, 5), 2, 5);
  });

  it('of connections leaves those their connection who have one', async () => {
    await start({ limits: { connections: 50, inFlight: 1_000 } });
    await makeTenant(server.behind.call, 'acme');
    const get = 'GET /api/v1/tenants/acme HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const friends = await many(5, () => open(get));
    const served = (times: number) => () =>
      friends.every(({ got }) => got().split('HTTP/1.1 200').length === times + 1);
    await eventually(served(1));
    await many(400, () => open('').catch(() => undefined));
    for (let times = 2; times <= 20; times++) {
      for (const { socket } of friends) socket.write(get);
      await eventually(served(times));
    }
    for (const socket of sockets.slice(5)) socket.destroy();
    await untilServed(server);
    expectServed(await polite(2, 5), 2, 5);
  });
});
