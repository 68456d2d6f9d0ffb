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

export type Path = readonly PropertyKey[];

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
export function parseYaml(text: string, lines: LineCounter, maxBytes: number) {
  const faults: Problem[] = [];
  const fault = (offset: number, message: string) => faults.push({ path: [], offset, message });
  if (Buffer.byteLength(text) > maxBytes) {
    fault(0, `larger than ${maxBytes} bytes`);
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
      fault(at, 'too much is written above here');
      return;
    }
    if (lexeme.length > MAX_VALUE_LENGTH && !lexeme.startsWith('#')) {
      fault(at, `longer than ${MAX_VALUE_LENGTH} characters`);
      return;
    }
  }
  yield* parser.end();
}

/** What was complained about already. */
export const refused = Symbol('refused');

export interface Place {
  readonly value: unknown;
  /** Where it is a text, a number or a word. */
  readonly scalar: Scalar.Parsed | undefined;
  readonly offset: number;
  readonly keyOffset: number;
}

export interface Tree {
  readonly value: unknown;
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: readonly Problem[];
}

/** How what is written becomes a value. */
export interface Reader {
  /** Of a key behind which nothing is written. */
  readonly nothing: unknown;
  /** @returns what `refuse` does, where it cannot be one. */
  scalar(node: Scalar.Parsed, refuse: (message: string) => unknown, path: Path): unknown;
  /** What to say of a key that can be none. */
  unknownKey(path: Path): string;
}

interface Reading extends Reader {
  readonly lines: LineCounter;
  readonly places: Map<string, Place>;
  readonly problems: Problem[];
}

/** What the nodes say as plain values, with the place of each. */
export function readTree(root: ParsedNode | null, lines: LineCounter, reader: Reader): Tree {
  const reading: Reading = { ...reader, lines, places: new Map(), problems: [] };
  const value = read(reading, root, [], 0);
  return { value, places: reading.places, problems: reading.problems };
}

function read(reading: Reading, node: ParsedNode | null, path: Path, keyOffset: number): unknown {
  const start = node?.range[0] ?? keyOffset;
  const value = valueOf(reading, node, path, start);
  const offset = value === reading.nothing ? keyOffset : start;
  const scalar = isScalar(node) ? node : undefined;
  reading.places.set(pointer(path), { value, scalar, offset, keyOffset });
  return value;
}

function valueOf(reading: Reading, node: ParsedNode | null, path: Path, offset: number): unknown {
  const refuse = (message: string) => {
    reading.problems.push({ path, offset, message });
    return refused;
  };
  if (node === null) return reading.nothing;
  if (isAlias(node)) return refuse('expected the value itself, found an alias');
  if (node.tag !== undefined) return refuse('expected the value alone, found a tag');
  if (isMap(node)) return readMap(reading, node, path);
  if (isSeq(node)) {
    return node.items.map((item, index) => read(reading, item, [...path, index], offset));
  }
  return reading.scalar(node, refuse, path);
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
        ? reading.unknownKey(keyPath)
        : `this key stands in line ${reading.lines.linePos(earlier.keyOffset).line} already`;
    reading.problems.push({ path: keyPath, offset, message });
  }
  return object;
}

/** By which a place is found. */
export function pointer(path: Path): string {
  return JSON.stringify(path);
}
