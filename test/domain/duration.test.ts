import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/domain/duration.ts';
import { HodeiError } from '../../src/domain/errors.ts';

function refusalOf(text: string): string {
  try {
    return String(parseDuration(text));
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return `${error.code}: ${error.message} ${error.hint ?? ''}`;
  }
}

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['10m', 600],
    ['2h', 7_200],
    ['1d', 86_400],
    ['1h30m', 5_400],
    ['1d2h3m4s', 93_784],
    ['90m', 5_400],
    ['1d5s', 86_405],
    ['0h1s', 1],
    ['365d', 31_536_000],
  ])('is read: %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it('needs a unit, and is told which there are', () => {
    expect(refusalOf('90')).toBe(
      'invalid: 90 of what? A duration needs its unit. Say 90s, 90m, 90h or 90d.',
    );
  });

  it('is at least a second', () => {
    expect(refusalOf('0s')).toBe('invalid: 0s is no time at all. The shortest is 1s.');
    expect(refusalOf('0d0h')).toContain('no time at all');
  });

  it.each(['', 'm', '-1m', '+1m', '1.5h', '1,5h', '10 m', ' 10m', '10min', '500ms', '1w', '1H'])(
    'is not %j, and the forms are shown',
    (text) => {
      expect(refusalOf(text)).toBe(
        `invalid: "${text}" is no duration. Write it as 90s, 10m, 2h, 1d or 1h30m.`,
      );
    },
  );

  it.each(['30m1h', '1h1h', '1s1m', '1h30', '1234567890s', '١٠m'])(
    'is not %j either: every unit once, the largest first',
    (text) => {
      expect(refusalOf(text)).toContain('is no duration');
    },
  );

  it('is refused without an effect on the terminal, and in short', () => {
    const refused = refusalOf(`\u001b[2J${'9'.repeat(100)}`);
    expect(refused).toContain('\\u{1b}[2J');
    expect(refused.length).toBeLessThan(150);
  });

  it('is said in its two largest units', () => {
    expect([0, 1, 59, 60, 188, 720, 3_600, 5_430, 86_400, 93_784].map(formatDuration)).toEqual([
      '0 s',
      '1 s',
      '59 s',
      '1 min',
      '3 min 8 s',
      '12 min',
      '1 h',
      '1 h 30 min',
      '1 d',
      '1 d 2 h',
    ]);
  });

  it('is never said to be longer than it is', () => {
    expect([-5, 0.9, 59.999].map(formatDuration)).toEqual(['0 s', '0 s', '59 s']);
    expect(formatDuration(86_400 + 59)).toBe('1 d');
  });

  it('is said so that it can be typed back, but for what is left out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31_536_000 }), (seconds) => {
        const typed = formatDuration(seconds).replaceAll(' ', '').replace('min', 'm');
        const back = parseDuration(typed);
        expect(back).toBeLessThanOrEqual(seconds);
        expect(seconds - back).toBeLessThan(seconds < 86_400 ? 60 : 3_600);
      }),
    );
  });
});
