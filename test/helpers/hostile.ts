/** Characters that reorder, hide or do something: one each of every kind that Unicode has. */
const controls = [...range(0x00, 0x1f), ...range(0x7f, 0x9f)];
const invisibles = [
  ...[0xad, 0x34f, 0x61c, 0x180e, 0xfeff, 0xfff9, 0xfffb, 0x115f, 0x3164, 0xffa0, 0xfe0f],
  ...[...range(0x200b, 0x200f), ...range(0x2028, 0x202e), ...range(0x2060, 0x2069)],
  ...[0xe0001, 0xe0020, 0xe007f, 0x1d173, 0x110bd, 0xfffe, 0xffff],
];

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const ESC = '\u001b';
const CSI = '\u009b';
const BEL = '\u0007';

const terminal = [
  ...[`${ESC}[2J`, `${ESC}[31mred`, `${ESC}[1A${ESC}[2K`, `${ESC}[?1049h`, `${ESC}[6n`, `${ESC}c`],
  ...[`${ESC}]52;c;aGFjaw==${BEL}`, `${ESC}]52;c;aGFjaw==${ESC}\\`, `${ESC}]0;title${BEL}`],
  ...[`${ESC}]8;;http://evil.test${BEL}click${ESC}]8;;${BEL}`, `${ESC}P+q544e${ESC}\\`],
  ...[`${CSI}2J`, `${CSI}31m`, `\u009d52;c;aGFjaw==\u009c`, `\u0090+q544e\u009c`, `${ESC}[200~rm`],
];

const lines = [
  ...['a\nb', 'a\r\nb', 'a\rb', '\n', '\r\n', 'a\n\n\nb', 'a\u2028b', 'a\u2029b', 'a\u0085b'],
  ...['acme\n{"level":"info","status":200}', 'x\r\nSet-Cookie: a=b', 'x\r\n\r\n<html>'],
  ...['","level":"fatal","x":"', '"}\n{"level":"error"}', '\\"}\\n{', '\\', '\\u0000', '\\x1b[2J'],
  ...['a\tb', '\t', 'a\u000bb', 'a\u000cb', 'a\u0000b', '\u0000'],
];

const surrogates = ['\ud800', '\udfff', 'a\ud83d', '\ude00b', '\udc00\ud800', '\ud800\ud800'];

const formulas = ['=', '+', '-', '@', '\t', '\r', '\uff1d', '\uff0b', '\uff0d', '\uff20'].flatMap(
  (start) => [
    ...[start, `${start}1`, `${start}cmd|' /C calc'!A0`, `${start}HYPERLINK("http://evil.test")`],
    ...[
      `${start}"a","b"`,
      ` ${start}1+1`,
      `'${start}1`,
      `"${start}1"`,
      `a,${start}1`,
      `;${start}1`,
    ],
  ],
);

const markup = [
  ...['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>"],
  ...['</script><script>', '<!--', ']]>', '<?xml?>', '&lt;b&gt;', '&#x1b;', 'javascript:alert(1)'],
  ...['{{7*7}}', '${7*7}', '#{7*7}', '<%= 7*7 %>', '[a](javascript:1)', '`id`', '$(id)', '${HOME}'],
];

const sql = [
  ...["' or '1'='1", "'; drop table tenant; --", '" or ""="', "') or 1=1 --", "a\u0000' or 1=1 --"],
  ...['1; attach database', '%', '_', '%_%', "''", '?1', ':name', '$1', '*', 'null', 'NULL'],
];

const formats = [
  ...['%s%s%s%n', '%x%x%x', '%d', '{0}', '{__proto__}', '%00', '%0a', '%1b[2J', '%%', '%c', '%o'],
  ...['../../../etc/passwd', '..\\..', '/', '.', '..', 'a/../b', 'con', 'file:///etc/passwd', '~'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'undefined', 'NaN'],
  ...['-1', '1e400', '9007199254740993', '0x10', 'true', '-', '--', '--yes', '-o', '@file', ''],
];

const shapes = [
  ...[' ', '  a  ', 'A'.repeat(64), 'a'.repeat(300), 'a'.repeat(10_000), 'é'.repeat(5_000)],
  ...[`Z${'\u0351'.repeat(500)}`, 'e\u0301', '\u0301', 'ﷺ'.repeat(100), '👩‍👩‍👧‍👦', '🏴'.repeat(9)],
  ...['Ａcme', 'аcme', 'acme\u0430', 'ß', 'İ', 'ı', 'K', '١٢٣', '1２3', 'مرحبا', 'שלום', '日本語'],
  ...[
    'tenant-',
    'tenant-aaaaaaaa',
    'job-1',
    'acme:build',
    'acme:',
    ':',
    '::',
    'a:b:c',
    'a=b',
    '=b',
  ],
];

/** More than 500 texts that are known to take effect where they are shown, logged or opened. */
export const hostileTexts: readonly string[] = [
  ...new Set([
    ...[...controls, ...invisibles].flatMap((code) => {
      const character = String.fromCodePoint(code);
      return [character, `a${character}b`, `${character}acme`, `acme${character}`];
    }),
    ...[terminal, lines, surrogates, formulas, markup, sql, formats, shapes].flat(),
  ]),
];

const TAKES_EFFECT = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Cf}]/u;

/** The first character of it that would do something at a terminal. */
export function effectIn(text: string): string | undefined {
  const [character] = TAKES_EFFECT.exec(text) ?? [];
  return character && `U+${character.codePointAt(0)?.toString(16)}`;
}
