'use strict';

// Who may import whom: domain ← store/store.ts ← service ← { cli, http } ← main.
// scripts/check-imports.mjs applies these rules to src, and breaks each of them once to see it bite.

const domain = '^src/domain/';
const storeItself = '^src/store/[^/]+$';
const storeInterface = '^src/store/store\\.ts$';
/** The parts of the interface, each about a few nouns; store.ts hands them on. */
const storeParts = '^src/store/store-[a-z]+\\.ts$';
const tables = '^src/store/tables/';
const sqlite = '^src/store/sqlite/';
const postgres = '^src/store/postgres/';
const service = '^src/service/';
/** How YAML is read, whatever a file of it is about. */
const yamlReader = '^src/service/yaml\\.ts$';
/** The schemas, and what it takes to write one. */
const schemas = '^src/service/(schemas/|(operation|nearest)\\.ts$)';
const config = '^src/config/';
const cli = '^src/cli/';
const http = '^src/http/';
const main = '^src/main(/|\\.ts$)';

const rooms = [domain, storeItself, tables, sqlite, postgres, service, config, cli, http, main];

/** What each room may import of src, beside itself. Only main may import everything. */
const mayImport = [
  ['store', storeItself, [domain]],
  ['store/tables', tables, [domain, storeInterface]],
  ['store/sqlite', sqlite, [domain, storeItself, tables]],
  ['store/postgres', postgres, [domain, storeItself, tables]],
  ['service', service, [domain, storeInterface]],
  ['config', config, [domain, schemas, yamlReader]],
  ['cli', cli, [domain, service]],
  ['http', http, [domain, service]],
];

/** Where each package may be imported, beside main. A package that is not here may be imported nowhere. */
const packages = {
  'better-sqlite3': [sqlite],
  chalk: [cli],
  'cli-table3': [cli],
  commander: [cli],
  'csv-stringify': [cli],
  'env-paths': [],
  'fastest-levenshtein': [cli, service],
  fastify: [http],
  '@fastify/cors': [http],
  '@fastify/swagger': [http],
  '@fastify/swagger-ui': [http],
  '@marcbachmann/cel-js': [service],
  nanoid: [],
  pg: [postgres],
  pino: [http],
  'prom-client': [http],
  'rate-limiter-flexible': [http],
  standardwebhooks: [http],
  undici: [http],
  yaml: [config, cli, yamlReader],
  zod: [service, http, config],
};

function packagePath(name) {
  const folder = name.startsWith('@') ? name : `(@types/)?${name}`;
  return `(^|/)node_modules/${folder}/`;
}

function rule(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}

module.exports = {
  forbidden: [
    rule(
      'domain',
      'domain is what is true without a computer: it imports nothing but domain',
      { path: domain },
      { pathNot: domain },
    ),
    rule(
      'store-interface',
      'store/store.ts and its parts are written in the words of the domain',
      { path: [storeInterface, storeParts] },
      { pathNot: [domain, storeParts] },
    ),
    ...mayImport.map(([name, path, others]) =>
      rule(
        name.replace('/', '-'),
        `of src, ${name} imports only what .dependency-cruiser.cjs allows it`,
        { path },
        { path: '^src/', pathNot: [path, ...others] },
      ),
    ),
    rule(
      'known-room',
      'every file is in a room that has rules',
      {},
      { path: '^src/', pathNot: rooms },
    ),
    rule('nothing-imports-main', 'main opens the doors', { pathNot: main }, { path: main }),
    rule('no-cycle', 'files that import each other are one file', {}, { circular: true }),
    rule('resolvable', 'an import leads to a file or a package', {}, { couldNotResolve: true }),
    rule(
      'known-package',
      'a package is imported only in the rooms that .dependency-cruiser.cjs names',
      { path: '^src/' },
      { path: 'node_modules/', pathNot: Object.keys(packages).map(packagePath) },
    ),
    ...Object.entries(packages).map(([name, allowed]) =>
      rule(
        `package ${name}`,
        `${name} is imported only where .dependency-cruiser.cjs allows it`,
        { path: '^src/', pathNot: [main, ...allowed] },
        { path: packagePath(name) },
      ),
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types', 'default'],
    },
    // Types count: who knows the shape of a thing depends on it.
    tsPreCompilationDeps: true,
  },
};
