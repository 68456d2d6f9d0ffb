import type * as z from 'zod';
import { fittedUnder, higherLimit, lowerLimit, OFTEN, quotaCommand } from '../domain/advice.ts';
import { periodOf } from '../domain/period.ts';
import { READERS } from '../domain/role.ts';
import type { Key, ResourceRow, TenantRow } from '../store/store.ts';
import { adviceExample } from './advice-examples.ts';
import { peaksIn, type LineOf, type LimitPlace, type Peaks } from './advice-peaks.ts';
import { refusedSince, type Refusals, type Refused } from './advice-refusals.ts';
import { allowancesOf, catalogueOf, type TenantAllowances } from './allowances.ts';
import { operation, type Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import { AdviceInput, AdviceResponse } from './schemas/advice.ts';
import { toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';
import { ancestorsOf, existing, findTenantToRead } from './tenant-lookup.ts';

export type Advice = z.output<ReturnType<typeof AdviceResponse>>;
export type RaiseAdvice = Advice['raise'][number];
export type LowerAdvice = Advice['lower'][number];

export const listAdvice = operation({
  name: 'advice.list',
  summary:
    'Advise which limits to raise, since much did not fit, and which to lower, far above use',
  method: 'GET',
  path: '/advice',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: AdviceInput,
  output: AdviceResponse,
  example: { input: { last: '30d' }, output: adviceExample },

  async run(context, { tenant, last, limit }) {
    const { tables, now, reach } = context;
    const root = tenant === undefined ? reach.root : (await findTenantToRead(tables, tenant)).key;
    const asked = periodOf({ last }, now);
    const { prunedBefore } = await tables.rollup.get();
    const period = { from: Math.min(now, Math.max(asked.from, prunedBefore)), to: now };
    const study = await studyOf(context, root, period);
    const raise = await raisesOf(study);
    const { lower, tooNew } = await lowersOf(study);
    return {
      ...{ from: toInstant(period.from), to: toInstant(now) },
      is_shortened: period.from > asked.from,
      ...{ raise: raise.slice(0, limit), raise_in_all: raise.length },
      ...{ lower: lower.slice(0, limit), lower_in_all: lower.length, too_new: tooNew },
    };
  },
});

/** What is known of a time, and how a limit is looked up. */
interface Study {
  readonly context: Context;
  readonly from: number;
  readonly resources: ReadonlyMap<Key, ResourceRow>;
  readonly peaks: Peaks;
  readonly refused: Refused;
  /** Whether pools are switched on; else they limit nothing. */
  readonly arePoolsOn: boolean;
  /** A tenant that can be advised: there, active, and among those that are asked about. */
  adviseable(tenant: Key): Promise<TenantRow | undefined>;
  limitsOf(tenant: TenantRow, pool: Key | null): Promise<TenantAllowances>;
}

async function studyOf(
  context: Context,
  root: Key | undefined,
  period: { readonly from: number; readonly to: number },
): Promise<Study> {
  const { tables, now } = context;
  const catalogue = await catalogueOf(tables);
  const resources = new Map(catalogue.map((resource) => [resource.key, resource]));
  const keys = new Map(catalogue.map(({ name, key }) => [name, key]));
  const lineOf = rememberedLines(context);
  const overdue = await overdueAsOf(tables, now);
  const { resourcePools } = await settingsInForce(tables);
  return {
    ...{ context, from: period.from, resources, arePoolsOn: resourcePools.enabled },
    peaks: await peaksIn(tables, period, now, lineOf),
    refused: await refusedSince(tables, period.from, keys, lineOf),
    async adviseable(key) {
      if (root !== undefined && !(await lineOf(key)).includes(root)) return undefined;
      const tenant = await existing(tables, key);
      return tenant.deletedAt === null && tenant.status === 'active' ? tenant : undefined;
    },
    async limitsOf(tenant, pool) {
      const where = pool === null ? undefined : await existingPool(tables, pool);
      return allowancesOf(context, tenant, where, catalogue, overdue);
    },
  };
}

/** The tree as it stands now: a limit is changed from now on. */
function rememberedLines({ tables }: Context): LineOf {
  const lines = new Map<Key, readonly Key[]>();
  return async (key) => {
    const known = lines.get(key);
    if (known !== undefined) return known;
    const tenant = await existing(tables, key);
    const line = [key, ...(await ancestorsOf(tables, tenant)).map((each) => each.key)];
    lines.set(key, line);
    return line;
  };
}

/** A limit that is looked at. */
interface Subject extends LimitPlace {
  readonly row: TenantRow;
  readonly of: ResourceRow;
  readonly limit: number;
  readonly used: number;
  readonly allowances: TenantAllowances;
}

async function raisesOf(study: Study): Promise<RaiseAdvice[]> {
  const raises: RaiseAdvice[] = [];
  for (const place of study.refused.places) {
    if (place.times < OFTEN) continue;
    const subject = await subjectAt(study, place);
    const advised = subject && higherLimit(place.needs, subject.of);
    if (subject === undefined || advised === undefined || advised <= subject.limit) continue;
    raises.push(await viewRaise(study, subject, place, advised));
  }
  return raises.sort((a, b) => b.times - a.times || (a.tenant < b.tenant ? -1 : 1));
}

async function subjectAt(study: Study, place: LimitPlace): Promise<Subject | undefined> {
  const row = await study.adviseable(place.tenant);
  const of = study.resources.get(place.resource);
  if (row === undefined || of === undefined) return undefined;
  const allowances = await study.limitsOf(row, place.pool);
  const own = allowances.own.find(({ resource }) => resource.key === of.key);
  if (own === undefined || own.limit === null) return undefined;
  return { ...place, row, of, limit: own.limit, used: own.used, allowances };
}

async function viewRaise(
  study: Study,
  subject: Subject,
  { times, rejected, needs, elsewhere }: Refusals,
  advised: number,
): Promise<RaiseAdvice> {
  const { row, of, allowances } = subject;
  const binding = allowances.above.find(
    ({ resource, limit }) => resource.name === of.name && limit !== null && limit < advised,
  );
  const others = [...elsewhere.values()].sort((a, b) => b.times - a.times);
  const other = others.find((each) => each.times * 2 > times)?.violation;
  return {
    ...(await viewPlace(study, subject, advised)),
    ...{ times, rejected, would_fit: fittedUnder(advised, needs) },
    bound_by:
      binding === undefined
        ? null
        : { tenant: binding.tenant, pool: binding.pool, limit: binding.limit ?? 0 },
    also_lacked:
      other === undefined
        ? null
        : {
            tenant: other.tenant === null ? null : await nameOf(study, row, other.tenant),
            pool: await poolName(study, other.pool),
            resource: study.resources.get(other.resource ?? 0)?.name ?? '',
            times: others.find((each) => each.violation === other)?.times ?? 0,
          },
  };
}

async function nameOf({ context }: Study, { key, name }: TenantRow, other: Key): Promise<string> {
  return other === key ? name : (await existing(context.tables, other)).name;
}

async function poolName({ context }: Study, pool: Key | null): Promise<string | null> {
  return pool === null ? null : (await existingPool(context.tables, pool)).name;
}

async function viewPlace(study: Study, { row, pool, of, limit }: Subject, advised: number) {
  const where = await poolName(study, pool);
  return {
    ...{ tenant: row.name, tenant_id: row.id, pool: where, resource: of.name, unit: of.unit },
    ...{ limit, advised, command: quotaCommand(row.name, where, of, advised) },
  };
}

async function lowersOf(study: Study): Promise<{ lower: LowerAdvice[]; tooNew: number }> {
  const found: LowerAdvice[] = [];
  /** What all limits that are looked at promise, by resource. */
  const promised = new Map<string, number>();
  let tooNew = 0;
  for (const key of study.peaks.tenants) {
    const row = await study.adviseable(key);
    if (row === undefined) continue;
    if (row.createdAt > study.from) {
      tooNew += 1;
      continue;
    }
    for (const subject of await ownLimits(study, row)) {
      const { name } = subject.of;
      promised.set(name, (promised.get(name) ?? 0) + subject.limit);
      const lower = await viewLower(study, subject);
      if (lower !== undefined) found.push(lower);
    }
  }
  const effect = ({ resource, frees }: LowerAdvice) => frees / (promised.get(resource) ?? 1);
  found.sort((a, b) => effect(b) - effect(a) || (a.tenant < b.tenant ? -1 : 1));
  return { lower: found, tooNew };
}

/** The limits that are a tenant's own, everywhere and in pools where there are any, and above 0. */
async function ownLimits(study: Study, row: TenantRow): Promise<Subject[]> {
  const { scopes: table } = study.context.tables;
  const scopes = study.arePoolsOn ? await table.ofTenant(row.key) : [];
  const pools = scopes.map(({ pool }) => pool);
  const subjects: Subject[] = [];
  for (const pool of new Set([null, ...pools])) {
    const allowances = await study.limitsOf(row, pool);
    for (const { resource: of, limit, isOwn, used } of allowances.own) {
      if (!isOwn || limit === null || limit === 0) continue;
      const place = { tenant: row.key, pool, resource: of.key };
      subjects.push({ ...place, row, of, limit, used, allowances });
    }
  }
  return subjects;
}

async function viewLower(study: Study, subject: Subject): Promise<LowerAdvice | undefined> {
  const { limit, used, of } = subject;
  const [peak, lacked] = [study.peaks.of(subject), study.refused.lacked(subject)];
  const advised = lowerLimit({ limit, peak: peak + lacked, floor: used }, of);
  if (advised === undefined) return undefined;
  const place = await viewPlace(study, subject, advised);
  return { ...place, peak, lacked, frees: limit - advised };
}
