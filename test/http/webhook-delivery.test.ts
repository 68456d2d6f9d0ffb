import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { WebhookTarget } from '../../src/http/webhook-delivery.ts';
import { startServer, type RunningServer } from '../../src/http/server.ts';
import type { Service } from '../../src/service/call.ts';
import { followEvents } from '../../src/service/event-follow.ts';
import { listWebhooks, testWebhook } from '../../src/service/webhooks.ts';
import { defaultKinds } from '../../src/domain/webhook.ts';
import { admit } from '../helpers/job.ts';
import { onThisMachine } from '../helpers/server.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { fakeServer, listening } from './helpers.ts';
import {
  patientPace,
  quickPace,
  SECRET,
  startReceiver,
  targetAt,
  type Behaviour,
  type TestPace,
} from './webhook-receiver.ts';

let behind: TestService;
let tell: () => void;

beforeEach(async () => {
  behind = await testService();
  tell = () => undefined;
});
afterEach(() => behind.close());

interface Serving extends RunningServer {
  readonly pace: TestPace;
  readonly lines: readonly string[];
}

/** A server that delivers, in front of the service of this test. */
async function serve(
  webhooks: readonly WebhookTarget[],
  { pace = quickPace(), service = behind.service }: { pace?: TestPace; service?: Service } = {},
): Promise<Serving> {
  const lines: string[] = [];
  const server = await startServer({
    ...{ host: '127.0.0.1', port: 0, allowedHosts: [], corsOrigins: [], version: '1.2.3' },
    ...{ ...onThisMachine, logLevel: 'trace', log: { write: (line) => void lines.push(line) } },
    ...{ service, webhooks, webhookPace: pace },
    checkReady: async () => undefined,
    newTraceId: () => '0'.repeat(32),
    watchChanges: (hear) => {
      tell = hear;
      return () => undefined;
    },
  });
  onTestFinished(() => server.close());
  return { ...server, pace, lines };
}

async function receive(behave?: Behaviour) {
  const receiver = await startReceiver(behave);
  onTestFinished(() => receiver.stop());
  return receiver;
}

/** Creates tenants, each of which is an event. */
async function happen(count: number, from = 0): Promise<void> {
  for (let i = from; i < from + count; i++) await makeTenant(behind.call, `t${i}`);
  tell();
}

const stateOf = async (name = 'pager') => {
  const { items } = await behind.call(listWebhooks, {});
  return items.find((each) => each.name === name);
};

/** Until it is written down what became of it, which is a moment after it became so. */
async function untilNoted(holds: (state: Awaited<ReturnType<typeof stateOf>>) => boolean) {
  for (let looks = 0; looks < 2_000; looks++) {
    const state = await stateOf();
    if (holds(state)) return state;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it was not noted: ${JSON.stringify(await stateOf())}`);
}

const sequences = (messages: readonly { readonly sequence: number }[]) =>
  messages.map(({ sequence }) => sequence);
const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

/** As in the beginning: what was there before is not told of. */
const FIRST = 2;

describe('a webhook', () => {
  it('is told of every event from its beginning on, in order, as the list of events shows it', async () => {
    const { url, taken, untilTaken } = await receive();
    await serve([targetAt(url)]);
    await happen(30);
    await untilTaken(30);
    expect(sequences(taken)).toEqual(from(FIRST, 30));
    const { items } = await behind.call(followEvents, { after: FIRST - 1 });
    expect(taken.map(({ data }) => data)).toEqual(items);
    expect(taken[0]).toMatchObject({
      type: 'tenant.create',
      headers: { 'content-type': 'application/json', 'user-agent': 'hodei/1.2.3' },
    });
    expect(JSON.parse(taken[0]?.body ?? '')).toEqual({
      ...{ type: 'tenant.create', timestamp: items[0]?.time, data: items[0] },
    });
    expect(await untilNoted((state) => state?.pending === 0)).toMatchObject({
      ...{ state: 'ok', failures: 0, last_error: null, delivered_sequence: FIRST + 29 },
      next_attempt_at: null,
    });
  });

  it('is told of limits that are nearly reached, where nobody said of what it is told', async () => {
    const { url, taken, untilTaken } = await receive();
    await serve([targetAt(url, { kinds: defaultKinds })]);
    await makeTenant(behind.call, 'acme', { quota: { cpu_m: 1000 } });
    await admit(behind.call, 'acme', { cpu_m: 850 });
    tell();
    await untilTaken(1);
    expect(taken).toMatchObject([
      {
        type: 'quota.notice',
        data: {
          ...{ operation: 'quota.notice', principal: 'hodei', tenant_name: 'acme' },
          after: { pool: null, resource: 'cpu_m', level: 'warning', used: 850, limit: 1000 },
        },
      },
    ]);
  });

  it('signs so that somebody without any library finds it right', async () => {
    const { url, taken, untilTaken } = await receive();
    await serve([targetAt(url)]);
    await happen(1);
    await untilTaken(1);
    const { id, body, headers } = taken[0]!;
    const signed = `${id}.${String(headers['webhook-timestamp'])}.${body}`;
    const signature = createHmac('sha256', SECRET).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
    expect(id).toBe(`pager-2-${String(taken[0]?.data['hash']).slice(0, 16)}`);
  });

  it('is not told of what is not for it, nor of the tests of others', async () => {
    const [one, other] = [await receive(), await receive()];
    await serve([targetAt(one.url, { kinds: ['pool'] }), targetAt(other.url, { name: 'chat' })]);
    await happen(3);
    await behind.call(testWebhook, { webhook: 'pager' });
    await behind.call(testWebhook, { webhook: 'chat' });
    tell();
    await Promise.all([one.untilTaken(1), other.untilTaken(4)]);
    expect(one.taken.map(({ type, data }) => [type, data['object']])).toEqual([
      ['webhook.test', 'pager'],
    ]);
    expect(sequences(other.taken)).toEqual([2, 3, 4, 6]);
    const ids = [...one.attempts, ...other.attempts].map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
  });
});

/** What somebody may do instead of taking a message, and what is said of it. */
const refusals: readonly (readonly [string, string | RegExp, Behaviour])[] = [
  [
    'answers 500 and says why',
    'answered 500: down \\u{1b}[2J for now',
    (_, response) => response.writeHead(500).end('down\n\u001b[2J  for now'),
  ],
  ['hangs', 'did not answer within 0.3 s', () => 'hangs'],
  [
    'hangs behind its headers',
    'answered 500',
    (_, response) => {
      response.writeHead(500).flushHeaders();
      return response;
    },
  ],
  [
    'closes the connection',
    'closed the connection without an answer',
    (_, response) => response.destroy(),
  ],
  [
    'redirects',
    'answered 302 (a redirect)',
    (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  ],
  [
    'says no without an end',
    /^answered 503: x{200}$/,
    (_, response) => {
      response.writeHead(503);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1_000)));
      };
      response.on('drain', more);
      more();
      return response;
    },
  ],
  ['is not modified', 'answered 304', (_, response) => response.writeHead(304).end()],
  ['is gone', 'answered 410', (_, response) => response.writeHead(410).end()],
  [
    'repeats the secret',
    'answered 401: I want *** or ***',
    (_, response) => {
      const encoded = Buffer.from(SECRET).toString('base64');
      return response.writeHead(401).end(`I want ${SECRET} or ${encoded}`);
    },
  ],
  [
    'repeats the secret where no more of it is read',
    'answered 401: ***',
    (_, response) => response.writeHead(401).end(`${' '.repeat(2_048 - 12)}${SECRET}`),
  ],
];

describe('a receiver that', () => {
  it.each(refusals)('%s gets it again under the same id, and loses nothing', async (...row) => {
    const [, said, refuse] = row;
    const isThird = (sequence: number) => sequence % 3 === 0;
    // Every third event is refused twice.
    const { url, taken, attempts, untilTaken } = await receive((message, response, earlier) => {
      const before = earlier.filter(({ id }) => id === message.id).length;
      return isThird(message.sequence) && before < 2
        ? refuse(message, response, earlier)
        : undefined;
    });
    const errors: string[] = [];
    const { pace } = await serve([targetAt(url)], {
      pace: quickPace(300),
      service: noting(errors),
    });
    await happen(6);
    await untilTaken(6);
    expect(sequences(taken)).toEqual(from(FIRST, 6));
    const tries = from(FIRST, 6).flatMap((sequence) =>
      isThird(sequence) ? [sequence, sequence, sequence] : [sequence],
    );
    expect(sequences(attempts)).toEqual(tries);
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(6);
    expect(errors).toHaveLength(4);
    for (const error of errors) {
      if (typeof said === 'string') expect(error).toBe(said);
      else expect(error).toMatch(said);
    }
    expect(pace.pauses).toEqual([1_000, 2_000, 1_000, 2_000]);
  });

  it('takes it without an end to what it says has taken it', async () => {
    let [cut, begun] = [0, 0];
    const { url, attempts, untilTried } = await receive((_, response) => {
      response.writeHead(200).write('x'.repeat(100));
      begun += 1;
      response.on('close', () => (cut += 1));
      return response;
    });
    await serve([targetAt(url)]);
    await happen(2);
    await untilTried(2);
    await untilNoted((state) => state?.delivered_sequence === 3);
    expect(sequences(attempts)).toEqual([2, 3]);
    expect([begun, cut]).toEqual([2, 2]);
  });

  it.each([
    ['429', '90', 90_000],
    ['503', '999999', 3_600_000],
    ['429', 'soon', 1_000],
  ])('answers %s with Retry-After: %s is left alone for %i ms', async (status, after, pause) => {
    const { url, untilTaken } = await receive((_, response, earlier) =>
      earlier.length === 0
        ? response.writeHead(Number(status), { 'retry-after': after }).end()
        : undefined,
    );
    const { pace } = await serve([targetAt(url)]);
    await happen(1);
    await untilTaken(1);
    expect(pace.pauses).toEqual([pause]);
  });

  it('is not there is told when it is', async () => {
    const gone = await fakeServer(() => undefined);
    await gone.stop();
    const pace = quickPace();
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const held = { ...pace, pause: () => released };
    await serve([targetAt(gone.url)], { pace: held });
    await happen(1);
    expect(await untilNoted((state) => state?.failures === 1)).toMatchObject({
      ...{ state: 'retrying', pending: 1, delivered_sequence: null },
      last_error: 'cannot be reached: nobody listens there',
      next_attempt_at: new Date(behind.clock.now() + 1_000).toISOString(),
    });
    const back = createTcpServer();
    back.listen(Number(new URL(gone.url).port), '127.0.0.1');
    const connected = once(back, 'connection');
    release();
    await connected;
    back.close();
  });

  it('talks no HTTP is said to', async () => {
    const server = createTcpServer((socket) => socket.resume().end('hello\r\n\r\n'));
    const { url, stop } = await listening(server);
    onTestFinished(stop);
    await serve([targetAt(url)], { pace: patientPace() });
    await happen(1);
    const state = await untilNoted((each) => each?.failures === 1);
    expect(state?.last_error).toMatch(/^cannot be reached: HPE_/);
  });
});

/** The service, writing down which errors were noted. */
function noting(errors: string[]): Service {
  return (operation, input, caller) => {
    const { progress } = input as {
      progress?: { attempt?: { failure?: { error: string } | null } | null };
    };
    if (progress?.attempt?.failure) errors.push(progress.attempt.failure.error);
    return behind.service(operation, input, caller);
  };
}

describe('a webhook that fails', () => {
  it('keeps neither others waiting, nor requests, nor the end of the server', async () => {
    const [stuck, fine] = [await receive(() => 'hangs'), await receive()];
    const server = await serve([targetAt(stuck.url, { name: 'stuck' }), targetAt(fine.url)], {
      pace: quickPace(3_600_000),
    });
    await happen(5);
    await Promise.all([fine.untilTaken(5), stuck.untilTried(1)]);
    expect((await fetch(`${server.url}/api/v1/webhooks`)).status).toBe(200);
    await server.close();
    expect(await stateOf()).toMatchObject({ state: 'ok', delivered_sequence: 6 });
    expect(await stateOf('stuck')).toMatchObject({ state: 'waiting', pending: 5, failures: 0 });
    expect([stuck.attempts.length, stuck.strangers]).toEqual([1, []]);
  });
});

describe('a restart', () => {
  it('loses nothing, and tells nothing under another id', async () => {
    const { url, attempts, taken, untilTried } = await receive((message, response, earlier) => {
      // What is under way when the server ends was seen by the receiver all the same.
      if (message.sequence === 4 && earlier.length === 2) return 'hangs';
      return message.sequence === 6 && earlier.every(({ sequence }) => sequence !== 6)
        ? response.writeHead(500).end()
        : undefined;
    });
    const first = await serve([targetAt(url)]);
    await happen(3);
    await untilTried(3);
    await first.close();
    await happen(3, 3);
    const second = await serve([targetAt(url)]);
    await untilTried(8);
    await second.close();
    expect(sequences(taken)).toEqual(from(FIRST, 6));
    expect(sequences(attempts)).toEqual([2, 3, 4, 4, 5, 6, 6, 7]);
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(6);
  });

  it('goes on with the pauses where they were, but for the first one', async () => {
    const { url, untilTried } = await receive((_, response) => response.writeHead(500).end());
    let pauses = 0;
    const pace = quickPace();
    const held = {
      ...pace,
      pause: async (milliseconds: number, until: AbortSignal) => {
        await pace.pause(milliseconds, until);
        if ((pauses += 1) === 4 && !until.aborted) await once(until, 'abort');
      },
    };
    const first = await serve([targetAt(url)], { pace: held });
    await happen(1);
    await untilTried(4);
    await untilNoted((state) => state?.failures === 4);
    await first.close();
    expect(pace.pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
    const again = quickPace();
    const second = await serve([targetAt(url)], { pace: again });
    await untilTried(7);
    await second.close();
    expect(again.pauses.slice(0, 3)).toEqual([3_000, 16_000, 32_000]);
  });

  it('with other webhooks forgets those that are gone, and begins new ones with what comes', async () => {
    const { url, taken, untilTaken } = await receive();
    const first = await serve([targetAt(url, { name: 'old' }), targetAt(url)]);
    await first.close();
    await happen(2);
    const chat = targetAt(url, { name: 'chat' });
    const second = await serve([chat, targetAt(`${url}/new`)]);
    await untilTaken(2);
    await happen(1, 2);
    await untilTaken(4);
    await second.close();
    expect(taken.map(({ id }) => id.slice(0, id.lastIndexOf('-'))).toSorted()).toEqual([
      ...['chat-4', 'pager-2', 'pager-3', 'pager-4'],
    ]);
    const { items } = await behind.call(listWebhooks, {});
    expect(items.map(({ name }) => name)).toEqual(['chat', 'pager']);
    expect(items[1]?.url).toBe(`${url}/new`);
  });
});

it('two servers on one database tell the same under the same ids', async () => {
  const { url, attempts, untilTaken } = await receive();
  const servers = [await serve([targetAt(url)]), await serve([targetAt(url)])];
  await happen(20);
  await untilTaken(20);
  await Promise.all(servers.map((server) => server.close()));
  const ids = new Map(attempts.map(({ sequence, id }) => [sequence, id]));
  expect([...ids.keys()].toSorted((a, b) => a - b)).toEqual(from(FIRST, 20));
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(20);
});

it('nothing is lost while the database does not answer', async () => {
  const { url, taken, untilTaken } = await receive();
  let failures = 0;
  const server = await serve([targetAt(url)], {
    service: (operation, input, caller) => {
      const isOurs = ['event.follow', 'webhook.progress'].includes(operation.name);
      if (isOurs && (failures += 1) % 2 === 1) return Promise.reject(new Error('disk I/O error'));
      return behind.service(operation, input, caller);
    },
  });
  await happen(10);
  await untilTaken(10);
  await server.close();
  expect(sequences(taken)).toEqual(from(FIRST, 10));
  expect(failures).toBeGreaterThan(2);
});

it('hundreds are told with few writes', async () => {
  await happen(550);
  const { url, taken, untilTaken } = await receive();
  await behind.store.transaction(async ({ tables }) => {
    const begun = { failures: 0, lastError: null, lastAttemptAt: null, lastAttemptMs: null };
    const more = { nextAttemptAt: null, deliveredAt: null, deliveredSequence: null, createdAt: 0 };
    await tables.webhooks.insert({
      ...{ name: 'pager', url, kinds: ['tenant'], sequence: 1, ...begun, ...more },
    });
  });
  let writes = 0;
  const server = await serve([targetAt(url)], {
    service: (operation, input, caller) => {
      if (operation.name === 'webhook.progress') writes += 1;
      return behind.service(operation, input, caller);
    },
  });
  await untilTaken(550);
  await untilNoted((state) => state?.pending === 0);
  await server.close();
  expect(sequences(taken)).toEqual(from(FIRST, 550));
  // One a second, however slow the machine is.
  expect(writes).toBeLessThan(60);
  expect(await stateOf()).toMatchObject({ pending: 0, delivered_sequence: 551 });
});
