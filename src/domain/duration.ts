import { invalid, type HodeiError } from './errors.ts';
import { escapeUnprintable } from './text.ts';

const SECONDS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const DURATION = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/**
 * Reads `90s`, `10m`, `2h`, `1d` or `1h30m` as seconds. A bare number is refused: what one program
 * takes for seconds is minutes to the next.
 */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  if (!match) throw noDuration(text);
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  const total =
    Number(days) * SECONDS.d +
    Number(hours) * SECONDS.h +
    Number(minutes) * SECONDS.m +
    Number(seconds);
  if (total > 0) return total;
  throw invalid(`${text} is no time at all.`, 'The shortest is 1s.');
}

function noDuration(text: string): HodeiError {
  if (/^\d{1,9}$/.test(text)) {
    return invalid(
      `${text} of what? A duration needs its unit.`,
      `Say ${text}s, ${text}m, ${text}h or ${text}d.`,
    );
  }
  return invalid(
    `"${escapeUnprintable(text.slice(0, 40))}" is no duration.`,
    'Write it as 90s, 10m, 2h, 1d or 1h30m.',
  );
}

/** As one types it: `parseDuration` of it is the duration again. */
export function printDuration(seconds: number): string {
  let left = seconds;
  const parts = Object.entries(SECONDS).map(([unit, length]) => {
    const number = Math.floor(left / length);
    left -= number * length;
    return number === 0 ? '' : `${number}${unit}`;
  });
  return parts.join('');
}

const words = [
  ['d', SECONDS.d],
  ['h', SECONDS.h],
  ['min', SECONDS.m],
  ['s', SECONDS.s],
] as const;

/** Says a duration to people, in its two largest units and never more than it is: `3 min 8 s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const first = words.findIndex(([, length]) => whole >= length);
  if (first === -1) return '0 s';
  let left = whole;
  const parts = words.slice(first, first + 2).map(([word, length]) => {
    const number = Math.floor(left / length);
    left -= number * length;
    return number === 0 ? '' : `${number} ${word}`;
  });
  return parts.filter((part) => part !== '').join(' ');
}
