import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const packageJson = readFileSync(new URL('package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(packageJson) as { version: string };

/** What these test is given all it works with, so that a file leaves nothing behind for the next. */
const inProcess = ['domain', 'config', 'service', 'http', 'cli'].map(
  (n) => `test/${n}/**/*.test.ts`,
);

export default defineConfig({
  define: { __HODEI_VERSION__: JSON.stringify(version) },
  test: {
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // One more than there are cores on the smallest machine: a fifth of the time is spent waiting for
    // processes, clocks and disks.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
    // In the order of their names, so that the longest begin first.
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: inProcess },
      },
      {
        extends: true,
        // A quarter of the work of all tests would be to start Node and load hodei for each file.
        test: {
          name: 'shared',
          include: inProcess,
          isolate: false,
          setupFiles: ['test/helpers/no-trace.ts'],
        },
      },
    ],
  },
});
