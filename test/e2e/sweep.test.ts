import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onFile } from '../helpers/store.ts';
import { newHome, type Home } from './hodei.ts';

let home: Home;

beforeAll(() => {
  home = newHome();
});
afterAll(() => home.remove());

function hodei(words: string): void {
  const { status, stderr } = spawnSync('hodei', words.split(' '), { env: home.env });
  expect([status, String(stderr)]).toEqual([0, '']);
}

it('a server by itself ends a lease that is over, and starts who waited for its room', async () => {
  const path = join(home.folder, 'hodei.db');
  hodei(`tenant create acme --email ops@acme.example --cpu 1 --db ${path}`);
  hodei(`job admit --tenant acme --cpu 1 --ttl 1s --id first --db ${path}`);
  const queue = `job admit --tenant acme --cpu 1 --id second --on-full queue --db ${path}`;
  expect(spawnSync('hodei', queue.split(' '), { env: home.env }).status).toBe(8);
  const server = spawn('hodei', ['serve', '--port', '0', '--db', path], { env: home.env });
  const ended = once(server, 'exit');
  const states = () =>
    onFile(path, (db) => db.prepare('select state from job order by id').pluck().all());
  while (states().includes('queued')) await setTimeout(100);
  expect(states()).toEqual(['expired', 'admitted']);
  server.kill('SIGTERM');
  await ended;
  const principals = onFile(path, (db) =>
    db.prepare(`select operation, principal from event order by sequence desc limit 3`).raw().all(),
  );
  expect(principals).toEqual([
    ['quota.notice', 'hodei'],
    ['job.promote', 'hodei'],
    ['job.expire', 'hodei'],
  ]);
});
