import type { LineCounter, Scalar } from 'yaml';
import { invalid } from '../domain/errors.ts';
import type { PolicyProblem } from '../domain/policy.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { pathText, problemsInDocument } from '../service/policy-document.ts';
import type { SentPolicy } from '../service/schemas/policy.ts';
import type { Place } from '../service/yaml.ts';
import type { Host } from './host.ts';

const MAX_BYTES = 512 * 1024;
const MOST_SHOWN = 20;

/** A file of rules as YAML reads it. */
interface Read {
  readonly value: unknown;
  readonly placeOf: (path: PolicyProblem['path']) => Place | undefined;
  readonly lines: LineCounter;
  readonly text: string;
}

/**
 * The rules in a file, or in the standard input (`-`).
 * @throws invalid with everything that is wrong, each with its line and column.
 */
export async function readPolicyFile(host: Host, path: string): Promise<SentPolicy> {
  const text = await host.readText(path, MAX_BYTES);
  const file = path === '-' ? 'input' : path;
  const read = await parse(file, text);
  const problems = await problemsInDocument(read.value);
  if (problems.length > 0) {
    throw refusal(
      file,
      problems.map((problem) => faultOf(read, problem)),
    );
  }
  const { time_zone, rules } = read.value as SentPolicy;
  return { ...(time_zone !== undefined && { time_zone }), rules };
}

/** @throws invalid where it is no YAML, or of its rarer parts. */
async function parse(file: string, text: string): Promise<Read> {
  const [{ LineCounter }, { parseYaml, pointer, readTree }] = await Promise.all([
    import('yaml'),
    import('../service/yaml.ts'),
  ]);
  const lines = new LineCounter();
  lines.addNewLine(0);
  const { root, faults } = parseYaml(text, lines, MAX_BYTES);
  const tree = readTree(root, lines, {
    nothing: null,
    scalar: ({ value }) => value,
    unknownKey: () => 'unknown key',
  });
  const all = faults.length > 0 ? faults : tree.problems;
  if (all.length > 0) {
    throw refusal(
      file,
      all.map(({ offset, message }) => faultAt(lines, offset, message)),
    );
  }
  const placeOf = (path: PolicyProblem['path']) => tree.places.get(pointer(path));
  return { value: tree.value, placeOf, lines, text };
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

function faultAt(lines: LineCounter, offset: number, message: string): Fault {
  const { line, col } = lines.linePos(offset);
  return { line, column: col, message };
}

function faultOf(read: Read, problem: PolicyProblem): Fault {
  const { path, offset, isKey = false, message } = problem;
  const place = read.placeOf(path);
  const inside = offset === undefined ? undefined : positionIn(read.text, place?.scalar, offset);
  const start = isKey ? place?.keyOffset : place?.offset;
  const where = path.length === 0 ? '' : `${pathText(path)}: `;
  const found = message.startsWith('expected ') ? `, found ${sayFound(read, place)}` : '';
  const position = inside ?? start ?? nearestPosition(read, path);
  return faultAt(read.lines, position, `${where}${message}${found}`);
}

/** Of what is missing: where the thing begins that lacks it. */
function nearestPosition(read: Read, path: PolicyProblem['path']): number {
  if (path.length === 0) return 0;
  const above = path.slice(0, -1);
  return read.placeOf(above)?.offset ?? nearestPosition(read, above);
}

function sayFound({ text }: Read, place: Place | undefined): string {
  if (place?.value == null) return 'nothing';
  if (Array.isArray(place.value)) return 'a list';
  if (typeof place.value === 'object') return 'keys with values';
  const [start, end] = place.scalar?.range ?? [0, 0];
  return text.slice(start, Math.min(end, start + 60));
}

/**
 * Where a character of a text stands in the file. Quotes, the indentation of a block and broken lines
 * are not part of the text, so that only what is visible is followed.
 */
function positionIn(
  file: string,
  scalar: Scalar.Parsed | undefined,
  offset: number,
): number | undefined {
  if (typeof scalar?.value !== 'string') return undefined;
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
