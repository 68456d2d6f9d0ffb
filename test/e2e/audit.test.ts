import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GENESIS_HASH } from '../../src/service/event-log.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { newFolder, onFile, removeFolder } from '../helpers/store.ts';
import { withHash, type RawEvent } from '../helpers/tamper.ts';
import { door } from './hodei.ts';
import { startHodei } from './started.ts';

/** Far more than fits into the memory that the processes are given. */
const EVENTS = 60_000;
const MEMORY_MB = 40;

const folder = newFolder();
const path = join(folder, 'hodei.db');
const exported = join(folder, 'audit.ndjson');
const home = { folder, env: {}, remove: () => undefined };
const env = { HOME: folder, NODE_OPTIONS: `--max-old-space-size=${MEMORY_MB}` };

beforeAll(async () => {
  await openSqliteStore({ path, create: true, now: Date.now }).close();
  onFile(path, (file) => {
    const insert = file.prepare(`insert into event values (@sequence, @time, @principal, @acting_as,
      @operation, @tenant, @object, @reason, @before_state, @after_state, @trace_id, @previous_hash,
      @hash)`);
    file.transaction(() => {
      let last = GENESIS_HASH;
      for (let sequence = 1; sequence <= EVENTS; sequence++) {
        const event = withHash({ ...sample, sequence, previous_hash: last });
        insert.run(event);
        last = event.hash;
      }
    })();
  });
});
afterAll(() => removeFolder(folder));

const sample: RawEvent = {
  ...{ sequence: 0, time: 0, principal: 'ana', acting_as: null, operation: 'quota.set' },
  ...{ tenant: null, object: 'o', reason: 'r'.repeat(200), before_state: '{"cpu_m":1}' },
  ...{ after_state: '{"cpu_m":2}', trace_id: 't', previous_hash: '', hash: '' },
};

it('an export and its check need no more memory for many events, also where the reader is slow', async () => {
  const child = spawn(process.execPath, [door, 'audit', 'export', '--db', path], { env });
  const ended = once(child, 'close');
  // It waits for who does not read yet, instead of going on in memory.
  await sleep(1_000);
  expect(child.exitCode).toBeNull();
  await pipeline(child.stdout, createWriteStream(exported));
  expect(await ended).toEqual([0, null]);

  const verify = ['audit', 'verify', '--file', '-', '--db', path];
  const checked = startHodei(home, env, verify);
  await pipeline(createReadStream(exported), checked.child.stdin);
  const { code, out } = await checked.ended;
  expect(out).toContain('60,000 events, from 1 to 60,000, are one unbroken chain. Head 60000 ');
  expect(out).toContain('The database has every event of the export, unchanged.');
  expect(code).toBe(0);
}, 60_000);

it('what a server has is verified, exported and compared through it', async () => {
  const server = startHodei(home, { HOME: folder }, ['serve', '--port', '0', '--db', path]);
  const url = await server.hear(/(http:\/\/127\.0\.0\.1:\d+)/);
  const whole = await startHodei(home, env, ['audit', 'verify', '--server', url]).ended;
  expect(whole.out).toMatch(/^\d+,\d+ events, from 1 to .* one unbroken chain\. Head /);
  expect(whole.code).toBe(0);
  const compare = ['audit', 'verify', '--file', exported, '--server', url];
  expect((await startHodei(home, env, compare).ended).code).toBe(0);
  onFile(path, (file) => file.exec(`update event set reason = 's' where sequence = 44444`));
  const broken = await startHodei(home, env, ['audit', 'verify', '--server', url]).ended;
  expect(broken.out).toContain('broken at number 44,444: event 44,444 was changed');
  expect(broken.code).toBe(9);
  server.child.kill('SIGTERM');
  await server.ended;
}, 60_000);
