import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ID_ALPHABET,
  ID_LENGTH,
  ID_PREFIX_MIN,
  isTenantId,
  labelKeyProblem,
  looksLikeTenantId,
  MAX_LABELS,
  MAX_WEIGHT,
  nearestTenantName,
  parseLabel,
  tenantNameProblem,
} from '../../src/domain/tenant.ts';

const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz');
const middle = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-'),
  maxLength: 61,
});
const end = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789');
const goodName = fc
  .oneof(
    letter,
    fc.tuple(letter, middle, end).map((parts) => parts.join('')),
  )
  .filter((name) => !/^tenant-[0-9b-z]{8,12}$/.test(name));
const idOf = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...ID_ALPHABET), minLength: length, maxLength: length })
    .map((digits) => `tenant-${digits}`);

describe('an id', () => {
  it('is made of twelve digits and consonants, none of which is mistaken for another', () => {
    expect(new Set(ID_ALPHABET).size).toBe(30);
    expect(ID_ALPHABET).toMatch(/^[0-9a-z]+$/);
    expect(ID_ALPHABET).not.toMatch(/[aeioul]/);
    fc.assert(fc.property(idOf(ID_LENGTH), (id) => isTenantId(id)));
  });

  it.each([
    'tenant-7f3k9q2m4xw',
    'tenant-7f3k9q2m4xwzz',
    'tenant-7F3K9Q2M4XWZ',
    'tenant-7f3k9q2m4xwa',
    'tenant_7f3k9q2m4xwz',
    ' tenant-7f3k9q2m4xwz',
    'tenant-7f3k9q2m4xwz\n',
    'job-7f3k9q2m4xwz',
    '7f3k9q2m4xwz',
    '',
  ])('is not %j', (text) => {
    expect(isTenantId(text)).toBe(false);
  });

  it('can be told by its beginning of eight characters or more, and not by fewer', () => {
    for (let length = 0; length <= ID_LENGTH + 1; length++) {
      const isBeginning = length >= ID_PREFIX_MIN && length <= ID_LENGTH;
      fc.assert(fc.property(idOf(length), (text) => looksLikeTenantId(text) === isBeginning));
    }
  });
});

describe('a name', () => {
  it('is good when it is a DNS label that begins with a letter', () => {
    fc.assert(fc.property(goodName, (name) => tenantNameProblem(name) === undefined));
  });

  it('is bad with any other character anywhere in it', () => {
    const other = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    const isOther = (text: string) => !/^[a-z0-9-]$/.test(text);
    fc.assert(
      fc.property(goodName, other.filter(isOther), fc.nat(), (name, character, place) => {
        const at = place % (name.length + 1);
        const bad = name.slice(0, at) + character + name.slice(at);
        expect(tenantNameProblem(bad)).toContain('has 1 to 63 of a-z, 0-9 and -');
      }),
    );
  });

  it.each(['', '-', 'a-', '-a', '1', '1a', 'a'.repeat(64), 'a b', 'a.b', 'a_b', 'A', 'ä', 'a\n'])(
    'is bad: %j',
    (name) => {
      expect(tenantNameProblem(name)).toContain(`"${name}"`);
    },
  );

  it('is bad when it looks like an id or the beginning of one', () => {
    for (let length = ID_PREFIX_MIN; length <= ID_LENGTH; length++) {
      fc.assert(
        fc.property(idOf(length), (name) => {
          expect(tenantNameProblem(name)).toBe(
            `a tenant's name must not look like an id: "${name}"`,
          );
        }),
      );
    }
    expect(tenantNameProblem('tenant-7f3k9q2')).toBeUndefined();
    expect(tenantNameProblem('tenant-platform')).toBeUndefined();
  });

  it('that is bad has a good one near it, or none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const near = nearestTenantName(text);
        expect(near === undefined || tenantNameProblem(near) === undefined).toBe(true);
      }),
    );
    fc.assert(fc.property(goodName, (name) => nearestTenantName(name) === name));
  });

  it.each([
    ['Acme', 'acme'],
    ['Acme Corp.', 'acme-corp'],
    ['ÅÉîøü', 'aei-u'],
    ['  --web__app--  ', 'web-app'],
    ['2nd-team', 'nd-team'],
    ['x'.repeat(80), 'x'.repeat(63)],
    [`${'x'.repeat(62)} y`, 'x'.repeat(62)],
    ['42', undefined],
    ['北京', undefined],
    ['', undefined],
    ['TENANT-7F3K9Q2M', undefined],
  ])('near %j is %j', (text, name) => {
    expect(nearestTenantName(text)).toBe(name);
  });
});

describe('a label', () => {
  it.each(['a', 'A', '0', 'cost-centre', 'a.b/c_d-e', 'k'.repeat(63), 'a--b', '__a'.slice(2)])(
    'may have the key %s',
    (key) => {
      expect(labelKeyProblem(key)).toBeUndefined();
    },
  );

  it.each([
    ...['', '-a', 'a-', '.a', 'a/', 'a b', 'a=b', 'ä', 'a\n', 'k'.repeat(64)],
    ...['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__'],
  ])('may not have the key %j', (key) => {
    expect(labelKeyProblem(key)).toContain(`"${key}"`);
  });

  it('is written key=value, and what follows the first = is the value', () => {
    expect(parseLabel('tier=gold')).toEqual({ key: 'tier', value: 'gold' });
    expect(parseLabel('tier=')).toEqual({ key: 'tier', value: '' });
    expect(parseLabel('sum=a=b')).toEqual({ key: 'sum', value: 'a=b' });
    expect(() => parseLabel('tier')).toThrow('a label is written key=value: "tier"');
    expect(() => parseLabel('=gold')).toThrow('a label is written key=value: "=gold"');
    expect(() => parseLabel('')).toThrow('a label is written key=value: ""');
    expect(() => parseLabel('a b=c')).toThrow("a label's key has");
  });
});

it('the bounds are those that are documented', () => {
  expect({ MAX_WEIGHT, MAX_LABELS, ID_LENGTH, ID_PREFIX_MIN }).toEqual({
    MAX_WEIGHT: 1_000_000,
    MAX_LABELS: 64,
    ID_LENGTH: 12,
    ID_PREFIX_MIN: 8,
  });
});
