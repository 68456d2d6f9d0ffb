import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type * as z from 'zod';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { checkSettings } from '../domain/settings.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { describeProblem, SettingsDocument } from '../service/schemas/settings.ts';
import { MAX_CONFIG_BYTES, type Config, type ConfigSource } from './config.ts';
import {
  configOf,
  configSchema,
  describeUnknownKey,
  pathText,
  shorten,
  type Path,
} from './schema.ts';

/** Reads the text of a config file. @throws invalid with every problem and where it stands. */
export function loadConfig({ path, text, env }: ConfigSource): Config {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const { root, faults } = parse(text, lines);
  if (faults.length > 0) throw refusal(path, lines, faults);
  const tree = readTree(root, env, lines);
  const parsed = parseTree(tree);
  const problems = [
    ...tree.problems,
    ...(parsed.error?.issues.flatMap((issue) => issueProblems(issue, tree)) ?? []),
    ...settingsProblems(tree),
  ];
  if (parsed.data === undefined || problems.length > 0) throw refusal(path, lines, problems);
  return configOf(path, parsed.data);
}

interface Problem {
  readonly path: Path;
  readonly offset: number;
  readonly message: string;
}

const MAX_PROBLEMS_SHOWN = 50;

function refusal(file: string, lines: LineCounter, problems: readonly Problem[]): HodeiError {
  const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
  const sentences = inOrder.map(({ path, offset, message }) => {
    const { line, col } = lines.linePos(offset);
    const where = path.length === 0 ? '' : `${pathText(path)}: `;
    return escapeUnprintable(`${file}:${line}:${col}: ${where}${message}`);
  });
  const found = [...new Set(sentences)];
  const more = found.length - MAX_PROBLEMS_SHOWN;
  const shown = found.slice(0, MAX_PROBLEMS_SHOWN);
  return invalid([...shown, ...(more > 0 ? [`${file}: and ${more} more`] : [])].join('\n'));
}

// No real file comes near these; they keep what is parsed and complained about small.
const MAX_DEPTH = 32;
const MAX_LEXEMES = 15_000;
const MAX_VALUE_LENGTH = 16_384;

// Keys that are twice in a map are found in readMap, which is faster where there are many.
const plainYaml = {
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  stringKeys: true,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/** YAML 1.2 without its rare parts: one document, no aliases, no merge keys, no tags. */
function parse(text: string, lines: LineCounter) {
  const faults: Problem[] = [];
  const fault = (offset: number, message: string) => faults.push({ path: [], offset, message });
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    fault(0, `larger than ${MAX_CONFIG_BYTES} bytes`);
    return { root: null, faults };
  }
  const composer = new Composer(plainYaml);
  let root: ParsedNode | null | undefined;
  for (const document of composer.compose(tokens(text, lines, fault), true, text.length)) {
    if (root !== undefined) {
      fault(document.range[0], 'a second document begins here, expected one only');
      break;
    }
    root = document.contents;
    const warnings = document.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED');
    for (const { pos, message } of [...document.errors, ...warnings]) {
      fault(pos[0], `this is not YAML: ${message}`);
    }
  }
  return { root: root ?? null, faults };
}

function* tokens(text: string, lines: LineCounter, fault: (at: number, message: string) => void) {
  const parser = new Parser(lines.addNewLine);
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    const at = parser.offset;
    yield* parser.next(lexeme);
    count += 1;
    if (parser.stack.length > MAX_DEPTH) return fault(at, `more than ${MAX_DEPTH} levels deep`);
    if (count > MAX_LEXEMES) return fault(at, 'too much is written above here for a config file');
    if (lexeme.length > MAX_VALUE_LENGTH && !lexeme.startsWith('#')) {
      return fault(at, `longer than ${MAX_VALUE_LENGTH} characters`);
    }
  }
  yield* parser.end();
}

/** Stands for a value that is not written; no schema accepts it. */
const nothing = Symbol('no value');
/** Stands for a value that was complained about already. */
const refused = Symbol('refused');

interface Place {
  readonly value: unknown;
  readonly offset: number;
  readonly keyOffset: number;
  /** How the file writes it: a resolved reference is never shown. */
  readonly written: string;
  readonly isReference: boolean;
}

interface Tree {
  readonly value: unknown;
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: readonly Problem[];
}

interface Reading {
  readonly env: ConfigSource['env'];
  readonly lines: LineCounter;
  readonly places: Map<string, Place>;
  readonly problems: Problem[];
}

/** What the nodes say as plain values, with the place of each. */
function readTree(root: ParsedNode | null, env: ConfigSource['env'], lines: LineCounter): Tree {
  const reading: Reading = { env, lines, places: new Map(), problems: [] };
  const value = read(reading, root, [], 0);
  return { ...reading, value: value === nothing ? {} : value };
}

function read(reading: Reading, node: ParsedNode | null, path: Path, keyOffset: number): unknown {
  const start = node?.range[0] ?? keyOffset;
  const value = valueOf(reading, node, path, start);
  const written = isScalar(node) ? (node.source ?? '') : '';
  const isReference = typeof value === 'string' && value !== written;
  const offset = value === nothing ? keyOffset : start;
  reading.places.set(pointer(path), { value, offset, keyOffset, written, isReference });
  return value;
}

function valueOf(reading: Reading, node: ParsedNode | null, path: Path, offset: number): unknown {
  const refuse = (message: string) => {
    reading.problems.push({ path, offset, message });
    return refused;
  };
  if (node === null) return nothing;
  if (isAlias(node)) return refuse('expected the value itself, found an alias');
  if (node.tag !== undefined) return refuse('expected the value alone, found a tag');
  if (isMap(node)) return readMap(reading, node, path);
  if (isSeq(node)) {
    return node.items.map((item, index) => read(reading, item, [...path, index], offset));
  }
  const value = scalarValue(node);
  return typeof value === 'string' ? resolveReferences(value, reading.env, refuse) : value;
}

function readMap(reading: Reading, map: YAMLMap.Parsed, path: Path): object {
  const object = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const keyPath = [...path, name];
    const [offset] = key.range;
    const earlier = reading.places.get(pointer(keyPath));
    if (earlier === undefined && name !== '__proto__') {
      object[name] = read(reading, value, keyPath, offset);
      continue;
    }
    const message =
      earlier === undefined
        ? describeUnknownKey(keyPath)
        : `this key stands in line ${reading.lines.linePos(earlier.keyOffset).line} already`;
    reading.problems.push({ path: keyPath, offset, message });
  }
  return object;
}

function scalarValue({ value, source = '' }: Scalar.Parsed): unknown {
  if (value === null) return nothing;
  // 1e3 and 4000.0000000000000001 are whole only once they are rounded.
  if (Number.isInteger(value) && /[.e]/i.test(source) && !/^0x/i.test(source)) return NaN;
  return value;
}

/** Puts the values of environment variables in, once: what they contain is not resolved again. */
function resolveReferences(
  text: string,
  env: ConfigSource['env'],
  refuse: (message: string) => unknown,
): unknown {
  const faults: string[] = [];
  const resolved = text.replace(/\$\{([^}]*)\}?/g, (reference, name: string) => {
    const isName = /^[A-Za-z_]\w*$/.test(name) && reference.endsWith('}');
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (!isName) faults.push(`expected \${NAME}, found ${shorten(reference)}`);
    else if (value === undefined) faults.push(`${shorten(name)} is not set in the environment`);
    return value ?? '';
  });
  return faults[0] === undefined ? resolved : refuse(faults[0]);
}

function pointer(path: Path): string {
  return JSON.stringify(path);
}

/** Environment variables are texts; one becomes a number or a truth value where that is needed. */
function parseTree(tree: Tree) {
  const first = configSchema().safeParse(tree.value);
  const converted = first.error?.issues.filter(({ path }) => convertReference(tree, path)) ?? [];
  return converted.length === 0 ? first : configSchema().safeParse(tree.value);
}

function convertReference({ value, places }: Tree, path: Path): boolean {
  const place = places.get(pointer(path));
  if (place?.isReference !== true) return false;
  const text = String(place.value);
  if (!/^(-?\d+|true|false)$/.test(text)) return false;
  const converted = /\d/.test(text) ? Number(text) : text === 'true';
  return Reflect.set(parentOf(value, path), path.at(-1) ?? '', converted);
}

function parentOf(value: unknown, path: Path): object {
  return path.slice(0, -1).reduce((node, key) => Object(Reflect.get(node, key)), Object(value));
}

function issueProblems(issue: z.core.$ZodIssue, { places }: Tree): Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const keyPath = [...path, key];
      const offset = places.get(pointer(keyPath))?.keyOffset ?? 0;
      return { path: keyPath, offset, message: describeUnknownKey(keyPath) };
    });
  }
  const place = places.get(pointer(path));
  if (place?.value === refused) return [];
  const found = place === undefined ? 'nothing' : describeValue(place);
  return [{ path, offset: offsetOf(path, places), message: `${issue.message}, found ${found}` }];
}

/** Where the value stands; of one that is missing, where the section that lacks it begins. */
function offsetOf(path: Path, places: Tree['places']): number {
  return places.get(pointer(path))?.offset ?? offsetOf(path.slice(0, -1), places);
}

function describeValue({ value, written }: Place): string {
  if (value === nothing) return 'no value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  return typeof value === 'string' ? `"${shorten(written)}"` : shorten(written);
}

/** What is wrong in the settings beside their shape; what has the wrong shape is passed over. */
function settingsProblems({ value, places }: Tree): Problem[] {
  const { resources, multi_tenancy } = Object(value) as Record<string, unknown>;
  const document = { resources, multi_tenancy };
  for (const issue of SettingsDocument().safeParse(document).error?.issues ?? []) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const paths = keys.length === 0 ? [issue.path] : keys.map((key) => [...issue.path, key]);
    for (const path of paths.filter(({ length }) => length > 1)) {
      Reflect.deleteProperty(parentOf(document, path), path.at(-1) ?? '');
    }
  }
  const settings = SettingsDocument().safeParse(document);
  if (!settings.success) return [];
  return checkSettings(settings.data).map((problem) => {
    const { path, known } = problem;
    const keyOffset = known && places.get(pointer(path))?.keyOffset;
    const offset = keyOffset ?? offsetOf(path, places);
    return { path, offset, message: describeProblem(problem) };
  });
}
