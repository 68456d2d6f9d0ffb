import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  Parser,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { MAX_CONFIG_BYTES, type ConfigSource } from './config.ts';
import { describeUnknownKey, shorten, type Path } from './schema.ts';

/** What is wrong at one place of the file. */
export interface Problem {
  readonly path: Path;
  readonly offset: number;
  readonly message: string;
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
export function parse(text: string, lines: LineCounter) {
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
    if (parser.stack.length > MAX_DEPTH) {
      fault(at, `more than ${MAX_DEPTH} levels deep`);
      return;
    }
    if (count > MAX_LEXEMES) {
      fault(at, 'too much is written above here for a config file');
      return;
    }
    if (lexeme.length > MAX_VALUE_LENGTH && !lexeme.startsWith('#')) {
      fault(at, `longer than ${MAX_VALUE_LENGTH} characters`);
      return;
    }
  }
  yield* parser.end();
}

/** Stands for a value that is not written; no schema accepts it. */
export const nothing = Symbol('no value');
/** Stands for a value that was complained about already. */
export const refused = Symbol('refused');

export interface Place {
  readonly value: unknown;
  readonly offset: number;
  readonly keyOffset: number;
  /** How the file writes it: a resolved reference is never shown. */
  readonly written: string;
  readonly isReference: boolean;
}

export interface Tree {
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
export function readTree(
  root: ParsedNode | null,
  env: ConfigSource['env'],
  lines: LineCounter,
): Tree {
  const reading: Reading = { env, lines, places: new Map(), problems: [] };
  const value = read(reading, root, [], 0);
  return { ...reading, value: value === nothing ? {} : value };
}

function read(reading: Reading, node: ParsedNode | null, path: Path, keyOffset: number): unknown {
  const start = node?.range[0] ?? keyOffset;
  const value = valueOf(reading, node, path, start);
  const written = isScalar(node) ? node.source : '';
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

function scalarValue({ value, source }: Scalar.Parsed): unknown {
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

export function pointer(path: Path): string {
  return JSON.stringify(path);
}
