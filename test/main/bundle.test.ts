import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

// One character beyond that, and each process keeps two bytes for every one of the file's, and reads it
// more slowly.
it.each(['hodei', 'worker'])('the built %s has nothing but ASCII in it', (name) => {
  const file = readFileSync(new URL(`../../dist/${name}.cjs`, import.meta.url));
  expect(file.findIndex((byte) => byte > 0x7f)).toBe(-1);
});
