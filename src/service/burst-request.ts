import type * as z from 'zod';
import { isWithinPercentage, MAX_BURST_AHEAD_MS, type Lift } from '../domain/burst.ts';
import type { BurstCapacity } from '../domain/burst-capacity.ts';
import { forbidden, invalid } from '../domain/errors.ts';
import { formatAmount } from '../domain/quantity.ts';
import { spokenName } from '../domain/resource.ts';
import type {
  BurstLift,
  BurstRow,
  PoolRow,
  ResourceRow,
  Tables,
  TenantRow,
} from '../store/store.ts';
import { allowancesOf, catalogueOf, type CatalogueAllowance } from './allowances.ts';
import { ANONYMOUS } from './authority.ts';
import { requireFewRequests, requireWithinBounds } from './burst-bounds.ts';
import { beginBurst, insertBurst, periodFrom, standBurst } from './burst-changes.ts';
import { liftOf } from './burst-lifts.ts';
import { newBurst } from './burst-opening.ts';
import { unknownResource } from './job-request.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool, limitedPool } from './pool-lookup.ts';
import type { CreateBurstRequest } from './schemas/burst.ts';
import { toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';
import { findTenant } from './tenant-lookup.ts';

type BurstInput = z.output<ReturnType<typeof CreateBurstRequest>>;

/**
 * Asks for a session. Where nobody has to agree it stands at once, and begins when its time has come.
 * @throws invalid for more than may be lent, conflict for more often or more at once.
 */
export async function requestBurst(context: Context, input: BurstInput): Promise<BurstRow> {
  const { tables, caller } = context;
  const capacity = await burstsInForce(tables);
  const tenant = await findTenant(tables, input.tenant);
  const pool = await limitedPool(tables, input.pool);
  const wanted = await liftsOf(context, tenant, pool, input);
  requireWithinMost(tenant, wanted, capacity);
  const { approval } = capacity;
  const isFree = wanted.every(({ allowance, lift }) =>
    isWithinPercentage(allowance.limit, lift, approval.autoApproveThreshold),
  );
  if (!isFree && caller.principal === ANONYMOUS) throw unidentified();
  const time = timeOf(context, input, capacity);
  await requireWithinBounds(context, tenant, periodFrom(time, context.now));
  if (!isFree) await requireFewRequests(context, tenant);
  const burst = {
    ...newBurst(context, { tenant: tenant.key, pool: pool?.key ?? null }, time.durationSeconds),
    ...time,
    ...{
      onEnd: input.on_end,
      reason: reasonOf(context, input.reason, UNSAID),
      isAutomatic: isFree,
    },
    percentage: input.percentage ?? null,
    approvalsRequired: isFree ? 0 : approval.required,
  };
  const row = await insertBurst(
    context,
    burst,
    wanted.map(({ row }) => row),
  );
  return isFree ? startIfDue(context, await standBurst(context, row)) : row;
}

type BurstTime = Pick<BurstRow, 'startsAt' | 'endsAt' | 'durationSeconds' | 'lapsesAt'>;

/** @throws invalid for a time that is over, or too far ahead. */
function timeOf(
  { now }: Context,
  { starts_at: at, duration_seconds: seconds }: BurstInput,
  { defaultPolicy, approval }: BurstCapacity,
): BurstTime {
  const durationSeconds = seconds ?? defaultPolicy.durationMinutes * 60;
  const startsAt = at === undefined ? null : Date.parse(at);
  const endsAt = startsAt === null ? null : startsAt + durationSeconds * 1000;
  if (endsAt !== null && endsAt <= now) {
    throw invalid(`The session would have ended at ${toInstant(endsAt)}, which is over.`);
  }
  if (startsAt !== null && startsAt > now + MAX_BURST_AHEAD_MS) {
    throw invalid(`${toInstant(startsAt)} is more than a year ahead: a session begins within one.`);
  }
  const lapse = now + approval.timeoutMinutes * 60_000;
  return { startsAt, endsAt, durationSeconds, lapsesAt: Math.min(lapse, endsAt ?? lapse) };
}

/** What is approved begins at once where its time has come. */
export async function startIfDue(context: Context, burst: BurstRow): Promise<BurstRow> {
  return burst.startsAt !== null && burst.startsAt <= context.now
    ? beginBurst(context, burst)
    : burst;
}

/** @throws invalid where burst capacity is switched off. */
export async function burstsInForce(tables: Tables): Promise<BurstCapacity> {
  const { burstCapacity } = await settingsInForce(tables);
  if (burstCapacity.enabled) return burstCapacity;
  throw invalid(
    'Burst capacity is switched off.',
    'Switch it on with burst_capacity.enabled: true, then hodei config apply.',
  );
}

/** A limit that shall be lifted, and how. */
interface Wanted {
  readonly allowance: CatalogueAllowance;
  readonly lift: Lift;
  readonly row: BurstLift;
}

async function liftsOf(
  context: Context,
  tenant: TenantRow,
  pool: PoolRow | undefined,
  input: BurstInput,
): Promise<Wanted[]> {
  requireOneWay(input);
  const { tables, now } = context;
  const { percentage, add, resources } = input;
  const catalogue = await catalogueOf(tables);
  const overdue = await overdueAsOf(tables, now);
  const { own } = await allowancesOf(context, tenant, pool, catalogue, overdue);
  const where = pool === undefined ? tenant.name : `${tenant.name} in pool ${pool.name}`;
  const names = add === undefined ? resources : Object.keys(add);
  const allowances =
    names === undefined
      ? own.filter(({ limit }) => limit !== null && limit > 0)
      : [...new Set(names)].map((name) => namedAllowance(own, catalogue, name, where));
  if (allowances.length === 0) {
    throw invalid(
      `${where} has no limit that a session could lift.`,
      'See its limits: hodei quota get',
    );
  }
  return allowances.map((allowance) => {
    const { key, name } = allowance.resource;
    const amount = add?.[name] ?? null;
    const lift = amount === null ? { percentage: Number(percentage) } : { add: amount };
    return { allowance, lift, row: { resource: key, amount } };
  });
}

/** @throws invalid unless limits are lifted either to a percentage or by amounts. */
function requireOneWay({ percentage, add, resources }: BurstInput): void {
  const hasAmounts = add !== undefined && Object.keys(add).length > 0;
  if ((percentage !== undefined) === hasAmounts) {
    throw invalid(
      'A session lifts limits to a percentage or by amounts: one of the two.',
      'Say percentage, or add (--to 140%, or --add gpu=4).',
    );
  }
  if (hasAmounts && resources !== undefined) {
    throw invalid('Amounts name their resources themselves.', 'Leave resources out.');
  }
}

function namedAllowance(
  own: readonly CatalogueAllowance[],
  catalogue: readonly ResourceRow[],
  name: string,
  where: string,
): CatalogueAllowance {
  const allowance = own.find(({ resource }) => resource.name === name);
  if (allowance === undefined) throw unknownResource(name, catalogue);
  if (allowance.limit !== null) return allowance;
  throw invalid(`${where} has no limit of ${spokenName(name)}: there is nothing to lift.`);
}

/** @throws invalid with the numbers: a person can agree to much, but not to everything. */
function requireWithinMost(
  tenant: TenantRow,
  wanted: readonly Omit<Wanted, 'row'>[],
  { defaultPolicy: { maxOveragePercentage: most } }: BurstCapacity,
): void {
  for (const { allowance, lift } of wanted) {
    const { resource, limit } = allowance;
    // Every per cent of 0 is 0: there only an amount lifts anything, and a person agrees to it.
    if (limit === null || ('add' in lift && limit === 0)) continue;
    if (isWithinPercentage(limit, lift, most)) continue;
    const highest = Number((BigInt(limit) * BigInt(most)) / 100n);
    throw invalid(
      `${spokenName(resource.name)} of ${tenant.name} is ${formatAmount(limit, resource)}, and can be lent up to ${most} % of it: ${formatAmount(highest, resource)} (max_overage_percentage).`,
      'What is needed for longer is a quota: hodei quota set',
    );
  }
}

/** @throws invalid where a limit, or what may be lent of it, is lower than when it was asked for. */
export async function requireStillWithinMost(
  context: Context,
  tenant: TenantRow,
  burst: BurstRow,
): Promise<void> {
  const { tables, now } = context;
  const lifts = await tables.bursts.lifts(burst.key);
  const resources = (await tables.resources.list()).filter(({ key }) =>
    lifts.some(({ resource }) => resource === key),
  );
  const pool = burst.pool === null ? undefined : await existingPool(tables, burst.pool);
  const overdue = await overdueAsOf(tables, now);
  const { own } = await allowancesOf(context, tenant, pool, resources, overdue);
  const wanted = own.map((allowance) => {
    const found = lifts.find(({ resource }) => resource === allowance.resource.key);
    return { allowance, lift: liftOf(burst, found?.amount ?? null) };
  });
  requireWithinMost(tenant, wanted, await burstsInForce(tables));
}

const UNSAID = 'A session wants a reason: who shall agree to it reads it.';

/** Why, in the words of who asks or answers. @throws invalid, saying so, where nothing is said. */
export function reasonOf(
  { caller }: Context,
  reason: string | undefined,
  otherwise: string,
): string {
  const text = (reason ?? caller.reason ?? '').trim();
  if (text !== '') return text;
  throw invalid(otherwise, 'Say why: --reason TEXT, reason in the body.');
}

function unidentified() {
  return forbidden(
    'This server does not ask who you are, so that nobody could say whether another person agrees.',
    'Give everybody a token: hodei token create',
  );
}
