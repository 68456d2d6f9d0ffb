import * as z from 'zod';
import { labelKeyProblem, MAX_LABELS } from '../../domain/tenant.ts';
import { isPrintable } from '../../domain/text.ts';
import { lazy } from '../operation.ts';

/** Text that people write and read: nothing in it is invisible or takes effect on a terminal. */
export function freeText(maxLength: number): z.ZodString {
  return z
    .string()
    .max(maxLength)
    .refine(isPrintable, 'must not contain control or invisible characters');
}

/** A whole number that may arrive as text, since a query carries nothing else. */
export function queryInteger(min: number, max: number) {
  const wanted = `must be a whole number from ${min} to ${max}`;
  return z
    .union(
      [
        z.int(wanted),
        z
          .string()
          .regex(/^\d{1,15}$/, wanted)
          .transform(Number),
      ],
      wanted,
    )
    .refine((value) => value >= min && value <= max, wanted)
    .meta({ type: 'integer', minimum: min, maximum: max });
}

export function queryBoolean() {
  const wanted = 'must be true or false';
  return z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], wanted)
    .meta({ type: 'boolean' });
}

export const MAX_PAGE = 500;

/** What every list takes. */
export const pageInput = lazy(() => ({
  limit: queryInteger(1, MAX_PAGE).default(100).describe(`Rows on a page, 1 to ${MAX_PAGE}.`),
  cursor: z.string().min(1).max(2_000).optional().describe('Where the page before this one ended.'),
}));

/** What every list answers. */
export function pageOutput<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .describe('Pass it as cursor for the next page; null at the end.'),
  });
}

export function instant() {
  return z.iso.datetime({ precision: 3 });
}

/** Times that were written: those of one call and of its group are often the same. */
const written = new Map<number, string>();
const MOST_WRITTEN = 100;

/** Epoch milliseconds as ISO 8601 in UTC with milliseconds. */
export function toInstant(time: number): string {
  const known = written.get(time);
  if (known !== undefined) return known;
  if (written.size >= MOST_WRITTEN) written.clear();
  const text = new Date(time).toISOString();
  written.set(time, text);
  return text;
}

export const tenantReference = lazy(() =>
  z
    .string()
    .max(200)
    .superRefine((text, check) => {
      // A URL cannot carry these as a part of its path, so that nothing can be called so.
      if (!['', '.', '..'].includes(text)) return;
      check.addIssue({ code: 'custom', message: `must not be "${text}"` });
    })
    .describe("A tenant's id or name; to read, also the beginning of an id that is unique.")
    .meta({ minLength: 1, example: 'acme' }),
);

const MAX_LABEL_VALUE = 128;

/** Labels of something, such as `a tenant`. */
export function labelsInput(of: string) {
  return z
    .record(z.string(), freeText(MAX_LABEL_VALUE))
    .superRefine((record, check) => {
      const keys = Object.keys(record);
      if (keys.length > MAX_LABELS) {
        check.addIssue({ code: 'custom', message: `${of} has at most ${MAX_LABELS} labels` });
      }
      for (const key of keys) {
        const problem = labelKeyProblem(key);
        if (problem !== undefined) check.addIssue({ code: 'custom', message: problem });
      }
    })
    .describe('Keys and values to find it by.');
}

/** A time as somebody writes it: any ISO 8601 with its zone. */
export function someTime() {
  return z.iso.datetime({
    offset: true,
    error: 'must be a time such as 2026-11-01T09:00:00Z',
  });
}
