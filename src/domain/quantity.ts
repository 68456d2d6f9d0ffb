import { invalid, type HodeiError } from './errors.ts';
import { MAX_AMOUNT, dimensionOf, spokenName, type Resource } from './resource.ts';
import { escapeUnprintable } from './text.ts';

/** What someone wrote, exactly: numerator / denominator, not reduced, the suffix counted in. */
export interface Quantity {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly suffix: string;
}

export type NamedUnit = Pick<Resource, 'name' | 'unit'>;

/** What a limit shall become, or by how much it shall change, in base units; null: unlimited. */
export type LimitChange =
  | { readonly kind: 'set'; readonly limit: number | null }
  | { readonly kind: 'add'; readonly delta: number };

/** A number that a table can line up, and its unit ('' if it has none). */
export type SplitAmount = { readonly number: string; readonly unit: string };

type Ratio = Omit<Quantity, 'suffix'>;
type Sign = '' | '+' | '-';

/** An amount as it was typed. A sign that means "change by" stands apart from the rest. */
interface Said {
  readonly sign: Sign;
  readonly text: string;
  readonly resource: NamedUnit;
  readonly isLimit: boolean;
}

const LONGEST_TEXT = 64;
const QUANTITY = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,3})?$/;
const BYTES_PER_MIB = 1_048_576n;
const memoryUnits = ['MiB', 'GiB', 'TiB', 'PiB'] as const;
const memorySuffixes = ['Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

/**
 * Reads a Kubernetes quantity: a decimal number with an SI or binary suffix or an exponent
 * of at most three digits (0e999 is 0), in at most 64 characters, so that no text is slow.
 */
export function parseQuantity(text: string): Quantity {
  const quantity = readQuantity(text);
  if (quantity) return quantity;
  const wanted = 'a number such as 4, 1.5 or 500m, or one with a unit such as 8Gi';
  throw invalid(`${quoted(text)} is no quantity: write ${wanted}.`);
}

/** Reads an absolute amount, in base units of the resource; never rounds. */
export function parseAmount(text: string, resource: NamedUnit): number {
  return amountOf({ sign: '', text, resource, isLimit: false });
}

/** Reads what `--cpu`, `--memory` and their like say of a limit: `6`, `+500m`, `unlimited`. */
export function parseLimitChange(text: string, resource: NamedUnit): LimitChange {
  if (text === 'unlimited') return { kind: 'set', limit: null };
  const sign = signOf(text);
  return changeBy(sign, amountOf({ sign, text: unsigned(text), resource, isLimit: true }));
}

/** Reads the same in base units, as `--cpu-m 1500` and `--set license=3` say it. */
export function parseBaseLimitChange(text: string, resource: NamedUnit): LimitChange {
  if (text === 'unlimited') return { kind: 'set', limit: null };
  const digits = unsigned(text);
  if (text.length > LONGEST_TEXT || !/^\d+$/.test(digits)) throw noBaseAmount(text, resource);
  if (BigInt(digits) > MAX_AMOUNT) throw tooMuch(digits, resource);
  return changeBy(signOf(text), Number(digits));
}

/** Says an amount to people: `1.5 cores`, `12 GiB`, `2`, `3 seats`. */
export function formatAmount(amount: number, resource: NamedUnit): string {
  const { number, unit } = splitAmount(amount, resource);
  return unit === '' ? number : `${number} ${unit}`;
}

/** The same in two parts, in the preferred unit where that needs at most two decimals. */
export function splitAmount(amount: number, resource: NamedUnit, unit?: string): SplitAmount {
  const dimension = dimensionOf(resource);
  if (dimension === 'memory') return splitMemory(BigInt(amount), unit);
  if (dimension === 'cpu') return splitCores(BigInt(amount), unit);
  return { number: String(amount), unit: resource.unit === 'count' ? '' : resource.unit };
}

/** Spells an amount as one can type it back: `parseAmount` of it is the amount again. */
export function printQuantity(amount: number, resource: NamedUnit): string {
  const dimension = dimensionOf(resource);
  if (dimension === 'count') return String(amount);
  if (dimension === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  const isWholeIn = (power: number) => amount !== 0 && amount % 1024 ** power === 0;
  const power = memorySuffixes.findLastIndex((_, index) => index === 0 || isWholeIn(index));
  return `${amount / 1024 ** power}${memorySuffixes[power]}`;
}

function readQuantity(text: string): Quantity | undefined {
  const match = text.length <= LONGEST_TEXT ? QUANTITY.exec(text) : null;
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  const mantissa = BigInt(`${sign}${whole}${fraction}`);
  const scale = scaleOf(suffix);
  return {
    numerator: mantissa * scale.numerator,
    denominator: 10n ** BigInt(fraction.length) * scale.denominator,
    suffix,
  };
}

function scaleOf(suffix: string): Ratio {
  const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].indexOf(suffix);
  if (binary >= 0) return { numerator: 1024n ** BigInt(binary), denominator: 1n };
  const metric = 'num-kMGTPE'.indexOf(suffix);
  const power = metric >= 0 ? 3 * (metric - 3) : Number(suffix.slice(1));
  const scale = 10n ** BigInt(Math.abs(power));
  if (power < 0) return { numerator: 1n, denominator: scale };
  return { numerator: scale, denominator: 1n };
}

function amountOf(said: Said): number {
  // After a sign that means "change by" the text has none: `++4` is no quantity either.
  const quantity = readQuantity(said.sign === '' ? said.text : `+${said.text}`);
  if (!quantity) throw noQuantity(said);
  const amount = wholeAmount(quantity, said.resource);
  if (amount === undefined) throw noWholeAmount(said, quantity);
  return amount;
}

/** The amount in base units, or undefined where a refusal has to say why there is none. */
function wholeAmount(quantity: Quantity, resource: NamedUnit): number | undefined {
  const { numerator, denominator } = inBaseUnits(quantity, resource);
  const isWhole = numerator % denominator === 0n;
  if (!isWhole || lacksUnit(quantity, resource)) return undefined;
  const amount = numerator / denominator;
  return amount >= 0n && amount <= MAX_AMOUNT ? Number(amount) : undefined;
}

function inBaseUnits({ numerator, denominator }: Quantity, resource: NamedUnit): Ratio {
  const dimension = dimensionOf(resource);
  if (dimension === 'cpu') return { numerator: numerator * 1000n, denominator };
  if (dimension === 'memory') return { numerator, denominator: denominator * BYTES_PER_MIB };
  return { numerator, denominator };
}

function lacksUnit({ suffix }: Quantity, resource: NamedUnit): boolean {
  return dimensionOf(resource) === 'memory' && /^$|\d$/.test(suffix);
}

function readAmount(text: string, resource: NamedUnit): number | undefined {
  const quantity = readQuantity(text);
  return quantity && wholeAmount(quantity, resource);
}

function signOf(text: string): Sign {
  const first = text.charAt(0);
  return first === '+' || first === '-' ? first : '';
}

function unsigned(text: string): string {
  return text.slice(signOf(text).length);
}

function changeBy(sign: Sign, amount: number): LimitChange {
  if (sign === '') return { kind: 'set', limit: amount };
  // Not -amount: the change that `-0` asks for is 0.
  return { kind: 'add', delta: sign === '-' ? 0 - amount : amount };
}

function splitCores(amount: bigint, preferred: string | undefined): SplitAmount {
  const number = decimal({ numerator: amount, denominator: 1000n }, 3);
  // Beside a limit of `1 core` the unit of 0.5 is the same word, so that it can be left out.
  if (preferred === 'core' || preferred === 'cores') return { number, unit: preferred };
  return { number, unit: amount === 1000n ? 'core' : 'cores' };
}

function splitMemory(amount: bigint, preferred: string | undefined): SplitAmount {
  const factor = (power: number) => 1024n ** BigInt(power);
  const isShort = (power: number) => (amount * 100n) % factor(power) === 0n;
  const magnitude = amount < 0n ? -amount : amount;
  const asked = memoryUnits.findIndex((unit, power) => unit === preferred && isShort(power));
  const largest = memoryUnits.findLastIndex(
    (_, power) => power === 0 || (isShort(power) && magnitude >= factor(power)),
  );
  const power = asked === -1 ? largest : asked;
  const number = decimal({ numerator: amount, denominator: factor(power) }, 2);
  return { number, unit: memoryUnits[power] ?? 'MiB' };
}

/** Rounds half away from zero to that many places, and leaves out zeros at the end. */
function decimal({ numerator, denominator }: Ratio, places: number): string {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const doubled = 2n * magnitude * 10n ** BigInt(places);
  const digits = String((doubled + denominator) / (2n * denominator)).padStart(places + 1, '0');
  const text = `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return `${numerator < 0n ? '-' : ''}${text.replace(/\.?0+$/, '')}`;
}

function noQuantity(said: Said): HodeiError {
  const wanted = {
    cpu: 'a number of cores such as 4, 1.5 or 500m',
    memory: 'a number with a unit such as 512Mi or 8Gi',
    count: 'a whole number such as 2 or 100',
  }[dimensionOf(said.resource)];
  const typed = quoted(said.sign + said.text);
  const orElse = said.isLimit ? ', or unlimited' : '';
  return invalid(`${typed} is no quantity: write ${wanted}${orElse}.`, memoryMeant(said));
}

/** People write `8GB`, `8 GiB` and `8gb`, and nearly always mean 8Gi. */
function memoryMeant({ sign, text, resource }: Said): string | undefined {
  if (text.length > LONGEST_TEXT || dimensionOf(resource) !== 'memory') return undefined;
  const [, number = '', unit = ''] = /^ *([\d.]+) *([kmgtpe])i?b? *$/i.exec(text) ?? [];
  const meant = `${number}${unit.toUpperCase()}i`;
  return readAmount(meant, resource) === undefined ? undefined : `Did you mean ${sign}${meant}?`;
}

function noWholeAmount(said: Said, quantity: Quantity): HodeiError {
  const { text, resource } = said;
  if (quantity.numerator < 0n) return invalid(`${text} is below zero, and no amount is.`);
  if (lacksUnit(quantity, resource)) return unitMissing(said, quantity);
  const { numerator, denominator } = inBaseUnits(quantity, resource);
  if (numerator > BigInt(MAX_AMOUNT) * denominator) return tooMuch(text, resource);
  return notWhole(said, quantity);
}

function unitMissing(said: Said, { numerator, denominator }: Quantity): HodeiError {
  const name = spokenName(said.resource.name);
  if (numerator === 0n) return invalid(`${name} needs a unit, even 0. ${say(said, ['0Mi'])}`);
  const isLarge = numerator >= 1024n * denominator && numerator % denominator === 0n;
  const [meant, choices] = isLarge
    ? ['MiB or bytes', largeReadings(numerator / denominator, said.resource)]
    : ['MiB or GiB', [`${unsigned(said.text)}Mi`, `${unsigned(said.text)}Gi`]];
  const valid = choices.filter((text) => readAmount(text, said.resource) !== undefined);
  const wayOut = valid.length > 0 ? say(said, valid) : 'A unit is written as in 512Mi or 8Gi.';
  return invalid(`${name} needs a unit: ${said.text} could be ${meant}. ${wayOut}`);
}

/** As MiB, and in short what it is as bytes or, where that is no whole MiB, as MiB again. */
function largeReadings(whole: bigint, resource: NamedUnit): readonly string[] {
  const mebibytes = whole % BYTES_PER_MIB === 0n ? whole / BYTES_PER_MIB : whole;
  if (mebibytes > MAX_AMOUNT) return [];
  return [`${whole}Mi`, printQuantity(Number(mebibytes), resource)];
}

function tooMuch(text: string, resource: NamedUnit): HodeiError {
  const most = resource.unit === 'count' ? MAX_AMOUNT : `${MAX_AMOUNT} ${resource.unit}`;
  return invalid(`${text} is too much: ${spokenName(resource.name)} goes up to ${most}.`);
}

function notWhole(said: Said, quantity: Quantity): HodeiError {
  const { text, resource } = said;
  const amount = inBaseUnits(quantity, resource);
  const below = Number(amount.numerator / amount.denominator);
  const unit = resource.unit === 'count' ? 'numbers' : resource.unit;
  const isPlain = dimensionOf(resource) === 'count' && quantity.suffix === '';
  const found = isPlain ? 'not whole' : notWholeValue(amount, resource);
  const why = `${text} is ${found}, and ${spokenName(resource.name)} is counted in whole ${unit}.`;
  const nearest = [below, below + 1].map((near) => printQuantity(near, resource));
  return invalid(`${why} ${say(said, [...nearest, ...binaryTwin(said, below)])}`);
}

/** Two decimals; where these would read as a whole number, what the amount lies between. */
function notWholeValue(amount: Ratio, resource: NamedUnit): string {
  const unit = resource.unit === 'count' ? '' : ` ${resource.unit}`;
  const shown = decimal(amount, 2);
  if (shown.includes('.')) return `${shown}${unit}`;
  const below = amount.numerator / amount.denominator;
  return `between ${below} and ${below + 1n}${unit}`;
}

/** `16Gi` for `16G`, and `512Mi` for `512m`, which Kubernetes reads as half a byte. */
function binaryTwin({ text, resource }: Said, below: number): readonly string[] {
  if (dimensionOf(resource) !== 'memory') return [];
  const twin = `${unsigned(text).slice(0, -1)}${text.slice(-1).toUpperCase()}i`;
  const amount = readAmount(twin, resource);
  const isNearest = amount === below || amount === below + 1;
  return amount === undefined || isNearest ? [] : [twin];
}

function noBaseAmount(text: string, resource: NamedUnit): HodeiError {
  const unit = resource.unit === 'count' ? '' : ` of ${resource.unit}`;
  const wanted = 'digits such as 15, +5 or -5, or unlimited';
  const message = `${quoted(text)} is no whole number${unit}: write ${wanted}.`;
  const flag = spokenName(resource.name);
  if (flag === resource.name) return invalid(message);
  const example = dimensionOf(resource) === 'memory' ? '8Gi' : '500m';
  const said = readAmount(`+${unsigned(text)}`, resource) === undefined ? example : text;
  return invalid(message, `A quantity has a flag of its own: --${flag} ${said}`);
}

function say({ sign }: Said, choices: readonly string[]): string {
  const all = [...new Set(choices)].map((choice) => `${sign}${choice}`);
  const last = all.pop();
  return all.length === 0 ? `Say ${last}.` : `Say ${all.join(', ')} or ${last}.`;
}

/** Short, whatever was typed, and free of characters that a terminal would obey or hide. */
function quoted(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return `"${escapeUnprintable(short)}"`;
}
