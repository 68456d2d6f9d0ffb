import type { ASTNode } from '@marcbachmann/cel-js';
import type { PolicyMoment } from '../domain/policy.ts';
import { nearest } from './nearest.ts';

/** What an expression is refused for, and where in it. */
export interface ExpressionProblem {
  /** Characters before it. */
  readonly offset: number;
  readonly message: string;
}

type Fields = Readonly<Record<string, string>>;

/** What a rule can know: facts by themselves, and groups of them. */
export const facts = {
  tenant: {
    id: 'string',
    name: 'string',
    weight: 'int',
    labels: 'map<string, string>',
    ancestors: 'list<string>',
  },
  request: {
    resources: 'map<string, int>',
    labels: 'map<string, string>',
    priority: 'int',
    pool: 'string',
    job_id: 'string',
    ttl_seconds: 'int',
  },
  usage: 'map<string, int>',
  limits: 'map<string, int>',
  pool: {
    name: 'string',
    type: 'string',
    used: 'map<string, int>',
    capacity: 'map<string, int>',
  },
  violations: { codes: 'list<string>', resources: 'list<string>', scopes: 'list<string>' },
  time: { hour: 'int', minute: 'int', weekday: 'int', date: 'string' },
} as const satisfies Readonly<Record<string, string | Fields>>;

export type FactName = keyof typeof facts;

export function factNames(moment: PolicyMoment): FactName[] {
  const all = Object.keys(facts) as FactName[];
  return moment === 'violation' ? all : all.filter((name) => name !== 'violations');
}

// None of these makes anything larger than what it is given, calls back, or reads a pattern: with
// what there is to read, the number of nodes bounds what an evaluation can cost.
const functions = ['has', 'size', 'int', 'double', 'string'];
const methods = ['size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii'];
const operators = [
  ...['&&', '||', '?:', '!_', '-_', 'list'],
  ...['==', '!=', '<', '<=', '>', '>=', 'in', '+', '-', '*', '/', '%'],
];
const loops = ['all', 'exists', 'exists_one', 'map', 'filter', 'bind'];

/**
 * The first thing in an expression that no rule may contain, or undefined. What may stand there is
 * listed, so that what the library learns later is refused until somebody has thought about it.
 */
export function refusalIn(node: ASTNode, moment: PolicyMoment): ExpressionProblem | undefined {
  const problem = problemOf(node, moment);
  if (problem !== undefined) return problem;
  for (const child of childrenOf(node)) {
    const found = refusalIn(child, moment);
    if (found !== undefined) return found;
  }
  return undefined;
}

function problemOf(node: ASTNode, moment: PolicyMoment): ExpressionProblem | undefined {
  const at = (message: string): ExpressionProblem => ({ offset: node.pos, message });
  switch (node.op) {
    case 'value':
      return isPlain(node.args) ? undefined : at('only numbers, texts, true and false are known');
    case 'id':
      return idProblem(node.args, node.pos, moment);
    case '.':
      return fieldProblem(node.args[0], node.args[1], node.pos, moment);
    case '[]':
      return keyProblem(node.args[1]);
    case 'call':
      return functions.includes(node.args[0]) ? undefined : at(unknownCall(node.args[0]));
    case 'rcall':
      return methodProblem(node);
    default:
      return operators.includes(node.op) ? undefined : at('this is not known here');
  }
}

function methodProblem(node: Extract<ASTNode, { op: 'rcall' }>): ExpressionProblem | undefined {
  const [name, of] = node.args;
  if (methods.includes(name)) return undefined;
  // The node begins with what the method is called on; the name is meant, which stands behind it.
  const offset = node.input.indexOf(name, of.end);
  return { offset: offset < 0 ? node.pos : offset, message: unknownCall(name) };
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

function idProblem(
  name: string,
  offset: number,
  moment: PolicyMoment,
): ExpressionProblem | undefined {
  const names: readonly string[] = factNames(moment);
  if (names.includes(name)) {
    // A name before a dot is not looked at by itself, so that this one stands alone.
    return fieldsOf(name) === undefined ? undefined : aloneProblem(name, offset);
  }
  if (name === 'violations') {
    const message = 'there are no violations on: request: a rule on: violation knows them';
    return { offset, message };
  }
  return { offset, message: `there is no "${shorten(name)}"${didYouMean(name, names)}` };
}

function aloneProblem(name: string, offset: number): ExpressionProblem {
  const known = Object.keys(fieldsOf(name) ?? {}).join(', ');
  return { offset, message: `${name} is several facts, and one is meant: its ${known}` };
}

function fieldProblem(
  of: ASTNode,
  field: string,
  offset: number,
  moment: PolicyMoment,
): ExpressionProblem | undefined {
  if (isOfPrototype(field))
    return { offset, message: `"${field}" is nothing that a rule can name` };
  if (of.op !== 'id') return undefined;
  const problem = idProblem(of.args, of.pos, moment);
  const fields = fieldsOf(of.args);
  if (fields === undefined || !(factNames(moment) as string[]).includes(of.args)) return problem;
  if (Object.hasOwn(fields, field)) return undefined;
  const known = Object.keys(fields);
  return { offset, message: `${of.args} has no "${shorten(field)}"${didYouMean(field, known)}` };
}

function keyProblem(key: ASTNode): ExpressionProblem | undefined {
  if (key.op !== 'value' || typeof key.args !== 'string' || !isOfPrototype(key.args)) {
    return undefined;
  }
  return { offset: key.pos, message: `"${key.args}" is nothing that a rule can name` };
}

/** What every object of JavaScript has, although nobody gave it to it. */
function isOfPrototype(name: string): boolean {
  return name === 'prototype' || name in Object.prototype;
}

function fieldsOf(name: string): Fields | undefined {
  const fact: unknown = Object.hasOwn(facts, name) ? facts[name as FactName] : undefined;
  return typeof fact === 'object' ? (fact as Fields) : undefined;
}

function unknownCall(name: string): string {
  const said = `${shorten(name)}()`;
  if (name === 'matches') {
    return `${said} is not known here: a rule has no regular expressions, but startsWith(), endsWith(), contains() and in`;
  }
  if (loops.includes(name)) return `${said} is not known here: a rule has no loops, but in`;
  const known = [...new Set([...functions, ...methods])];
  const meant = nearest(name, known);
  const all = known.map((each) => `${each}()`).join(', ');
  return `${said} is not known here; ${meant === undefined ? `there are ${all}` : `did you mean ${meant}()?`}`;
}

function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name.slice(0, 60), known);
  return meant === undefined ? `; there are ${known.join(', ')}` : `; did you mean ${meant}?`;
}

function shorten(name: string): string {
  return name.slice(0, 60);
}

/** The parts of a node that are looked at by themselves; a fact's name before a dot is not. */
function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return node.args[0].op === 'id' ? [] : [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** The parts that must all be true, from left to right. */
export function conjunctsOf(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjunctsOf) : [node];
}

/** Each fact that is named in the node, such as `time.hour`, as far as it is one value. */
export function namedIn(node: ASTNode): ASTNode[] {
  if (node.op === 'id' || node.op === '.' || node.op === '[]') return [node];
  if (node.op === 'call' && node.args[0] === 'has') return [];
  return childrenOf(node).flatMap(namedIn);
}

/** Additions in the node; whether they add numbers is known once their types are. */
export function additionsIn(node: ASTNode): ASTNode[] {
  const below = childrenOf(node).flatMap(additionsIn);
  return node.op === '+' ? [node, ...below] : below;
}
