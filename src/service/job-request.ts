import { hash } from 'node:crypto';
import type * as z from 'zod';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { chargedAmounts, kindOf, type Amounts } from '../domain/job.ts';
import type { OnFull } from '../domain/admission.ts';
import { spokenName } from '../domain/resource.ts';
import type { Settings } from '../domain/settings.ts';
import type { Labels, PoolRow, ResourceRow, Tables, TenantRow } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import { nearest } from './nearest.ts';
import { poolOfRequest } from './pool-lookup.ts';
import { REQUEST_FIELDS, type JobRequest } from './schemas/job.ts';
import { settingsInForce } from './settings-in-force.ts';
import { findTenant } from './tenant-lookup.ts';

export type JobInput = z.output<ReturnType<typeof JobRequest>>;

/** A request as it is decided: every name resolved, every default filled in. */
export interface JobAsk {
  readonly tenant: TenantRow;
  readonly pool: PoolRow;
  readonly settings: Settings;
  readonly catalogue: readonly ResourceRow[];
  /** All that it would charge, by name of resource, in the order of the catalogue. */
  readonly amounts: Amounts;
  /** The resources of these amounts. */
  readonly resources: readonly ResourceRow[];
  readonly jobId: string | null;
  readonly priority: number;
  readonly labels: Labels;
  readonly ttlSeconds: number | null;
  readonly queueTtlSeconds: number;
  readonly onFull: OnFull | 'burst';
  /** Which setting decides what becomes of it when there is no room. */
  readonly decidedBy: string;
  /** Equal for two requests that ask for the same. */
  readonly hash: string;
}

/** @throws not_found or invalid, naming what is wrong and what was probably meant. */
export async function readRequest(tables: Tables, input: JobInput): Promise<JobAsk> {
  const settings = await settingsInForce(tables);
  const tenant = await findTenant(tables, input.tenant);
  const pool = await poolOfRequest(tables, settings, input.pool);
  const catalogue = await catalogueOf(tables);
  const amounts = await amountsOf(tables, catalogue, pool, askedIn(input));
  const { jobs, violationPolicy } = settings;
  const priority = input.priority;
  const labels = input.labels;
  const jobId = input.job_id ?? null;
  return {
    tenant,
    pool,
    settings,
    catalogue,
    amounts,
    jobId,
    priority,
    labels,
    resources: catalogue.filter(({ name }) => amounts.has(name)),
    ttlSeconds: input.ttl_seconds ?? jobs.defaultTtlSeconds,
    queueTtlSeconds: input.queue_ttl_seconds ?? jobs.queueTtlSeconds,
    onFull: input.on_full ?? violationPolicy,
    decidedBy: input.on_full === undefined ? `violation_policy: ${violationPolicy}` : 'on_full',
    hash: hashOf([tenant.id, pool.name, [...amounts], jobId, priority, labels, input.ttl_seconds]),
  };
}

/** The fields of a request that are resources: all that are none of its own. */
function askedIn(input: JobInput): Record<string, unknown> {
  const own: readonly string[] = REQUEST_FIELDS;
  return Object.fromEntries(Object.entries(input).filter(([field]) => !own.includes(field)));
}

/** What stands for the same request, whatever order its fields or the catalogue come in. */
function hashOf([tenant, pool, amounts, jobId, priority, labels, ttl]: readonly unknown[]): string {
  const text = JSON.stringify([
    ...[tenant, pool, inOrderOfName(amounts as [string, number][]), jobId, priority],
    ...[inOrderOfName(Object.entries(labels as Labels)), ttl ?? null],
  ]);
  return hash('sha256', text);
}

function inOrderOfName<T>(entries: readonly [string, T][]): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * What a request for these amounts charges, in the order of the catalogue.
 * @param before what was asked for until now: of what does not grow nobody has to say the kind.
 */
export async function amountsOf(
  tables: Tables,
  catalogue: readonly ResourceRow[],
  pool: PoolRow,
  named: Readonly<Record<string, unknown>>,
  before: Amounts = new Map(),
): Promise<Amounts> {
  const asked = new Map<string, number>();
  for (const [field, amount] of Object.entries(named)) {
    if (amount === undefined) continue;
    if (!catalogue.some(({ name }) => name === field)) throw unknownResource(field, catalogue);
    asked.set(field, Number(amount));
  }
  const hasKinds = catalogue.some(({ name }) => kindOf(name) !== undefined);
  const kinds = hasKinds ? await kindsOf(tables, catalogue, pool) : [];
  const grows = (name = '') => (asked.get(name) ?? 0) > (before.get(name) ?? 0);
  const charged = chargedAmounts(
    asked,
    kinds.filter((kind) => grows(kindOf(kind))),
  );
  if ('problem' in charged) throw invalid(charged.problem.message, charged.problem.hint);
  return inOrder(catalogue, charged.amounts);
}

function inOrder(catalogue: readonly ResourceRow[], amounts: Amounts): Amounts {
  const ordered = new Map<string, number>();
  for (const { name } of catalogue) {
    const amount = amounts.get(name);
    if (amount !== undefined) ordered.set(name, amount);
  }
  return ordered;
}

async function kindsOf(
  tables: Tables,
  catalogue: readonly ResourceRow[],
  pool: PoolRow,
): Promise<string[]> {
  const there = new Set((await tables.pools.resources(pool.key)).map(({ resource }) => resource));
  return catalogue
    .filter(({ key, name }) => there.has(key) && kindOf(name) !== undefined)
    .map(({ name }) => name);
}

export function unknownResource(field: string, catalogue: readonly ResourceRow[]): HodeiError {
  const names = catalogue.map(({ name }) => name);
  const spoken = names.find((name) => spokenName(name) === field);
  const meant =
    field === 'max_concurrent_jobs' || field === 'active_jobs'
      ? 'jobs'
      : (spoken ?? nearest(field, [...names, ...REQUEST_FIELDS]));
  const known = `Resources: ${names.join(', ')}.`;
  return invalid(
    `There is no resource "${field.slice(0, 60)}".`,
    meant === undefined ? known : `Did you mean ${meant}? ${known}`,
  );
}
