import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import type { Service } from '../../src/service/call.ts';
import { jobExample, queuedExample, rejectedExample } from '../../src/service/job-examples.ts';
import type { Caller } from '../../src/service/operation.ts';
import { fakeOperations, full, locked, open, waiting } from './fake-operations.ts';
import { eventually, parseReply, sendRaw, startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
/** What the service answers, or throws, and what it heard. */
let answer: unknown;
let heard: { name: string; input: unknown; caller: Caller }[];

const service: Service = (operation, input, caller) => {
  heard.push({ name: operation.name, input, caller });
  return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as never);
};

beforeAll(async () => {
  server = await startTestServer({ service, operations: fakeOperations });
});
afterAll(() => server.stop());
afterEach(() => {
  answer = undefined;
});

function ask(path: string, headers: Record<string, string | string[]> = {}, body: object = {}) {
  heard = [];
  return server.ask(`/api/v1/rooms/blue/${path}`, { method: 'POST', headers, body });
}

describe('an answer that decides its status', () => {
  it.each([
    [201, open],
    [202, waiting],
    [403, locked],
    [429, full],
  ])('has status %i and is whole', async (status, output) => {
    answer = output;
    const { status: got, body, headers } = await ask('ask');
    expect(got).toBe(status);
    expect(body).toEqual(output);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['x-trace-id']).toMatch(/^\d{32}$/);
  });

  it('shares its status with errors, which look as they always do', async () => {
    answer = new HodeiError('rate_limited', 'Too many requests.');
    const { status, body, headers } = await ask('ask');
    expect(status).toBe(429);
    expect(body).toEqual({
      error: 'Too many requests.',
      code: 'rate_limited',
      trace_id: headers['x-trace-id'],
    });
  });

  it('is logged with its status, and with its code when it says no', async () => {
    const before = server.lines.length;
    for (const output of [waiting, full, {}]) {
      answer = output;
      await ask('ask');
    }
    await eventually(() => server.lines.length === before + 3);
    const lines = server.lines.slice(before).map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { level: 'info', status: 202, operation: 'room.ask' },
      { level: 'info', status: 429, operation: 'room.ask', code: 'full' },
      { level: 'info', status: 202 },
    ]);
    expect(lines[0]).not.toHaveProperty('code');
    expect(lines[1]).not.toHaveProperty('err');
  });
});

describe('a second path of an operation', () => {
  it('does the same', async () => {
    answer = full;
    const { status, body } = await ask('book?as=bot', { 'idempotency-key': 'k-1' }, { guests: 2 });
    expect(status).toBe(429);
    expect(body).toEqual(full);
    expect(heard).toMatchObject([
      {
        name: 'room.ask',
        input: { room: 'blue', guests: 2 },
        caller: { actingAs: 'bot', idempotencyKey: 'k-1' },
      },
    ]);
  });

  it('has the same methods, and is found where the base path is missing', async () => {
    const wrong = await server.ask('/api/v1/rooms/blue/book');
    expect(wrong.status).toBe(405);
    expect(wrong.headers['allow']).toBe('POST');
    const { body } = await server.ask('/rooms/blue/book');
    expect(body['hint']).toBe('Did you mean /api/v1/rooms/blue/book?');
  });
});

describe('a rehearsal', () => {
  it('takes its input in a body, and answers 200 whatever would be', async () => {
    answer = full;
    const { status, body } = await ask('try', {}, { guests: 3 });
    expect(status).toBe(200);
    expect(body).toEqual(full);
    const [{ input, caller } = {}] = heard;
    expect(input).toEqual({ room: 'blue', guests: 3 });
    expect(caller).toEqual({
      ...{ principal: 'anonymous', role: 'admin', boundTo: null },
      traceId: expect.any(String),
    });
  });

  it.each(['reason=x', 'as=bot', 'dry_run=true', 'guests=3'])(
    'has no parameters in the query, since it leaves nothing: %s',
    async (query) => {
      const { status, body } = await ask(`try?${query}`);
      expect(status).toBe(400);
      expect(body).toMatchObject({
        error: `unknown query parameter "${query.split('=')[0]}"`,
        hint: 'What the operation itself takes belongs in the body.',
      });
    },
  );

  it('has no use for a version, as a reading operation has none', async () => {
    answer = open;
    expect((await ask('try', { 'if-match': '"7"' })).status).toBe(200);
    expect((await ask('ask', { 'if-match': '"7"' })).status).toBe(400);
  });
});

describe('the header Idempotency-Key', () => {
  it.each(['x', 'build 812', '~!@#$%^&*(),"', 'x'.repeat(200)])(
    'becomes the key of the caller: %s',
    async (key) => {
      answer = open;
      expect((await ask('ask', { 'idempotency-key': key })).status).toBe(201);
      expect(heard[0]?.caller.idempotencyKey).toBe(key);
    },
  );

  it.each(['', 'x'.repeat(201), 'caf\u00e9', 'a\tb'])('is refused when it is %j', async (key) => {
    const { status, body } = await ask('ask', { 'idempotency-key': key });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'invalid',
      error:
        'Idempotency-Key must be 1 to 200 printable ASCII characters, without spaces at its ends.',
    });
    expect(heard).toEqual([]);
  });

  it('is refused when it is sent twice, since it cannot be both', async () => {
    const { status, body } = await ask('ask', { 'idempotency-key': ['a', 'b'] });
    expect(status).toBe(400);
    expect(body['error']).toBe('Idempotency-Key is there twice: send one.');
  });

  it('may be missing', async () => {
    answer = open;
    expect((await ask('ask')).status).toBe(201);
    expect(heard[0]?.caller.idempotencyKey).toBeUndefined();
  });

  it.each(['try', 'furnish'])('is ignored where no key is taken: %s', async (path) => {
    answer = open;
    expect((await ask(path, { 'idempotency-key': '' })).status).toBe(200);
    expect((await ask(path, { 'idempotency-key': 'k-1' })).status).toBe(200);
    expect(heard[0]?.caller.idempotencyKey).toBeUndefined();
  });
});

describe('the limit of a body', () => {
  const MIB = 1024 * 1024;
  const bodyOf = (bytes: number) => {
    const empty = JSON.stringify({ text: '' });
    return JSON.stringify({ text: 'x'.repeat(bytes - empty.length) });
  };
  const send = (path: string, body: string) => {
    heard = [];
    return server.ask(`/api/v1/rooms/blue/${path}`, { method: 'POST', body });
  };

  it.each([
    ['furnish', MIB, '1 MiB'],
    ['ask', 64 * 1024, '64 KiB'],
    ['book', 64 * 1024, '64 KiB'],
  ])('is that of its operation: %s', async (path, limit, size) => {
    answer = open;
    expect((await send(path, bodyOf(limit))).status).toBeLessThan(300);
    expect(heard).toHaveLength(1);
    expect(await send(path, bodyOf(limit + 1))).toMatchObject({
      status: 413,
      body: { code: 'invalid', error: `The body is larger than ${size}.` },
    });
    expect(heard).toEqual([]);
  });

  const head = 'POST /api/v1/rooms/blue/furnish HTTP/1.1\r\nhost: localhost\r\n';
  // Not more than has to be read, since what is left unread can cut the reply off.
  const endless = `100000\r\n${'x'.repeat(MIB)}\r\n1\r\nx\r\n`;
  it.each([
    ['its length is declared', 'content-length: 99999999999', 'x'],
    ['it goes on and on', 'transfer-encoding: chunked', endless],
  ])('refuses a body before its end when %s, and hangs up', async (_what, header, body) => {
    const lines = `${head}content-type: application/json\r\n${header}\r\n\r\n`;
    const reply = await sendRaw(server.port, lines + body);
    expect(parseReply(reply)).toMatchObject({
      status: 413,
      body: { error: 'The body is larger than 1 MiB.' },
    });
    expect(reply.toLowerCase()).toContain('connection: close');
  });
});

describe('what becomes of a job', () => {
  const suspended = { ...rejectedExample, code: 'suspended' as const };
  const impossible = { ...rejectedExample, code: 'impossible' as const };
  it.each([
    ['/jobs', jobExample, 201],
    ['/jobs', { ...jobExample, replayed: true }, 200],
    ['/jobs', queuedExample, 202],
    ['/jobs', rejectedExample, 429],
    ['/jobs', impossible, 422],
    ['/jobs', suspended, 403],
    ['/quotas/check', rejectedExample, 200],
    ['/quotas/enforce', suspended, 200],
    ['/jobs/acme%3Abuild-812/resize', jobExample, 200],
    ['/jobs/acme%3Abuild-812/resize', rejectedExample, 429],
  ])('is said by the status too: %s, %#', async (path, output, status) => {
    const jobs = await startTestServer({ service: () => Promise.resolve(output as never) });
    const { status: got, body } = await jobs.ask(`/api/v1${path}`, { method: 'POST', body: {} });
    expect(got).toBe(status);
    expect(body).toEqual(output);
    await jobs.stop();
  });
});
