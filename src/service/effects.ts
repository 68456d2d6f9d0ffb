import type * as z from 'zod';
import { overBy, type Allowance } from '../domain/quota.ts';
import type { Context } from './operation.ts';
import type { Started } from './promotion.ts';
import type { effects } from './schemas/pool.ts';

/** What follows from a change of limits or room. */
export type Effects = z.output<ReturnType<typeof effects>>;

export const noEffects: Effects = { over: [], started: [] };

/** Those within reach. */
export async function startedView(
  { reach }: Pick<Context, 'reach'>,
  started: readonly Started[],
): Promise<Effects['started']> {
  const seen: Started[] = [];
  for (const each of started) if (await reach.includes(each.job.tenant)) seen.push(each);
  return seen.map(({ job, question: { tenant, pool } }) => ({
    id: job.id,
    job_id: job.jobId,
    tenant: tenant.name,
    pool: pool.name,
  }));
}

/** Which of a scope's resources are above their limit. */
export function overView(
  scope: { readonly tenant: string | null; readonly pool: string | null },
  allowances: readonly Allowance[],
): Effects['over'] {
  return allowances.flatMap((allowance) => {
    const over = overBy(allowance);
    const { resource, limit, used } = allowance;
    if (over === 0 || limit === null) return [];
    const { tenant, pool } = scope;
    return [{ tenant, pool, resource: resource.name, limit, used, over_by: over }];
  });
}
