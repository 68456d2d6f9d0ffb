import { invalid, type HodeiError } from '../domain/errors.ts';

const MAX_DEPTH = 32;
/** So much of what was sent is repeated. */
const MOST_REPEATED = 40;

/**
 * What a JSON text says. Of two equal keys JSON.parse takes the last, and numbers it rounds: who has
 * read the same text elsewhere may have read something else, so that such a text is refused.
 * @throws SyntaxError where it is no JSON, invalid where it says what cannot be kept.
 */
export function parseJson(text: string): unknown {
  const fault = findFault(text);
  const value: unknown = JSON.parse(text);
  if (fault !== undefined) throw fault;
  return value;
}

/** The keys of an object so far; of a list there are none. */
type Keys = string[] | Set<string> | undefined;

const QUOTE = code('"');
const COMMA = code(',');
const OPEN_OBJECT = code('{');
const CLOSE_OBJECT = code('}');
const OPEN_LIST = code('[');
const CLOSE_LIST = code(']');

/**
 * The first thing that would be read otherwise than it is written; anything where the text is no
 * JSON. It runs for every request: each character is looked at once, and as a number, which takes a
 * third of the time.
 * @throws invalid where it is too deep, before anything is built of it.
 */
function findFault(text: string): HodeiError | undefined {
  const around: Keys[] = [];
  let keys: Keys;
  let isKeyNext = false;
  let lastKey = '';
  let fault: HodeiError | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const here = text.charCodeAt(at);
    if (here === QUOTE) {
      const end = endOfString(text, at);
      if (isKeyNext && keys !== undefined) {
        const key = keyIn(text.slice(at, end));
        fault ??= faultOfKey(key, keys);
        keys = withKey(keys, key);
        lastKey = key;
      }
      isKeyNext = false;
      at = end - 1;
    } else if (here === OPEN_OBJECT || here === OPEN_LIST) {
      if (around.push(keys) > MAX_DEPTH) throw tooDeep();
      isKeyNext = here === OPEN_OBJECT;
      keys = isKeyNext ? [] : undefined;
    } else if (here === CLOSE_OBJECT || here === CLOSE_LIST) {
      keys = around.pop();
    } else if (here === COMMA) {
      isKeyNext = true;
    } else if (isDigit(here)) {
      const end = endOfNumber(text, at);
      fault ??= faultOfNumber(text.slice(at, end), lastKey);
      at = end - 1;
    }
  }
  return fault;
}

function code(character: string): number {
  return character.charCodeAt(0);
}

function tooDeep(): HodeiError {
  return invalid(`The JSON is more than ${MAX_DEPTH} levels deep.`);
}

/** Behind the closing quote of the string that begins there. */
function endOfString(text: string, start: number): number {
  const quote = text.indexOf('"', start + 1);
  if (quote === -1) return text.length;
  if (text[quote - 1] !== '\\') return quote + 1;
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Without its quotes, and with what it escapes: "a" and "\u0061" are the same key. */
function keyIn(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  try {
    return JSON.parse(token) as string;
  } catch {
    // It is no JSON, as then the whole text is none.
    return token;
  }
}

/** A search in few keys is faster than a set of them, and in many it is not. */
const FEW_KEYS = 16;

function withKey(keys: string[] | Set<string>, key: string): string[] | Set<string> {
  if (!Array.isArray(keys)) return keys.add(key);
  keys.push(key);
  return keys.length < FEW_KEYS ? keys : new Set(keys);
}

function faultOfKey(key: string, keys: string[] | Set<string>): HodeiError | undefined {
  // Further in, where objects are copied field by field, it would vanish or do harm.
  if (key === '__proto__') return invalid('unknown field "__proto__"');
  const isThere = Array.isArray(keys) ? keys.includes(key) : keys.has(key);
  if (!isThere) return undefined;
  return invalid(`"${shortened(key)}" stands twice in the same object: say it once.`);
}

const ZERO = code('0');
const NINE = code('9');

function isDigit(character: number): boolean {
  return character >= ZERO && character <= NINE;
}

const OTHERS_IN_NUMBER = ['.', 'e', 'E', '+', '-'].map(code);

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (isDigit(text.charCodeAt(at)) || OTHERS_IN_NUMBER.includes(text.charCodeAt(at))) at += 1;
  return at;
}

/** So many digits are always kept, and most numbers have no more. */
const SURE_DIGITS = /^\d{1,15}$/;

/** Without its sign; behind which key. Amounts are never rounded: not on their way in either. */
function faultOfNumber(token: string, key: string): HodeiError | undefined {
  if (SURE_DIGITS.test(token)) return undefined;
  const value = Number(token);
  const where = key === '' ? '' : `${shortened(key)}: `;
  if (value > Number.MAX_SAFE_INTEGER) {
    return invalid(`${where}must be a whole number up to 2^53-1, not ${shortened(token)}`);
  }
  if (!Number.isInteger(value) || isWhole(token)) return undefined;
  return invalid(`${where}must be a number that can be kept exactly, not ${shortened(token)}`);
}

/** Whether it is so before it is rounded: 1.50e1 is, and 1000.0000000000000001 is not. */
function isWhole(token: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/0+$/, '');
  return digits === '' || whole.length + Number(exponent) >= digits.length;
}

function shortened(text: string): string {
  return text.length > MOST_REPEATED ? `${text.slice(0, MOST_REPEATED)}…` : text;
}
