import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const door = join(import.meta.dirname, '../../bin/hodei.js');

let home: CliHome;
beforeAll(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 4');
});
afterAll(() => home.remove());

/** Every command that reads a file, and what it is about. */
const readers = [
  ['the config file', ['config', 'show', '--config']],
  ['rules to set', ['policy', 'set', '-f']],
  ['rules to test', ['policy', 'test', '--tenant', 'acme', '--gpu', '1', '-f']],
  ['jobs to adopt', ['job', 'adopt', '-f']],
] as const;

const laughs = Array.from({ length: 9 }, (_, level) => {
  const below = level === 0 ? 'lol' : `*l${level - 1}`;
  return `l${level}: &l${level} [${Array(9).fill(below).join()}]\n`;
}).join('');
const blocks = Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');
const keys = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}": 1`).join(',\n');
const job = '"tenant": "acme", "cpu_m"';

const bombs: readonly [string, string | Buffer][] = [
  ['a billion laughs', laughs],
  ['an alias to itself', 'rules: &a [*a, {b: *a}]'],
  ['merge keys', 'a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nrules: {<<: [*b, *b]}'],
  ['5,000 lists', '['.repeat(5000)],
  ['5,000 closed lists', '['.repeat(5000) + ']'.repeat(5000)],
  ['5,000 maps', '{a: '.repeat(5000)],
  ['5,000 JSON objects', '{"a":'.repeat(5000)],
  ['5,000 lists in a block', '- '.repeat(5000)],
  ['5,000 explicit keys', '? '.repeat(5000)],
  ['1,000 maps in a block', blocks],
  ['a list of 5,000 lists a line', `${'['.repeat(5000)}\n`.repeat(50)],
  ['100,000 keys', `{${keys(40_000)}}`.slice(0, 500 * KIB)],
  ['half a million commas', `[${','.repeat(500 * KIB)}`],
  ['half a million brackets', ']'.repeat(500 * KIB)],
  ['half a million quotes', '"'.repeat(500 * KIB + 1)],
  ['escaped quotes', `"${'\\"'.repeat(250 * KIB)}`],
  ['bad escapes', `a: "${'\\q'.repeat(150 * KIB)}"`],
  ['100,000 documents', '---\n'.repeat(100_000)],
  ['a code tag', 'rules: !!js/function "function () { return 1 }"'],
  ['a tag of a set', 'rules: !!set {a, b}'],
  ['a tag of one object', 'rules: !<tag:yaml.org,2002:js/regexp> /x/'],
  ['__proto__', '{"__proto__": {"polluted": 1}}'],
  ['__proto__ further in', '{"rules": [{"__proto__": {"polluted": 1}}], "tenant": "acme"}'],
  ['__proto__ in another spelling', '{"\\u005f_proto__": {"polluted": 1}}'],
  ['constructor', '{"constructor": {"prototype": {"polluted": 1}}}'],
  ['a key twice', `{${job}: 1, "rules": [], "rules": [], "cpu_m": 1}`],
  ['a key twice in two spellings', `{${job}: 1, "cpu\\u005fm": 2, "rules": [], "rul\\u0065s": []}`],
  ['an integer of 5,000 digits', `{${job}: ${'9'.repeat(5000)}}`],
  ['2^53+1', `{${job}: 9007199254740993}`],
  ['1e400', `{${job}: 1e400}`],
  ['no text', Buffer.from([0x7b, 0xff, 0xfe, 0x80, 0x7d])],
  ['nothing but NUL', '\0'.repeat(1000)],
  ['17 MiB of a list', `[${'1,'.repeat(8.5 * MIB)}1]`],
  ['17 MiB of depth', '['.repeat(17 * MIB)],
];

const hostile = /polluted|internal error|\n.*at .*\.ts|Maximum call stack/;

/** What may be said of a file that was read, and of which nothing was taken. */
function nothingFrom(out: string): string {
  return out.startsWith('Adopted') ? out.replace(/Adopted .* of/, 'Adopted 0 of') : '';
}

describe.each(readers)('of %s', (_, command) => {
  it.each(bombs)('%s is refused, and nothing comes of it', async (_what, text) => {
    const path = join(home.folder, 'bomb');
    writeFileSync(path, text);
    const { code, out, err } = await home.run([...command, path]);
    expect([code, out]).toEqual([2, nothingFrom(out)]);
    expect(err).not.toMatch(hostile);
    expect(err.length).toBeLessThan(10_000);

    expect(err).not.toMatch(/[\0-\x09\x0b-\x1f\x7f]/);
    expect({}).not.toHaveProperty('polluted');
  });

  it('no more is read than shows that it is too large, also where it says no size', async () => {
    const { code, err } = await home.run([...command, '/dev/zero']);
    expect([code, err]).toEqual([2, expect.stringContaining('/dev/zero is larger than ')]);
  });
});

it('none of it has changed anything', async () => {
  const { out } = await home.run('audit list -o name');
  expect(out.split('\n')).toHaveLength(2);
});

describe('with little memory', () => {
  const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--max-old-space-size=64' };
  const heavy = bombs.filter(([what]) => /laughs|maps|17 MiB|commas|keys|documents/.test(what));
  const fromInput = readers.filter(([, [noun]]) => noun !== 'config');

  it.each(fromInput)('%s from the standard input are refused too', (_, command) => {
    for (const [what, text] of heavy) {
      const argv = [door, ...command, '-', '--db', home.database];
      const options = { env: { ...env, HOME: home.folder }, timeout: 20_000 };
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
        ...options,
        input: text,
        encoding: 'utf8',
      });
      expect([what, status, stdout]).toEqual([what, 2, nothingFrom(stdout)]);
      expect(stderr).not.toMatch(hostile);
    }
  });
});
