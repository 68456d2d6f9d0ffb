import { ID_ALPHABET, ID_LENGTH } from '../../src/domain/tenant.ts';

export interface Ids {
  readonly newId: (kind: string) => string;
  /** The next ids, before the counted ones go on: `say('tenant-bbbbbbbb0001')`. */
  say(...ids: string[]): void;
  /** Forgets those that were said and not taken. */
  drop(): void;
}

/** Ids that count, the fastest digit first, so that their first eight characters differ. */
export function countingIds(): Ids {
  const said: string[] = [];
  let count = 0;
  return {
    newId(kind) {
      count += 1;
      return said.shift() ?? `${kind}-${digitsOf(count)}`;
    },
    say(...ids) {
      said.push(...ids);
    },
    drop() {
      said.length = 0;
    },
  };
}

function digitsOf(count: number): string {
  const base = ID_ALPHABET.length;
  const digits = Array.from({ length: ID_LENGTH }, (_, place) => {
    return ID_ALPHABET.charAt(Math.floor(count / base ** place) % base);
  });
  return digits.join('');
}
