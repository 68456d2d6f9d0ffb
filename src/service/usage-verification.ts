import type * as z from 'zod';
import type { ResourceRow, ScopeUse, Tables } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import { checkLedger, type Difference } from './ledger-check.ts';
import { scopeKeyOf } from './ledger.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { promote, wake, type Room } from './promotion.ts';
import { noticeMore } from './quota-notices.ts';
import { LISTED_MAX, type UsageVerification } from './schemas/usage.ts';
import { existing } from './tenant-lookup.ts';

export type Verification = z.output<ReturnType<typeof UsageVerification>>;

type DifferenceView = Verification['differences'][number];

/** Compares the ledger with the live jobs; `mend` is given each difference as it is found. */
export async function verifyLedger(
  tables: Tables,
  mend: (difference: Difference) => Promise<void> = async () => undefined,
): Promise<Verification> {
  const listed: Difference[] = [];
  const { balances, jobs, rows, differences } = await checkLedger(tables, async (difference) => {
    if (listed.length < LISTED_MAX) listed.push(difference);
    await mend(difference);
  });
  // With those that left the catalogue: what is held of them is kept for the day they come back.
  const resources = await tables.resources.list();
  return {
    balances,
    jobs,
    rows,
    differences: await viewDifferences(tables, resources, listed),
    differences_in_all: differences,
    units: Object.fromEntries(resources.map(({ name, unit }) => [name, unit])),
  };
}

async function viewDifferences(
  tables: Tables,
  resources: readonly ResourceRow[],
  listed: readonly Difference[],
): Promise<DifferenceView[]> {
  const views: DifferenceView[] = [];
  for (const { tenant: key, pool, resource, used, shouldBe } of listed) {
    const tenant = key === null ? undefined : await existing(tables, key);
    views.push({
      tenant: tenant?.name ?? null,
      tenant_id: tenant?.id ?? null,
      pool: pool === null ? null : (await existingPool(tables, pool)).name,
      resource: resources.find((each) => each.key === resource)?.name ?? '',
      used,
      should_be: shouldBe,
    });
  }
  return views;
}

/** Sets every balance to what live jobs hold, with one event; what has room then may start. */
export async function repairLedger(context: Context): Promise<Verification> {
  const [room, grown]: [Room[], ScopeUse[]] = [[], []];
  const found = await verifyLedger(context.tables, async (difference) => {
    const { scope, resource, used } = await setBalance(context, difference);
    if (used > 0) grown.push({ scope, resource, used });
    else room.push(...(await wake(context.tables, [{ scope, resource }])));
  });
  if (found.differences_in_all === 0) return found;
  await recordEvent(context, {
    operation: 'usage.repair',
    tenant: null,
    object: 'ledger',
    before: { balances: found.differences.map((each) => balanceOf(each, each.used)) },
    after: {
      balances: found.differences.map((each) => balanceOf(each, each.should_be)),
      repaired: found.differences_in_all,
    },
  });
  for (const use of grown) await noticeMore(context, use.scope, [use]);
  await promote(context, room);
  return found;
}

/** @returns by how much more is used there now; negative where room appeared. */
async function setBalance(
  context: Context,
  { tenant, pool, resource, used, shouldBe }: Difference,
): Promise<ScopeUse> {
  const { tables } = context;
  const scope = await scopeKeyOf(context, { tenant, pool });
  await tables.balances.set(scope, resource, shouldBe);
  return { scope, resource, used: shouldBe - used };
}

function balanceOf({ tenant, tenant_id, pool, resource }: DifferenceView, used: number) {
  return { tenant, tenant_id, pool, resource, used };
}
