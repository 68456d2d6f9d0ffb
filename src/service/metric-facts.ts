import { OTHERS, type MetricFamily, type MetricSample } from '../domain/metrics.ts';
import { MAX_WEBHOOKS } from '../domain/webhook.ts';
import type { Limit } from '../domain/quota.ts';
import type { Key, PoolRow, ResourceRow, Tables, TenantRow } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import { budgetFamilies } from './metric-budgets.ts';
import { family } from './metric-families.ts';
import { totalsOf } from './metric-tenants.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import type { Overdue } from './ledger.ts';
import { capacityOf, stateOf } from './pool-definition.ts';
import { allPools } from './pool-lookup.ts';
import { oldestIn } from './queue-order.ts';
import { waitingIn } from './queue-status.ts';
import { settingsInForce } from './settings-in-force.ts';
import { ancestorsOf, existing } from './tenant-lookup.ts';
import { eventsNotSummedUp } from './usage-rollup.ts';
import { usageViews } from './usage-view.ts';
import { listWebhooks, type WebhookView } from './webhooks.ts';

type Value = readonly [labels: MetricSample['labels'], value: number];

/** What the database knows at this moment, and of these tenants each by its name. */
export async function factsOf(
  context: Context,
  tenants: readonly Key[],
  most: number,
): Promise<MetricFamily[]> {
  const { tables, now } = context;
  const catalogue = await catalogueOf(tables);
  const overdue = await overdueAsOf(tables, now);
  const head = await tables.events.head();
  return [
    family('hodei_events_total', [[{}, head?.sequence ?? 0]]),
    ...(await poolFamilies(context, catalogue, overdue)),
    ...(await tenantFamilies(context, catalogue, overdue, tenants)),
    ...(await burstFamilies(context, most)),
    ...(await budgetFamilies(context, most)),
    ...(await webhookFamilies(context)),
    family('hodei_usage_meter_lag_events', [[{}, await eventsNotSummedUp(tables)]]),
  ];
}

/** How much of a resource is held, and the limit in force. */
interface Held {
  readonly labels: MetricSample['labels'];
  readonly used: number;
  readonly limit: Limit;
}

/** The values that have a limit: what is unlimited has none, and nothing left of it. */
function limited(held: readonly Held[], valueOf: (limit: number, used: number) => number): Value[] {
  return held.flatMap(({ labels, limit, used }) =>
    limit === null ? [] : [[labels, valueOf(limit, used)] as const],
  );
}

const itself = (limit: number) => limit;
const whatIsLeft = (limit: number, used: number) => Math.max(0, limit - used);

async function poolFamilies(
  context: Context,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
): Promise<MetricFamily[]> {
  const measure = await poolMeasure(context, catalogue, overdue);
  const held: Held[] = [];
  const depths: Value[] = [];
  const waits: Value[] = [];
  for (const pool of await allPools(context.tables)) {
    const labels = { pool: pool.name };
    const oldest = await oldestIn(context, pool);
    const wait = oldest === undefined ? 0 : (context.now - oldest.requestedAt) / 1000;
    held.push(...(await measure(pool)));
    depths.push([labels, await waitingIn(context, pool)]);
    waits.push([labels, wait]);
  }
  return [
    family(
      'hodei_pool_used',
      held.map(({ labels, used }) => [labels, used]),
    ),
    family('hodei_pool_limit', limited(held, itself)),
    family('hodei_pool_free', limited(held, whatIsLeft)),
    family('hodei_queue_depth', depths),
    family('hodei_queue_oldest_wait_seconds', waits),
  ];
}

/** What each resource of a pool has and holds. */
async function poolMeasure(
  { tables }: Context,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
): Promise<(pool: PoolRow) => Promise<Held[]>> {
  const { resourcePools } = await settingsInForce(tables);
  const balances = await tables.balances.ofPools();
  const held = new Map(balances.map((each) => [`${each.pool} ${each.resource}`, each.used]));
  return async (pool) => {
    const scope = await tables.scopes.of({ tenant: null, pool: pool.key });
    const state = await stateOf(tables, pool, catalogue);
    const capacity = resourcePools.enabled ? capacityOf(state, catalogue) : {};
    return catalogue.map(({ key, name: resource }) => ({
      labels: { pool: pool.name, resource },
      used: (held.get(`${pool.key} ${key}`) ?? 0) - overdue.of(scope?.key, key),
      limit: capacity[resource] ?? null,
    }));
  };
}

async function tenantFamilies(
  context: Context,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
  keys: readonly Key[],
): Promise<MetricFamily[]> {
  const { tables } = context;
  const view = usageViews(context, catalogue, overdue);
  const wanted = new Set(keys);
  const held: Held[] = [];
  const named = new Map<string, number>();
  for (const tenant of await livingOf(tables, keys)) {
    const { total, limits } = await view(tenant);
    const isBelow = (await ancestorsOf(tables, tenant)).some(({ key }) => wanted.has(key));
    for (const { name: resource } of catalogue) {
      const used = total[resource] ?? 0;
      held.push({
        labels: { tenant: tenant.name, resource },
        used,
        limit: limits[resource] ?? null,
      });
      // What it holds is part of what one above it holds, and counts once.
      if (!isBelow) named.set(resource, (named.get(resource) ?? 0) + used);
    }
  }
  const totals = await totalsOf(tables);
  const others = catalogue.map(({ key, name: resource }): Value => {
    const rest = (totals.get(key) ?? 0) - (named.get(resource) ?? 0);
    return [{ tenant: OTHERS, resource }, Math.max(0, rest)];
  });
  return [
    family('hodei_tenant_used', [
      ...held.map(({ labels, used }): Value => [labels, used]),
      ...others,
    ]),
    family('hodei_tenant_limit', limited(held, itself)),
    family('hodei_tenant_free', limited(held, whatIsLeft)),
  ];
}

/** One may be gone since it was found to be among the largest. */
async function livingOf(tables: Tables, keys: readonly Key[]): Promise<TenantRow[]> {
  const living: TenantRow[] = [];
  for (const key of keys) {
    const tenant = await tables.tenants.byKey(key);
    if (tenant?.deletedAt === null) living.push(tenant);
  }
  return living;
}

const LIVING = ['requested', 'approved', 'active'] as const;

async function burstFamilies({ tables, now }: Context, most: number): Promise<MetricFamily[]> {
  const counts = await tables.bursts.countLiving(now);
  const countOf = (state: string) => counts.find((each) => each.state === state)?.count ?? 0;
  const ends = new Map<Key, number>();
  for (const { burst } of await tables.bursts.standing()) {
    const { tenant, startsAt, endsAt } = burst;
    if (startsAt === null || startsAt > now || endsAt === null || endsAt <= now) continue;
    ends.set(tenant, Math.min(endsAt, ends.get(tenant) ?? endsAt));
  }
  const first = [...ends].sort(([, a], [, b]) => a - b).slice(0, most);
  const named: Value[] = [];
  for (const [key, end] of first) {
    const { name: tenant } = await existing(tables, key);
    named.push([{ tenant }, end / 1000]);
  }
  return [
    family(
      'hodei_burst_sessions',
      LIVING.map((state) => [{ state }, countOf(state)]),
    ),
    family('hodei_burst_end_timestamp_seconds', named),
  ];
}

async function webhookFamilies(context: Context): Promise<MetricFamily[]> {
  const { items } = (await listWebhooks.run(context, { limit: MAX_WEBHOOKS })) as {
    items: readonly WebhookView[];
  };
  return [
    family(
      'hodei_webhook_backlog',
      items.map(({ name: webhook, pending }) => [{ webhook }, pending]),
    ),
    family(
      'hodei_webhook_failures',
      items.map(({ name: webhook, failures }) => [{ webhook }, failures]),
    ),
  ];
}
