import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { callLocal } from '../../src/service/call.ts';
import { fullAuthority } from '../../src/service/authority.ts';
import { createToken, revokeToken } from '../../src/service/tokens.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { ask } from '../http/helpers.ts';
import { newHome, type Home } from './hodei.ts';
import { startHodei } from './started.ts';

let home: Home;

beforeAll(() => {
  home = newHome();
});
afterAll(() => home.remove());

/** So often, and with such pauses, somebody looks whether a server has noticed. */
const [LOOKS, PAUSE_MS] = [5, 250];

/** This process, beside the server, on the same file. */
function besideTheServer(path: string) {
  const store = openSqliteStore({ path, create: false, now: Date.now });
  onTestFinished(() => store.close());
  let ids = 0;
  const newId = (kind: string) => `${kind}-${String((ids += 1)).padStart(12, '0')}`;
  const service = callLocal(store, { now: () => Promise.resolve(Date.now()), newId });
  const caller = { ...fullAuthority, principal: 'ana', traceId: '0' };
  return {
    create: (name: string) => service(createToken, { name, role: 'viewer' }, caller),
    revoke: (token: string) => service(revokeToken, { token }, caller),
  };
}

it('a token that another process revokes is dead in a server, and so is its stream', async () => {
  const path = join(home.folder, 'hodei.db');
  const server = startHodei(home, home.env, ['serve', '--port', '0', '--db', path]);
  onTestFinished(async () => {
    server.child.kill('SIGTERM');
    await server.ended;
  });
  const port = Number(await server.hear(/http:\/\/127\.0\.0\.1:(\d+)/));
  const statusAs = async (secret?: string | null) => {
    const headers = secret == null ? {} : { authorization: `Bearer ${secret}` };
    return (await ask(port, '/api/v1/tenants', { headers })).status;
  };
  /** The status after so many looks, or as soon as it is this one. */
  const eventually = async (wanted: number, secret?: string | null) => {
    let status = await statusAs(secret);
    for (let look = 0; look < LOOKS && status !== wanted; look += 1) {
      await setTimeout(PAUSE_MS);
      status = await statusAs(secret);
    }
    return status;
  };
  expect(await statusAs()).toBe(200);
  const { create, revoke } = besideTheServer(path);
  const [doomed, staying] = [(await create('doomed')).secret, (await create('staying')).secret];
  // The first token closes a server that was open.
  expect(await eventually(401)).toBe(401);
  expect(await eventually(200, doomed)).toBe(200);
  const headers = { authorization: `Bearer ${doomed}`, accept: 'text/event-stream' };
  const following = httpRequest({ port, host: '127.0.0.1', path: '/api/v1/events', headers }).end();
  const [stream] = (await once(following, 'response')) as [NodeJS.ReadableStream];
  const streamEnded = once(stream.resume(), 'end');
  await revoke('doomed');
  expect(await eventually(401, doomed)).toBe(401);
  await streamEnded;
  expect(await statusAs(staying)).toBe(200);
});
