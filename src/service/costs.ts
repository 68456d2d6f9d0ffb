import { conflict } from '../domain/errors.ts';
import { roundToMicros } from '../domain/money.ts';
import { beginsIn, periodOf, type Period } from '../domain/period.ts';
import { READERS } from '../domain/role.ts';
import type { JobsOfUse, Key, Tables } from '../store/store.ts';
import { costReportExample } from './cost-examples.ts';
import { pricedJobs, pricedUse, type CostScope, type Priced } from './cost-report.ts';
import {
  byCost,
  CostSums,
  namePool,
  nameTenant,
  viewSum,
  type CostReport,
  type CostRow,
  type CostSum,
  type Named,
} from './cost-rows.ts';
import { operation, type Context } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import { toInstant } from './schemas/common.ts';
import { CostReportInput, CostReportResponse } from './schemas/cost.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing, findTenantOrTombstone } from './tenant-lookup.ts';
import { treeOfTime, type TreeOfTime } from './tree-of-time.ts';

export const reportCost = operation({
  name: 'cost.report',
  summary: 'Report what use cost, exactly, by tenant, pool, label or job, and over time',
  method: 'GET',
  path: '/costs',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: CostReportInput,
  output: CostReportResponse,
  example: { input: { month: '2026-11', by: 'week' }, output: costReportExample },

  async run(context, input) {
    const { tables, now } = context;
    const { enabled, currency } = (await settingsInForce(tables)).costTracking;
    if (!enabled) throw costsAreOff();
    const asked = await readAsk(context, input);
    const sums = new CostSums(asked.begins);
    const total = new CostSums(asked.begins);
    const { parts } = await pricedUse(tables, asked, now);
    for (const part of await within(asked, parts)) {
      total.add('', part);
      for (const row of await asked.rowsOf(part)) sums.add(row, part);
    }
    if (asked.groupsOf !== undefined) {
      for await (const ofJobs of pricedJobs(tables, asked, now, asked.groupsOf)) {
        for (const part of await within(asked, ofJobs)) {
          sums.add(part.group, part);
          sums.add(PRUNED, part, -1);
        }
      }
    }
    const rows = [...sums.sums].filter(([row, sum]) => row !== PRUNED || isSomething(sum));
    return {
      ...{ from: toInstant(asked.period.from), to: toInstant(asked.period.to), currency },
      ...{ group: input.group, ...viewTotal(asked, total.sums.get('')) },
      rows: await viewRows(context, asked, rows, input.limit),
      rows_in_all: rows.length,
    };
  },
});

/** Of jobs that are removed, and cannot be told apart any more. */
const PRUNED = 'pruned';
const UNLABELLED = 'unlabelled';
/** Before the name of what has one. */
const NAMED = 'named/';

type Input = ReturnType<ReturnType<typeof CostReportInput>['parse']>;

/** What is asked for, looked up. */
interface Ask extends CostScope {
  readonly period: Period;
  /** Of this tenant and those that were below it; undefined: of all. */
  readonly root: Key | undefined;
  readonly tree: TreeOfTime;
  readonly isTree: boolean;
  /** To which rows a part of the cost goes. */
  readonly rowsOf: (part: Priced) => Promise<readonly string[]>;
  /** The rows of jobs, where these are asked for. */
  readonly groupsOf: ((jobs: JobsOfUse & { of: 'keys' }) => Promise<Map<Key, string>>) | undefined;
  readonly nameOf: (row: string) => Promise<Named>;
}

export function costsAreOff() {
  return conflict(
    'Nothing is priced: cost tracking is off.',
    'Switch it on in the config file: cost_tracking.enabled.',
  );
}

async function readAsk(context: Context, input: Input): Promise<Ask> {
  const { tables, now, reach } = context;
  const period = periodOf(input, now);
  const named = input.tenant && (await findTenantOrTombstone(tables, input.tenant));
  const pool = input.pool && (await findPool(tables, input.pool));
  const root = named ? named.key : reach.root;
  const tree = await treeOfTime(tables);
  if (input.tree && input.group !== 'tenant') {
    throw conflict('Only tenants are a tree.', 'Leave tree or group out.');
  }
  return {
    ...{ period, begins: input.by === undefined ? [] : beginsIn(period, input.by) },
    ...{ root, tree, isTree: input.tree, pool: pool ? pool.key : undefined },
    // What has nothing below it is found by its key.
    tenants: root !== undefined && (await tree.isLeaf(root)) ? [root] : undefined,
    ...rowsBy(context, input, tree, root),
  };
}

function rowsBy(
  context: Context,
  { group, tree: isTree }: Input,
  tree: TreeOfTime,
  root: Key | undefined,
): Pick<Ask, 'rowsOf' | 'groupsOf' | 'nameOf'> {
  const { tables } = context;
  if (group === 'tenant') {
    return {
      async rowsOf({ tenant, begins }) {
        if (!isTree) return [String(tenant)];
        const line = await tree.line(tenant, begins);
        return line.slice(0, root === undefined ? undefined : line.indexOf(root) + 1).map(String);
      },
      ...{ groupsOf: undefined, nameOf: (row) => nameTenant(context, Number(row)) },
    };
  }
  if (group === 'pool') {
    const rowsOf = ({ pool }: Priced) => Promise.resolve([String(pool)]);
    return { rowsOf, groupsOf: undefined, nameOf: (row) => namePool(context, Number(row)) };
  }
  const label = group === 'job' ? undefined : group.slice('label:'.length);
  return {
    // What no job stands for is what is left when all have been taken away.
    rowsOf: () => Promise.resolve([PRUNED]),
    async groupsOf({ after, until }) {
      const jobs = await tables.jobs.between(after, until);
      return new Map(
        jobs.map(({ key, labels }) => {
          const value = label === undefined ? String(key) : labels[label];
          return [key, value === undefined ? UNLABELLED : NAMED + value];
        }),
      );
    },
    nameOf: (row) => (label === undefined ? nameJob(tables, row) : Promise.resolve(nameLabel(row))),
  };
}

function nameLabel(row: string): Named {
  if (row === PRUNED || row === UNLABELLED) return { name: '', id: null, kind: row };
  return { name: row.slice(NAMED.length), id: null, kind: 'named' };
}

async function nameJob(tables: Tables, row: string): Promise<Named> {
  if (row === PRUNED) return nameLabel(row);
  const job = await tables.jobs.byKey(Number(row.slice(NAMED.length)));
  if (job === undefined) throw new Error(`job row ${row} is gone`);
  const { name: tenant } = await existing(tables, job.tenant);
  return { name: job.jobId ?? job.id, id: job.id, kind: 'named', tenant };
}

async function within({ root, tree }: Ask, parts: readonly Priced[]): Promise<readonly Priced[]> {
  if (root === undefined) return parts;
  const found: Priced[] = [];
  for (const part of parts) {
    if ((await tree.line(part.tenant, part.begins)).includes(root)) found.push(part);
  }
  return found;
}

type SumOfRow = readonly [row: string, sum: CostSum];

function isSomething({ money, periods }: CostSum): boolean {
  return money !== 0n || periods.some((part) => part !== 0n);
}

/** The first so many of the rows, in their order. */
async function viewRows(
  context: Context,
  asked: Ask,
  rows: readonly SumOfRow[],
  limit: number,
): Promise<CostRow[]> {
  const named: { readonly row: string; readonly view: CostRow }[] = [];
  for (const [row, sum] of asked.isTree ? rows : dearest(rows, limit)) {
    named.push({ row, view: viewSum(sum, await asked.nameOf(row)) });
  }
  const listed = asked.isTree
    ? await inTree(context, named)
    : named.map(({ view }) => view).sort(byCost);
  return listed.slice(0, limit);
}

/** Those that can be among the first so many: to name each of a million jobs takes half a minute. */
function dearest(rows: readonly SumOfRow[], limit: number): readonly SumOfRow[] {
  if (rows.length <= limit) return rows;
  const costs = rows.map(([, { money }]) => roundToMicros(money));
  const least = costs.toSorted((a, b) => b - a)[limit - 1] ?? 0;
  return rows.filter((_, i) => (costs[i] ?? 0) >= least);
}

/** In the order of the tree as it stands now: the dearest first among those below the same tenant. */
async function inTree(
  { tables }: Context,
  named: readonly { readonly row: string; readonly view: CostRow }[],
): Promise<CostRow[]> {
  const rows = new Map(named.map(({ row, view }) => [Number(row), view]));
  const below = new Map<Key | null, Key[]>();
  for (const key of rows.keys()) {
    let above = (await existing(tables, key)).parent;
    while (above !== null && !rows.has(above)) above = (await existing(tables, above)).parent;
    below.set(above, [...(below.get(above) ?? []), key]);
  }
  const listed: CostRow[] = [];
  const list = (parent: Key | null, depth: number) => {
    const views = (below.get(parent) ?? []).flatMap((key) => {
      const view = rows.get(key);
      return view === undefined ? [] : [{ key, view }];
    });
    for (const { key, view } of views.sort((a, b) => byCost(a.view, b.view))) {
      listed.push({ ...view, depth });
      list(key, depth + 1);
    }
  };
  list(null, 0);
  return listed;
}

function viewTotal(
  { begins }: Ask,
  sum: CostSum | undefined,
): Pick<CostReport, 'total_micro' | 'periods'> {
  return {
    total_micro: roundToMicros(sum?.money ?? 0n),
    periods: begins.map((time, i) => {
      return { begins_at: toInstant(time), cost_micro: roundToMicros(sum?.periods[i] ?? 0n) };
    }),
  };
}
