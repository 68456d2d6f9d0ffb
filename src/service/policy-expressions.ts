import type * as Cel from '@marcbachmann/cel-js';
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import type { PolicyMoment } from '../domain/policy.ts';
import { escapeUnprintable } from '../domain/text.ts';
import {
  additionsIn,
  conjunctsOf,
  factNames,
  facts,
  namedIn,
  refusalIn,
  type ExpressionProblem,
  type FactName,
} from './policy-syntax.ts';

export const MAX_EXPRESSION = 2_000;
/** Names, numbers, texts and operators of one expression, together. */
export const MAX_NODES = 300;
const MAX_DEPTH = 40;
const MAX_LIST = 100;

/** What the names of an expression stand for: maps, lists, texts, and integers as BigInt. */
export type Bindings = Readonly<Partial<Record<FactName, unknown>>>;

/** Whether an expression holds; an error is neither. */
export type Outcome =
  { readonly holds: boolean } | { readonly holds: undefined; readonly error: string };

/** An expression that was checked, ready to be asked. */
export interface Expression {
  readonly ast: ASTNode;
  ask(bindings: Bindings): Outcome;
  /** Of one that does not hold: the first part that must and does not, with what it read. */
  whyNot(bindings: Bindings): string;
}

export type Compiled =
  { readonly expression: Expression } | { readonly problem: ExpressionProblem };

export type Compile = (text: string, moment: PolicyMoment) => Compiled;

let compiler: Promise<Compile> | undefined;

/** Makes expressions out of texts. Loads the language when it is first needed. */
export function expressionCompiler(): Promise<Compile> {
  return (compiler ??= loadCompiler());
}

async function loadCompiler(): Promise<Compile> {
  const cel = await import('@marcbachmann/cel-js');
  const languages = new Map<PolicyMoment, Language>();
  return (text, moment) => {
    const language = languages.get(moment) ?? {
      environment: environmentFor(cel, moment),
      write: cel.serialize,
    };
    languages.set(moment, language);
    return compile(language, text, moment);
  };
}

interface Language {
  readonly environment: Environment;
  readonly write: (node: ASTNode) => string;
}

function environmentFor(cel: typeof Cel, moment: PolicyMoment): Environment {
  const environment = new cel.Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: true,
    enableOptionalTypes: false,
    limits: {
      maxAstNodes: MAX_NODES,
      maxDepth: MAX_DEPTH,
      maxListElements: MAX_LIST,
      maxMapEntries: 0,
      maxCallArguments: 4,
    },
  });
  for (const name of factNames(moment)) {
    const type = facts[name];
    if (typeof type === 'string') environment.registerVariable(name, type);
    else environment.registerVariable(name, { schema: type });
  }
  return environment;
}

function compile(language: Language, text: string, moment: PolicyMoment): Compiled {
  const refuse = (offset: number, message: string) => ({ problem: { offset, message } });
  if (text.trim() === '') return refuse(0, 'an expression is expected that is true or false');
  if (text.length > MAX_EXPRESSION) {
    return refuse(MAX_EXPRESSION, `an expression has at most ${MAX_EXPRESSION} characters`);
  }
  const parsed = parse(language, text);
  if ('problem' in parsed) return parsed;
  const refusal = refusalIn(parsed.ast, moment);
  if (refusal !== undefined) return { problem: refusal };
  const { valid, type, error } = parsed.check();
  if (!valid) return { problem: problemOf(error) };
  const joined = additionsIn(parsed.ast).find((node) => !isNumber(node));
  if (joined !== undefined) return refuse(joined.pos, '+ adds numbers here, and nothing else');
  if (type !== 'bool') {
    return refuse(parsed.ast.start, `this is of type ${type}, and a rule is true or false`);
  }
  return { expression: expressionOf(language, parsed) };
}

function parse({ environment }: Language, text: string) {
  try {
    return environment.parse(text);
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

/** Of a checked node; what is not known to be a number counts as none. */
function isNumber(node: ASTNode): boolean {
  const { checkedType } = node as { checkedType?: { readonly type: string } };
  return checkedType?.type === 'int' || checkedType?.type === 'double';
}

interface LanguageError {
  readonly code?: string;
  readonly summary?: string;
  readonly range?: { readonly start: number };
}

/** It may repeat what somebody wrote. */
const MOST_SAID = 160;

/** What the library complains about, in words that fit behind a place. */
function problemOf(error: unknown): ExpressionProblem {
  const { code, summary, range } = Object(error) as LanguageError;
  const message = sayError(code, summary ?? String(error)).slice(0, MOST_SAID);
  return { offset: range?.start ?? 0, message: escapeUnprintable(message) };
}

function sayError(code: string | undefined, summary: string): string {
  if (summary === 'Unexpected token: EOF') return 'the expression ends where something is missing';
  const limit = /^Exceeded (\w+)/.exec(summary)?.[1];
  if (limit === 'maxDepth') return `more than ${MAX_DEPTH} levels deep`;
  if (limit === 'maxListElements') return `more than ${MAX_LIST} things in a list`;
  if (limit === 'maxMapEntries') return '{} is not known here';
  if (code === 'limit_exceeded') return `more than ${MAX_NODES} names, numbers and operators`;
  if (code === 'no_such_overload') {
    return `${summary.replace('no such overload: ', '')} makes no sense: these types do not fit`;
  }
  if (summary.startsWith('No such key: index')) return summary.replace('No such key: ', '');
  return summary.charAt(0).toLowerCase() + summary.slice(1);
}

function expressionOf(language: Language, parsed: ParseResult): Expression {
  return {
    ast: parsed.ast,
    ask: (bindings) => ask(parsed, bindings),
    whyNot: (bindings) => whyNot(language, parsed.ast, bindings),
  };
}

/** Whatever goes wrong in an expression, it is not what a request may fail for. */
function ask(parsed: ParseResult, bindings: Bindings): Outcome {
  try {
    return { holds: parsed(bindings) === true };
  } catch (error) {
    return { holds: undefined, error: problemOf(error).message };
  }
}

/** So many of the facts that a part reads are shown. */
const FACTS_SHOWN = 4;
const TEXT_SHOWN = 80;

function whyNot({ environment, write }: Language, ast: ASTNode, bindings: Bindings): string {
  const valueOf = (node: ASTNode): unknown => environment.parse(write(node))(bindings);
  const part = conjunctsOf(ast).find((node) => attempt(() => valueOf(node)) === false) ?? ast;
  const read = new Map<string, string>();
  for (const node of namedIn(part)) {
    const value = attempt(() => valueOf(node));
    if (['string', 'bigint'].includes(typeof value)) read.set(write(node), say(value));
  }
  const shown = [...read].slice(0, FACTS_SHOWN).map(([name, value]) => `${name} is ${value}`);
  const text = write(part);
  const cut = text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text;
  return shown.length === 0 ? `${cut} is false` : `${cut} is false: ${shown.join(', ')}`;
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function say(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
