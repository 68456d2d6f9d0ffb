// Applies .dependency-cruiser.cjs to src, and proves that it bites: it has said "no violations" of a
// src that it could not read. So it must see the files, and find every violation that is planted.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const configPath = join(root, '.dependency-cruiser.cjs');
const rules = createRequire(import.meta.url)(configPath).forbidden;

const FEWEST_MODULES = 10;

/** Rule, file, and the import in it that breaks the rule. */
const plants = [
  ['domain', 'domain/service', `import '../service/tenants.ts';`],
  ['domain', 'domain/builtin', `import 'node:fs';`],
  ['domain', 'domain/package', `import 'zod';`],
  ['store-interface', 'store/store', `import 'node:fs';`],
  ['store', 'store/migrate', `import type { a } from '../service/tenants.ts';`],
  ['store-tables', 'store/tables/driver', `import '../sqlite/driver.ts';`],
  ['store-tables', 'store/tables/migrate', `import '../other.ts';`],
  ['store-sqlite', 'store/sqlite/postgres', `import '../postgres/driver.ts';`],
  ['store-postgres', 'store/postgres/service', `import '../../service/tenants.ts';`],
  ['service', 'service/static', `import '../store/sqlite/driver.ts';`],
  ['service', 'service/type', `import type { a } from '../store/tables/tenants.ts';`],
  ['service', 'service/dynamic', `await import('../store/postgres/driver.ts');`],
  ['service', 'service/cli', `import '../cli/program.ts';`],
  ['service', 'service/http', `export * from '../http/server.ts';`],
  ['service', 'service/config', `import '../config/load.ts';`],
  ['config', 'config/service', `import '../service/tenants.ts';`],
  ['config', 'config/store', `import '../store/store.ts';`],
  ['cli', 'cli/http', `import '../http/server.ts';`],
  ['cli', 'cli/store', `import type { a } from '../store/store.ts';`],
  ['cli', 'cli/config', `import '../config/load.ts';`],
  ['http', 'http/cli', `import '../cli/program.ts';`],
  ['http', 'http/store', `import '../store/sqlite/driver.ts';`],
  ['http', 'http/config', `import '../config/load.ts';`],
  ['known-room', 'main/room', `import '../attic/a.ts';`],
  ['nothing-imports-main', 'cli/main', `import '../main.ts';`],
  ['nothing-imports-main', 'http/main', `import '../main/room.ts';`],
  ['no-cycle', 'cli/one', `import './two.ts';`],
  ['resolvable', 'cli/missing', `import './missing-file.ts';`],
  ['known-package', 'main/package', `import 'unknown-package';`],
  ...packageNames().map((name, n) => [
    `package ${name}`,
    `store/tables/package-${n}`,
    `import '${name}';`,
  ]),
];

/** What the plants import, and what is allowed and must stay without a finding. */
const innocent = [
  ['main', `import './cli/program.ts';\nimport './http/server.ts';\nimport './config/load.ts';`],
  ['main/worker', `import '../store/sqlite/driver.ts';\nimport '../service/tenants.ts';`],
  ['attic/a', `export type a = 1;`],
  ['domain/tenant', `export type a = 1;`],
  ['service/tenants', `import './schemas/tenant.ts';\nimport type { a } from '../store/store.ts';`],
  ['service/schemas/tenant', `import 'zod';\nimport '../../domain/tenant.ts';`],
  ['config/load', `import 'yaml';\nimport '../service/schemas/tenant.ts';`],
  ['store/other', `import '../domain/tenant.ts';\nexport type a = 1;`],
  ['store/tables/tenants', `import type { a } from '../store.ts';`],
  ['store/sqlite/driver', `import 'better-sqlite3';\nimport '../tables/tenants.ts';`],
  ['store/postgres/driver', `import 'pg';\nimport '../tables/tenants.ts';`],
  ['cli/program', `import 'commander';\nawait import('../service/tenants.ts');`],
  ['cli/two', `import type { a } from './one.ts';`],
  ['http/server', `import 'fastify';\nimport '../service/tenants.ts';`],
];

function packageNames() {
  return rules.flatMap(({ name }) => (name.startsWith('package ') ? [name.slice(8)] : []));
}

/** A src in which every rule is broken. */
function plant(folder) {
  for (const name of [...packageNames(), 'unknown-package']) {
    write(join(folder, 'node_modules', name, 'index.js'), '');
  }
  for (const [file, text] of innocent) write(join(folder, 'src', `${file}.ts`), text);
  for (const [, file, text] of plants) write(join(folder, 'src', `${file}.ts`), text);
  copyFileSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'));
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${text}\n`);
}

/** Runs the tool on the src in a folder. Its exit code says how much it found, so it is not looked at. */
function cruise(folder) {
  const tool = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [tool, 'src', '--config', configPath, '--output-type', 'json'];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd: folder, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        if (stdout === '') reject(new Error(`dependency-cruiser said nothing: ${error} ${stderr}`));
        else resolve(JSON.parse(stdout));
      },
    );
  });
}

function problemsInSrc({ modules, summary }) {
  const seen = modules.filter(({ source }) => source.startsWith('src/')).length;
  const problems = summary.violations.map(
    ({ rule, from, to }) => `${from} imports ${to} (${rule.name}: ${commentOf(rule.name)})`,
  );
  if (seen < FEWEST_MODULES) problems.push(`only ${seen} modules were seen in src`);
  else console.log(`imports: ${seen} modules, ${rules.length} rules`);
  return problems;
}

function commentOf(name) {
  return rules.find((rule) => rule.name === name)?.comment;
}

function problemsInRules({ summary }) {
  const found = summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`);
  const missed = plants.filter(([rule, file]) => !found.includes(`${rule}: src/${file}.ts`));
  const unproven = rules.filter(({ name }) => !plants.some(([rule]) => rule === name));
  const accused = innocent.filter(([file]) =>
    found.some((line) => line.endsWith(`: src/${file}.ts`)),
  );
  return [
    ...missed.map(([rule, file]) => `the rule ${rule} did not notice the planted src/${file}.ts`),
    ...unproven.map(({ name }) => `the rule ${name} is not proven: plant a violation of it`),
    ...accused.map(
      ([file]) => `what is allowed is called a violation in the planted src/${file}.ts`,
    ),
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'hodei-imports-'));
try {
  plant(folder);
  const [real, planted] = await Promise.all([cruise(root), cruise(folder)]);
  const problems = [...problemsInSrc(real), ...problemsInRules(planted)];
  for (const problem of problems) console.error(`imports: ${problem}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
