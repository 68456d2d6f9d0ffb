import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CONFIG_BYTES } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';

function refusal(text: string): string {
  try {
    loadConfig({ path: 'c.yaml', text, env: {} });
  } catch (error) {
    expect(error).toMatchObject({ name: 'HodeiError', code: 'invalid' });
    return (error as Error).message;
  }
  throw new Error(`loaded, though it should not: ${text.slice(0, 100)}`);
}

describe('what is not YAML is refused where it goes wrong', () => {
  it.each([
    ['server:\n\tport: 1', '2:1: this is not YAML: Tabs are not allowed as indentation'],
    ['server:\n  port: 1\n host: a', '3:1: this is not YAML: All mapping items must start at'],
    ['server:\n  host: "a\n', '3:1: this is not YAML: Missing closing "quote'],
    ['server:\n  allowed_hosts: [a\nsecurity: {}', '3:1: this is not YAML: Flow sequence in'],
    ['a: b: c', '1:4: this is not YAML: Nested mappings are not allowed'],
    ['server:\n  host: @x', '2:9: this is not YAML: Plain value cannot start with reserved'],
    ['? [a]\n: 1', '1:3: this is not YAML: With stringKeys, all keys must be strings'],
    ['%FOO\n---\n{}', '1:1: this is not YAML: Unknown directive'],
    ['a: 1\n---\nb: 2', '2:1: a second document begins here, expected one only'],
  ])('%j', (text, expected) => {
    expect(refusal(text).split('\n')[0]).toContain(`c.yaml:${expected}`);
  });
});

describe('parts of YAML that a config file does not need are refused', () => {
  it.each([
    [
      'server: &a {}\nsecurity: *a',
      'c.yaml:2:11: security: expected the value itself, found an alias',
    ],
    ['server: *a', 'c.yaml:1:9: server: expected the value itself, found an alias'],
    [
      'server: &a\n  cors: *a',
      'c.yaml:2:9: server.cors: expected the value itself, found an alias',
    ],
    ['server: !!map {}', 'c.yaml:1:15: server: expected the value alone, found a tag'],
    [
      'server: {port: !!int "1"}',
      'c.yaml:1:22: server.port: expected the value alone, found a tag',
    ],
    ['server: {host: !mine a}', 'c.yaml:1:22: server.host: expected the value alone, found a tag'],
    [
      'server:\n  host: !!js/function "function () {}"',
      'c.yaml:2:23: server.host: expected the value alone, found a tag',
    ],
    ['server:\n  port: 1\n  port: 1', 'c.yaml:3:3: server.port: this key stands in line 2 already'],
    ['server: {port: 1, "port": 2}', 'c.yaml:1:19: server.port: this key stands in line 1 already'],
  ])('%j', (text, expected) => {
    expect(refusal(text)).toBe(expected);
  });

  it('merge keys are keys like others', () => {
    const text = 'server: &a {port: 1}\nobservability:\n  <<: *a\n  <<: {port: 2}';
    expect(refusal(text).split('\n')).toEqual([
      'c.yaml:3:3: observability.<<: unknown key; known here: logging, webhooks',
      'c.yaml:3:7: observability.<<: expected the value itself, found an alias',
      'c.yaml:4:3: observability.<<: this key stands in line 3 already',
    ]);
  });

  it('an old version of YAML changes nothing', () => {
    expect(refusal('%YAML 1.1\n---\nsecurity: {allow_unauthenticated: yes}')).toContain(
      'c.yaml:3:35: security.allow_unauthenticated: expected true or false, found "yes"',
    );
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'the key %s is unknown wherever it stands',
    (key) => {
      for (const [text, place] of [
        [`${key}: {port: 1}`, '1:1'],
        [`server: {${key}: {port: 1}}`, '1:10'],
        [`resources: [{name: a, ${key}: 1}]`, '1:23'],
        [`multi_tenancy: {default_tenant_quota: {${key}: 1}}`, '1:40'],
        [`resource_pools: {pools: [{id: a, resources: {${key}: 1}}]}`, '1:46'],
      ] as const) {
        expect(refusal(text)).toMatch(
          new RegExp(`^c\\.yaml:${place}: .*${key}: (unknown key|no resource has the name)`),
        );
      }
      expect(Object.prototype).not.toHaveProperty('port');
    },
  );
});

describe('bombs are refused', () => {
  const MiB = MAX_CONFIG_BYTES;
  const laughs = Array.from({ length: 9 }, (_, level) => {
    const [name, below] = ['abcdefghi'[level], ' abcdefghi'[level]];
    return `${name}: &${name} [${Array(9)
      .fill(level === 0 ? 'lol' : `*${below}`)
      .join()}]\n`;
  });

  it.each([
    ['a billion laughs', laughs.join(''), 'expected the value itself, found an alias'],
    ['a cycle', 'server: &a [*a, {b: *a}]', 'expected the value itself, found an alias'],
    ['10 MB', 'x'.repeat(10 * MiB), 'c.yaml:1:1: larger than 1048576 bytes'],
    ['10 MB of comment', `#${' '.repeat(10 * MiB)}`, 'c.yaml:1:1: larger than'],
    ['many bytes in few characters', `# ${'€'.repeat(MiB / 2)}`, 'c.yaml:1:1: larger than'],
    ['5,000 lists in a line', '['.repeat(5000), 'c.yaml:1:32: more than 32 levels deep'],
    ['5,000 maps in a line', '{a: '.repeat(5000), 'more than 32 levels deep'],
    ['5,000 lists in a block', '- '.repeat(5000), 'more than 32 levels deep'],
    ['5,000 explicit keys', '? '.repeat(5000), 'more than 32 levels deep'],
    [
      '1,000 maps in a block',
      Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
      'more than 32 levels deep',
    ],
    ['100,000 keys', 'k: 1\n'.repeat(100_000), 'too much is written above here'],
    ['a million commas', `[${','.repeat(MiB - 2)}`, 'too much is written above here'],
    ['a million brackets', ']'.repeat(MiB), 'this is not YAML'],
    ['one long value', `server: {host: ${'x'.repeat(MiB - 100)}}`, 'longer than 16384 characters'],
    ['one long block', `a: |\n${' x\n'.repeat(MiB / 4)}`, 'longer than 16384 characters'],
    ['bad escapes', `a: "${'\\q'.repeat(MiB / 3)}"`, 'longer than 16384 characters'],
    ['many documents', '---\n'.repeat(MiB / 4), 'c.yaml:2:1: a second document begins here'],
  ])('%s', (_, text, expected) => {
    const message = refusal(text);
    expect(message).toContain(expected);
    expect(message.length).toBeLessThan(10_000);
  });

  it('while a long comment is not', () => {
    const text = `${`# ${'x'.repeat(500_000)}\n`.repeat(2)}server: {port: 1}`;
    expect(loadConfig({ path: 'c.yaml', text, env: {} }).server.port).toBe(1);
  });
});

describe('whatever is written', () => {
  const lines = /^c\.yaml:([1-9]\d*:[1-9]\d*: ([^\p{Cc}]+)| and \d+ more)$/u;
  const loadsOrIsRefused = (text: string) => {
    try {
      loadConfig({ path: 'c.yaml', text, env: { A: '1' } });
    } catch (error) {
      expect(error).toMatchObject({ name: 'HodeiError', code: 'invalid' });
      const { message } = error as Error;
      expect(message.split('\n').filter((line) => !lines.test(line))).toEqual([]);
    }
  };

  it('loads, or is refused with places: pieces of YAML', () => {
    const pieces = ['server', 'port', 'resources', 'name', 'a', '1', ': ', ':', '- ', '\n', '  '];
    const marks = [
      '\n  ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '"',
      "'",
      '|\n',
      '&a ',
      '*a',
      '!!x ',
      '#',
      '\t',
    ];
    const more = ['? ', '---\n', '...\n', '%', '${A}', '${', '<<', '~', '\r\n', '\u0000', '\u2028'];
    const piece = fc.constantFrom(...pieces, ...marks, ...more);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (text) => loadsOrIsRefused(text.join(''))),
      { numRuns: 1000 },
    );
  });

  it('loads, or is refused with places: any value where a section or a key should be', () => {
    const key = fc.constantFrom(
      ...['server', 'resources', 'multi_tenancy', 'resource_pools', 'pools', 'jobs'],
      ...['id', 'name', '__proto__', 'x'],
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), tie('section'), fc.array(tie('tree'))),
      section: fc.dictionary(key, tie('tree')),
    }));
    fc.assert(
      fc.property(tree, (value) => loadsOrIsRefused(JSON.stringify(value))),
      { numRuns: 300 },
    );
  });
});
