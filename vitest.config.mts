import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const packageJson = readFileSync(new URL('package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(packageJson) as { version: string };

export default defineConfig({
  define: { __HODEI_VERSION__: JSON.stringify(version) },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // One more than there are cores on the smallest machine: a fifth of the time is spent waiting for
    // processes, clocks and disks.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
});
