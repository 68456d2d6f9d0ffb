import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { effectIn, hostileTexts } from '../helpers/hostile.ts';
import { onFile } from '../helpers/store.ts';

/** What SQLite keeps as it is: half a character is none, and behind NUL it would not look. */
const texts = hostileTexts.filter((text) => !/[\p{Cs}\0]/u.test(text) && text.length < 1_000);
const TENANTS = 60;
/** Every one of them only in a campaign. */
const STRIDE = process.env['HODEI_FUZZ_RUNS'] === undefined ? 20 : 1;

let home: CliHome;

// Nothing of this comes in by a door: it is there as in a file that somebody else has written.
beforeAll(async () => {
  home = newCliHome();
  const names = Array.from({ length: TENANTS }, (_, i) => `t${i}`);
  const email = ['--email', 'ops@acme.example', '--cpu', '4', '--label', 'a=b'];
  for (const name of names) await home.run(['tenant', 'create', name, ...email]);
  for (const name of names) {
    await home.run(['job', 'admit', '--tenant', name, '--cpu', '1', '--id', 'a', '--reason', 'b']);
    await home.run(['job', 'admit', '--tenant', name, '--cpu', '9', '--id', 'b']);
  }
  await home.run('pool create gpu --gpu 2 --name x --provider y');
  await home.run('pool hold gpu --reason b');
  const rules = JSON.stringify({
    rules: [{ name: 'a', on: 'request', when: 'true', action: 'warn' }],
  });
  await home.run('policy set -f -', { host: () => ({ readText: async () => rules }) });
  onFile(home.database, poison);
});
afterAll(() => home.remove());

type Connection = Parameters<Parameters<typeof onFile>[1]>[0];

const keys: Readonly<Record<string, string>> = { tenant_label: 'tenant', event: 'sequence' };

/** Each text somewhere, and many of them everywhere that a text of a caller is kept. */
function poison(connection: Connection): void {
  const columns = [
    ...[
      ['tenant', 'email'],
      ['tenant_label', 'label_value'],
      ['event', 'principal'],
    ],
    ...[
      ['event', 'acting_as'],
      ['event', 'reason'],
      ['job', 'job_id'],
      ['pool', 'title'],
    ],
    ...[
      ['pool', 'provider'],
      ['pool', 'held_reason'],
      ['decision', 'principal'],
    ],
    ['decision', 'decided_by'],
  ];
  for (const [k, [table, column]] of columns.entries()) {
    const key = keys[table!] ?? 'id';
    const write = connection.prepare(`update "${table}" set "${column}" = ? where ${key} = ?`);
    const rows = connection.prepare(`select ${key} from "${table}"`).pluck().all();
    for (const [i, row] of rows.entries()) write.run(texts[(i * 7 + k * 61) % texts.length], row);
  }
  const label = connection.prepare('update job set labels = ? where id = ?');
  const jobs = connection.prepare('select id from job').pluck().all();
  for (const [i, id] of jobs.entries()) {
    const text = texts[i % texts.length]!;
    label.run(JSON.stringify({ [text]: text }), id);
  }
  const state = connection.prepare('update event set after_state = ? where sequence = ?');
  for (const [i, text] of texts.entries()) state.run(JSON.stringify({ email: text }), i + 1);
  const rule = { name: texts[9], on: 'request', when: 'true', action: 'warn', message: texts[20] };
  const document = JSON.stringify({ time_zone: 'UTC', rules: [rule] });
  connection.prepare('update policy_revision set document = ?').run(document);
}

const lists = [
  'tenant list --limit 500',
  'quota list --limit 500',
  'usage show --limit 500',
  'job list --state all --limit 500',
  'queue list',
  'pool list',
  'violation list --limit 500',
  'policy list',
  'audit list --limit 500',
];
const others = ['tenant get t0', 'tenant get t7', 'job get t3:a', 'pool get gpu', 'queue status'];
const more = ['quota history t0', 'explain t0', 'tenant update t1 --label x=y', 'pool resume gpu'];

/** The cells that a spreadsheet would run, which numbers are not. */
function formulasIn(csv: string): string[] {
  const cells = [...csv.matchAll(/(?<=^|,|\n)(?:"((?:[^"]|"")*)"|([^",\n]*))(?=,|\n|$)/g)];
  const texts = cells.map(([, quoted, plain]) => quoted ?? plain ?? '');
  return texts.filter((text) => /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20](?!\d+$)/.test(text));
}

describe('whatever stands in the database', () => {
  it.each([...lists, ...others, ...more])('nothing of it takes effect: %s', async (line) => {
    for (const format of ['table', 'csv', 'name', 'json', 'yaml']) {
      for (const isTerminal of [false, true]) {
        const { out, err, code } = await home.run(`${line} -o ${format}`, { isTerminal });
        expect([effectIn(out), effectIn(err)], format).toEqual([undefined, undefined]);
        expect(code, err).not.toBe(1);
        if (format === 'csv') expect(formulasIn(out)).toEqual([]);
      }
    }
  });

  it.each(lists)('a record is a line: %s', async (line) => {
    const document = JSON.parse((await home.run(`${line} -o json`)).out);
    const count = (document.items ?? document.rules).length as number;
    const linesOf = async (format: string) => {
      const { out } = await home.run(`${line} -o ${format}`);
      return out === '' ? 0 : out.split('\n').length;
    };
    expect([count, await linesOf('table'), await linesOf('name')]).toEqual([count, count, count]);
    expect(await linesOf('csv')).toBe(count + 1);
  });

  it.each(lists)('JSON and YAML say the same: %s', async (line) => {
    const json = await home.run(`${line} -o json`);
    const yaml = await home.run(`${line} -o yaml`);
    expect(parseYaml(yaml.out)).toEqual(JSON.parse(json.out));
  });
});

describe('whatever stands in a command line', () => {
  const lines: ((text: string) => string[])[] = [
    (text) => [text],
    (text) => ['tenant', text],
    (text) => ['tenant', 'get', text],
    (text) => ['tenant', 'get', 't0', text],
    (text) => ['tenant', 'list', `--${text}`],
    (text) => ['tenant', 'list', '-o', text],
    (text) => ['tenant', 'list', '--parent', text],
    (text) => ['tenant', 'update', 't2', '--label', `team=${text}`],
    (text) => ['tenant', 'update', 't2', '--label', `${text}=x`],
    (text) => ['tenant', 'suspend', 't2', '--reason', text],
    (text) => ['tenant', 'resume', 't2', '--as', text],
    (text) => ['quota', 'set', 't2', '--cpu', text],
    (text) => ['quota', 'set', 't2', '--set', `${text}=1`],
    (text) => ['job', 'release', text],
    (text) => ['job', 'admit', '--tenant', 't3', '--cpu', '1m', '--id', text],
    (text) => ['job', 'list', '--state', text],
    (text) => ['policy', 'set', '-f', text],
    (text) => ['tenant', 'list', '--config', text],
    (text) => ['explain', text],
    (text) => ['violation', 'list', '--since', text],
  ];

  it.each(lines.map((line) => [line('…').join(' '), line] as const))(
    'nothing of it takes effect: %s',
    async (_, line) => {
      for (const [i, text] of texts.entries()) {
        if (i % STRIDE !== lines.indexOf(line) % STRIDE) continue;
        for (const format of [[], ['--json']]) {
          const { out, err, code } = await home.run([...line(text), ...format]);
          expect([effectIn(out), effectIn(err)], err).toEqual([undefined, undefined]);
          expect(code, err).not.toBe(1);
        }
      }
    },
  );
});
