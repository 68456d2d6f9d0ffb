import type { Command } from 'commander';
import { Option } from 'commander';
import {
  burstEndings,
  MAX_BURST_MINUTES,
  MAX_PERCENTAGE,
  type BurstEnding,
} from '../domain/burst.ts';
import { parseDuration } from '../domain/duration.ts';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { parseAmount, parseBaseLimitChange, type NamedUnit } from '../domain/quantity.ts';
import { builtInOf, resourceOfLimitField, resourceOfWord, spokenName } from '../domain/resource.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { startFrom } from './instant.ts';
import { collect } from './verb.ts';

export interface BurstFlags {
  readonly to?: number;
  readonly add?: readonly string[];
  readonly for?: number;
  readonly resource?: readonly string[];
  readonly pool?: string;
  readonly at?: string;
  readonly onEnd?: BurstEnding;
}

export function withBurstFlags(command: Command): Command {
  return command
    .optionsGroup('What it lifts:')
    .option('--to <percent>', 'to so many per cent of the limits: 140%', parsePercentage)
    .option('--add <resource=n>', 'or by amounts: gpu=4,cpu=2,memory=4Gi', collect)
    .option('--resource <names>', 'with --to: only these, such as cpu,memory', collect)
    .option('--pool <pool>', 'the limits in this pool, in place of those everywhere')
    .optionsGroup('When:')
    .option('--for <time>', 'so long: 2h, 30m; else as configured', parseLength)
    .option('--at <time>', 'from then on: 18:00, 2026-12-01T08:00Z, or 2h from now')
    .addOption(
      new Option('--on-end <what>', 'jobs that do not fit at its end: keep them, or evict').choices(
        burstEndings,
      ),
    );
}

/** @throws invalid for what is longer than anything is lent. */
function parseLength(text: string): number {
  const seconds = parseDuration(text);
  if (seconds <= MAX_BURST_MINUTES * 60) return seconds;
  throw invalid(
    `Nothing is lent for more than ${MAX_BURST_MINUTES / 1440} d: "${escapeUnprintable(text)}"`,
    'What is needed for longer is a quota: hodei quota set',
  );
}

/** What is sent of the flags. @throws invalid, with what to do, before anything is. */
export function burstOf(flags: BurstFlags, now: number) {
  const { to, add, for: seconds, resource, pool, at, onEnd } = flags;
  if (to === undefined && add === undefined) {
    throw invalid('How much more?', 'To per cent of its limits, --to 140%, or by --add gpu=4');
  }
  if (to !== undefined && add !== undefined) {
    throw invalid('A session lifts limits to a percentage or by amounts.', 'Say --to or --add.');
  }
  if (add !== undefined && resource !== undefined) {
    throw invalid('--add names its resources itself.', 'Leave --resource out.');
  }
  return {
    ...(to !== undefined && { percentage: to }),
    ...(add !== undefined && { add: parseAdditions(add) }),
    ...(resource !== undefined && { resources: parseResources(resource) }),
    ...(seconds !== undefined && { duration_seconds: seconds }),
    ...(pool !== undefined && { pool }),
    ...(at !== undefined && { starts_at: startFrom(at, now) }),
    ...(onEnd !== undefined && { on_end: onEnd }),
  };
}

/** `140%` and `140`; what somebody may have meant by 1.4, 40% and 100% is said. */
export function parsePercentage(text: string, before?: number): number {
  if (before !== undefined) throw invalid('--to is there twice.', 'Say it once: --to 140%.');
  const [, number = ''] = /^(\d{1,9}(?:\.\d{1,9})?)\s?%?$/.exec(text) ?? [];
  if (number === '') {
    throw invalid(`"${short(text)}" is no per cent.`, 'Such as --to 140%: two fifths more.');
  }
  const percentage = Number(number);
  if (percentage === 100) {
    throw invalid('100 % of a limit is what there is already.', 'Such as --to 140%.');
  }
  if (percentage < 100) throw tooLittle(text, percentage);
  if (!Number.isInteger(percentage)) {
    const [below, above] = [Math.floor(percentage), Math.ceil(percentage)];
    throw invalid(
      `${text} is no whole number of per cent.`,
      below === 100 ? 'Say 101%.' : `Say ${below}% or ${above}%.`,
    );
  }
  if (percentage <= MAX_PERCENTAGE) return percentage;
  throw invalid(`${text} is more than anybody is lent.`, `The most is ${MAX_PERCENTAGE}%.`);
}

function tooLittle(text: string, percentage: number): HodeiError {
  const meant = Math.round(percentage * 100);
  if (!text.includes('%') && percentage > 1 && percentage <= 10) {
    return invalid(`${text} is a factor, and --to takes per cent.`, `Say --to ${meant}%.`);
  }
  return invalid(
    `${text} would be less than the limit, and a session takes nothing away.`,
    percentage >= 1 && Number.isInteger(percentage)
      ? `For ${percentage} % more than there is: --to ${100 + percentage}%`
      : 'Such as --to 140%.',
  );
}

/** `gpu=4,cpu=2,memory=4Gi`: by name of resource in base units, by what people call it as they say it. */
function parseAdditions(texts: readonly string[]): Record<string, number> {
  const additions = new Map<string, number>();
  for (const part of texts.flatMap((text) => text.split(','))) {
    const cut = part.indexOf('=');
    if (cut < 1) {
      throw invalid(
        `--add takes a resource and an amount: "${short(part)}"`,
        'Such as --add gpu=4,cpu=2,memory=4Gi',
      );
    }
    const word = part.slice(0, cut).trim();
    const resource = nameOf(word);
    if (additions.has(resource)) throw invalid(`--add names ${short(word)} twice.`);
    additions.set(resource, amountOf(word, part.slice(cut + 1).trim()));
  }
  return Object.fromEntries(additions);
}

function amountOf(word: string, text: string): number {
  const resource: NamedUnit = builtInOf(nameOf(word)) ?? { name: word, unit: 'count' };
  if (/^[+-]|^unlimited$/.test(text)) throw noAmount(word, text);
  const amount = isSpoken(word) ? parseAmount(text, resource) : baseAmount(text, resource);
  if (amount > 0) return amount;
  throw noAmount(word, text);
}

function baseAmount(text: string, resource: NamedUnit): number {
  if (!/^\d+$/.test(text)) {
    const of = resource.unit === 'count' ? '' : ` of ${resource.unit}`;
    throw invalid(`"${short(text)}" is no whole number${of}.`, spokenHint(resource));
  }
  const change = parseBaseLimitChange(text, resource);
  return change.kind === 'set' ? (change.limit ?? 0) : change.delta;
}

function spokenHint({ name }: NamedUnit): string {
  const spoken = spokenName(name);
  return spoken === name
    ? 'Such as --add gpu=4'
    : `A quantity goes by the name that people use: --add ${spoken}=…`;
}

/** What people call a resource that has another name: `cpu`, and not `cpu_m`. */
function isSpoken(word: string): boolean {
  return resourceOfWord(word) !== word;
}

function noAmount(word: string, text: string): HodeiError {
  return invalid(
    `${short(word)}=${short(text)} adds nothing.`,
    `Say by how much, such as --add ${short(word)}=4`,
  );
}

function parseResources(texts: readonly string[]): string[] {
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim());
  if (words.some((word) => word === '')) {
    throw invalid('--resource has an empty name.', 'Such as --resource cpu,memory');
  }
  return [...new Set(words.map(nameOf))];
}

function nameOf(word: string): string {
  return resourceOfLimitField(resourceOfWord(word));
}

function short(text: string): string {
  return escapeUnprintable(text.slice(0, 40));
}
