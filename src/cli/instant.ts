import type { Command } from 'commander';
import { invalid } from '../domain/errors.ts';

const INSTANT = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as typed, local unless it says a zone, as ISO 8601 in UTC. */
function toInstant(text: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const date = new Date(isDay ? `${text}T00:00` : text.replace(' ', 'T'));
  if (INSTANT.test(text) && !Number.isNaN(date.getTime())) return date.toISOString();
  throw invalid(`A time is expected, such as 2026-11-01 or 2026-11-01T09:00: "${text}"`);
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
