import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onFile } from '../helpers/store.ts';
import { newHome, type Home } from './hodei.ts';
import { startHodei, type Started } from './started.ts';

const snippet = join(import.meta.dirname, '../../deploy/logrotate/hodei');
const page = readFileSync(join(import.meta.dirname, '../../docs/logs.md'), 'utf8');

let home: Home;
let server: Started;
let url: string;

beforeAll(async () => {
  home = newHome();
  mkdirSync(at('log'));
  writeFileSync(at('config.yaml'), 'observability: {logging: {file: log/hodei.log, slow_ms: 1}}\n');
  server = startHodei(home, home.env, [
    ...['serve', '--port', '0', '--config', at('config.yaml'), '--db', at('hodei.db')],
  ]);
  url = await server.hear(/listening on (\S+)/);
  await ask('POST', '/tenants', { name: 'acme', email: 'ops@acme.example' });
  await ask('PUT', '/tenants/acme/quota', { max_concurrent_jobs: 1_000 });
});
afterAll(() => {
  server.child.kill('SIGKILL');
  home.remove();
});

const at = (name: string) => join(home.folder, name);

async function ask(method: string, path: string, body?: object, headers = {}) {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const reply = await fetch(`${url}/api/v1${path}`, {
    ...{ method, headers: { ...type, ...headers } },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await reply.json()) as Record<string, unknown>;
  return { status: reply.status, traceId: reply.headers.get('x-trace-id'), answer };
}

type Line = Record<string, unknown>;

function linesOf(name: string): Line[] {
  const lines = readFileSync(at(name), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line);
}

/** The line that is written when an answer has left, which its client may see before. */
async function lineWith(name: string, holds: (line: Line) => boolean): Promise<Line> {
  for (;;) {
    const found = linesOf(name).find(holds);
    if (found !== undefined) return found;
    await setTimeout(5);
  }
}

/** What the audit has of one trace. */
function eventsOf(traceId: string | null): unknown[] {
  const sql = 'select operation from event where trace_id = ? order by sequence';
  return onFile(at('hodei.db'), (db) => db.prepare(sql).pluck().all(traceId));
}

/** More than a millisecond of work, of which one part fails. */
const batch = {
  jobs: [...Array.from({ length: 200 }, () => ({ tenant: 'acme', jobs: 1 })), { tenant: 'x' }],
};

describe('the trace id', () => {
  const given = '4bf92f3577b34da6a3ce929d0e0e4736';

  it.each([
    ['of the client', { traceparent: `00-${given}-00f067aa0ba902b7-01` }, given],
    ['of the server, where the client has none', {}, undefined],
  ])(
    '%s is one in the answer, its errors, the log and the audit',
    async (_whose, headers, known) => {
      const { traceId, answer } = await ask('POST', '/jobs/batch', batch, headers);
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      if (known !== undefined) expect(traceId).toBe(known);
      const items = answer['items'] as Line[];
      expect(items.at(-1)).toMatchObject({ code: expect.any(String), trace_id: traceId });
      expect(eventsOf(traceId)).toEqual(Array.from({ length: 200 }, () => 'job.admit'));
      const isOfTrace = (line: Line) => line['trace_id'] === traceId;
      await lineWith('log/hodei.log', (line) => isOfTrace(line) && line['path'] !== undefined);
      const [slow, access, ...others] = linesOf('log/hodei.log').filter(isOfTrace);
      expect(slow).toMatchObject({ level: 'warn', msg: 'slow operation', operation: 'job.batch' });
      expect(slow).toMatchObject({ principal: 'anonymous', ms: expect.any(Number) });
      expect(access).toMatchObject({ level: 'info', path: '/api/v1/jobs/batch', status: 200 });
      expect(others).toEqual([]);
    },
  );

  it('is in the body of an error as in its line of the log', async () => {
    const { status, traceId, answer } = await ask('POST', '/tenants', {
      ...{ name: 'acme', email: 'ops@acme.example' },
    });
    expect([status, answer['trace_id']]).toEqual([409, traceId]);
    const line = await lineWith('log/hodei.log', (each) => each['status'] === 409);
    expect(line).toMatchObject({ trace_id: traceId, operation: 'tenant.create', code: 'conflict' });
  });
});

/** As logrotate does it, by the script that it is given, on a machine where hodei is this server. */
function rotate(): void {
  renameSync(at('log/hodei.log'), at('log/hodei.log.1'));
  const [, script = ''] =
    /^ *postrotate\n(.*)^ *endscript$/ms.exec(readFileSync(snippet, 'utf8')) ?? [];
  writeFileSync(at('bin/systemctl'), `#!/bin/sh\necho ${server.child.pid}\n`);
  chmodSync(at('bin/systemctl'), 0o755);
  const { status, stderr } = spawnSync('sh', ['-ec', script], { env: home.env });
  expect([status, String(stderr)]).toEqual([0, '']);
}

describe('the log file', () => {
  it('is taken away by logrotate, and goes on in a new one', async () => {
    expect(statSync(at('log/hodei.log')).mode & 0o777).toBe(0o600);
    const before = linesOf('log/hodei.log').length;
    rotate();
    await server.hear(/The log goes on in the file that is now .*hodei\.log\./);
    const { traceId } = await ask('GET', '/tenants/acme');
    const line = await lineWith('log/hodei.log', (each) => each['path'] !== undefined);
    expect(line).toMatchObject({ trace_id: traceId, operation: 'tenant.get' });
    expect(linesOf('log/hodei.log.1').length).toBeGreaterThanOrEqual(before);
    expect(statSync(at('log/hodei.log')).mode & 0o777).toBe(0o600);
  });

  it('stays the old one when there can be no new one, which both say', async () => {
    renameSync(at('log/hodei.log'), at('log/hodei.log.2'));
    mkdirSync(at('log/hodei.log'));
    server.child.kill('SIGHUP');
    await server.hear(/The log stays in the file that it was in\. .*illegal operation/);
    const said = await lineWith('log/hodei.log.2', (line) => String(line['msg']).includes('stays'));
    expect(said).toMatchObject({ level: 'warn', msg: expect.stringContaining('cannot be opened') });
    const { traceId } = await ask('GET', '/tenants/acme');
    await lineWith('log/hodei.log.2', (line) => line['trace_id'] === traceId);
  });

  it('has no field that is not told in the documentation', () => {
    const lines = ['log/hodei.log.1', 'log/hodei.log.2'].flatMap(linesOf);
    const fields = new Set(lines.flatMap((line) => Object.keys(line)));
    expect([...fields].filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
    expect(fields.size).toBeGreaterThan(8);
  });

  it('is all of the log, and nothing else is said', async () => {
    server.child.kill('SIGTERM');
    const { code, out, err } = await server.ended;
    expect([code, out]).toEqual([0, '']);
    expect(
      err
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, 13)),
    ).toEqual([...['listening on ', 'The log goes ', 'The log stays']]);
  });

  it('that cannot be opened is why a server does not start, and makes no database', async () => {
    writeFileSync(at('config.yaml'), 'observability: {logging: {file: none/hodei.log}}\n');
    const words = ['serve', '--port', '0', '--config', at('config.yaml'), '--db', at('new.db')];
    const { code, err } = await startHodei(home, home.env, words).ended;
    expect([code, err]).toEqual([
      2,
      `hodei: The log file ${at('none/hodei.log')} cannot be opened: no such file or directory.\n` +
        '       It is observability.logging.file, seen from the folder of the config file.\n',
    ]);
    expect(existsSync(at('new.db'))).toBe(false);
  });
});
