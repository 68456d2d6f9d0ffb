import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { HodeiError } from '../../src/domain/errors.ts';
import { startServer } from '../../src/http/server.ts';
import { startWorkers } from '../../src/main/workers.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { createTenant, deleteTenant, getTenant, listTenants } from '../../src/service/tenants.ts';
import { answerCalls, callThrough } from '../../src/service/worker.ts';
import { bundleWorker } from '../helpers/processes.ts';
import { refusal } from '../helpers/refusal.ts';
import { callAs, testService, TRACE_ID } from '../helpers/service.ts';
import { newFolder, onFile, removeFolder } from '../helpers/store.ts';
import { onThisMachine } from '../helpers/server.ts';
import { makeTenant } from '../helpers/tenant.ts';
import {
  countGroups,
  dieReading,
  dieWriting,
  fail,
  readLong,
  ways,
} from '../helpers/thread-operations.ts';

const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
const names = Array.from({ length: 200 }, (_, i) => `t-${String(i).padStart(3, '0')}`);

let folder: string;
let file: string;

beforeAll(async () => {
  folder = newFolder();
  file = await bundleWorker(folder, 'thread');
});
afterAll(() => removeFolder(folder));

/** Real threads on a new database. */
async function threads() {
  const { path, store, close } = await testService();
  const workers = startWorkers(file, path, 100);
  onTestFinished(async () => {
    await workers.close().catch(() => undefined);
    await close();
  });
  return { ...workers, path, store, call: callAs(workers.service, ana) };
}

/** The same behind HTTP, with what is logged. */
async function served() {
  const running = await threads();
  const lines: string[] = [];
  const server = await startServer({
    ...{ host: '127.0.0.1', port: 0, allowedHosts: [], corsOrigins: [], version: '0.0.0' },
    ...{ ...onThisMachine, logLevel: 'error', newTraceId: () => TRACE_ID },
    service: running.service,
    checkReady: running.checkReady,
    log: { write: (line) => void lines.push(line) },
  });
  onTestFinished(server.close);
  return { ...running, url: server.url, lines };
}

async function thrownBy(call: Promise<unknown>): Promise<Error & { code?: string }> {
  return call.then(
    () => new Error('was answered'),
    (error: unknown) => error as Error,
  );
}

describe('calls through a worker thread', () => {
  it('that come together are each answered, and share one transaction', async () => {
    const { call } = await threads();
    const made = await Promise.all(names.map((name) => makeTenant(call, name)));
    expect(made.map(({ name }) => name)).toEqual(names);
    expect(await call(countGroups, {})).toEqual([200, 1]);
    const read = await Promise.all(names.map((name) => call(getTenant, { tenant: name })));
    expect(read.map(({ id }) => id)).toEqual(made.map(({ id }) => id));
  });

  it('see in a read what was answered before', async () => {
    const { call } = await threads();
    for (const name of names.slice(0, 20)) {
      await makeTenant(call, name);
      expect(await call(getTenant, { tenant: name })).toMatchObject({ name });
    }
  });

  it('may have nothing for an answer', async () => {
    const { call, url } = await served();
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    await expect(call(deleteTenant, { tenant: 'acme' })).resolves.toBeUndefined();
    const { status } = await fetch(`${url}/api/v1/tenants/beta`, { method: 'DELETE' });
    expect(status).toBe(204);
  });

  it('carry who calls, why, and how', async () => {
    const { service, call, store } = await threads();
    const input = { name: 'acme', email: 'ops@acme.example' };
    await service(createTenant, input, { ...ana, dryRun: true });
    await service(createTenant, input, { ...ana, actingAs: 'bo', reason: 'a test' });
    const events = await store.read(({ events: table }) => table.following(1, 10));
    expect(events).toMatchObject([{ principal: 'ana', actingAs: 'bo', reason: 'a test' }]);
    const stale = service(setQuota, { tenant: 'acme', cpu_m: 1 }, { ...ana, ifVersion: 9 });
    expect(await refusal(stale)).toMatchObject({ code: 'stale_version' });
    expect(await call(getTenant, { tenant: 'acme' })).toMatchObject({ version: 1 });
  });
});

describe('a line between two threads', () => {
  function line() {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => {
      port1.close();
    });
    const sent = [counted(port1), counted(port2)] as const;
    const run = () => Promise.resolve(undefined);
    answerCalls(port2, { operations: [getTenant], run, close: async () => undefined });
    const { call } = callThrough(port1);
    return { sent, call };
  }

  function counted(port: MessagePort): unknown[] {
    const messages: unknown[] = [];
    const post = port.postMessage.bind(port);
    port.postMessage = (message: unknown) => {
      messages.push(message);
      post(message);
    };
    return messages;
  }

  it('takes all calls of one turn in one message, and all their answers', async () => {
    const { sent, call } = line();
    await Promise.all(names.map((tenant) => call(getTenant, { tenant }, ana)));
    expect(sent.map((messages) => messages.map((message) => (message as []).length))).toEqual([
      [200],
      [200],
    ]);
  });

  it('parses the input where the call is made, and sends nothing that is invalid', async () => {
    const { sent, call } = line();
    const { code } = await refusal(call(getTenant, { tenant: 7 }, ana));
    expect([code, sent]).toEqual(['invalid', [[], []]]);
  });

  it('does not carry out what the other side was not given to answer', async () => {
    const { call } = line();
    const { message } = await thrownBy(call(listTenants, {}, ana));
    expect(message).toBe('tenant.list is asked for where it is not answered');
  });
});

describe('an error in a worker thread', () => {
  it('keeps code, message and hint', async () => {
    const { call } = await threads();
    await makeTenant(call, 'acme');
    expect(await refusal(makeTenant(call, 'acme'))).toEqual({
      code: 'conflict',
      message: 'A tenant named acme exists already (tenant-000000000001).',
    });
    expect(await refusal(call(fail, { how: 'refusal' }))).toEqual({
      code: 'unavailable',
      message: 'No.',
      hint: 'Ask again.',
    });
  });

  it('keeps the codes of its causes, by which a broken disk is known', async () => {
    const { call } = await threads();
    const error = await thrownBy(call(fail, { how: 'disk' }));
    expect(error).toBeInstanceOf(HodeiError);
    expect(error).toMatchObject({ code: 'database', cause: { code: 'SQLITE_IOERR_READ' } });
  });

  it('that is a bug is answered as internal, and stands in the log with its cause', async () => {
    const { call, path, url, lines } = await served();
    const error = await thrownBy(call(fail, { how: 'bug' }));
    expect(error).not.toBeInstanceOf(HodeiError);
    expect(error).toMatchObject({ name: 'TypeError', message: 'x is not a function' });
    expect(error.stack).toMatch(/^TypeError: x is not a function\n.*thread/);
    expect(error.cause).toMatchObject({ message: 'because of y' });

    onFile(path, (connection) => connection.exec(`update settings_revision set document = '{'`));
    const reply = await fetch(`${url}/api/v1/config`);
    expect([reply.status, await reply.json()]).toMatchObject([500, { error: 'Internal error' }]);
    await expect.poll(() => lines.length).toBe(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      trace_id: TRACE_ID,
      err: { stack: expect.stringMatching(/caused by: SyntaxError: .*JSON[^]*at .*thread\.mjs/) },
    });
  });
});

describe('a worker thread that dies', () => {
  it.each(ways)('while it writes (%s) has its calls answered truthfully', async (how) => {
    const { service, call, broken, checkReady } = await threads();
    const dry = service(
      createTenant,
      { name: 'dry', email: 'a@b.example' },
      { ...ana, dryRun: true },
    );
    const [change, rehearsal, death] = await Promise.all([
      refusal(makeTenant(call, 'acme')),
      refusal(dry),
      thrownBy(broken),
      thrownBy(call(dieWriting, { how })),
    ]);
    expect(change).toEqual({
      code: 'unknown_outcome',
      message: 'The server broke down before the answer was there.',
      hint: 'It may or may not have been done: look before you repeat it.',
    });
    expect(rehearsal).toMatchObject({ code: 'unavailable', hint: 'Nothing was done. Try again.' });
    const why = how === 'exit' ? 'it ended with 3.' : 'Error: a fault\n';
    expect(death.message).toContain(`The thread "hodei writer" has died: ${why}`);
    expect(await refusal(makeTenant(call, 'late'))).toMatchObject({ code: 'unavailable' });
    expect((await refusal(checkReady())).code).toBe('unavailable');
  });

  it.each(ways)('while it reads (%s) takes no change with it', async (how) => {
    const { call, broken, checkReady } = await threads();
    const [made, read, death] = await Promise.all([
      makeTenant(call, 'acme'),
      refusal(call(listTenants, {})),
      thrownBy(broken),
      thrownBy(call(dieReading, { how })),
    ]);
    expect(made).toMatchObject({ name: 'acme' });
    expect(read).toMatchObject({ code: 'unavailable', hint: 'Nothing was done. Try again.' });
    expect(death.message).toContain('The thread "hodei reader" has died: ');
    expect((await refusal(checkReady())).code).toBe('unavailable');
  });

  it('because it cannot be loaded says so', async () => {
    const workers = startWorkers(join(folder, 'missing.mjs'), join(folder, 'hodei.db'), 100);
    const { message } = await thrownBy(Promise.race([workers.checkReady(), workers.broken]));
    expect(message).toMatch(/^The thread "hodei (writer|reader)" has died: .*missing\.mjs/);
    expect((await thrownBy(workers.close())).message).toContain('missing.mjs');
  });

  it('does not, where the database cannot be opened: that is answered', async () => {
    const workers = startWorkers(file, join(folder, 'missing.db'), 100);
    expect(await refusal(workers.checkReady())).toMatchObject({
      code: 'unavailable',
      message: `There is no database at ${join(folder, 'missing.db')}.`,
    });
    await workers.close();
  });
});

describe('a long read', () => {
  it('keeps neither a change nor the server itself waiting', async () => {
    const { call, url } = await served();
    const until = join(folder, 'enough');
    let isRead = false;
    const read = call(readLong, { file: until }).finally(() => (isRead = true));
    const queued = fetch(`${url}/api/v1/tenants`);
    await makeTenant(call, 'acme');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await call(setQuota, { tenant: 'acme', gpu: 2 })).toMatchObject({ gpu: 2 });
    expect(isRead).toBe(false);
    writeFileSync(until, '');
    expect(await read).toBe('read');
    expect((await queued).status).toBe(200);
  });
});

describe('workers that are told to close', () => {
  it('answer first what they were asked', async () => {
    const { call, close, store } = await threads();
    const made = names.map((name) => makeTenant(call, name));
    // Sent, and not answered yet.
    await new Promise(setImmediate);
    await close();
    expect(await Promise.all(made)).toHaveLength(200);
    const events = await store.read(({ events: table }) => table.following(0, 1000));
    expect(events).toHaveLength(201);
  });
});
