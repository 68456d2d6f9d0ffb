import { checkPolicy, MAX_RULES, type Policy, type PolicyProblem } from '../domain/policy.ts';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { nearest } from './nearest.ts';
import { expressionCompiler } from './policy-expressions.ts';
import { PolicyDocument, type PolicyFields } from './schemas/policy.ts';

/** A policy as the store, the API and a file of rules write it. */
export function policyDocument({ timeZone, rules }: Policy): PolicyFields {
  return {
    time_zone: timeZone,
    rules: rules.map(({ name, on, when, action, message }) => ({
      ...{ name, on, when, action, message },
    })),
  };
}

/** The inverse, for fields in which no problem was found. */
export function policyFromFields({ time_zone: timeZone, rules }: PolicyFields): Policy {
  return { timeZone, rules };
}

/** The policy of a revision. */
export function policyOf(document: string): Policy {
  return policyFromFields(JSON.parse(document) as PolicyFields);
}

/** All that is wrong with a policy: names, zone, and every expression with its place. */
export async function problemsOf(policy: Policy): Promise<PolicyProblem[]> {
  const problems = checkPolicy(policy);
  const { length } = policy.rules;
  if (length === 0 || length > MAX_RULES) return problems;
  const compile = await expressionCompiler();
  for (const [index, { when, on }] of policy.rules.entries()) {
    const result = compile(when, on);
    if ('problem' in result) problems.push({ path: ['rules', index, 'when'], ...result.problem });
  }
  return problems;
}

/** The same of anything that was read from a file. */
export async function problemsInDocument(document: unknown): Promise<PolicyProblem[]> {
  const parsed = PolicyDocument().safeParse(document);
  if (parsed.success) return problemsOf(policyFromFields(parsed.data));
  return parsed.error.issues.flatMap((issue): PolicyProblem[] => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    const known = path.length === 0 ? DOCUMENT_FIELDS : RULE_FIELDS;
    return issue.keys.map((key) => {
      return { path: [...path, key], isKey: true, message: unknownKey(key, known) };
    });
  });
}

const DOCUMENT_FIELDS = ['time_zone', 'rules'];
const RULE_FIELDS = ['name', 'on', 'when', 'action', 'message'];

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key.slice(0, 60), known);
  return meant === undefined
    ? `unknown key; known here: ${known.join(', ')}`
    : `unknown key; did you mean ${meant}?`;
}

const MOST_SAID = 20;

/** Problems as somebody reads them who has sent a document. @see problemsOf */
export function refusalOf(problems: readonly PolicyProblem[], { rules }: Policy): HodeiError {
  const lines = problems.slice(0, MOST_SAID).map(({ path, offset, message }) => {
    const index = path[1];
    const text = typeof index === 'number' ? (rules[index]?.when ?? '') : '';
    const place = offset === undefined ? '' : `, ${sayPlace(text, offset)}`;
    return `${pathText(path)}${place}: ${message}`;
  });
  const more = problems.length - lines.length;
  return invalid([...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; '));
}

/** `rules[2].when` */
export function pathText(path: PolicyProblem['path']): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`))
    .join('');
}

/** `column 14`, or where there are several lines `line 2, column 4`. */
function sayPlace(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  const column = `column ${(before.at(-1) ?? '').length + 1}`;
  return text.trimEnd().includes('\n') ? `line ${before.length}, ${column}` : column;
}
