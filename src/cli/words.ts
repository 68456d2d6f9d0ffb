import { formatAmount, splitAmount, type NamedUnit } from '../domain/quantity.ts';
import { resourceOfLimitField, spokenName } from '../domain/resource.ts';

/** The resource that a field of the quota document speaks of, as amounts are said with it. */
export function resourceOf({ field, unit }: { field: string; unit: string }): NamedUnit {
  return { name: resourceOfLimitField(field), unit };
}

/** A limit as people read it. */
export function sayLimit(limit: number | null, field: string, unit: string): string {
  if (limit === null) return 'unlimited';
  return formatAmount(limit, resourceOf({ field, unit }));
}

/** What people call the resource of a field: `cpu`, `memory`, `gpu`, `jobs`. */
export function sayField(field: string): string {
  return spokenName(resourceOfLimitField(field));
}

/** `cpu 4 → 6 cores`: the unit once where both sides share it. */
export function sayChange(
  field: string,
  unit: string,
  before: number | null,
  after: number | null,
): string {
  const name = sayField(field);
  if (before === null || after === null) {
    return `${name} ${sayLimit(before, field, unit)} → ${sayLimit(after, field, unit)}`;
  }
  const resource = resourceOf({ field, unit });
  const new_ = splitAmount(after, resource);
  const old = splitAmount(before, resource, new_.unit);
  const isShared = isSameUnit(old.unit, new_.unit);
  const left = isShared ? old.number : formatAmount(before, resource);
  return `${name} ${left} → ${formatAmount(after, resource)}`;
}

/** `1 core` and `4 cores` are of one unit. */
export function isSameUnit(a: string, b: string): boolean {
  const singular = (unit: string) => unit.replace(/s$/, '');
  return singular(a) === singular(b);
}

/** `4 cores, 8 GiB, 0 GPU, 10 jobs`: limits in a sentence, each with its own word. */
export function sayAmount(amount: number | null, field: string, unit: string): string {
  const text = sayLimit(amount, field, unit);
  if (unit === 'millicores') return amount === null ? `${text} cores` : text;
  if (unit === 'MiB') return amount === null ? `${text} ${sayField(field)}` : text;
  if (field === 'gpu') return `${text} GPU`;
  if (field === 'max_concurrent_jobs') return `${text} ${amount === 1 ? 'job' : 'jobs'}`;
  return unit === 'count' || amount === null ? `${text} ${field}` : text;
}

/** `a`, `a and b`, `a, b and c`. */
export function sayList(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** 1 tenant, 2 tenants. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** An ISO time as a person reads it: local, to the minute. */
export function sayTime(instant: string): string {
  const date = new Date(instant);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A time of today without the day. */
export function sayMoment(instant: string, now: number): string {
  const [day = '', time = ''] = sayTime(instant).split(' ');
  return sayTime(new Date(now).toISOString()).startsWith(day) ? time : `${day} ${time}`;
}

/** How long something took: `38 ms`, `6.4 s`. */
export function sayDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.ceil(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
