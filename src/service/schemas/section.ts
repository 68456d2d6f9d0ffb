import * as z from 'zod';

/** Keys and values, and no others than these. */
export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const wrongType = expected('keys with values');
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'invalid_type' ? wrongType : undefined),
  });
}

/** Every complaint in a section has this form; who shows it can add what was found instead. */
export function expected(what: string): string {
  return `expected ${what}`;
}

export function whole(
  least: number,
  most: number,
  what = `a whole number from ${least} to ${most}`,
) {
  const error = expected(what);
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** A part of something, above 0 and up to 1. */
export function part(isPart: (value: number) => boolean, what: string) {
  const error = expected(what);
  return z.number({ error }).gt(0, { error }).lte(1, { error }).refine(isPart, { error });
}

export function trueOrFalse() {
  return z.boolean({ error: expected('true or false') });
}

/** One of some words, and as `wordsOf` says them where it is none. */
export function oneOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, { error: expected(wordsOf(words)) });
}

/** `reject or queue` */
export function wordsOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** YAML has no good word for null, so that there one writes what it means. */
export function orNull<T extends z.ZodType>(word: 'unlimited' | 'none', value: T) {
  return z.preprocess((input) => (input === word ? null : input), value.nullable());
}
