import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HodeiError, unavailable, type ErrorCode } from '../../src/domain/errors.ts';
import { callRemote, type RemoteOptions } from '../../src/http/client.ts';
import type { Service } from '../../src/service/call.ts';
import type { CallOptions } from '../../src/service/operation.ts';
import { refusal } from '../helpers/refusal.ts';
import {
  askForRoom,
  fakeOperations,
  full,
  furnishRoom,
  locked,
  open,
  tryRoom,
  waiting,
  type Room,
} from './fake-operations.ts';
import { fakeServer, listening, LOOK, startTestServer } from './helpers.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  // In order: when a server closes its connections, the proxy before it does too.
  for (const stop of stops.splice(0)) await stop();
});

const input = { room: 'blue', guests: 2 };

/** hodei's own server, before a service that answers this. */
async function serverOf(service: Service): Promise<string> {
  const server = await startTestServer({ service, operations: fakeOperations });
  stops.push(server.stop);
  return server.url;
}

/** A server of another kind, which answers its n-th request with the n-th of these. */
async function serverThat(...answers: ((response: ServerResponse) => void)[]) {
  const requests: IncomingMessage[] = [];
  const server = await fakeServer((request, response) => {
    requests.push(request);
    answers[requests.length - 1]?.(response);
  });
  stops.push(server.stop);
  return { url: server.url, requests };
}

function reply(status: number, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (response: ServerResponse) => void response.writeHead(status).end(text);
}

function askAt(url: string, options?: CallOptions, remote: Partial<RemoteOptions> = {}) {
  return callRemote({ url, ...remote })(askForRoom, input, options);
}

const drop = (response: ServerResponse) => void response.socket?.resetAndDestroy();

describe('an answer that decides its status', () => {
  it.each<[string, Room]>([
    ['yes', open],
    ['later', waiting],
    ['no, for ever', locked],
    ['no, for now', full],
  ])('is what a remote call gives: %s', async (_what, output) => {
    expect(await askAt(await serverOf(async () => output as never))).toEqual(output);
  });

  it.each<ErrorCode>(['forbidden', 'rate_limited'])(
    'is not taken for an error that has its status: %s',
    async (code) => {
      const thrown = new HodeiError(code, 'So it is.', { hint: 'Do this.' });
      const url = await serverOf(() => Promise.reject(thrown));
      expect(await refusal(askAt(url))).toEqual({ code, message: 'So it is.', hint: 'Do this.' });
    },
  );

  it('may be that of a newer server, which says and knows more', async () => {
    const newer = { ...full, code: 'flooded', since: '2026-11-23T09:12:00.000Z' };
    const { url } = await serverThat(reply(429, newer));
    expect(await askAt(url)).toEqual(newer);
  });

  it.each<[string, unknown]>([
    ['another program', { message: 'API rate limit exceeded' }],
    ['a page', '<html>429</html>'],
    ['half an answer', { room: 'blue', code: 'full' }],
  ])('is not what %s says with the same status', async (_what, body) => {
    const { url } = await serverThat(reply(429, body));
    expect(await refusal(askAt(url))).toMatchObject({
      code: 'unavailable',
      message: `${url} did not answer like a hodei server (status 429).`,
    });
  });

  it('has no other status than those that there are', async () => {
    const { url } = await serverThat(reply(409, full), reply(429, full));
    expect(await refusal(askAt(url))).toMatchObject({ code: 'internal' });
    const rehearse = callRemote({ url })(tryRoom, input);
    expect(await refusal(rehearse)).toMatchObject({ code: 'internal' });
  });
});

describe('a rehearsal', () => {
  it('sends its input and nothing that is kept with a change', async () => {
    const { url, requests } = await serverThat(reply(200, full));
    const call = callRemote({ url, reason: 'because', actingAs: 'bot' });
    expect(await call(tryRoom, input, { dryRun: true, idempotencyKey: 'k-1' })).toEqual(full);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/api/v1/rooms/blue/try' });
    expect(requests[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['it breaks off', drop],
    ['a proxy gives up', reply(504, '')],
    ['a page comes back', reply(200, '<html>')],
    ['nothing comes', () => undefined],
  ])('never leaves open what was done: %s', async (_what, answer) => {
    const { url, requests } = await serverThat(answer);
    const attempt = callRemote({ url, timeoutMs: 200 })(tryRoom, input);
    expect(await refusal(attempt)).toMatchObject({ code: 'unavailable' });
    expect(requests).toHaveLength(1);
  });
});

describe('the key of a call', () => {
  it('reaches the service where it is heeded, and is sent nowhere else', async () => {
    const keys: unknown[] = [];
    const url = await serverOf(async (_operation, _input, { idempotencyKey }) => {
      keys.push(idempotencyKey);
      return open as never;
    });
    const call = callRemote({ url });
    await call(askForRoom, input, { idempotencyKey: 'build 812' });
    await call(askForRoom, input);
    await call(furnishRoom, input, { idempotencyKey: 'build 812' });
    expect(keys).toEqual(['build 812', undefined, undefined]);
  });

  it.each(['', ' a', 'a ', 'x'.repeat(201), 'café', 'a\r\nx: y', '\u{1f511}'])(
    'is refused before anything is sent when no header could carry it: %j',
    async (idempotencyKey) => {
      const { url, requests } = await serverThat(reply(201, open));
      expect(await refusal(askAt(url, { idempotencyKey }))).toMatchObject({
        code: 'invalid',
        message: expect.stringMatching(/^Idempotency-Key must be 1 to 200 printable ASCII/),
      });
      expect(requests).toEqual([]);
    },
  );
});

describe('a change with a key whose reply gets lost', () => {
  const idempotencyKey = 'k-1';

  it('is asked for again at once, and done once', async () => {
    const done = new Map<string, Room>();
    const asked: unknown[] = [];
    const url = await serverOf(async (_operation, given, { idempotencyKey: key = '' }) => {
      asked.push([given, key]);
      const before = done.get(key);
      done.set(key, open);
      return (before === undefined ? open : { ...before, replayed: true }) as never;
    });
    const proxy = await proxyThatLosesTheFirstReply(Number(new URL(url).port));
    expect(await askAt(proxy, { idempotencyKey })).toEqual({ ...open, replayed: true });
    expect(asked).toEqual([
      [input, idempotencyKey],
      [input, idempotencyKey],
    ]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['because it takes too long', () => undefined],
    ['because a proxy gave up', reply(504, 'Gateway Timeout')],
    ['in the middle', (response) => void response.writeHead(201).write('{"', () => drop(response))],
  ])('is asked for again %s', async (_what, lost) => {
    const { url, requests } = await serverThat(lost, reply(429, full));
    const output = await askAt(url, { idempotencyKey }, { timeoutMs: 500 });
    expect(output).toEqual(full);
    expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual(['k-1', 'k-1']);
  });

  it('is asked for twice at most', async () => {
    const { url, requests } = await serverThat(drop, drop, reply(201, open));
    expect(await refusal(askAt(url, { idempotencyKey }))).toEqual({
      code: 'unknown_outcome',
      message: `The connection to ${url} broke off before the answer was there.`,
      hint: LOOK,
    });
    expect(requests).toHaveLength(2);
  });

  it('stays unknown when the server is gone by then, although nothing was done the second time', async () => {
    const dying = await fakeServer((request) => {
      void dying.stop();
      request.socket.destroy();
    });
    const error = await refusal(askAt(dying.url, { idempotencyKey }));
    expect(error).toMatchObject({ code: 'unknown_outcome', hint: LOOK });
  });

  it('stays unknown when the server cannot say the second time', async () => {
    let calls = 0;
    const url = await serverOf(() => {
      calls += 1;
      return Promise.reject(
        calls === 1
          ? new HodeiError('unknown_outcome', 'The commit failed.')
          : unavailable('The disk is full.', { hint: 'Nothing was done.' }),
      );
    });
    expect(await refusal(askAt(url, { idempotencyKey }))).toMatchObject({
      code: 'unknown_outcome',
      message: 'The commit failed.',
    });
  });

  it('is what the server says of it the second time', async () => {
    const ended = { error: 'It has ended.', code: 'conflict', trace_id: 't-1' };
    const { url } = await serverThat(drop, reply(409, ended));
    expect(await refusal(askAt(url, { idempotencyKey }))).toEqual({
      code: 'conflict',
      message: 'It has ended.',
    });
  });
});

describe('a call whose reply gets lost is not repeated', () => {
  it.each<[string, string, (url: string) => Promise<unknown>]>([
    ['a change without a key', 'unknown_outcome', (url) => askAt(url)],
    [
      'a change that takes none',
      'unknown_outcome',
      (url) => callRemote({ url })(furnishRoom, input, { idempotencyKey: 'k-1' }),
    ],
    ['a dry run', 'unavailable', (url) => askAt(url, { dryRun: true, idempotencyKey: 'k-1' })],
  ])('when it is %s', async (_what, code, attempt) => {
    const { url, requests } = await serverThat(drop, reply(201, open));
    expect(await refusal(attempt(url))).toMatchObject({ code });
    expect(requests).toHaveLength(1);
  });

  it('when it was never sent, or was answered', async () => {
    const gone = await fakeServer(() => undefined);
    await gone.stop();
    const options = { idempotencyKey: 'k-1' };
    expect(await refusal(askAt(gone.url, options))).toMatchObject({
      code: 'unavailable',
      message: `Cannot reach a hodei server at ${gone.url} (ECONNREFUSED).`,
    });
    const busy = { error: 'Later.', code: 'unavailable', trace_id: 't-1' };
    const { url, requests } = await serverThat(reply(503, busy), reply(201, open));
    expect(await refusal(askAt(url, options))).toMatchObject({ code: 'unavailable' });
    expect(requests).toHaveLength(1);
  });
});

/** Stands before a real server, and hangs up on the first connection when its reply comes. */
async function proxyThatLosesTheFirstReply(port: number): Promise<string> {
  let connections = 0;
  const proxy = createTcpServer((client) => {
    const isFirst = (connections += 1) === 1;
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      if (!isFirst) client.write(bytes);
      else client.resetAndDestroy();
    });
    for (const [end, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      end.on('error', () => other.destroy());
      end.on('close', () => other.destroy());
    }
  });
  const { url, stop } = await listening(proxy);
  stops.push(stop);
  return url;
}
