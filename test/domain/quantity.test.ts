import { describe, expect, test } from 'vitest';
import {
  formatAmount,
  parseAmount,
  parseBaseLimitChange,
  parseLimitChange,
  parseQuantity,
  printQuantity,
  splitAmount,
} from '../../src/domain/quantity.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';
import {
  cpu,
  everyResource,
  gpu,
  license,
  MAX,
  memory,
  refusalOf,
  resourceOf,
} from '../helpers/quantity.ts';

describe('a quantity', () => {
  test.each([
    ['5', 5n, 1n, ''],
    ['5.', 5n, 1n, ''],
    ['.5', 1n, 2n, ''],
    ['+1.5', 3n, 2n, ''],
    ['-2', -2n, 1n, ''],
    ['-0', 0n, 1n, ''],
    ['007', 7n, 1n, ''],
    ['1n', 1n, 1_000_000_000n, 'n'],
    ['1u', 1n, 1_000_000n, 'u'],
    ['1m', 1n, 1000n, 'm'],
    ['1k', 1000n, 1n, 'k'],
    ['1M', 1_000_000n, 1n, 'M'],
    ['1G', 10n ** 9n, 1n, 'G'],
    ['1T', 10n ** 12n, 1n, 'T'],
    ['1P', 10n ** 15n, 1n, 'P'],
    ['1E', 10n ** 18n, 1n, 'E'],
    ['1Ki', 1024n, 1n, 'Ki'],
    ['1Mi', 1024n ** 2n, 1n, 'Mi'],
    ['1Gi', 1024n ** 3n, 1n, 'Gi'],
    ['1Ti', 1024n ** 4n, 1n, 'Ti'],
    ['1Pi', 1024n ** 5n, 1n, 'Pi'],
    ['1Ei', 1024n ** 6n, 1n, 'Ei'],
    ['1e3', 1000n, 1n, 'e3'],
    ['1E3', 1000n, 1n, 'E3'],
    ['1e+3', 1000n, 1n, 'e+3'],
    ['1e-3', 1n, 1000n, 'e-3'],
    ['1E-3', 1n, 1000n, 'E-3'],
    ['1.5e2', 150n, 1n, 'e2'],
    ['-1.5Gi', -3n * 512n * 1024n ** 2n, 1n, 'Gi'],
    ['0e999', 0n, 1n, 'e999'],
    ['1e400', 10n ** 400n, 1n, 'e400'],
    ['9'.repeat(64), 10n ** 64n - 1n, 1n, ''],
  ])('%s is read exactly', (text, numerator, denominator, suffix) => {
    const quantity = parseQuantity(text);
    expect(quantity.numerator * denominator).toBe(numerator * quantity.denominator);
    expect(quantity.denominator).toBeGreaterThan(0n);
    expect(quantity.suffix).toBe(suffix);
  });

  test.each([
    ...[
      '',
      ' ',
      '.',
      '+',
      '-',
      '+.',
      '-.',
      '4 Gi',
      ' 4',
      '4 ',
      '4\n',
      '４',
      '１２',
      '٤',
      '4\u00a0',
    ],
    ...['1e', 'e3', '1e+', '1e3.5', '1e1000', '1e999999999', '0e999999999', '1e-1000', '1ee3'],
    ...['--1', '+-1', '-+1', '++1', '1-', '1+1', '1Kii', '1ki', '1K', '1g', '1mi', '1B', '1GB'],
    ...['1Kik', '1GiB', '1i', 'Gi', 'NaN', 'Infinity', '-Infinity', '0x10', '0b1', '0o7', '1n2'],
    ...['1.2.3', '..5', '1..', '1_000', '1,5', '1,000', '½', '²', '−1', '12 apples'],
    ...[
      'unlimited',
      'null',
      'constructor',
      '__proto__',
      '4\0',
      '\0',
      '1\u200b',
      '1;ls',
      '9'.repeat(65),
    ],
  ])('%j is none', (text) => {
    const refusal = refusalOf(() => parseQuantity(text));
    expect(refusal.code).toBe('invalid');
    expect(refusal.message).toMatch(/ is no quantity: write a number such as 4, 1\.5 or 500m, or /);
  });

  test('that is refused is quoted, with what to write instead', () => {
    const wanted = 'a number such as 4, 1.5 or 500m, or one with a unit such as 8Gi';
    expect(refusalOf(() => parseQuantity('12 apples')).message).toBe(
      `"12 apples" is no quantity: write ${wanted}.`,
    );
  });

  test('that is refused is shown short and without control characters', () => {
    const hostile = ['\0\u001b[31m4', '4\u202e', '4\u009b', '\ud800', '😀'.repeat(30), '\u2028'];
    for (const text of [...hostile, 'x'.repeat(1000), '9'.repeat(100_000)]) {
      for (const parse of [parseAmount, parseLimitChange, parseBaseLimitChange]) {
        const { message, hint = '' } = refusalOf(() => parse(text, cpu));
        expect(message + hint).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect((message + hint).length).toBeLessThan(500);
      }
    }
  });

  test('of a megabyte or with a monstrous exponent is refused at once', () => {
    const megabyte = 1_000_000;
    const monsters = ['1', ' ', '-', '.', 'e', '1.', 'Gi'].map((part) => part.repeat(megabyte));
    const started = performance.now();
    for (const text of [...monsters, '1e999999999', '1e-999999999', `1e${'9'.repeat(megabyte)}`]) {
      for (const parse of [parseAmount, parseLimitChange, parseBaseLimitChange]) {
        expect(refusalOf(() => parse(text, memory)).code).toBe('invalid');
      }
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('an amount', () => {
  test.each([
    ['2', 2000],
    ['500m', 500],
    ['1.5', 1500],
    ['0.001', 1],
    ['1e3', 1_000_000],
    ['1e-3', 1],
    ['5.', 5000],
    ['.5', 500],
    ['+1.5', 1500],
    ['1000000n', 1],
    ['1000u', 1],
    ['2k', 2_000_000],
    ['1M', 10 ** 9],
    ['1G', 10 ** 12],
    ['1T', 10 ** 15],
    ['0.001P', 10 ** 15],
    ['0.000001E', 10 ** 15],
    ['1Ki', 1_024_000],
    ['0', 0],
    ['-0', 0],
    ['0E', 0],
    ['0e999', 0],
    ['9007199254740.991', MAX_AMOUNT],
    ['9007199254740991m', MAX_AMOUNT],
  ])('of cpu counts cores: %s is %i millicores', (text, amount) => {
    expect(parseAmount(text, cpu)).toBe(amount);
  });

  test.each([
    ['1Mi', 1],
    ['8Gi', 8192],
    ['1.5Gi', 1536],
    ['0.5Gi', 512],
    ['2048Ki', 2],
    ['1Ti', 1024 ** 2],
    ['1Pi', 1024 ** 3],
    ['1Ei', 1024 ** 4],
    ['0Mi', 0],
    ['0G', 0],
    ['1073741824000m', 1024],
    ['1048576000000u', 1],
    ['1048576000000000n', 1],
    ['1048.576k', 1],
    ['1.048576M', 1],
    ['1.073741824G', 1024],
    ['1.048576T', 1_000_000],
    ['1.048576P', 1_000_000_000],
    ['1.048576E', 1_000_000_000_000],
    ['9007199254740991Mi', MAX_AMOUNT],
  ])('of memory counts bytes: %s is %i MiB', (text, amount) => {
    expect(parseAmount(text, memory)).toBe(amount);
  });

  test.each([
    ['2', 2],
    ['+2', 2],
    ['2.0', 2],
    ['1e3', 1000],
    ['1k', 1000],
    ['100k', 100_000],
    ['1.5k', 1500],
    ['2000m', 2],
    ['1Ki', 1024],
    ['0', 0],
    ['0.0000000000000000001e19', 1],
    [MAX, MAX_AMOUNT],
    ['9007199254740.991k', MAX_AMOUNT],
  ])('of anything else counts: %s is %i', (text, amount) => {
    expect(parseAmount(text, gpu)).toBe(amount);
  });

  test('of zero is never negative zero', () => {
    expect(Object.is(parseAmount('-0', cpu), 0)).toBe(true);
    expect(Object.is(parseAmount('-0Gi', memory), 0)).toBe(true);
  });

  test.each([
    ['memory', '16G', '15258.79 MiB', '15258Mi, 15259Mi or 16Gi'],
    ['memory', '+16G', '15258.79 MiB', '15258Mi, 15259Mi or 16Gi'],
    ['memory', '1.5G', '1430.51 MiB', '1430Mi, 1431Mi or 1.5Gi'],
    ['memory', '1M', '0.95 MiB', '0Mi or 1Mi'],
    ['memory', '1.0M', '0.95 MiB', '0Mi or 1Mi'],
    ['memory', '1024k', '0.98 MiB', '0Mi or 1Mi'],
    ['memory', '1500k', '1.43 MiB', '1Mi or 2Mi'],
    ['memory', '1.001Gi', '1025.02 MiB', '1025Mi or 1026Mi'],
    ['memory', '512m', 'between 0 and 1 MiB', '0Mi, 1Mi or 512Mi'],
    ['memory', '1023.5Mi', '1023.5 MiB', '1023Mi or 1Gi'],
    ['memory', '15258.001Mi', 'between 15258 and 15259 MiB', '15258Mi or 15259Mi'],
    ['memory', '15258.999Mi', 'between 15258 and 15259 MiB', '15258Mi or 15259Mi'],
    ['cpu', '0.0005', '0.5 millicores', '0 or 1m'],
    ['cpu', '1.0005', '1000.5 millicores', '1 or 1001m'],
    ['cpu', '0.001001', 'between 1 and 2 millicores', '1m or 2m'],
    ['cpu', '1e-999', 'between 0 and 1 millicores', '0 or 1m'],
    ['cpu', '1.5u', 'between 0 and 1 millicores', '0 or 1m'],
    ['cpu', '6u', '0.01 millicores', '0 or 1m'],
    ['gpu', '1.5', 'not whole', '1 or 2'],
    ['gpu', '1.0005', 'not whole', '1 or 2'],
    ['gpu', '1500m', '1.5', '1 or 2'],
    ['gpu', '1e-3', 'between 0 and 1', '0 or 1'],
    ['license', '1.5', 'not whole', '1 or 2'],
    ['license', '2500m', '2.5 seats', '2 or 3'],
  ])('is never rounded: %s %s is refused with the nearest', (name, text, found, way) => {
    const { code, message } = refusalOf(() => parseAmount(text, resourceOf(name)));
    const counted = { cpu: 'millicores', memory: 'MiB', license: 'seats' }[name] ?? 'numbers';
    const why = `${text} is ${found}, and ${name} is counted in whole ${counted}.`;
    expect([code, message]).toEqual(['invalid', `${why} Say ${way}.`]);
  });

  test.each([
    ['8192', '8192 could be MiB or bytes. Say 8192Mi or 8Gi.'],
    ['+8192', '+8192 could be MiB or bytes. Say 8192Mi or 8Gi.'],
    ['10000', '10000 could be MiB or bytes. Say 10000Mi.'],
    ['8589934592', '8589934592 could be MiB or bytes. Say 8589934592Mi or 8Gi.'],
    ['9007199254740992', '9007199254740992 could be MiB or bytes. Say 8Pi.'],
    ['8e3', '8e3 could be MiB or bytes. Say 8000Mi.'],
    ['8', '8 could be MiB or GiB. Say 8Mi or 8Gi.'],
    ['1.5', '1.5 could be MiB or GiB. Say 1.5Gi.'],
    ['1e400', '1e400 could be MiB or bytes. A unit is written as in 512Mi or 8Gi.'],
    ['1e-999', '1e-999 could be MiB or GiB. A unit is written as in 512Mi or 8Gi.'],
  ])('of memory needs a unit: %s is refused with what it could be', (text, sentence) => {
    const refusal = refusalOf(() => parseAmount(text, memory));
    expect(refusal.code).toBe('invalid');
    expect(refusal.message).toBe(`memory needs a unit: ${sentence}`);
  });

  test('of no memory needs a unit too', () => {
    for (const text of ['0', '-0', '0e3', '0.0']) {
      const { message } = refusalOf(() => parseAmount(text, memory));
      expect(message).toBe('memory needs a unit, even 0. Say 0Mi.');
    }
  });

  test.each([
    ['gpu', '9007199254740992', MAX],
    ['gpu', `${MAX}.5`, MAX],
    ['gpu', '1e400', MAX],
    ['gpu', '10P', MAX],
    ['license', '10P', `${MAX} seats`],
    ['cpu', '9007199254740.992', `${MAX} millicores`],
    ['cpu', '9007199254740.9911', `${MAX} millicores`],
    ['cpu', '1E', `${MAX} millicores`],
    ['memory', '9007199254740992Mi', `${MAX} MiB`],
    ['memory', '8192Ei', `${MAX} MiB`],
  ])('has a maximum, which is named: %s %s is too much', (name, text, most) => {
    const { code, message } = refusalOf(() => parseAmount(text, resourceOf(name)));
    const sentence = `${text} is too much: ${name} goes up to ${most}.`;
    expect([code, message]).toEqual(['invalid', sentence]);
  });

  test('below zero is refused, however little', () => {
    const amounts = [cpu, gpu].flatMap((resource) =>
      ['-2', '-1e-9'].map((text) => ({ resource, text })),
    );
    for (const { resource, text } of [...amounts, { resource: memory, text: '-8Gi' }]) {
      const { code, message } = refusalOf(() => parseAmount(text, resource));
      expect([code, message]).toEqual(['invalid', `${text} is below zero, and no amount is.`]);
    }
  });

  test.each([
    ['8GB', 'Did you mean 8Gi?'],
    ['8gb', 'Did you mean 8Gi?'],
    ['8 GiB', 'Did you mean 8Gi?'],
    ['4 Gi', 'Did you mean 4Gi?'],
    ['1.5g', 'Did you mean 1.5Gi?'],
    ['512MB', 'Did you mean 512Mi?'],
    ['1ki', undefined],
    ['1.2.3G', undefined],
    ['99999999999EB', undefined],
    ['lots', undefined],
  ])('of memory in another spelling is met with the right one: %s', (text, hint) => {
    expect(refusalOf(() => parseAmount(text, memory)).hint).toBe(hint);
  });

  test('says what to write in the words of its dimension', () => {
    const wanted = everyResource.map((resource) => refusalOf(() => parseAmount('x', resource)));
    expect(wanted.map(({ message }) => message)).toEqual([
      '"x" is no quantity: write a number of cores such as 4, 1.5 or 500m.',
      '"x" is no quantity: write a number with a unit such as 512Mi or 8Gi.',
      '"x" is no quantity: write a whole number such as 2 or 100.',
      '"x" is no quantity: write a whole number such as 2 or 100.',
    ]);
  });
});

describe('a change of a limit', () => {
  test.each([
    ['cpu', 'unlimited', { kind: 'set', limit: null }],
    ['cpu', '6', { kind: 'set', limit: 6000 }],
    ['cpu', '0', { kind: 'set', limit: 0 }],
    ['cpu', '+4', { kind: 'add', delta: 4000 }],
    ['cpu', '-500m', { kind: 'add', delta: -500 }],
    ['cpu', '+.5', { kind: 'add', delta: 500 }],
    ['cpu', '-0', { kind: 'add', delta: 0 }],
    ['memory', '12Gi', { kind: 'set', limit: 12_288 }],
    ['memory', '+2Gi', { kind: 'add', delta: 2048 }],
    ['memory', '-1.5Gi', { kind: 'add', delta: -1536 }],
    ['gpu', '+2', { kind: 'add', delta: 2 }],
    ['gpu', '-1k', { kind: 'add', delta: -1000 }],
    ['license', `-${MAX}`, { kind: 'add', delta: -MAX_AMOUNT }],
  ])('%s is absolute, or relative with a sign: %s', (name, text, change) => {
    expect(parseLimitChange(text, resourceOf(name))).toStrictEqual(change);
  });

  test.each([
    '+-1',
    '--1',
    '++1',
    '-+1',
    '+',
    '-',
    '+ 1',
    '+unlimited',
    'Unlimited',
    'none',
    '',
    '+1e',
    '+NaN',
  ])('%j is none', (text) => {
    const { code, message } = refusalOf(() => parseLimitChange(text, cpu));
    expect(code).toBe('invalid');
    expect(message).toBe(
      `"${text}" is no quantity: write a number of cores such as 4, 1.5 or 500m, or unlimited.`,
    );
  });

  test.each([
    ['+16G', 'Say +15258Mi, +15259Mi or +16Gi.'],
    ['-16G', 'Say -15258Mi, -15259Mi or -16Gi.'],
    ['16G', 'Say 15258Mi, 15259Mi or 16Gi.'],
    ['+8192', 'Say +8192Mi or +8Gi.'],
    ['-8', 'Say -8Mi or -8Gi.'],
  ])('%s that is refused stays relative in what may be said instead', (text, way) => {
    const { message } = refusalOf(() => parseLimitChange(text, memory));
    expect(message.endsWith(` ${way}`)).toBe(true);
  });

  test('in another spelling stays relative in the right one', () => {
    expect(refusalOf(() => parseLimitChange('-8GB', memory)).hint).toBe('Did you mean -8Gi?');
  });
});

describe('a change of a limit in base units', () => {
  test.each([
    ['unlimited', { kind: 'set', limit: null }],
    ['1500', { kind: 'set', limit: 1500 }],
    ['0', { kind: 'set', limit: 0 }],
    ['007', { kind: 'set', limit: 7 }],
    ['+500', { kind: 'add', delta: 500 }],
    ['-500', { kind: 'add', delta: -500 }],
    ['-0', { kind: 'add', delta: 0 }],
    [MAX, { kind: 'set', limit: MAX_AMOUNT }],
  ])('%s is digits, signed digits or unlimited, for every resource alike', (text, change) => {
    for (const resource of everyResource) {
      expect(parseBaseLimitChange(text, resource)).toStrictEqual(change);
    }
  });

  test.each(['', ' 1', '1.5', '1.', '1e3', '1k', '500m', '8Gi', '--1', '+', '0x10', '１', '1\n'])(
    '%j is none',
    (text) => {
      for (const resource of everyResource) {
        const { code, message } = refusalOf(() => parseBaseLimitChange(text, resource));
        expect(code).toBe('invalid');
        expect(message).toContain('write digits such as 15, +5 or -5, or unlimited.');
      }
    },
  );

  test.each([
    ['cpu', '500m', '--cpu 500m'],
    ['cpu', '1.5', '--cpu 1.5'],
    ['cpu', '-1.5', '--cpu -1.5'],
    ['cpu', 'x', '--cpu 500m'],
    ['cpu', '--500m', '--cpu 500m'],
    ['cpu', '-+2', '--cpu 500m'],
    ['memory', '12Gi', '--memory 12Gi'],
    ['memory', '1.5', '--memory 8Gi'],
  ])('%s %s is refused with the flag that takes quantities', (name, text, flag) => {
    const { hint } = refusalOf(() => parseBaseLimitChange(text, resourceOf(name)));
    expect(hint).toBe(`A quantity has a flag of its own: ${flag}`);
  });

  test('of a resource without such a flag is refused without a hint', () => {
    expect(refusalOf(() => parseBaseLimitChange('1.5', gpu)).hint).toBeUndefined();
    expect(refusalOf(() => parseBaseLimitChange('1.5', license)).message).toBe(
      '"1.5" is no whole number of seats: write digits such as 15, +5 or -5, or unlimited.',
    );
  });

  test('has the same maximum', () => {
    const { message } = refusalOf(() => parseBaseLimitChange('+9007199254740992', cpu));
    expect(message).toBe(`9007199254740992 is too much: cpu goes up to ${MAX} millicores.`);
  });
});

describe('an amount for people', () => {
  test.each([
    ['cpu', 6000, '6 cores', '6'],
    ['cpu', 1000, '1 core', '1'],
    ['cpu', 500, '0.5 cores', '500m'],
    ['cpu', 1500, '1.5 cores', '1500m'],
    ['cpu', 1001, '1.001 cores', '1001m'],
    ['cpu', 1, '0.001 cores', '1m'],
    ['cpu', 10_000, '10 cores', '10'],
    ['cpu', 0, '0 cores', '0'],
    ['cpu', -1500, '-1.5 cores', '-1500m'],
    ['cpu', MAX_AMOUNT, '9007199254740.991 cores', `${MAX}m`],
    ['memory', 12_288, '12 GiB', '12Gi'],
    ['memory', 1536, '1.5 GiB', '1536Mi'],
    ['memory', 1280, '1.25 GiB', '1280Mi'],
    ['memory', 1152, '1152 MiB', '1152Mi'],
    ['memory', 100, '100 MiB', '100Mi'],
    ['memory', 512, '512 MiB', '512Mi'],
    ['memory', 12_289, '12289 MiB', '12289Mi'],
    ['memory', 2 * 1024 ** 2, '2 TiB', '2Ti'],
    ['memory', 1024 ** 3, '1 PiB', '1Pi'],
    ['memory', 1024 ** 4, '1024 PiB', '1Ei'],
    ['memory', 0, '0 MiB', '0Mi'],
    ['memory', -2048, '-2 GiB', '-2Gi'],
    ['memory', MAX_AMOUNT, `${MAX} MiB`, `${MAX}Mi`],
    ['gpu', 2, '2', '2'],
    ['gpu', 0, '0', '0'],
    ['gpu', MAX_AMOUNT, MAX, MAX],
    ['license', 3, '3 seats', '3'],
  ])('%s %d reads %s, and %s to type', (name, amount, words, typed) => {
    const resource = resourceOf(name);
    expect(formatAmount(amount, resource)).toBe(words);
    expect(printQuantity(amount, resource)).toBe(typed);
  });

  test.each([
    [512, 'GiB', { number: '0.5', unit: 'GiB' }],
    [2048, 'GiB', { number: '2', unit: 'GiB' }],
    [2 * 1024 ** 2, 'GiB', { number: '2048', unit: 'GiB' }],
    [2048, 'MiB', { number: '2048', unit: 'MiB' }],
    [0, 'TiB', { number: '0', unit: 'TiB' }],
    [100, 'GiB', { number: '100', unit: 'MiB' }],
    [2049, 'GiB', { number: '2049', unit: 'MiB' }],
    [2048, 'GB', { number: '2', unit: 'GiB' }],
    [2048, '', { number: '2', unit: 'GiB' }],
  ])('of memory, %d MiB, is said in %s where that is exact', (amount, unit, split) => {
    expect(splitAmount(amount, memory, unit)).toStrictEqual(split);
  });

  test('of cpu keeps the word of the limit beside it', () => {
    expect(splitAmount(500, cpu, 'core')).toStrictEqual({ number: '0.5', unit: 'core' });
    expect(splitAmount(1000, cpu, 'cores')).toStrictEqual({ number: '1', unit: 'cores' });
    expect(splitAmount(1000, cpu, 'GiB')).toStrictEqual({ number: '1', unit: 'core' });
  });

  test('that is counted has no unit, or its own', () => {
    expect(splitAmount(2, gpu, 'GiB')).toStrictEqual({ number: '2', unit: '' });
    expect(splitAmount(2, license)).toStrictEqual({ number: '2', unit: 'seats' });
  });
});
