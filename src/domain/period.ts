import { parseDuration } from './duration.ts';
import { invalid } from './errors.ts';

/** A range of time in whole hours: from one instant to before another. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** Which time somebody asks about: a month, the last so many days, or from and to. */
export interface PeriodAsk {
  readonly month?: string | undefined;
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export const calendarUnits = ['day', 'week', 'month'] as const;

export type CalendarUnit = (typeof calendarUnits)[number];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** Epoch milliseconds of the first Monday. */
const FIRST_MONDAY = 4 * DAY;
/** So many cells a report may have, that it can be read and answered. */
const MOST_CELLS = 1_000;
const LONGEST = 100 * 366 * DAY;

/** Of the years that an instant can be written in and that a calendar date does not shorten. */
const MONTH = /^([1-8]\d{3})-(0[1-9]|1[0-2])$/;

/** The time asked about; where nothing is said, the month of now. @throws invalid */
export function periodOf(ask: PeriodAsk, now: number): Period {
  const { month, last, from, to } = ask;
  const ways = [month, last, from ?? to].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw invalid('Ask for a month, for the last days, or from and to: one of them.');
  const period = month !== undefined ? monthNamed(month) : rangeOf(last, from, to, now);
  if (period.to <= period.from) throw invalid('That time ends before it begins.');
  if (period.to - period.from > LONGEST) throw invalid('That time is longer than a hundred years.');
  return period;
}

function rangeOf(
  last: string | undefined,
  from: string | undefined,
  to: string | undefined,
  now: number,
): Period {
  const end = Math.ceil(now / HOUR) * HOUR;
  if (last !== undefined) {
    return { from: Math.floor((end - parseDuration(last) * 1000) / HOUR) * HOUR, to: end };
  }
  if (from === undefined && to === undefined) return monthOf(now);
  if (from === undefined) throw invalid('From when? To has its from.');
  return { from: wholeHour(from), to: to === undefined ? end : wholeHour(to) };
}

function wholeHour(text: string): number {
  const time = Date.parse(text);
  if (time % HOUR === 0) return time;
  const near = new Date(Math.floor(time / HOUR) * HOUR).toISOString();
  throw invalid(`Use is summed up by whole hours (UTC): ${text} is none.`, `Say ${near}.`);
}

function monthNamed(text: string): Period {
  const [, year, month] = MONTH.exec(text) ?? [];
  if (year === undefined)
    throw invalid(`"${text.slice(0, 20)}" is no month.`, 'Write it as 2026-11.');
  return monthOf(Date.UTC(Number(year), Number(month) - 1));
}

/** The month of the calendar (UTC) in which a moment lies. */
export function monthOf(time: number): Period {
  return { from: beginOf('month', time), to: nextAfter('month', time) };
}

/** When the day, week (Monday) or month (UTC) began in which a moment lies. */
function beginOf(unit: CalendarUnit, time: number): number {
  if (unit === 'day') return Math.floor(time / DAY) * DAY;
  if (unit === 'week') return Math.floor((time - FIRST_MONDAY) / WEEK) * WEEK + FIRST_MONDAY;
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

function nextAfter(unit: CalendarUnit, time: number): number {
  if (unit === 'day') return beginOf(unit, time) + DAY;
  if (unit === 'week') return beginOf(unit, time) + WEEK;
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** Where the days, weeks or months of a time begin; the first may be cut. @throws invalid */
export function beginsIn({ from, to }: Period, unit: CalendarUnit): number[] {
  const begins: number[] = [];
  for (let time = from; time < to; time = nextAfter(unit, time)) {
    begins.push(time);
    if (begins.length > MOST_CELLS) {
      throw invalid(`That is more than ${MOST_CELLS} ${unit}s.`, 'Ask for a shorter time.');
    }
  }
  return begins;
}
