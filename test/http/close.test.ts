import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually, startTestServer, type TestServer, heldService } from './helpers.ts';

let server: TestServer;
afterEach(async () => {
  vi.useRealTimers();
  await server.stop();
});

async function openSocket(): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

function get(path: string, agent: Agent): Promise<{ status: number; connection: string }> {
  return new Promise((resolve, reject) => {
    const options = { port: server.port, host: '127.0.0.1', path, agent };
    httpRequest(options, (response) => {
      response.resume();
      const { statusCode: status = 0, headers } = response;
      response.on('end', () => resolve({ status, connection: headers.connection ?? '' }));
    })
      .on('error', reject)
      .end();
  });
}

describe('close', () => {
  it('lets requests finish, and takes no new ones', async () => {
    const { service, letGo, begun } = heldService();
    server = await startTestServer({ service });
    const answer = server.ask('/api/v1/tenants');
    await eventually(() => begun() === 1);
    let isClosed = false;
    const closed = server.close().then(() => (isClosed = true));
    await expect(server.ask('/healthz')).rejects.toThrow('ECONNREFUSED');
    expect(isClosed).toBe(false);
    letGo();
    expect(await answer).toMatchObject({ status: 200, body: { items: [] } });
    await closed;
  });

  it('ends idle connections at once: kept alive, or never used', async () => {
    server = await startTestServer();
    const agent = new Agent({ keepAlive: true });
    await get('/healthz', agent);
    const silent = await openSocket();
    const gone = once(silent, 'close');
    // What cuts everything off after 10 s does not come then.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await server.close();
    await gone;
    agent.destroy();
  });

  it('does not keep a connection alive whose request it finished', async () => {
    const { service, letGo, begun } = heldService();
    server = await startTestServer({ service });
    const agent = new Agent({ keepAlive: true });
    const answer = get('/api/v1/tenants', agent);
    await eventually(() => begun() === 1);
    const closed = server.close();
    letGo();
    expect(await answer).toEqual({ status: 200, connection: 'close' });
    await closed;
    agent.destroy();
  });

  it('cuts off after 10 s what has not finished', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { service, letGo, begun } = heldService();
    server = await startTestServer({ service });
    const answer = server.ask('/api/v1/tenants').catch((error: unknown) => error);
    vi.useRealTimers();
    await eventually(() => begun() === 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const closed = server.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await answer).toMatchObject({ code: 'ECONNRESET' });
    await closed;
    letGo();
  });

  it('can be called again, and waits for the same', async () => {
    server = await startTestServer();
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });
});
