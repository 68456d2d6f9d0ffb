import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeUnprintable, isPrintable } from '../../src/domain/text.ts';

describe('a text', () => {
  it.each(['', 'acme', 'Ana Ñúñez', '北京', '😀', 'a b\u00a0c', '<b>&"\'\\', '- = +', 'e\u0301'])(
    'is printable: %j',
    (text) => {
      expect(isPrintable(text)).toBe(true);
      expect(escapeUnprintable(text)).toBe(text);
    },
  );

  it.each([
    ['an escape sequence', '\u001b[31mred', '\\u{1b}[31mred'],
    ['a line feed', 'a\nb', 'a\\u{a}b'],
    ['a carriage return', 'a\rb', 'a\\u{d}b'],
    ['a tab', 'a\tb', 'a\\u{9}b'],
    ['a zero', 'a\0b', 'a\\u{0}b'],
    ['delete', 'a\u007fb', 'a\\u{7f}b'],
    ['a C1 control', 'a\u009bb', 'a\\u{9b}b'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a paragraph separator', 'a\u2029b', 'a\\u{2029}b'],
    ['an override of direction', 'a\u202eb', 'a\\u{202e}b'],
    ['an isolate of direction', 'a\u2066b', 'a\\u{2066}b'],
    ['a space of no width', 'a\u200bb', 'a\\u{200b}b'],
    ['a joiner of no width', 'a\u200db', 'a\\u{200d}b'],
    ['a byte order mark', '\ufeffa', '\\u{feff}a'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
    ['an invisible tag beyond 16 bits', 'a\u{e0041}b', 'a\\u{e0041}b'],
  ])('is not printable with %s, and shows it when escaped', (_, text, escaped) => {
    expect(isPrintable(text)).toBe(false);
    expect(escapeUnprintable(text)).toBe(escaped);
  });

  it('is printable once it is escaped, and escaped only where it has to be', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeUnprintable(text);
        expect(isPrintable(escaped)).toBe(true);
        expect(escaped === text).toBe(isPrintable(text));
        expect(escapeUnprintable(escaped)).toBe(escaped);
      }),
    );
  });
});
