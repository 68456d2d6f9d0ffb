import { invalid } from './errors.ts';
import { nameProblem, nearestName } from './name.ts';

export type TenantStatus = 'active' | 'suspended';

/**
 * Digits and consonants: an id never spells a word, and no English name is mistaken for an id.
 * 30^12 ids: with a million tenants a clash has a chance of about one in a million, and is refused.
 */
export const ID_ALPHABET = '0123456789bcdfghjkmnpqrstvwxyz';
export const ID_LENGTH = 12;
/** So many characters after the dash are enough to name a tenant by the beginning of its id. */
export const ID_PREFIX_MIN = 8;

export const MAX_WEIGHT = 1_000_000;
export const MAX_LABELS = 64;

const ID = new RegExp(`^tenant-[${ID_ALPHABET}]{${ID_LENGTH}}$`);
const ID_PREFIX = new RegExp(`^tenant-[${ID_ALPHABET}]{${ID_PREFIX_MIN},${ID_LENGTH}}$`);
const LABEL_KEY = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;

export function isTenantId(text: string): boolean {
  return ID.test(text);
}

/** Whether the text can be the beginning of an id, long enough to be looked up by. */
export function looksLikeTenantId(text: string): boolean {
  return ID_PREFIX.test(text);
}

/** What is wrong with a name, or undefined. */
export function tenantNameProblem(name: string): string | undefined {
  if (looksLikeTenantId(name)) return `a tenant's name must not look like an id: "${name}"`;
  return nameProblem("a tenant's name", name);
}

/** The nearest good name to a bad one, to suggest it; undefined when nothing is left of it. */
export function nearestTenantName(text: string): string | undefined {
  const name = nearestName(text);
  return tenantNameProblem(name) === undefined ? name : undefined;
}

export function labelKeyProblem(key: string): string | undefined {
  // A key named like a property of every object would turn up where nobody set it.
  if (LABEL_KEY.test(key) && !(key in Object.prototype)) return undefined;
  return `a label's key has 1 to 63 letters, digits and . _ - / and begins and ends with a letter or digit: "${key}"`;
}

/** `key=value` as typed for a label. */
export function parseLabel(text: string): { readonly key: string; readonly value: string } {
  const cut = text.indexOf('=');
  if (cut < 1) throw invalid(`a label is written key=value: "${text}"`);
  const key = text.slice(0, cut);
  const problem = labelKeyProblem(key);
  if (problem !== undefined) throw invalid(problem);
  return { key, value: text.slice(cut + 1) };
}
