import { getQuota, setQuota } from '../src/service/quotas.ts';
import { getTenant, listTenants } from '../src/service/tenants.ts';
import { encodeCursor } from '../src/service/cursor.ts';
import { caller, idOf, nameOf, parentOf, type Filled } from './fill.ts';
import { median, ms, timeEach, type Figure } from './measure.ts';

const RUNS = 2_000;

interface Size extends Filled {
  readonly tenants: number;
}

/** What grows with the number of tenants, and should not. */
export async function measureScale(small: Size, large: Size): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { what, runs, target, act } of measurements) {
    const times = { small: 0, large: 0 };
    // In turn, so that both see the same machine; the first round warms up.
    for (let round = 0; round < 3; round++) {
      times.small = median(await timeEach(runs, (i) => act(small, i)));
      times.large = median(await timeEach(runs, (i) => act(large, i)));
    }
    figures.push({
      what,
      measured: ms(times.large),
      against: `${small.tenants.toLocaleString('en-US')} tenants: ${ms(times.small)}`,
      ratio: times.small / times.large,
      target,
    });
  }
  return figures;
}

interface Measurement {
  readonly what: string;
  readonly runs: number;
  readonly target: string;
  act(size: Size, i: number): Promise<unknown>;
}

/** Spread over all tenants, the same in every run. */
function some({ tenants }: Size, i: number): number {
  return 1 + ((i * 7919) % tenants);
}

const measurements: readonly Measurement[] = [
  {
    what: 'get a tenant by id',
    runs: RUNS,
    target: '',
    act: (size, i) => size.service(getTenant, { tenant: idOf(some(size, i)) }, caller),
  },
  {
    what: 'get a tenant by name',
    runs: RUNS,
    target: '',
    act: (size, i) => size.service(getTenant, { tenant: nameOf(some(size, i)) }, caller),
  },
  {
    what: 'get a quota',
    runs: RUNS,
    target: '',
    act: (size, i) => size.service(getQuota, { tenant: idOf(some(size, i)) }, caller),
  },
  {
    what: 'set a quota, one caller',
    runs: 200,
    target: '',
    act: (size, i) =>
      size.service(
        setQuota,
        { tenant: idOf(some(size, i)), cpu_m: 500_000_000 + (i % 1000) },
        caller,
      ),
  },
  {
    what: 'list a page of 100 by name',
    runs: 100,
    target: '≤ 10 ms',
    act: (size, i) => list(size, 'name', [nameOf(some(size, i))]),
  },
  {
    what: 'list a page of 100 by creation',
    runs: 100,
    target: '≤ 10 ms',
    act: (size, i) => list(size, 'created', [some(size, i)]),
  },
  {
    what: 'list a page of 100 of the tree',
    runs: 100,
    target: '≤ 10 ms',
    act: (size, i) => list(size, 'tree', [placeInTree(some(size, i))], { tree: true }),
  },
  {
    what: 'list a page of a label',
    runs: 100,
    target: '≤ 10 ms',
    act: (size, i) => size.service(listTenants, { label: `cc=${i % 1000}`, limit: 100 }, caller),
  },
];

function list(size: Size, order: string, place: readonly (string | number)[], more = {}) {
  const cursor = encodeCursor(order, place);
  const sort = order === 'tree' ? {} : { sort: order };
  return size.service(listTenants, { limit: 100, cursor, ...sort, ...more }, caller);
}

/** After the nth tenant and before its children. */
function placeInTree(n: number): string {
  return `${parentOf(n) ?? 0}/${nameOf(n)}`;
}
