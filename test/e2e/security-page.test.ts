import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');

/** Each ``file`: words of a test` on the page; a line may end between the words. */
const named = [...page.replace(/\s+/g, ' ').matchAll(/`([\w/.-]+\.test\.ts)`: ([^;)]+)/g)].map(
  ([, file = '', words = '']) => [file, words] as const,
);

describe('the page about security', () => {
  it('names a test with every sentence but the last ones, which say what there is not', () => {
    const [body = ''] = page.split('## What it does not do');
    const items = body.split(/^- /m).slice(1);
    expect(items.length).toBeGreaterThan(25);
    for (const item of items) expect(item).toContain('.test.ts`: ');
  });

  it.each(named)('names one that there is: %s, %s', (file, words) => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    expect(existsSync(path), file).toBe(true);
    expect(readFileSync(path, 'utf8').replace(/\s+/g, ' ')).toContain(words);
  });
});
