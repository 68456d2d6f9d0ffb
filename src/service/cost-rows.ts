import type * as z from 'zod';
import { roundToMicros, type Money } from '../domain/money.ts';
import type { Key } from '../store/store.ts';
import type { Priced } from './cost-report.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import type { CostReportResponse } from './schemas/cost.ts';

export type CostReport = z.output<ReturnType<typeof CostReportResponse>>;
export type CostRow = CostReport['rows'][number];

/** A sum of money that grows, as a whole, by period and by resource. */
export interface CostSum {
  money: Money;
  readonly periods: Money[];
  readonly resources: Map<string, { money: Money; unitHours: number }>;
}

/** Sums by whatever stands for a row. */
export class CostSums {
  readonly sums = new Map<string, CostSum>();
  readonly #begins: readonly number[];

  /** @param begins of the periods, in order */
  constructor(begins: readonly number[]) {
    this.#begins = begins;
  }

  /** @param sign -1: takes it away */
  add(row: string, part: Priced, sign: 1 | -1 = 1): void {
    let sum = this.sums.get(row);
    if (sum === undefined) {
      sum = { money: 0n, periods: this.#begins.map(() => 0n), resources: new Map() };
      this.sums.set(row, sum);
    }
    const money = sign === 1 ? part.money : -part.money;
    sum.money += money;
    const period = this.#begins.findLastIndex((begins) => begins <= part.begins);
    if (period !== -1) sum.periods[period] = (sum.periods[period] ?? 0n) + money;
    const unitHours = sign * part.unitHours;
    const resource = sum.resources.get(part.resource);
    if (resource === undefined) sum.resources.set(part.resource, { money, unitHours });
    else {
      resource.money += money;
      resource.unitHours += unitHours;
    }
  }
}

/** A row before it is named. */
export type Named = Pick<CostRow, 'name' | 'id' | 'kind' | 'tenant'>;

export function viewSum(sum: CostSum, named: Named, depth?: number): CostRow {
  const resources = [...sum.resources].map(([name, { money, unitHours }]) => {
    const hours = Math.round(unitHours * 1e6) / 1e6;
    return [name, { unit_hours: hours, cost_micro: roundToMicros(money) }] as const;
  });
  return {
    ...named,
    ...(depth !== undefined && { depth }),
    cost_micro: roundToMicros(sum.money),
    resources: Object.fromEntries(resources.filter(([, { unit_hours: hours }]) => hours !== 0)),
    periods: sum.periods.map(roundToMicros),
  };
}

/** The tenant of a row; of one that a bound caller saw once, and sees no more, nothing is told. */
export async function nameTenant({ tables, reach }: Context, key: Key): Promise<Named> {
  const tenant = await tables.tenants.byKey(key);
  if (tenant === undefined || !(await reach.includes(key))) {
    return { name: '', id: null, kind: 'moved_away' };
  }
  const kind = tenant.deletedAt === null ? 'named' : 'deleted';
  return { name: tenant.name, id: tenant.id, kind };
}

export async function namePool({ tables }: Context, key: Key): Promise<Named> {
  return { name: (await existingPool(tables, key)).name, id: null, kind: 'named' };
}

/** The dearest first; of the same cost by name. */
export function byCost(a: CostRow, b: CostRow): number {
  return b.cost_micro - a.cost_micro || (a.name < b.name ? -1 : 1);
}
