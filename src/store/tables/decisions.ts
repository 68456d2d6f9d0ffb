import type { ReasonCode } from '../../domain/admission.ts';
import type { DecisionFilter, DecisionRow, DecisionTable, Key, ViolationRow } from '../store.ts';
import { condition, valuesOf, where, type Database } from './database.ts';
import { subtreeCondition } from './tenants.ts';

interface Row {
  id: number;
  public_id: string;
  outcome: string;
  code: string;
  retryable: number;
  decided_by: string;
  tenant: number;
  pool: number;
  principal: string;
  request: string;
  likeness: string;
  times: number;
  first_at: number;
  last_at: number;
}

interface Reason {
  tenant: number | null;
  pool: number | null;
  resource: number | null;
  ceiling: number | null;
  base: number | null;
  used: number | null;
  requested: number | null;
  over_by: number | null;
  code: string;
}

const columns = `d.id, d.public_id, d.outcome, d.code, d.retryable, d.decided_by, d.tenant, d.pool,
  d.principal, d.request, d.likeness, d.times, d.first_at, d.last_at`;

export function decisionTable(database: Database): DecisionTable {
  const one = async (sql: string, ...values: (string | number)[]) => {
    const row = await database.get<Row>(sql, ...values);
    return row && toDecision(row);
  };
  return {
    async insert(decision, violations) {
      const key = await insert(database, decision);
      await insertViolations(database, key, violations);
      return key;
    },
    repeat: (decision, violations) => repeat(database, decision, violations),
    latestLike: (likeness, since) =>
      one(
        `select ${columns} from decision d
         where d.likeness = ? and d.outcome = 'rejected' and d.first_at >= ?
         order by d.first_at desc, d.id desc limit 1`,
        likeness,
        since,
      ),
    byKey: (key) => one(`select ${columns} from decision d where d.id = ?`, key),
    byId: (id) => one(`select ${columns} from decision d where d.public_id = ?`, id),
    async violations(decision) {
      const rows = await database.all<Reason>(
        `select tenant, pool, resource, ceiling, base, used, requested, over_by, code
         from violation
         where decision = ? order by position`,
        decision,
      );
      return rows.map(toViolation);
    },
    list: (filter, before, limit) => list(database, filter, before, limit),
  };
}

async function insert(database: Database, decision: Omit<DecisionRow, 'key'>): Promise<Key> {
  const row = await database.get<{ id: number }>(
    `insert into decision (public_id, outcome, code, retryable, decided_by, tenant, pool,
       principal, request, likeness, times, first_at, last_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning id`,
    decision.id,
    decision.outcome,
    decision.code,
    decision.isRetryable ? 1 : 0,
    decision.decidedBy,
    decision.tenant,
    decision.pool,
    decision.principal,
    JSON.stringify(decision.request),
    decision.likeness,
    decision.times,
    decision.firstAt,
    decision.lastAt,
  );
  if (row === undefined) throw new Error('insert into decision returned no row');
  return row.id;
}

async function insertViolations(
  database: Database,
  decision: Key,
  violations: readonly ViolationRow[],
): Promise<void> {
  for (const [position, violation] of violations.entries()) {
    await database.run(
      `insert into violation (decision, position, tenant, pool, resource, ceiling, base, used,
         requested, over_by, code)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      decision,
      position,
      violation.tenant,
      violation.pool,
      violation.resource,
      violation.limit,
      violation.base,
      violation.used,
      violation.requested,
      violation.overBy,
      violation.code,
    );
  }
}

async function repeat(
  database: Database,
  decision: DecisionRow,
  violations: readonly ViolationRow[],
): Promise<void> {
  await database.run(
    `update decision set times = ?, last_at = ? where id = ?`,
    decision.times,
    decision.lastAt,
    decision.key,
  );
  await database.run(`delete from violation where decision = ?`, decision.key);
  await insertViolations(database, decision.key, violations);
}

async function list(
  database: Database,
  filter: DecisionFilter,
  before: Key | undefined,
  limit: number,
): Promise<DecisionRow[]> {
  const conditions = [];
  if (filter.tenant !== undefined) conditions.push(condition('d.tenant = ?', filter.tenant));
  conditions.push(...subtreeCondition('d.tenant', filter.within));
  if (filter.pool !== undefined) conditions.push(condition('d.pool = ?', filter.pool));
  if (filter.since !== undefined) conditions.push(condition('d.last_at >= ?', filter.since));
  if (filter.until !== undefined) conditions.push(condition('d.first_at < ?', filter.until));
  if (before !== undefined) conditions.push(condition('d.id < ?', before));
  const reasons = [];
  if (filter.code !== undefined) reasons.push(condition('v.code = ?', filter.code));
  if (filter.resource !== undefined) reasons.push(condition('v.resource = ?', filter.resource));
  if (reasons.length > 0) {
    const text = `exists (select 1 from violation v ${where([condition('v.decision = d.id'), ...reasons])})`;
    conditions.push(condition(text, ...valuesOf(reasons)));
  }
  const rows = await database.all<Row>(
    `select ${columns} from decision d ${where(conditions)} order by d.id desc limit ?`,
    ...valuesOf(conditions),
    limit,
  );
  return rows.map(toDecision);
}

function toDecision(row: Row): DecisionRow {
  return {
    key: row.id,
    id: row.public_id,
    outcome: row.outcome as DecisionRow['outcome'],
    code: row.code as ReasonCode,
    isRetryable: row.retryable === 1,
    decidedBy: row.decided_by,
    tenant: row.tenant,
    pool: row.pool,
    principal: row.principal,
    request: JSON.parse(row.request) as Record<string, number>,
    likeness: row.likeness,
    times: row.times,
    firstAt: row.first_at,
    lastAt: row.last_at,
  };
}

function toViolation(row: Reason): ViolationRow {
  return {
    tenant: row.tenant,
    pool: row.pool,
    resource: row.resource,
    limit: row.ceiling,
    base: row.base,
    used: row.used,
    requested: row.requested,
    overBy: row.over_by,
    code: row.code as ReasonCode,
  };
}
