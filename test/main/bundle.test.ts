import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

// One character beyond that, and each process keeps two bytes for every one of the file's, and reads it
// more slowly.
it.each(['hodei', 'worker'])('the built %s has nothing but ASCII in it', (name) => {
  const file = readFileSync(new URL(`../../dist/${name}.cjs`, import.meta.url));
  expect(file.findIndex((byte) => byte > 0x7f)).toBe(-1);
});

// Who installs it is often not who runs it.
it('what V8 has compiled can be read by whoever can read the bundle', () => {
  const mode = (name: string) =>
    (statSync(new URL(`../../dist/${name}`, import.meta.url)).mode & 0o777).toString(8);
  expect(mode('hodei.cjs.cache')).toBe(mode('hodei.cjs'));
});

it('V8 takes what was compiled', () => {
  const { load } = createRequire(import.meta.url)('../../bin/hodei.js') as {
    load(): { cached: boolean };
  };
  expect(load().cached).toBe(true);
});
