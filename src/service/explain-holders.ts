import type * as z from 'zod';
import type { Check } from '../domain/ceiling.ts';
import type { Key, ResourceRow, Tables } from '../store/store.ts';
import { namesIn } from './job-view.ts';
import type { Overdue, PathScope } from './ledger.ts';
import type { Reach } from './reach.ts';
import { toInstant } from './schemas/common.ts';
import type { ExplainResponse } from './schemas/explain.ts';

type Now = NonNullable<z.output<ReturnType<typeof ExplainResponse>>['now']>;

type Holder = Now['holders'][number];

interface AsOf {
  readonly tables: Tables;
  readonly now: number;
  readonly overdue: Overdue;
  readonly reach: Reach;
}

/** So many are named for each place that lacks room. */
const NAMED = 5;

/**
 * Who holds most where room is lacking: jobs of the tenant itself, in its own scopes; else the tenants
 * just below, each with all below it. Those beyond the caller's reach are one, without a name.
 */
export async function holdersOf(
  reading: AsOf,
  tenant: Key,
  lacking: readonly Check<PathScope>[],
  catalogue: readonly ResourceRow[],
): Promise<Holder[]> {
  const holders: Holder[] = [];
  for (const check of lacking) {
    const resource = catalogue.find(({ name }) => name === check.resource);
    if (resource === undefined) continue;
    const isOwn = check.scope.subject.tenant === tenant;
    if (isOwn) holders.push(...(await jobsIn(reading, check, tenant, resource.key)));
    holders.push(...(await tenantsIn(reading, check, resource.key)));
  }
  return holders;
}

async function jobsIn(
  { tables, now }: AsOf,
  check: Check<PathScope>,
  tenant: Key,
  resource: Key,
): Promise<Holder[]> {
  const { subject } = check.scope;
  const jobs = await tables.jobs.heaviest(tenant, subject.pool, resource, now, NAMED);
  const names = namesIn(tables);
  const holders: Holder[] = [];
  for (const job of jobs) {
    const held = await tables.jobs.amounts(job.key);
    holders.push({
      ...placeOf(check),
      tenant: (await names.tenant(job.tenant)).name,
      job: job.id,
      job_id: job.jobId,
      amount: held.find((each) => each.resource === resource)?.amount ?? 0,
      since: job.admittedAt === null ? null : toInstant(job.admittedAt),
      expires_at: job.dueAt === null ? null : toInstant(job.dueAt),
    });
  }
  return holders;
}

async function tenantsIn(
  { tables, overdue, reach }: AsOf,
  check: Check<PathScope>,
  resource: Key,
): Promise<Holder[]> {
  const { tenant: parent, pool } = check.scope.subject;
  const names = namesIn(tables);
  const holders: Holder[] = [];
  let others = 0;
  for (const { tenant, used } of await tables.balances.heaviest(parent, pool, resource, NAMED)) {
    const scope = await tables.scopes.of({ tenant, pool });
    const amount = used - overdue.of(scope?.key, resource);
    if (!(await reach.includes(tenant))) others += amount;
    else if (amount > 0) {
      holders.push(withAllBelow(check, (await names.tenant(tenant)).name, amount));
    }
  }
  if (others > 0) holders.push(withAllBelow(check, null, others));
  return holders.sort((a, b) => b.amount - a.amount);
}

function withAllBelow(check: Check<PathScope>, tenant: string | null, amount: number): Holder {
  const noJob = { job: null, job_id: null, since: null, expires_at: null };
  return { ...placeOf(check), ...noJob, tenant, amount };
}

function placeOf({ scope, resource }: Check<PathScope>) {
  return { scope: { tenant: scope.tenant, pool: scope.pool }, resource };
}
