/** Beyond so many rows of one kind all of them are forgotten, and read again as they are needed. */
const MOST_ROWS = 20_000;

/** What was read, in maps that are true until it is changed here, undone after that, or changed elsewhere. */
export class Kept {
  readonly #maps: { clear(): void }[] = [];
  #hasChanged = false;

  map<Key, Value>(): Map<Key, Value> {
    const map = new Map<Key, Value>();
    this.#maps.push(map);
    return map;
  }

  /** Makes of a write one that empties these maps. */
  changing<Args extends unknown[], Result>(
    emptied: readonly { clear(): void }[],
    write: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result> {
    return (...args) => {
      this.change();
      for (const map of emptied) map.clear();
      return write(...args);
    };
  }

  /** Something is written that stands in a map. */
  change(): void {
    this.#hasChanged = true;
  }

  /** Something was undone: what was read since the last change may never have been. */
  undone(): void {
    if (this.#hasChanged) this.forget();
  }

  /** Nothing that was changed so far can be undone any more. */
  settle(): void {
    this.#hasChanged = false;
  }

  forget(): void {
    for (const map of this.#maps) map.clear();
  }
}

/** Room for the second part of a pair: of pools and resources there are far fewer. */
const PAIR = 1_000_000;

/** One number for two keys, of which none is 0: faster to look up than a text. */
export function pairOf(first: number, second: number): number {
  if (second >= PAIR) throw new Error(`a key of ${second} is beyond what a pair has room for`);
  return first * PAIR + second;
}

/** The promise itself is kept: who knows one that was given before knows its value too. */
export function recall<Key, Value>(
  map: Map<Key, Promise<Value>>,
  key: Key,
  read: () => Promise<Value>,
): Promise<Value> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = read();
  keep(map, key, value);
  value.catch(() => map.delete(key));
  return value;
}

export async function recallEach<Subject, Key, Value>(
  map: Map<Key, Value>,
  subjects: readonly Subject[],
  nameOf: (subject: Subject) => Key,
  read: (subjects: readonly Subject[]) => Promise<Value[]>,
): Promise<Value[]> {
  const unknown: number[] = [];
  const values = subjects.map((subject, i) => {
    const name = nameOf(subject);
    const known = map.get(name);
    if (known === undefined && !map.has(name)) unknown.push(i);
    return known as Value;
  });
  if (unknown.length === 0) return values;
  const asked = unknown.map((i) => subjects[i] as Subject);
  for (const [n, value] of (await read(asked)).entries()) {
    values[unknown[n] ?? -1] = value;
    keep(map, nameOf(asked[n] as Subject), value);
  }
  return values;
}

function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  if (map.size >= MOST_ROWS) map.clear();
  map.set(key, value);
}
