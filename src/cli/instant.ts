import type { Command } from 'commander';
import { parseDuration } from '../domain/duration.ts';
import { invalid } from '../domain/errors.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { sayTime } from './words.ts';

const INSTANT = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as typed, local unless it says a zone; undefined where it is none. */
function dateOf(text: string): Date | undefined {
  if (!INSTANT.test(text)) return undefined;
  const day = text.slice(0, 10);
  const date = new Date(day === text ? `${text}T00:00` : text.replace(' ', 'T'));
  return isInCalendar(day) && !Number.isNaN(date.getTime()) ? date : undefined;
}

/** Date takes 30 February for 2 March. */
function isInCalendar(day: string): boolean {
  const date = new Date(`${day}T00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/** A time as typed, as ISO 8601 in UTC. */
export function toInstant(text: string): string {
  const date = dateOf(text);
  if (date !== undefined) return date.toISOString();
  throw invalid(`A time is expected, such as 2026-11-01 or 2026-11-01T09:00: "${text}"`);
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** The same where days are those of UTC, as costs are summed up. */
export function toInstantByUtc(text: string): string {
  return toInstant(DAY.test(text) ? `${text}T00:00Z` : text);
}

/** A time as costs have it: `2026-12-01`, or `2026-12-01 09:30 UTC` within a day. */
export function sayUtc(instant: string): string {
  const [day = '', time = ''] = instant.split('T');
  return time.startsWith('00:00') ? day : `${day} ${time.slice(0, 5)} UTC`;
}

export interface PeriodFlags {
  readonly since?: string;
  readonly until?: string;
}

/** The flags of a list of what happened. */
export function withPeriodFlags(command: Command): Command {
  return command
    .option('--since <time>', 'from this time on: 2026-11-01 or 2026-11-01T09:00', toInstant)
    .option('--until <time>', 'before this time', toInstant);
}

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;
const LAST = Date.parse('9999-12-31T00:00Z');

/**
 * When something shall end, as ISO 8601 in UTC: the next `18:00` of the clock on the wall, a time
 * with its day, or `2h` from now on.
 * @throws invalid for what is no time, and for one that has passed.
 */
export function endFrom(text: string, now: number): string {
  return timeToCome(text, now, 'Say when it ends: 18:00, 2026-11-24T08:00, or 2h from now.');
}

/** The same of when something shall begin. */
export function startFrom(text: string, now: number): string {
  return timeToCome(text, now, 'Say when it begins: 18:00, 2026-11-24T08:00Z, or 2h from now.');
}

function timeToCome(text: string, now: number, hint: string): string {
  const time = timeOf(text, now);
  if (time === undefined || time > LAST) {
    throw invalid(`"${escapeUnprintable(text.slice(0, 40))}" is no time to come.`, hint);
  }
  if (time > now) return new Date(time).toISOString();
  const present = sayTime(new Date(now).toISOString());
  throw invalid(`${text} is over: it is ${present} now.`, hint);
}

function timeOf(text: string, now: number): number | undefined {
  const [, hours, minutes] = CLOCK.exec(text) ?? [];
  if (hours !== undefined) return nextOnTheWall(Number(hours), Number(minutes), now);
  if (/^\d+[dhms]/.test(text)) return now + parseDuration(text) * 1000;
  return dateOf(text)?.getTime();
}

/** When the local clock says so next: today, or tomorrow. */
function nextOnTheWall(hours: number, minutes: number, now: number): number {
  const today = new Date(now);
  today.setHours(hours, minutes, 0, 0);
  const tomorrow = new Date(today);
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(hours, minutes, 0, 0);
  // In the night in which clocks are set back, some times come twice: Date means the first of them.
  const setBack = tomorrow.getTimezoneOffset() - today.getTimezoneOffset();
  const again = new Date(today.getTime() + setBack * 60_000);
  const isTwice = again.getHours() === hours && again.getMinutes() === minutes;
  const times = [today, ...(isTwice ? [again] : []), tomorrow].map((date) => date.getTime());
  return times.find((time) => time > now) ?? tomorrow.getTime();
}
