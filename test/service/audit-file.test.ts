import { beforeAll, describe, expect, it } from 'vitest';
import { exportAudit } from '../../src/service/audit.ts';
import { auditFileWriter, isFault, readAuditFile } from '../../src/service/audit-file.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

/** What it is, seven events, and the end. */
let lines: readonly string[];

beforeAll(async () => {
  const hodei = await testService();
  await makeTenant(hodei.call, 'acme');
  const asked = hodei.as({ reason: 'a "quoted" reason, zoë' });
  for (const gpu of [1, 2, 3, 4, 5]) await asked(setQuota, { tenant: 'acme', gpu });
  const { from, items, head } = await hodei.call(exportAudit, {});
  const writer = auditFileWriter(from, { place: '/var/hodei.db', exportedAt: 0 });
  lines = [writer.start(), ...items.map(writer.event), writer.end(head)];
  await hodei.close();
});

async function* each(these: Iterable<string>): AsyncGenerator<string> {
  yield* these;
}

function read(these: Iterable<string>) {
  return readAuditFile(each(these), 'audit.ndjson');
}

/** The lines with one of them, counted from 1, changed. */
function changed(number: number, change: (line: string) => string): string[] {
  return lines.map((line, i) => (i === number - 1 ? change(line) : line));
}

function replaced(number: number, from: string | RegExp, to: string): string[] {
  return changed(number, (line) => {
    expect(line).toMatch(from);
    return line.replace(from, to);
  });
}

describe('an exported audit', () => {
  it('is whole as it was written', async () => {
    expect(await read(lines)).toMatchObject({
      events: 7,
      last: { sequence: 7 },
      place: '/var/hodei.db',
    });
  });

  it('shows wherever it was cut off', async () => {
    for (let kept = 1; kept < lines.length; kept++) {
      const problem = 'the file was cut off: its last line is not there';
      expect(await read(lines.slice(0, kept))).toEqual({ line: kept, problem });
      const half = [...lines.slice(0, kept), lines[kept]?.slice(0, -9) ?? ''];
      const cut = 'it is not as hodei writes it, or was cut off';
      expect(await read(half)).toEqual({ line: kept + 1, problem: cut });
    }
  });

  const chain = (line: number, sequence: number, why: string) => ({
    ...{ line, problem: 'its chain is', broken: { sequence, why } },
  });
  it.each<[string, () => string[], object]>([
    ['an event changed', () => replaced(4, '"gpu":1', '"gpu":9'), chain(4, 3, 'changed')],
    ['a hash changed', () => replaced(4, /"hash":"./, '"hash":"x'), chain(4, 3, 'changed')],
    ['a time changed', () => replaced(4, '.000Z', '.001Z'), chain(4, 3, 'changed')],
    ['an event left out', () => lines.filter((_, i) => i !== 3), chain(4, 3, 'missing')],
    [
      'an event twice',
      () => lines.flatMap((line, i) => (i === 3 ? [line, line] : [line])),
      chain(5, 3, 'repeated'),
    ],
    [
      'another number of events',
      () => replaced(9, '"events":7', '"events":8'),
      { line: 9, problem: '8 events were exported, not 7' },
    ],
    [
      'another last event',
      () => replaced(9, '"sequence":7', '"sequence":6'),
      { line: 9, problem: 'the last event is not the one that was exported' },
    ],
    [
      'another name of the tenant, which is in no hash',
      () => replaced(4, '"tenant_name":"acme"', '"tenant_name":"beta"'),
      { line: 9, problem: 'a line before it was changed' },
    ],
    [
      'another place',
      () => replaced(1, '/var', '/tmp'),
      { line: 9, problem: 'a line before it was changed' },
    ],
    [
      'a key twice, of which a reader sees the first',
      () => replaced(4, '{"sequence":3', '{"sequence":2,"sequence":3'),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'spaces in it',
      () => replaced(4, '{"', '{ "'),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'a carriage return',
      () => changed(4, (line) => `${line}\r`),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'an empty line',
      () => changed(4, () => ''),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'a line of another kind',
      () => changed(4, () => '{"a":1}'),
      { line: 4, problem: 'it is no event' },
    ],
    [
      'a field missing',
      () => replaced(4, '"acting_as":null,', ''),
      { line: 4, problem: 'it is no event' },
    ],
    [
      'a field of another kind',
      () => replaced(4, '"acting_as":null', '"acting_as":[]'),
      { line: 4, problem: 'it is no event' },
    ],
    [
      'a field of hostile name',
      () => replaced(4, '"acting_as"', '"__proto__":{},"acting_as"'),
      { line: 4, problem: 'it is no event' },
    ],
    [
      'nothing but brackets',
      () => changed(4, () => '['.repeat(1_000_000)),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'deep brackets',
      () => changed(4, () => '['.repeat(100_000) + ']'.repeat(100_000)),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'deep brackets in an event',
      () => replaced(4, '"after":{', `"after":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`),
      { line: 4, problem: 'it is not as hodei writes it, or was cut off' },
    ],
    [
      'something behind its end',
      () => [...lines, '{}'],
      { line: 10, problem: 'nothing may stand behind the last line' },
    ],
  ])('shows %s', async (_name, made, fault) => {
    expect(await read(made())).toEqual(fault);
  });

  it.each<[string, () => string[], string]>([
    ['nothing', () => [], 'audit.ndjson is no exported audit.'],
    ['another text', () => ['hello'], 'audit.ndjson is no exported audit.'],
    ['other JSON', () => ['{}'], 'audit.ndjson is no exported audit.'],
    ['null', () => ['null'], 'audit.ndjson is no exported audit.'],
    ['events without a beginning', () => [...lines.slice(1)], 'audit.ndjson is no exported audit.'],
    [
      'a newer format',
      () => replaced(1, '"version":1', '"version":2'),
      'audit.ndjson was exported by a newer hodei.',
    ],
  ])('is not %s', async (_name, made, message) => {
    const refused = await refusal(read(made()));
    expect([refused.code, refused.message]).toEqual(['invalid', message]);
  });

  it('shows every character of it that is changed', async () => {
    const whole = lines.join('\n');
    for (let at = 0; at < whole.length; at += 7) {
      const other = whole[at] === 'x' ? 'y' : 'x';
      const text = whole.slice(0, at) + other + whole.slice(at + 1);
      const found = await read(text.split('\n')).catch(() => undefined);
      // The head of its time is compared with a database, and nothing in the file depends on it.
      const isHead = at > whole.indexOf('"head"');
      if (!isHead)
        expect(found === undefined || isFault(found), text.slice(at - 20, at + 20)).toBe(true);
    }
  });
});
