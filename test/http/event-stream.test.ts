import { request as httpRequest, ServerResponse, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { followRemote } from '../../src/http/follow.ts';
import { watchChanges } from '../../src/main/changes.ts';
import type { FollowedView } from '../../src/service/event-page.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { bundleWorker, startWorker } from '../helpers/processes.ts';
import { newFolder, onFile, removeFolder } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { eventually, startTestServer, type TestServer } from './helpers.ts';

const { writeHead } = ServerResponse.prototype;

let server: TestServer;
const path = '/api/v1/events';

beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

interface Open {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  text(): string;
  events(): FollowedView[];
  sequences(): number[];
  readonly ended: Promise<void>;
  leave(): void;
  /** Takes nothing any more, as a client does that hangs. */
  hang(): void;
}

/** A client that reads as any library for server-sent events would. */
function open(query = '', headers: Record<string, string> = {}, port = server.port): Promise<Open> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...{ port, host: '127.0.0.1', path: path + query, agent: false },
        headers: { accept: 'text/event-stream', ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        const events = () =>
          [...text.matchAll(/^data: (.*)\n\n/gm)].map(
            ([, data]) => JSON.parse(data!) as FollowedView,
          );
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: () => text,
          events,
          sequences: () => events().map(({ sequence }) => sequence),
          ended: new Promise((end) => void response.on('close', end)),
          leave: () => void request.destroy(),
          hang: () => void response.pause(),
        });
      },
    );
    request.on('error', reject);
    request.end();
    onTestFinished(() => void request.destroy());
  });
}

const tenants = async (...names: string[]) => {
  for (const name of names) {
    const body = { name, email: `ops@${name}.example` };
    await server.ask('/api/v1/tenants', { method: 'POST', body });
  }
};

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('GET /events with Accept: text/event-stream', () => {
  it('is a stream: where it begins, then each event in a block of its own', async () => {
    const stream = await open();
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(stream.headers).toMatchObject({ 'cache-control': 'no-store', vary: 'accept' });
    expect(stream.headers['x-trace-id']).toMatch(/^[0-9a-f]{32}$/);
    await tenants('acme');
    await eventually(() => stream.events().length === 1);
    const { items } = (await server.ask(`${path}?after=1`)).body as { items: FollowedView[] };
    expect(stream.text()).toBe(
      `retry: 1000\n\n:\nid: 1\n\nid: 2\nevent: tenant.create\ndata: ${JSON.stringify(items[0])}\n\n`,
    );
  });

  it('answers as ever who does not ask for a stream, or only for the head', async () => {
    expect((await server.ask(path)).body).toEqual({ items: [], last: 1, tenant: null });
    const headers = { accept: 'text/event-stream' };
    expect((await server.ask(path, { method: 'HEAD', headers })).status).toBe(200);
  });

  it('goes on behind the last event that the client has seen', async () => {
    await tenants('a', 'b', 'c');
    const stream = await open('?after=1', { 'last-event-id': '2' });
    await eventually(() => stream.events().length === 2);
    expect(stream.sequences()).toEqual([3, 4]);
    const other = await open('?after=1');
    await eventually(() => other.events().length === 3);
  });

  it('refuses in JSON what it cannot give', async () => {
    await tenants('a', 'b', 'c');
    onFile(server.behind.path, (file) => file.exec('delete from event where sequence <= 2'));
    // Who wants JSON as much, or no stream at all, is answered with JSON.
    for (const accept of ['text/event-stream;q=0', 'application/json, text/event-stream;q=0.5']) {
      const answer = await server.ask('/api/v1/events', { headers: { accept } });
      expect(answer.headers['content-type']).toContain('application/json');
    }
    const stream = { accept: 'text/event-stream' };
    const refused = async (query: string, headers = {}) => {
      const { status, body } = await server.ask(path + query, {
        headers: { ...stream, ...headers },
      });
      return [status, body['code']];
    };
    expect(await refused('?after=0')).toEqual([410, 'gone']);
    expect(await refused('', { 'last-event-id': '1' })).toEqual([410, 'gone']);
    expect(await refused('', { 'last-event-id': 'x' })).toEqual([400, 'invalid']);
    expect(await refused('?tenant=acme')).toEqual([404, 'not_found']);
    expect(await refused('?kinds=job')).toEqual([400, 'invalid']);
  });

  it('shows each client what it asked for, and up to where it is', async () => {
    await tenants('acme', 'beta');
    const [all, acme, quotas] = await Promise.all([
      open(),
      open('?tenant=acme'),
      open('?kind=quota&kind=job'),
    ]);
    await server.ask('/api/v1/tenants/acme/quota', { method: 'PUT', body: { gpu: 1 } });
    await server.ask('/api/v1/tenants/beta/quota', { method: 'PUT', body: { gpu: 1 } });
    await tenants('c');
    await eventually(() => all.events().length === 3);
    expect([all, acme, quotas].map((stream) => stream.sequences())).toEqual([
      [4, 5, 6],
      [4],
      [4, 5],
    ]);
  });

  it('reads once for all who listen, and not at all when nobody does', async () => {
    const { service } = server.behind;
    const reads = vi.fn();
    const counted = await startTestServer({
      service: (operation, input, caller) => {
        if (operation.name === 'event.follow') reads();
        return service(operation, input, caller);
      },
    });
    onTestFinished(counted.stop);
    const streams = await Promise.all(range(1, 50).map(() => open('', {}, counted.port)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    reads.mockClear();
    const body = { name: 'acme', email: 'ops@acme.example' };
    await counted.ask('/api/v1/tenants', { method: 'POST', body });
    await eventually(() => streams.every((stream) => stream.events().length === 1));
    expect(reads.mock.calls.length).toBeLessThanOrEqual(3);
    for (const { leave } of streams) leave();
    await new Promise((resolve) => setTimeout(resolve, 100));
    reads.mockClear();
    await counted.ask('/api/v1/tenants', { method: 'POST', body: { ...body, name: 'beta' } });
    expect(reads).not.toHaveBeenCalled();
  });

  /** More than fits into all the buffers between a server and a client: 20 MB in 2,000 events. */
  async function changeMuch() {
    await makeTenant(server.behind.call, 'acme');
    const call = server.behind.as({ reason: 'x'.repeat(10_000) });
    await Promise.all(range(1, 2_000).map((gpu) => call(setQuota, { tenant: 'acme', gpu })));
    await tenants('last');
  }

  it('does not keep others waiting for a client that takes nothing', async () => {
    const hanging = await open();
    hanging.hang();
    const reading = await open();
    await changeMuch();
    await eventually(() => reading.text().includes('id: 2003\n'));
    expect(reading.sequences()).toEqual(range(2, 2003));
  });

  it('keeps nothing for a client that is slow, and catches it up without a gap', async () => {
    const waiting: ServerResponse[] = [];
    const spy = vi.spyOn(ServerResponse.prototype, 'writeHead').mockImplementation(function (
      this: ServerResponse,
      ...head
    ) {
      waiting.push(this);
      return writeHead.apply(this, head as never);
    });
    onTestFinished(() => spy.mockRestore());
    const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`);
    await eventually(() => text.includes('id: 1\n'));
    socket.pause();
    await changeMuch();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Math.max(...waiting.map(({ writableLength }) => writableLength))).toBeLessThan(
      6_000_000,
    );
    socket.resume();
    await eventually(() => text.includes('id: 2003\n'));
    const sequences = [...text.matchAll(/^id: (\d+)\nevent/gm)].map(([, id]) => Number(id));
    expect(sequences).toEqual(range(2, 2003));
  });

  it('gives a sign of life that says up to where it is', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const stream = await open('?kind=job');
    await tenants('acme');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await vi.advanceTimersByTimeAsync(15_000);
    await eventually(() => stream.text().endsWith(':\nid: 2\n\n'));
  });

  it('has room for so many streams, and says when there is none', async () => {
    const sockets = range(1, 1_000).map(() => connect(server.port, '127.0.0.1'));
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    let begun = 0;
    for (const socket of sockets) {
      socket.once('data', () => (begun += 1));
      socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`);
    }
    await eventually(() => begun === 1_000);
    const refused = await server.ask(path, { headers: { accept: 'text/event-stream' } });
    expect([refused.status, refused.body['error']]).toEqual([
      503,
      '1000 streams are open already.',
    ]);
    sockets[0]?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await open()).status).toBe(200);
  });
});

describe('a server that closes', () => {
  it('ends the streams, and does not wait for them', async () => {
    const streams = await Promise.all([open(), open('?kind=job')]);
    await server.close();
    await Promise.all(streams.map(({ ended }) => ended));
    expect(streams[0].text()).toBe('retry: 1000\n\n:\nid: 1\n\n');
  });
});

describe('what other processes commit', () => {
  it('is seen by clients that leave and come back at any moment: all of it, once, in order', async () => {
    const folder = newFolder();
    onTestFinished(() => removeFolder(folder));
    const worker = await bundleWorker(folder);
    await server.stop();
    let path = '';
    server = await startTestServer({ watchChanges: (tell) => watchChanges(path, tell) });
    ({ path } = server.behind);
    await makeTenant(server.behind.call, 'shared');
    const writers = ['a', 'b', 'c', 'd'].map((name) =>
      startWorker(worker, 'write', path, name, '15'),
    );
    const seen: number[] = [];
    const follow = followRemote({ url: server.url });
    const total = 2 + 4 * 15 * 4;
    let [after, leaves] = [0, 0];
    while (after < total) {
      const leave = new AbortController();
      const patience = setTimeout(() => leave.abort(), (leaves * 37) % 60);
      for await (const { last, event } of follow({ after }, leave.signal)) {
        after = last;
        if (event !== undefined) seen.push(event.sequence);
        if (after === total) break;
      }
      clearTimeout(patience);
      leaves += 1;
    }
    expect(seen).toEqual(range(1, total));
    await Promise.all(writers.map((writer) => writer.end()));
    expect((await server.behind.events()).map(({ sequence }) => sequence)).toEqual(seen);
    expect(leaves).toBeGreaterThan(3);
  });
});
