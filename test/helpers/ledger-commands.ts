import fc from 'fast-check';
import type { AdmitCommand, BurstCommand, LedgerCommand } from './ledger-model.ts';
import type { PoolShape } from './ledger-pools.ts';
import { resources, type Amounts, type ResourceName } from './ledger-rules.ts';

// Few names and small amounts, so that limits bind, names collide and jobs wait for each other; and
// mostly of what is there, so that more is done than refused.
const tenant = mostly(['a', 'b', 'c', 'd'], ['e']);
const parent = fc.option(tenant, { nil: null, freq: 4 });
const pool = mostly(['default', 'p'], ['q']);
const somewhere = mostly([null, 'p'], ['default', 'q']);
const resource = fc.constantFrom<ResourceName>('cpu_m', ...resources);
const limit = fc.constantFrom<number | null>(null, 0, 1, 2, 3, 4, 6);
const seconds = mostly([1, 60, 299, 300], [1_000, 86_400]);
const priority = fc.constantFrom(0, 0, 0, 5);
const weight = fc.constantFrom(1, 1, 2);
const lease = fc.option(fc.constantFrom(60, 300, 3_000), { nil: null });
/** Among all that there were, counted around; -1 is the latest. */
const job = fc.integer({ min: -1, max: 30 });

/** Objects as they are written, so that a counterexample can be read. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

function mostly<T>(usual: readonly T[], rare: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...rare) },
  );
}

const amounts = mostly<Amounts>(
  [
    { cpu_m: 1 },
    { cpu_m: 2 },
    { cpu_m: 3 },
    { cpu_m: 4 },
    { cpu_m: 1, gpu: 1 },
    { gpu: 2 },
    { 'gpu.big': 1 },
    { 'gpu.big': 2, cpu_m: 1 },
    { jobs: 2 },
  ],
  [
    { cpu_m: 0, gpu: 0 },
    { gpu: 1, 'gpu.big': 1 },
  ],
);

const resized: fc.Arbitrary<Amounts> = fc.constantFrom<Amounts>(
  { cpu_m: 1 },
  { cpu_m: 3 },
  { cpu_m: 5 },
  { cpu_m: 0 },
  { gpu: 0 },
  { gpu: 2, cpu_m: 1 },
  { 'gpu.big': 0 },
  { 'gpu.big': 3 },
  { jobs: 3 },
  {},
);

const size = fc.nat({ max: 3 });
const unsaid = { nil: undefined, freq: 2 };

/** Nothing is said of about half of the fields. */
const shape: fc.Arbitrary<PoolShape> = record({
  type: fc.option(fc.constantFrom('static' as const, 'dynamic' as const), unsaid),
  min_size: fc.option(fc.constantFrom(0, 0, 1, 2), unsaid),
  max_size: fc.option(size, unsaid),
  size: fc.option(size, unsaid),
  resources: fc.option(
    fc.constantFrom<Amounts>({}, { cpu_m: 2 }, { cpu_m: 3, gpu: 1 }, { 'gpu.big': 1, gpu: 2 }),
    unsaid,
  ),
  most: fc.option(limit, unsaid),
  mostEach: fc.option(limit, unsaid),
}).map(({ most, mostEach, ...rest }) => ({
  ...rest,
  quotas: { max_concurrent_jobs: most, max_jobs_per_tenant: mostEach },
}));

const admit: fc.Arbitrary<AdmitCommand> = record({
  do: fc.constant('admit' as const),
  tenant,
  pool,
  amounts,
  onFull: fc.constantFrom('queue' as const, 'queue' as const, 'reject' as const, null),
  jobId: mostly([null], ['x', 'x', 'y']),
  key: mostly([null], ['k', 'k', 'l']),
  ttl: mostly([null], [60, 300]),
  queueTtl: mostly([null], [60, 300]),
  priority,
});

const lift = fc.oneof(
  record({
    percentage: mostly([150, 200, 134, 150], [120, 201]),
    resources: mostly<readonly ResourceName[] | null>(
      [null, ['cpu_m']],
      [['gpu'], ['jobs', 'cpu_m']],
    ),
    add: fc.constant(null),
  }),
  record({
    percentage: fc.constant(null),
    resources: fc.constant(null),
    add: mostly<Amounts>(
      [{ cpu_m: 1 }, { cpu_m: 2 }, { gpu: 1 }, { cpu_m: 1, gpu: 1 }],
      [{ cpu_m: 9 }],
    ),
  }),
);

const burst: fc.Arbitrary<BurstCommand> = fc
  .tuple(
    lift,
    record({
      do: fc.constant('burst' as const),
      tenant,
      pool: mostly([null, null, 'p'], ['default', 'q']),
      seconds: fc.constantFrom(60, 61, 120, 300),
      startsIn: mostly([null, null, 60], [-30, -60, 300, 90_000]),
      onEnd: fc.constantFrom('keep' as const, 'evict' as const),
    }),
  )
  .map(([lifting, rest]) => ({ ...rest, ...lifting }));

/** Among all that there were, counted around; mostly the latest. */
const session = fc.oneof(
  { weight: 3, arbitrary: fc.constant(-1) },
  { weight: 2, arbitrary: fc.nat({ max: 10 }) },
);
const person = mostly(['ben', 'eva'], ['ana']);

const some = <T extends string>(verb: T) => fc.constant(verb);
const often = (weight: number, arbitrary: fc.Arbitrary<LedgerCommand>) => ({ weight, arbitrary });

const release = record({ do: some('release'), job });
const resize = record({ do: some('resize'), job, amounts: resized });
const advance = record({ do: some('advance'), seconds });
const set = record({ do: some('set'), tenant, pool: somewhere, resource, limit });
const unset = record({ do: some('unset'), tenant, pool: somewhere, resource });
const approve = record({ do: some('approve'), burst: session, by: person });
const look = record({ do: some('look'), tenant, pool: mostly([null, 'p'], ['default']) });

const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  often(40, admit),
  often(8, release),
  often(4, resize),
  often(3, record({ do: some('renew'), job, ttl: lease })),
  often(2, record({ do: some('cancel'), job })),
  often(4, advance),
  often(6, set),
  often(6, unset),
  often(6, record({ do: some('move'), tenant, parent, force: fc.boolean() })),
  often(1, record({ do: some('suspend'), tenant })),
  often(3, record({ do: some('resume'), tenant })),
  often(2, record({ do: some('create'), tenant, parent, weight })),
  often(1, record({ do: some('delete'), tenant, cascade: fc.boolean() })),
  often(2, record({ do: some('createPool'), pool, shape })),
  often(4, record({ do: some('updatePool'), pool, shape })),
  often(1, record({ do: some('hold'), pool })),
  often(3, record({ do: some('unhold'), pool })),
  often(1, record({ do: some('deletePool'), pool })),
  often(1, record({ do: some('restart') })),
  often(4, burst),
  often(5, approve),
  often(1, record({ do: some('deny'), burst: session, by: person })),
  often(1, record({ do: some('cancelBurst'), burst: session, by: person })),
  often(2, record({ do: some('endBurst'), burst: session, by: person })),
  often(3, look),
);

/** What makes room. */
const freeing = fc.array(
  fc.oneof<fc.Arbitrary<LedgerCommand>[]>(release, set, unset, resize, advance),
  {
    minLength: 1,
    maxLength: 3,
  },
);

/** Room appears while something is shut, and it is opened after. */
const shutMeanwhile: fc.Arbitrary<LedgerCommand[]> = fc.oneof(
  fc.tuple(tenant, freeing).map(([name, meanwhile]): LedgerCommand[] => {
    return [{ do: 'suspend', tenant: name }, ...meanwhile, { do: 'resume', tenant: name }];
  }),
  fc.tuple(pool, freeing).map(([name, meanwhile]): LedgerCommand[] => {
    return [{ do: 'hold', pool: name }, ...meanwhile, { do: 'unhold', pool: name }];
  }),
);

/** The same is asked again, when what it brought about is over for a while. */
const askedAgain: fc.Arbitrary<LedgerCommand[]> = fc
  .tuple(
    record({ tenant, pool, amounts, isKeyed: fc.boolean() }),
    fc.constantFrom('release', 'cancel'),
    fc.constantFrom(1, 86_399, 86_400),
  )
  .map(([{ isKeyed, ...asked }, end, after]) => {
    const named = isKeyed ? { jobId: null, key: 'k' } : { jobId: 'x', key: null };
    const again: AdmitCommand = {
      ...{ do: 'admit', ...asked, ...named },
      ...{ onFull: 'queue', ttl: null, queueTtl: null, priority: 0 },
    };
    return [again, { do: end, job: -1 }, { do: 'advance', seconds: after }, again];
  });

/** So little that several of them fit in what is lent. */
const small = record({
  tenant,
  cpu: fc.constantFrom(1, 1, 2),
  onFull: fc.constantFrom('queue' as const, null),
}).map(({ tenant: name, cpu, onFull }): AdmitCommand => ({
  ...{ do: 'admit', tenant: name, pool: 'default', amounts: { cpu_m: cpu }, onFull },
  ...{ jobId: null, key: null, ttl: null, queueTtl: null, priority: 0 },
}));

/** Capacity is lent, something is done with it, and time passes over what happens to it. */
const lent: fc.Arbitrary<LedgerCommand[]> = fc
  .tuple(
    burst,
    fc.array(
      fc.oneof<fc.Arbitrary<LedgerCommand>[]>(small, small, small, admit, release, set, resize),
      {
        minLength: 2,
        maxLength: 6,
      },
    ),
    mostly([59, 60, 61, 120, 240], [300, 1_000]),
    record({ do: some('look'), tenant, pool: mostly([null, 'p'], ['default']) }),
    admit,
  )
  .map(([asked, meanwhile, after, seen, last]): LedgerCommand[] => {
    const { tenant: name } = asked;
    const begun = ['ben', 'eva'].map((by): LedgerCommand => ({ do: 'approve', burst: -1, by }));
    const used = meanwhile.map((each) => (each.do === 'admit' ? { ...each, tenant: name } : each));
    const passed: LedgerCommand = { do: 'advance', seconds: after };
    return [asked, ...begun, ...used, passed, { ...seen, tenant: name }, last];
  });

/** Capacity is asked for, and somebody answers that at once, or ends what nobody had to agree to. */
const answered: fc.Arbitrary<LedgerCommand[]> = fc
  .tuple(
    burst,
    fc.constantFrom(
      'approve' as const,
      'deny' as const,
      'cancelBurst' as const,
      'endBurst' as const,
    ),
    fc.constantFrom('ana', 'ben'),
  )
  .map(([asked, verb, by]): LedgerCommand[] => [asked, { do: verb, burst: -1, by }]);

export interface Step {
  readonly command: LedgerCommand;
  readonly isDry: boolean;
}

const really = (commands: readonly LedgerCommand[]): Step[] =>
  commands.map((each) => ({ command: each, isDry: false }));

/** Some steps that belong together; what is asked for is sometimes asked for twice at once. */
const episode: fc.Arbitrary<Step[]> = fc.oneof(
  {
    weight: 20,
    arbitrary: record({
      command,
      isDry: mostly([false], [true]),
      times: mostly([1], [2]),
    }).map(({ times, ...once }) => Array.from({ length: times }, () => once)),
  },
  { weight: 1, arbitrary: shutMeanwhile.map(really) },
  { weight: 1, arbitrary: askedAgain.map(really) },
  { weight: 6, arbitrary: lent.map(really) },
  { weight: 3, arbitrary: answered.map(really) },
);

const NAMES = ['a', 'b', 'c', 'd'];

/** A tree to begin with, each tenant under one before it or under none, and a second pool. */
const beginning = fc.tuple(...NAMES.map(() => fc.nat({ max: 3 }))).map((parents) => {
  const tenants = parents.map((above, index): LedgerCommand => {
    const parent = above < index ? (NAMES[above] ?? null) : null;
    return { do: 'create', tenant: NAMES[index] ?? '', parent, weight: 1 + (index % 2) };
  });
  const shape = { type: 'dynamic', min_size: 0, max_size: 3, resources: { cpu_m: 2 } } as const;
  return really([...tenants, { do: 'createPool', pool: 'p', shape }]);
});

/** So many ask for the same that some of them have to wait for others. */
const crowd = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 3 })), { maxLength: 8 })
  .map((asked) =>
    really(
      asked.map(([name, cpu]): AdmitCommand => ({
        ...{ do: 'admit', tenant: name, pool: 'default', amounts: { cpu_m: cpu } },
        ...{ onFull: 'queue', jobId: null, key: null, ttl: null, queueTtl: null, priority: 0 },
      })),
    ),
  );

/** Two pools, a tree of tenants and some that wait, and anything that may be done to them. */
export function steps(episodes: number): fc.Arbitrary<Step[]> {
  const rest = fc.array(episode, { minLength: 1, maxLength: episodes, size: 'max' });
  return fc.tuple(beginning, crowd, rest).map((parts) => parts.flat(2));
}
