import type * as z from 'zod';
import type { Violation } from '../domain/admission.ts';
import { burstRefusal, percentageFor } from '../domain/burst.ts';
import type { BurstCapacity } from '../domain/burst-capacity.ts';
import type { Check } from '../domain/ceiling.ts';
import type { TenantRow } from '../store/store.ts';
import { boundsOf, periodsOf } from './burst-bounds.ts';
import { periodFrom } from './burst-changes.ts';
import type { PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import type { ExplainResponse } from './schemas/explain.ts';
import { settingsInForce } from './settings-in-force.ts';

type Hint = NonNullable<z.output<ReturnType<typeof ExplainResponse>>['now']>['burst'];

/**
 * The session that would admit a request by itself, where one may be asked for now: nothing lacks but
 * limits of the tenant's own, in one place, and little enough.
 */
export async function burstThatHelps(
  at: Pick<Context, 'tables' | 'now'>,
  tenant: TenantRow,
  lacking: readonly Check<PathScope>[],
  violations: readonly Violation[],
): Promise<Hint> {
  const { burstCapacity } = await settingsInForce(at.tables);
  const [first] = lacking;
  if (!burstCapacity.enabled || first === undefined) return null;
  const isOwn = lacking.every(({ scope }) => isSame(scope, first.scope, tenant));
  if (!isOwn || violations.some(({ resource }) => resource === null)) return null;
  const percentage = percentageOf(lacking);
  const most = burstCapacity.defaultPolicy.maxOveragePercentage;
  if (percentage === undefined || percentage > most) return null;
  const seconds = burstCapacity.defaultPolicy.durationMinutes * 60;
  if (!(await isPossible(at, tenant, seconds, burstCapacity))) return null;
  const { name, pool } = { name: tenant.name, pool: first.scope.pool };
  return { tenant: name, pool, percentage, duration_seconds: seconds };
}

function isSame({ subject }: PathScope, { subject: other }: PathScope, { key }: TenantRow) {
  return subject.tenant === key && subject.pool === other.pool;
}

/** Enough for all that is lacking; undefined where no per cent is: any of 0 is 0. */
function percentageOf(lacking: readonly Check[]): number | undefined {
  let most = 0;
  for (const { limit, base, used, kept, requested } of lacking) {
    const found = percentageFor(base ?? limit ?? 0, used + kept + requested);
    if (found === undefined) return undefined;
    most = Math.max(most, found);
  }
  return most;
}

/** Whether cooldown and numbers allow one that begins now. */
async function isPossible(
  at: Pick<Context, 'tables' | 'now'>,
  { key }: TenantRow,
  durationSeconds: number,
  capacity: BurstCapacity,
): Promise<boolean> {
  const { ofTenant, all } = await periodsOf(at, key);
  const wanted = periodFrom({ startsAt: null, endsAt: null, durationSeconds }, at.now);
  return burstRefusal(wanted, ofTenant, all, boundsOf(capacity)) === undefined;
}
