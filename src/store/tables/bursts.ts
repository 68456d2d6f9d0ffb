import { nextMomentOf, type BurstEnding, type BurstState } from '../../domain/burst.ts';
import type { BurstFilter, BurstLift, BurstRow, BurstTable, Key, StandingBurst } from '../store.ts';
import { condition, marks, valuesOf, where, type Condition, type Database } from './database.ts';
import { subtreeCondition } from './tenants.ts';

interface Row {
  id: number;
  public_id: string;
  tenant: number;
  pool: number | null;
  state: string;
  percentage: number | null;
  duration_seconds: number;
  starts_at: number | null;
  ends_at: number | null;
  on_end: string;
  reason: string;
  automatic: number;
  approvals_required: number;
  requested_at: number;
  requested_by: string;
  lapses_at: number;
  decided_at: number | null;
  decided_by: string | null;
  decided_reason: string | null;
  ended_at: number | null;
  notice_at: number | null;
  evicting: number;
  version: number;
}

const columns = `b.id, b.public_id, b.tenant, b.pool, b.state, b.percentage, b.duration_seconds,
  b.starts_at, b.ends_at, b.on_end, b.reason, b.automatic, b.approvals_required, b.requested_at,
  b.requested_by, b.lapses_at, b.decided_at, b.decided_by, b.decided_reason, b.ended_at, b.notice_at, b.evicting,
  b.version`;

export function burstTable(database: Database): BurstTable {
  const one = async (sql: string, value: string | number) => {
    const row = await database.get<Row>(sql, value);
    return row && toBurst(row);
  };
  const all = async (sql: string, ...values: (string | number)[]) =>
    (await database.all<Row>(sql, ...values)).map(toBurst);
  return {
    insert: (burst, lifts) => insert(database, burst, lifts),
    update: (burst) => update(database, burst),
    byKey: (key) => one(`select ${columns} from burst b where b.id = ?`, key),
    byId: (id) => one(`select ${columns} from burst b where b.public_id = ?`, id),
    lifts: (burst) => liftsOf(database, burst),
    async standing() {
      const found: StandingBurst[] = [];
      const rows = await all(
        `select ${columns} from burst b
         where b.state in ('requested', 'approved', 'active') and b.state in ('approved', 'active')
         order by b.id`,
      );
      for (const burst of rows) found.push({ burst, lifts: await liftsOf(database, burst.key) });
      return found;
    },
    countLiving: (now) => countLiving(database, now),
    due: (now, limit) =>
      all(
        `select ${columns} from burst b where b.due_at <= ? order by b.due_at, b.id limit ?`,
        now,
        limit,
      ),
    ofTenant: (tenant, since) =>
      all(
        `select ${columns} from burst b where b.tenant = ?
           and (b.state in ('requested', 'approved', 'active') or b.ended_at >= ?)
         order by b.id`,
        tenant,
        since,
      ),
    list: (filter, before, limit) => list(database, filter, before, limit),
    async approvals(burst) {
      const rows = await database.all<{ principal: string; approved_at: number }>(
        `select principal, approved_at from burst_approval where burst = ? order by principal`,
        burst,
      );
      return rows.map((row) => ({ principal: row.principal, approvedAt: row.approved_at }));
    },
    addApproval: (burst, { principal, approvedAt }) =>
      database.run(
        `insert into burst_approval (burst, principal, approved_at) values (?, ?, ?)`,
        burst,
        principal,
        approvedAt,
      ),
    addJob: (burst, job) =>
      database.run(
        `insert into burst_job (burst, job) values (?, ?) on conflict (burst, job) do nothing`,
        burst,
        job,
      ),
    removeJob: (job) => database.run(`delete from burst_job where job = ?`, job),
    removeJobFrom: (burst, job) =>
      database.run(`delete from burst_job where burst = ? and job = ?`, burst, job),
    countJobs: (burst) => countJobs(database, burst),
  };
}

async function countJobs(database: Database, burst: Key): Promise<number> {
  const row = await database.get<{ jobs: number }>(
    `select count(*) as jobs from burst_job where burst = ?`,
    burst,
  );
  return row?.jobs ?? 0;
}

async function insert(
  database: Database,
  burst: Omit<BurstRow, 'key'>,
  lifts: readonly BurstLift[],
): Promise<Key> {
  const row = await database.get<{ id: number }>(
    `insert into burst (public_id, tenant, pool, percentage, duration_seconds, on_end, reason,
       automatic, approvals_required, requested_at, requested_by, lapses_at, state, starts_at,
       ends_at, decided_at, decided_by, decided_reason, ended_at, notice_at, due_at, evicting, version)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning id`,
    burst.id,
    burst.tenant,
    burst.pool,
    burst.percentage,
    burst.durationSeconds,
    burst.onEnd,
    burst.reason,
    burst.isAutomatic ? 1 : 0,
    burst.approvalsRequired,
    burst.requestedAt,
    burst.requestedBy,
    burst.lapsesAt,
    ...changing(burst),
  );
  if (row === undefined) throw new Error('insert into burst returned no row');
  for (const { resource, amount } of lifts) {
    await database.run(
      `insert into burst_lift (burst, resource, amount) values (?, ?, ?)`,
      row.id,
      resource,
      amount,
    );
  }
  return row.id;
}

async function update(database: Database, burst: BurstRow): Promise<void> {
  await database.run(
    `update burst set state = ?, starts_at = ?, ends_at = ?, decided_at = ?, decided_by = ?,
       decided_reason = ?,       ended_at = ?, notice_at = ?, due_at = ?, evicting = ?, version = ?
     where id = ?`,
    ...changing(burst),
    burst.key,
  );
}

/** What changes in the life of a session, in one order for both statements. */
function changing(burst: Omit<BurstRow, 'key'>) {
  return [
    burst.state,
    burst.startsAt,
    burst.endsAt,
    burst.decidedAt,
    burst.decidedBy,
    burst.decidedReason,
    burst.endedAt,
    burst.noticeAt,
    burst.isEvicting ? burst.endedAt : nextMomentOf(burst),
    burst.isEvicting ? 1 : 0,
    burst.version,
  ];
}

function liftsOf(database: Database, burst: Key): Promise<BurstLift[]> {
  return database.all<BurstLift>(
    `select resource, amount from burst_lift where burst = ? order by resource`,
    burst,
  );
}

async function list(
  database: Database,
  filter: BurstFilter,
  before: Key | undefined,
  limit: number,
): Promise<BurstRow[]> {
  const { states, now, tenant, within, pool } = filter;
  const conditions: Condition[] = [
    condition(`${stateAsOf} in (${marks(states.length)})`, now, now, now, ...states),
    ...(tenant === undefined ? [] : [condition('b.tenant = ?', tenant)]),
    ...subtreeCondition('b.tenant', within),
    ...(pool === undefined ? [] : [condition('b.pool = ?', pool)]),
    ...(before === undefined ? [] : [condition('b.id < ?', before)]),
  ];
  const rows = await database.all<Row>(
    `select ${columns} from burst b ${where(conditions)} order by b.id desc limit ?`,
    ...valuesOf(conditions),
    limit,
  );
  return rows.map(toBurst);
}

async function countLiving(database: Database, now: number) {
  const rows = await database.all<{ state: string; count: number }>(
    `select state, count(*) as count from (
       select ${stateAsOf} as state from burst b where b.state in ('requested', 'approved', 'active')
     ) living
     where state in ('requested', 'approved', 'active') group by state order by state`,
    ...[now, now, now],
  );
  return rows.map(({ state, count }) => ({ state: state as BurstState, count }));
}

/** As `burstStateAsOf` has it; three times the present one. */
const stateAsOf = `case
    when b.state = 'requested' and b.lapses_at <= ? then 'lapsed'
    when b.state in ('approved', 'active') and b.ends_at <= ? then 'ended'
    when b.state = 'approved' and b.starts_at <= ? then 'active'
    else b.state
  end`;

function toBurst(row: Row): BurstRow {
  return {
    key: row.id,
    id: row.public_id,
    tenant: row.tenant,
    pool: row.pool,
    state: row.state as BurstState,
    percentage: row.percentage,
    durationSeconds: row.duration_seconds,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    onEnd: row.on_end as BurstEnding,
    reason: row.reason,
    isAutomatic: row.automatic === 1,
    approvalsRequired: row.approvals_required,
    requestedAt: row.requested_at,
    requestedBy: row.requested_by,
    lapsesAt: row.lapses_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    decidedReason: row.decided_reason,
    endedAt: row.ended_at,
    noticeAt: row.notice_at,
    isEvicting: row.evicting === 1,
    version: row.version,
  };
}
