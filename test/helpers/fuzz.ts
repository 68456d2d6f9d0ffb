import fc from 'fast-check';
import { operations } from '../../src/service/index.ts';
import { hostileTexts } from './hostile.ts';

/** How many inputs of each kind; `npm run test:fuzz` asks for a million in all. */
export const share = Math.ceil(Number(process.env['HODEI_FUZZ_RUNS'] ?? 12_000) / 3);
/** Printed where it fails, and by the campaign always. */
export const seed = Number(process.env['HODEI_FUZZ_SEED'] ?? Date.now() % 2 ** 31);

const names = [
  ...new Set(operations.flatMap(({ input }) => Object.keys(input().shape))),
  ...['__proto__', 'constructor', 'prototype', 'toString', 'a', '', 'gpu.h100', 'x'.repeat(200)],
];
const name = fc.constantFrom(...names);
const text = fc.oneof(fc.constantFrom(...hostileTexts), fc.string({ unit: 'binary' }), name);
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, 2 ** 53, 2 ** 53 - 1));
const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));
/** Objects as JSON.parse makes them; zod itself stumbles over others that have a constructor. */
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(name, text), tie('any'), { maxKeys: 6, noNullPrototype: true }),
})).any;

/** Fields of an operation, each as its example has it, as something else, or not there. */
export const inputs = fc
  .tuple(
    fc.constantFrom(...operations),
    fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.nat(20), { maxLength: 3 }),
  )
  .map(([operation, others, left]) => {
    const example = Object.entries(operation.example.input).filter((_, i) => !left.includes(i));
    return { operation, input: { ...Object.fromEntries(example), ...others } };
  });

/** A body as bytes: JSON, JSON with something cut out, put in or said twice, or anything. */
export const bodies = fc.oneof(
  fc
    .tuple(inputs, fc.nat(), fc.nat(6), fc.oneof(text, fc.constantFrom(...'{}[]",:\\-0e.')))
    .map(([{ input }, at, cut, put]) => {
      const json = JSON.stringify(input);
      const start = at % (json.length + 1);
      return Buffer.from(
        at % 3 === 0 ? json : json.slice(0, start) + put + json.slice(start + cut),
      );
    }),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
);

const words = [
  ...[
    'tenant',
    'quota',
    'pool',
    'job',
    'queue',
    'explain',
    'violation',
    'policy',
    'usage',
    'audit',
  ],
  ...['config', 'db', 'doctor', 'completion', 'help', 'version', 'create', 'get', 'list', 'update'],
  ...[
    'set',
    'unset',
    'delete',
    'suspend',
    'resume',
    'admit',
    'check',
    'release',
    'renew',
    'cancel',
  ],
  ...['resize', 'adopt', 'hold', 'history', 'show', 'verify', 'test', 'apply', 'status', 'acme'],
  ...[
    '--cpu',
    '--memory',
    '--gpu',
    '--jobs',
    '--set',
    '--label',
    '-l',
    '--email',
    '--parent',
    '-f',
  ],
  ...['--tenant', '--pool', '--id', '--ttl', '--state', '--since', '--limit', '--all', '--tree'],
  ...[
    '--json',
    '-o',
    'csv',
    'yaml',
    'table',
    'name',
    '--dry-run',
    '--yes',
    '--reason',
    '--as',
    '--',
  ],
  ...['-h', '--help', '--no-color', '--if-version', '4Gi', '500m', '+4', '-2', '24h', '80%', 'a=b'],
];

const starts = [
  ...['tenant create', 'tenant get', 'tenant list', 'tenant update', 'tenant delete', 'quota get'],
  ...[
    'quota set acme',
    'quota unset acme',
    'quota list',
    'quota history',
    'pool create',
    'pool list',
  ],
  ...[
    'pool update gpu',
    'pool hold',
    'job admit',
    'job check',
    'job list',
    'job get',
    'job release',
  ],
  ...['job renew', 'job resize', 'job adopt', 'queue list', 'queue status', 'explain', 'run --'],
  ...['violation list', 'policy set', 'policy test', 'policy delete', 'usage show', 'usage verify'],
  ...[
    'audit list',
    'config show',
    'config apply',
    'db restore',
    'db status',
    'completion',
    'watch',
  ],
].map((line) => line.split(' '));

/** A command line: the beginning of one, then words that hodei knows and texts in any order. */
export const lines = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...starts) }, fc.constant([])),
    fc.array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, text), { maxLength: 7 }),
  )
  .map(([start, rest]) => [...start, ...rest]);

/** Queries as they stand in a URL, also such as cannot be decoded. */
export const queries = fc
  .array(
    fc.tuple(
      fc.oneof(name, text),
      fc.oneof(text, number.map(String)),
      fc.constantFrom('=', '==', '', '%', '%ff', '&', ';', '[]='),
    ),
    { maxLength: 5 },
  )
  .map((pairs) => pairs.map(([key, said, mark]) => safe(key) + mark + safe(said)).join('&'));

function safe(part: string): string {
  // Half a character has no encoding.
  return encodeURIComponent(Buffer.from(part).toString());
}
