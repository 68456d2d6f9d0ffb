import { MICROS, roundToMicros, type Money } from '../domain/money.ts';
import type { MetricFamily } from '../domain/metrics.ts';
import { monthOf } from '../domain/period.ts';
import type { Key, Tables } from '../store/store.ts';
import { pricedUse } from './cost-report.ts';
import { family } from './metric-families.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

// What takes long to find out, so that a server asks for it less often than it is asked itself.

/** What these tenants themselves have cost since the month began. */
export async function costFamily(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  tenants: readonly Key[],
): Promise<MetricFamily> {
  const named: (readonly [{ tenant: string }, number])[] = [];
  if (!(await settingsInForce(tables)).costTracking.enabled) {
    return family('hodei_cost_month_to_date', named);
  }
  const scope = { period: monthOf(now), begins: [], tenants };
  const { parts } = await pricedUse(tables, scope, now);
  const sums = new Map<Key, Money>(tenants.map((key) => [key, 0n]));
  for (const { tenant, money } of parts) sums.set(tenant, (sums.get(tenant) ?? 0n) + money);
  for (const [key, money] of sums) {
    const tenant = await tables.tenants.byKey(key);
    if (tenant?.deletedAt !== null) continue;
    named.push([{ tenant: tenant.name }, roundToMicros(money) / MICROS]);
  }
  return family('hodei_cost_month_to_date', named);
}

/**
 * Whether the ledger agrees with the running jobs in what pools have in use: in short, what
 * `usage verify` looks at in full.
 */
export async function driftFamily(tables: Tables): Promise<MetricFamily> {
  const held = new Map<string, number>();
  const nameOf = (pool: Key, resource: Key) => `${pool} ${resource}`;
  for (const { pool, resource, amount } of await tables.jobs.heldInPools()) {
    held.set(nameOf(pool, resource), amount);
  }
  let differing = 0;
  for (const { pool, resource, used } of await tables.balances.ofPools()) {
    const name = nameOf(pool ?? 0, resource);
    if (used !== (held.get(name) ?? 0)) differing += 1;
    held.delete(name);
  }
  return family('hodei_ledger_drift', [[{}, differing + held.size]]);
}
