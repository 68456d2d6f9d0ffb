import type * as z from 'zod';
import { HodeiError } from '../domain/errors.ts';
import { nearest } from './nearest.ts';
import type { InputSchema, Operation } from './operation.ts';

/** So many problems and unknown fields are said; who sends more has other worries. */
const MOST_SAID = 5;
/** So much of a name that was sent is repeated. */
const MOST_REPEATED = 60;

/** The input of an operation as its schema reads it. @throws invalid with all that is wrong. */
export function parseInput<I extends InputSchema>(
  { input: schema }: Pick<Operation<I>, 'input'>,
  input: unknown,
): z.output<I> {
  // With what came, since otherwise a wrong value cannot be told from a missing one.
  const result = schema().safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const known = Object.keys(schema().shape);
  const { issues } = result.error;
  const problems = new Set(issues.slice(0, MOST_SAID).map((issue) => describe(issue, known)));
  const [hint] = issues.flatMap(hintOf);
  throw new HodeiError('invalid', [...problems].join('; '), { hint, cause: result.error });
}

/** A rule of the domain may know the way out. */
function hintOf(issue: z.core.$ZodIssue): string[] {
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined;
  return typeof hint === 'string' ? [hint] : [];
}

function describe(issue: z.core.$ZodIssue, known: readonly string[]): string {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') return describeUnknown(issue.keys, path, known);
  if (path === '' && issue.code === 'invalid_type') return 'an object with fields is expected';
  if (path === '' || isSentence(issue)) return issue.message;
  if (issue.code === 'invalid_type' && issue.input === undefined) return `${path} is missing`;
  return `${path}: ${rule(issue)}`;
}

function describeUnknown(keys: readonly string[], path: string, known: readonly string[]): string {
  const names = keys.slice(0, MOST_SAID).map((key) => {
    const suggestion = path === '' ? nearest(key.slice(0, MOST_REPEATED), known) : undefined;
    const said = `"${key.slice(0, MOST_REPEATED)}"`;
    return suggestion === undefined ? said : `${said} (did you mean ${suggestion}?)`;
  });
  const more = keys.length > MOST_SAID ? ` and ${keys.length - MOST_SAID} more` : '';
  return `unknown field ${names.join(', ')}${more}${path === '' ? '' : ` in ${path}`}`;
}

/** Rules in the domain's own words name what they speak of; `must be …` needs the field before it. */
function isSentence({ code, message }: z.core.$ZodIssue): boolean {
  return code === 'custom' && !message.startsWith('must ');
}

/** What must hold: in the words of the schema, or in ours where zod would use its own. */
function rule(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid (input|option)|Too (big|small)):/.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'too_big' && issue.origin === 'string') {
    return `must have at most ${issue.maximum} characters`;
  }
  if (issue.code === 'too_small' && issue.origin === 'string') return 'must not be empty';
  return issue.message;
}
