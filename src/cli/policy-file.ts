import type * as YamlPackage from 'yaml';
import type { Document, LineCounter, Node, Scalar } from 'yaml';
import { invalid } from '../domain/errors.ts';
import type { PolicyProblem } from '../domain/policy.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { pathText, problemsInDocument } from '../service/policy-document.ts';
import type { SentPolicy } from '../service/schemas/policy.ts';
import type { Host } from './host.ts';

const MOST_CHARACTERS = 512 * 1024;
const MOST_SHOWN = 20;

type Yaml = typeof YamlPackage;

/** A file of rules as YAML reads it. */
interface Read {
  readonly yaml: Yaml;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly text: string;
}

/**
 * The rules in a file, or in the standard input (`-`).
 * @throws invalid with everything that is wrong, each with its line and column.
 */
export async function readPolicyFile(host: Host, path: string): Promise<SentPolicy> {
  const text = await host.readText(path);
  if (text.length > MOST_CHARACTERS) {
    throw invalid(
      `${path} has more than ${MOST_CHARACTERS} characters, which no list of rules has.`,
    );
  }
  const file = path === '-' ? 'input' : path;
  const read = parse(await import('yaml'), text);
  const faults = faultsIn(read);
  if (faults.length > 0) throw refusal(file, faults);
  const content: unknown = read.document.toJS();
  const problems = await problemsInDocument(content);
  if (problems.length > 0)
    throw refusal(
      file,
      problems.map((problem) => faultOf(read, problem)),
    );
  const { time_zone, rules } = content as SentPolicy;
  return { ...(time_zone !== undefined && { time_zone }), rules };
}

function parse(yaml: Yaml, text: string): Read {
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    schema: 'core',
    merge: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  return { yaml, document, lines, text };
}

interface Fault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

function refusal(file: string, faults: readonly Fault[]) {
  const inOrder = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const sentences = inOrder.map(({ line, column, message }) => {
    return escapeUnprintable(`${file}:${line}:${column}: ${message}`);
  });
  const more = sentences.length - MOST_SHOWN;
  const shown = sentences.slice(0, MOST_SHOWN);
  return invalid([...shown, ...(more > 0 ? [`${file}: and ${more} more`] : [])].join('\n'));
}

function faultAt({ lines }: Read, offset: number, message: string): Fault {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col), message };
}

/** What is no YAML, or of its rarer parts. */
function faultsIn(read: Read): Fault[] {
  const { yaml, document } = read;
  const faults = document.errors.map(({ pos, message }) => {
    return faultAt(read, pos[0], `this is not YAML: ${message}`);
  });
  yaml.visit(document, {
    Alias: (_, { range }) => {
      faults.push(faultAt(read, range?.[0] ?? 0, 'expected the value itself, found an alias'));
    },
  });
  return faults;
}

function faultOf(read: Read, problem: PolicyProblem): Fault {
  const { path, offset, isKey = false, message } = problem;
  const { key, value } = placeOf(read, path);
  const isScalar = read.yaml.isScalar(value);
  const inside =
    offset !== undefined && isScalar ? positionIn(read.text, value, offset) : undefined;
  const start = (isKey ? undefined : value?.range?.[0]) ?? key?.range?.[0];
  const where = path.length === 0 ? '' : `${pathText(path)}: `;
  const found = message.startsWith('expected ') ? `, found ${sayFound(read, value)}` : '';
  const position = inside ?? start ?? nearestPosition(read, path);
  return faultAt(read, position, `${where}${message}${found}`);
}

interface Place {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

function placeOf({ yaml, document }: Read, path: PolicyProblem['path']): Place {
  let place: Place = { key: undefined, value: document.contents ?? undefined };
  for (const part of path) {
    const { value } = place;
    if (yaml.isMap(value)) {
      const pair = value.items.find(({ key }) => yaml.isScalar(key) && key.value === part);
      place = { key: nodeOf(yaml, pair?.key), value: nodeOf(yaml, pair?.value) };
    } else {
      const item = yaml.isSeq(value) && typeof part === 'number' ? value.items[part] : undefined;
      place = { key: undefined, value: nodeOf(yaml, item) };
    }
  }
  return place;
}

function nodeOf(yaml: Yaml, value: unknown): Node | undefined {
  return yaml.isNode(value) ? value : undefined;
}

/** Of what is missing: where the thing begins that lacks it. */
function nearestPosition(read: Read, path: PolicyProblem['path']): number {
  if (path.length === 0) return 0;
  const above = path.slice(0, -1);
  return placeOf(read, above).value?.range?.[0] ?? nearestPosition(read, above);
}

function sayFound({ yaml, text }: Read, value: Node | undefined): string {
  if (yaml.isSeq(value)) return 'a list';
  if (yaml.isMap(value)) return 'keys with values';
  if (!yaml.isScalar(value) || value.value === null) return 'nothing';
  const [start, end] = value.range ?? [0, 0];
  return text.slice(start, Math.min(end, start + 60));
}

/**
 * Where a character of a text stands in the file. Quotes, the indentation of a block and broken lines
 * are not part of the text, so that only what is visible is followed.
 */
function positionIn(file: string, scalar: Scalar, offset: number): number | undefined {
  if (typeof scalar.value !== 'string' || scalar.range == null) return undefined;
  const isBlock = scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED';
  const isQuoted = scalar.type === 'QUOTE_SINGLE' || scalar.type === 'QUOTE_DOUBLE';
  const [start, end] = scalar.range;
  let at = isBlock ? file.indexOf('\n', start) + 1 : start + (isQuoted ? 1 : 0);
  let last = at;
  for (const character of scalar.value.slice(0, offset + 1)) {
    if (/\s/.test(character)) continue;
    while (at < end && file[at] !== character[0]) at += 1;
    last = at;
    at += character.length;
  }
  // Behind the text, where something is missing.
  return offset >= scalar.value.trimEnd().length ? at : last;
}
