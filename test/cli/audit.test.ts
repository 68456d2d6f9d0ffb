import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../src/cli/host.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { onFile } from '../helpers/store.ts';

let home: CliHome;
let file: string;

beforeEach(async () => {
  home = newCliHome();
  file = join(home.folder, 'audit.ndjson');
  await home.run('tenant create acme --email ops@acme.example');
  await home.run('quota set acme --gpu 2 --reason release');
});
afterEach(() => home.remove());

/** What ran has its own folder written as ~. */
async function exportAll(): Promise<string> {
  const { out } = await home.run('audit export');
  const text = `${out.replaceAll('~', home.folder)}\n`;
  writeFileSync(file, text);
  return text;
}

const HASH = /[0-9a-f]{64}/g;

async function verify(more: readonly string[] = [], isTerminal = false) {
  const { out, err, code } = await home.run(['audit', 'verify', ...more], { isTerminal });
  const shorter = (text: string) =>
    text.replace(HASH, '#').replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, 'T');
  return { out: shorter(out).split('\n'), err: shorter(err), code };
}

const onSource = (sql: string) => onFile(home.database, (db) => db.exec(sql));
const CHAIN = '3 events, from 1 to 3, are one unbroken chain. Head 3 #';
const FILE =
  '~/audit.ndjson: 3 events, from 1 to 3, are one unbroken chain, exported T from ~/data/hodei/hodei.db.';

describe('audit verify', () => {
  it('says how many events are in order, and the head', async () => {
    expect(await verify()).toEqual({ out: [CHAIN], err: '', code: 0 });
    const { out } = await home.run('audit verify -o name');
    expect(out).toMatch(/^3 [0-9a-f]{64}$/);
  });

  it('says where the chain is broken, and why', async () => {
    onSource(`update event set reason = 'other' where sequence = 3`);
    expect(await verify()).toEqual({
      out: [
        'The chain is broken at number 3: event 3 was changed after it was written. The 2 events before it are in order.',
      ],
      err: '',
      code: 9,
    });
    onSource(`delete from event where sequence = 1`);
    expect((await verify()).out).toEqual(['The chain is broken at number 1: there is no event 1.']);
  });

  it('says how far it has come to who waits at a terminal, and to nobody else', async () => {
    let passed = 0;
    const host = ({ time }: Host) => ({ time: { ...time, passed: () => (passed += 2_000) } });
    const seen = await home.run('audit verify', { isTerminal: true, host });
    expect(seen.err).toContain('3 of 3 events');
    expect((await home.run('audit verify', { host })).err).toBe('');
  });

  it('compares with an export', async () => {
    await exportAll();
    expect(await verify(['--file', file])).toEqual({
      out: [FILE, CHAIN, 'The database has every event of the export, unchanged.'],
      err: '',
      code: 0,
    });
    onSource('delete from event where sequence = 3');
    expect(await verify(['--file', file])).toEqual({
      out: [
        FILE,
        '2 events, from 1 to 2, are one unbroken chain. Head 2 #',
        'The export is whole, and events are gone from the database: it does not have 3 any more. Of the events up to 3 it still has those up to 2. A restore leaves that behind too: hodei audit list --operation db.restore',
      ],
      err: '',
      code: 9,
    });
  });

  it('says that it is the export that is not sound', async () => {
    const text = await exportAll();
    writeFileSync(file, text.replace('"gpu":2', '"gpu":3'));
    expect(await verify(['--file', file])).toEqual({
      out: [
        '~/audit.ndjson, line 4: event 3, or 2 before it, was changed. The export is not as it was written; the database was not looked at.',
      ],
      err: '',
      code: 9,
    });
    writeFileSync(file, text.split('\n').slice(0, 3).join('\n'));
    expect((await verify(['--file', file])).out).toEqual([
      '~/audit.ndjson, line 3: the file was cut off: its last line is not there. The export is not as it was written; the database was not looked at.',
    ]);
  });

  it('needs no database for an export alone, and says so where there is none', async () => {
    await exportAll();
    rmSync(home.database);
    expect(await verify(['--file', file, '--alone'])).toEqual({
      out: [
        FILE,
        'Nothing was compared: whether a database still has these events, this does not say.',
      ],
      err: '',
      code: 0,
    });
    const { err, code } = await verify(['--file', file]);
    expect(code).toBe(7);
    expect(err).toContain(FILE);
    expect(err).toContain('Without a database to compare with: --alone');
    expect((await verify(['--alone'])).code).toBe(2);
  });

  it.each([
    ['what is no text', Buffer.from([0xff, 0xfe, 0x0a]), 'line 1 is not text.'],
    ['a line without an end', Buffer.alloc(17 * 1024 * 1024, '['), 'line 1 is too long.'],
    ['what is no export', Buffer.from('{}\n'), 'is no exported audit.'],
  ])('refuses %s', async (_name, content, message) => {
    writeFileSync(file, content);
    const { err, code } = await verify(['--file', file]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('says where there is no such file', async () => {
    const { err, code } = await verify(['--file', '/nowhere/audit.ndjson']);
    expect([err.split('\n')[0], code]).toEqual([
      'hodei: /nowhere/audit.ndjson cannot be read: no such file or directory.',
      7,
    ]);
  });
});

describe('audit export', () => {
  it('writes nothing but the data to stdout, one JSON object a line', async () => {
    const { out, err, code } = await home.run('audit export');
    const [start, ...events] = out.split('\n').map((line) => JSON.parse(line) as object);
    expect(start).toMatchObject({ format: 'hodei-audit', version: 1, first_sequence: 1 });
    expect(events.pop()).toMatchObject({ end: 'hodei-audit', events: 3, last: { sequence: 3 } });
    expect(events).toHaveLength(3);
    expect(code).toBe(0);
    expect(err.replace(HASH, '#')).toBe('Exported 3 events, from 1 to 3. Head 3 #');
  });

  it('carries no character that takes effect on a terminal', async () => {
    onSource(`update event set reason = 'a' || char(155, 8238, 7) || 'b' where sequence = 3`);
    const { out } = await home.run('audit export');
    expect(out).toContain(String.raw`a\u009b\u202e\u0007b`);
  });

  it('exports a broken chain as evidence, and says so', async () => {
    onSource(`update event set principal = 'zoe' where sequence = 2`);
    const { out, err, code } = await home.run('audit export');
    expect([out.split('\n').length, code]).toEqual([5, 9]);
    expect(err).toContain('the chain is broken at number 2: event 2 was changed');
  });

  it('is in no other format', async () => {
    const { err, code } = await home.run('audit export -o csv');
    expect([err, code]).toEqual([
      'hodei: An export is always JSON, one object a line, and never csv.',
      2,
    ]);
    expect((await home.run('audit export --json')).code).toBe(0);
  });
});

describe('audit list', () => {
  it('says each label that was changed, and of which job it speaks', async () => {
    await home.run('tenant update acme --label tier=gold --label cc=1');
    await home.run('tenant update acme --label tier=silver');
    await home.run('job admit --tenant acme --cpu 1 --id a');
    await home.run('job release acme:a');
    const { out } = await home.run('audit list --tenant acme --limit 4');
    const changes = out.split('\n').map((line) => line.split('\t')[5]);
    expect(changes).toEqual([
      expect.stringMatching(/^job-\w+ released$/),
      'a: 1 core in default',
      'label tier gold → silver',
      'label cc - → 1, label tier - → gold',
    ]);
  });

  it('says whose limit is nearly reached, and how nearly', async () => {
    await home.run('pool create farm --cpu 3 --max-size 1');
    await home.run('job admit --tenant acme --pool farm --cpu 2.5 --memory 7Gi');
    const { out } = await home.run('audit list --operation quota.notice');
    const said = out.split('\n').map((line) => line.split('\t').slice(2, 6));
    expect(said).toEqual([
      ['hodei', 'quota.notice', 'pool farm', 'warning: cpu 2.5 of 3 cores (83 %)'],
      ['hodei', 'quota.notice', 'acme', 'warning: memory 7 of 8 GiB (87 %)'],
    ]);
  });

  it('suggests the change that was meant, and says that there is nothing by somebody', async () => {
    expect(await home.run('audit list --operation quota.sett')).toEqual({
      ...{ out: '', code: 2 },
      err: 'hodei: operation: no change is recorded as "quota.sett".\n       Did you mean quota.set?',
    });
    expect(await home.run('audit list --principal zed')).toEqual({
      ...{ out: '', code: 0, err: 'Nothing by zed is found.' },
    });
  });
});
