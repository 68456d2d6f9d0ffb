// Bundles src into dist/hodei.cjs and dist/worker.cjs, undici into a file of its own, and makes the V8 code cache of the first.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { makeCodeCache } from './code-cache.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Each entry becomes one file. */
const entries = [
  { source: 'src/main.ts', output: 'dist/hodei.cjs' },
  { source: 'src/main/worker.ts', output: 'dist/worker.cjs' },
  { source: 'undici', output: 'dist/undici.cjs' },
];

/** What only the server needs, and native code: loaded from node_modules, and only when used. */
const external = [
  'fastify',
  '@fastify/*',
  'pino',
  'pg',
  'prom-client',
  'rate-limiter-flexible',
  'standardwebhooks',
  '*.node',
];

/** bin/hodei.js expects the fingerprint to be the first 42 characters. */
const fingerprint = (digits) => `/*hodei ${digits}*/`;
const noFingerprint = fingerprint('0'.repeat(32));

/**
 * The JavaScript of better-sqlite3 goes into the bundle and its native part is named, because a
 * dozen small files and the search for the native one cost 5 of the 25 ms that a command takes.
 */
const nativePart = {
  name: 'native-part',
  setup({ onResolve, onLoad }) {
    const file = 'better-sqlite3/build/Release/better_sqlite3.node';
    const contents = `module.exports = () => require('${file}');`;
    onResolve({ filter: /^bindings$/ }, ({ path }) => ({ path, namespace: 'native-part' }));
    onLoad({ filter: /^/, namespace: 'native-part' }, () => ({ contents, resolveDir: root }));
  },
};

/**
 * Only who trusts an authority of their own needs undici, and as a part of the first bundle it would
 * be read at every start. Beside it, it needs no node_modules either.
 */
const ownFile = {
  name: 'own-file',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './undici.cjs', external: true },
    );
  },
};

/** Parts of Node that take 2.5 and 1.4 ms to load, and that most commands import in vain. */
const slowBuiltins = ['crypto', 'child_process'];

/** Loads a slow part of Node when one of its functions is used, however it was imported. */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(node:)?(${slowBuiltins.join('|')})$`);
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'lazy' ? { path, external: true } : { path, namespace: 'lazy' },
    );
    onLoad({ filter: /^/, namespace: 'lazy' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default');
      const getters = names.map((name) => `get ${name}() { return require('${path}').${name}; },`);
      return { contents: `module.exports = {\n${getters.join('\n')}\n};` };
    });
  },
};

/** Nothing is minified: it would not start faster (measured), and stack traces stay readable. */
async function bundle({ source, output }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: output,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external,
    plugins: [nativePart, ownFile, lazyBuiltins],
    // Without `import()` in the bundle, vm.Script needs no importModuleDynamically.
    supported: { 'dynamic-import': false },
    define: { __HODEI_VERSION__: JSON.stringify(version) },
    banner: { js: noFingerprint },
    logOverride: { 'empty-import-meta': 'error' },
  });
  const [{ text }] = outputFiles;
  return { output, text: withFingerprint(inAscii(text)) };
}

/**
 * One character beyond Latin 1, in a comment or a regular expression of a package, and V8 keeps two
 * bytes for each of two million. What is in strings esbuild has escaped already.
 */
function inAscii(text) {
  return text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function withFingerprint(text) {
  if (!text.startsWith(noFingerprint)) throw new Error('the bundle does not begin with its banner');
  const digits = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return fingerprint(digits) + text.slice(noFingerprint.length);
}

/** A hodei that starts during a build finds the old file or the new one, never half of one. */
function replaceFile(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

// All or none: the files of one program are of one build.
for (const { output, text } of await Promise.all(entries.map(bundle))) {
  replaceFile(join(root, output), text);
  console.log(`build: ${output}, ${Math.round(text.length / 1024)} KB`);
}
makeCodeCache();
