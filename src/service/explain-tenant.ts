import type * as z from 'zod';
import { MAX_AMOUNT } from '../domain/resource.ts';
import type {
  JobRow,
  Key,
  Place,
  ResourceRow,
  ScopeRow,
  Tables,
  TenantRow,
} from '../store/store.ts';
import { namesIn } from './job-view.ts';
import { ceilingsOf, pathOf } from './ledger.ts';
import type { Context } from './operation.ts';
import { awaitedIn } from './obstacles.ts';
import { overdueAsOf } from './overdue.ts';
import { toInstant } from './schemas/common.ts';
import type { TenantExplainResponse } from './schemas/explain.ts';
import { settingsInForce } from './settings-in-force.ts';
import { ancestorsOf } from './tenant-lookup.ts';

type Explanation = z.output<ReturnType<typeof TenantExplainResponse>>;

type Reading = Pick<Context, 'tables' | 'now'>;

const DAY_MS = 24 * 60 * 60 * 1000;
/** Of so many records of a day the causes are counted. */
const RECORDS = 500;

/** The nearest tenant of the line that is suspended. */
export async function suspendedBy(tables: Tables, tenant: TenantRow): Promise<string | null> {
  const line = [tenant, ...(await ancestorsOf(tables, tenant))];
  return line.find(({ status }) => status === 'suspended')?.name ?? null;
}

/** Waiting jobs by the first scope and resource that they lack. */
export async function causesOf(
  context: Reading,
  waiting: readonly JobRow[],
  resources: readonly ResourceRow[],
): Promise<Explanation['causes']> {
  const groups = new Map<string, Group>();
  for (const job of waiting) {
    const row = await context.tables.waiting.byJob(job.key);
    if (row === undefined) continue;
    const place = `${row.scope} ${row.resource}`;
    const group = groups.get(place);
    if (group === undefined) groups.set(place, { place: row, jobs: [job] });
    else group.jobs.push(job);
  }
  const causes: Explanation['causes'] = [];
  for (const group of groups.values()) causes.push(await causeOf(context, group, resources));
  return causes.sort((a, b) => b.jobs - a.jobs);
}

/** Waiting jobs that lack the same. */
interface Group {
  readonly place: Place;
  readonly jobs: JobRow[];
}

async function causeOf(
  context: Reading,
  { place, jobs }: Group,
  resources: readonly ResourceRow[],
): Promise<Explanation['causes'][number]> {
  const { tables } = context;
  // They come newest first.
  const first = jobs.at(-1);
  const scope = await tables.scopes.byKey(place.scope);
  const resource = resources.find(({ key }) => key === place.resource);
  if (first === undefined || scope === undefined || resource === undefined)
    throw new Error('a job waits nowhere');
  const { code } = await (await awaitedIn(context))(first);
  const amounts: number[] = [];
  for (const job of jobs) amounts.push(await amountOf(tables, job, resource.key));
  return {
    ...(await standOf(context, first, scope, resource)),
    ...(code === 'over_budget' && { is_money: true as const }),
    jobs: jobs.length,
    requested: amounts.reduce((sum, amount) => Math.min(sum + amount, MAX_AMOUNT), 0),
    first: {
      id: first.id,
      job_id: first.jobId,
      requested_at: toInstant(first.requestedAt),
      requested: amounts.at(-1) ?? 0,
    },
  };
}

async function amountOf(tables: Tables, job: JobRow, resource: Key): Promise<number> {
  const held = await tables.jobs.amounts(job.key);
  return held.find((each) => each.resource === resource)?.amount ?? 0;
}

async function standOf(
  { tables, now }: Reading,
  job: JobRow,
  { key }: ScopeRow,
  resource: ResourceRow,
) {
  const names = namesIn(tables);
  const path = await pathOf(tables, await names.tenant(job.tenant), await names.pool(job.pool));
  const { resourcePools } = await settingsInForce(tables);
  const options = { arePoolsOn: resourcePools.enabled, overdue: await overdueAsOf(tables, now) };
  const { ceilings } = await ceilingsOf({ tables, now }, path, [resource], options);
  const ceiling = ceilings.find(({ scope }) => scope.key === key);
  const { tenant, pool } = ceiling?.scope ?? { tenant: null, pool: null };
  return {
    scope: { tenant, pool },
    resource: resource.name,
    limit: ceiling?.limit ?? null,
    ...(ceiling?.base != null && { base: ceiling.base }),
    ...(ceiling?.lentUntil !== undefined && { lent_until: toInstant(ceiling.lentUntil) }),
    used: ceiling?.used ?? 0,
  };
}

/** What was refused within a day, by reason. */
export async function recentRejections(
  { tables, now }: Reading,
  tenant: TenantRow,
): Promise<Explanation['rejections']> {
  const filter = { tenant: tenant.key, since: now - DAY_MS };
  const names = namesIn(tables);
  const groups = new Map<string, Explanation['rejections'][number]>();
  for (const decision of await tables.decisions.list(filter, undefined, RECORDS)) {
    if (decision.outcome !== 'rejected') continue;
    const [first] = await names.violations(decision.key);
    if (first === undefined) continue;
    const { scope, resource, code } = first;
    const cause = JSON.stringify([code, scope, resource]);
    const group = groups.get(cause) ?? {
      ...{ code, scope: { ...scope }, resource, times: 0 },
      ...{ last_at: toInstant(decision.lastAt), decision_id: decision.id },
    };
    groups.set(cause, { ...group, times: group.times + decision.times });
  }
  return [...groups.values()].sort((a, b) => b.times - a.times);
}
