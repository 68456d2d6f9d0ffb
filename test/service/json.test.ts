import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/service/json.ts';

function refusal(text: string): string {
  try {
    parseJson(text);
  } catch (error) {
    expect(error).toMatchObject({ name: 'HodeiError', code: 'invalid' });
    return (error as Error).message;
  }
  throw new Error(`read, though it should not be: ${text.slice(0, 100)}`);
}

const twice = (key: string) => `"${key}" stands twice in the same object: say it once.`;
const tooLarge = (number: string) => `must be a whole number up to 2^53-1, not ${number}`;
const inexact = (number: string) => `must be a number that can be kept exactly, not ${number}`;

describe('a key that stands twice', () => {
  const many = Array.from({ length: 100 }, (_, i) => `"key-${i}": ${i}`).join();
  it.each([
    ['{"a": 1, "a": 1}', 'a'],
    ['{"a": 1, "b": {"c": [{}, {"d": 1, "d": 2}]}}', 'd'],
    ['{"a": 1, "\\u0061": 2}', 'a'],
    ['{"\\u0061": 1, "\\u0061": 2}', 'a'],
    ['{"say \\"a\\"": 1, "say \\u0022a\\u0022": 2}', 'say "a"'],
    ['{"\\\\": 1, "\\u005c": 2}', '\\'],
    ['{"a": {"b": 1}, "a": 2}', 'a'],
    ['{"a": ["x", "y"], "a": 2}', 'a'],
    ['{"": 1, "": 2}', ''],
    ['{"constructor": 1, "constructor": 2}', 'constructor'],
    ['[{"a": 1}, {"b": 1, "b": 2}]', 'b'],
    [`{${many}, "key-3": 1}`, 'key-3'],
    [`{${many}, "key-99": 1}`, 'key-99'],
    [`{"${'x'.repeat(99)}": 1, "${'x'.repeat(99)}": 2}`, `${'x'.repeat(40)}…`],
  ])('is refused by its name, also where it is written otherwise: %.60s', (text, key) => {
    expect(refusal(text)).toBe(twice(key));
  });

  it.each([
    '{"a": {"a": {"a": 1}}}',
    '[{"a": 1}, {"a": 2}]',
    '{"a": "a", "b": ["a", "b", "a"]}',
    '{"a": 1, "A": 2, "\\u00e1": 3, "a\\u0301": 4}',
    '{"a": "\\"a\\": 1, ", "b": "\\\\"}',
    `{${many}}`,
    '{"constructor": 1, "prototype": {"toString": 2}}',
  ])('is another matter in another object, or inside a text: %.60s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

describe('a number that would be rounded', () => {
  it.each([
    ['9007199254740992', tooLarge('9007199254740992')],
    ['9007199254740993', tooLarge('9007199254740993')],
    ['-9007199254740993', tooLarge('9007199254740993')],
    ['1e400', tooLarge('1e400')],
    ['-1E+400', tooLarge('1E+400')],
    ['1e16', tooLarge('1e16')],
    ['0.1e20', tooLarge('0.1e20')],
    ['9'.repeat(5000), tooLarge(`${'9'.repeat(40)}…`)],
    ['1e99999999999999999999', tooLarge('1e99999999999999999999')],
    ['1000.0000000000000001', inexact('1000.0000000000000001')],
    ['10000000000000000.1e-1', inexact('10000000000000000.1e-1')],
    ['9007199254740990.9', inexact('9007199254740990.9')],
    ['1e-400', inexact('1e-400')],
    ['0.00000000000000000001e-999', inexact('0.00000000000000000001e-999')],
  ])('is refused: %.40s', (number, message) => {
    for (const text of [number, `[1,${number}]`]) expect(refusal(text)).toBe(message);
    expect(refusal(`{"a": ${number}}`)).toBe(`a: ${message}`);
    expect(refusal(`{"a":[{"b":${number}}]}`)).toBe(`b: ${message}`);
  });

  it.each([
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', -Number.MAX_SAFE_INTEGER],
    ['1.0000000000000000000', 1],
    ['1.50e1', 15],
    ['0.5E1', 5],
    ['150e-1', 15],
    ['100e-2', 1],
    ['0.0e-999', 0],
    ['0e400', 0],
    ['2.5', 2.5],
    ['"9007199254740993"', '9007199254740993'],
    ['"1e400"', '1e400'],
  ])('while one that is exact is read: %s', (text, value) => {
    expect(parseJson(text)).toBe(value);
  });
});

describe('a text that is deep', () => {
  it.each([
    ['lists', '['.repeat(33) + ']'.repeat(33)],
    ['objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['64 KiB of brackets', '['.repeat(65_536)],
    ['16 MiB of brackets', '['.repeat(16 * 1024 * 1024)],
    ['16 MiB of keys', '{"a":'.repeat(3 * 1024 * 1024)],
  ])('is refused before anything is built of it: %s', (_, text) => {
    expect(refusal(text)).toBe('The JSON is more than 32 levels deep.');
  });

  it('may have 32 levels, and any number of brackets beside each other or in a text', () => {
    const deepest = '['.repeat(32) + ']'.repeat(32);
    expect(parseJson(deepest)).toEqual(JSON.parse(deepest));
    expect(parseJson(`[${'[],'.repeat(20_000)}"${'['.repeat(99)}"]`)).toHaveLength(20_001);
  });
});

describe('__proto__', () => {
  it.each(['{"__proto__": 1}', '{"a": [{"\\u005f_proto__": {"x": 1}}]}'])(
    'is refused: %s',
    (text) => {
      expect(refusal(text)).toBe('unknown field "__proto__"');
      expect({}).not.toHaveProperty('x');
    },
  );

  it('may stand in a text', () => {
    expect(parseJson('["__proto__", {"a": "__proto__"}]')).toEqual([
      '__proto__',
      { a: '__proto__' },
    ]);
  });
});

describe('what is no JSON', () => {
  it.each([
    ...['', '{', '{"a"', '{"a": 1, "a": 1', '"', '"\\', '{"\\', '{"\\q": 1}', '1e', '--1', '}]'],
    ...['{"a": 9007199254740993', '{"\\u00": 1, "\\u00": 2}', '\u0000', '{"a": 1}{"a": 1}'],
    `"${'\\"'.repeat(100_000)}`,
    '"'.repeat(100_001),
    '"\\'.repeat(100_000),
  ])('is said to be none, whatever else is wrong: %.40j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});

it('whatever is written is read as JSON.parse reads it, or refused', () => {
  const pieces = ['{', '}', '[', ']', '"', '\\', ',', ':', '"a"', '"\\u0061"', '1', '-', '.', 'e'];
  const piece = fc.constantFrom(...pieces, '9007199254740993', 'null', ' ', '\n', '\ud800', 'é');
  const text = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
    fc.json(),
  );
  fc.assert(
    fc.property(text, (written) => {
      let expected: unknown;
      try {
        expected = JSON.parse(written);
      } catch {
        expect(() => parseJson(written)).toThrow();
        return;
      }
      try {
        expect(parseJson(written)).toStrictEqual(expected);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid' });
      }
    }),
    { numRuns: 3_000 },
  );
});
