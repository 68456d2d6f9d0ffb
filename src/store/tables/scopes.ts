import type { ScopeRow, ScopeSubject, ScopeTable } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  id: number;
  tenant: number | null;
  pool: number | null;
  version: number;
  updated_at: number;
}

const columns = `s.id, s.tenant, s.pool, s.version, s.updated_at`;

export function scopeTable(database: Database): ScopeTable {
  return {
    async insert({ tenant, pool }, now) {
      const row = await database.get<{ id: number }>(
        `insert into scope (tenant, pool, version, updated_at) values (?, ?, 1, ?) returning id`,
        tenant,
        pool,
        now,
      );
      if (row === undefined) throw new Error('insert into scope returned no row');
      return row.id;
    },
    async of(subject) {
      const [row] = await ofEach(database, [subject]);
      return row;
    },
    async byKey(key) {
      const row = await database.get<Row>(`select ${columns} from scope s where s.id = ?`, key);
      return row && toScope(row);
    },
    async touch(scope) {
      await database.run(
        `update scope set version = ?, updated_at = ? where id = ?`,
        scope.version,
        scope.updatedAt,
        scope.key,
      );
    },
    ofEach: (subjects) => ofEach(database, subjects),
    async last() {
      const row = await database.get<{ id: number | null }>(`select max(id) as id from scope`);
      return row?.id ?? 0;
    },
    async ofTenant(tenant) {
      const rows = await database.all<Row>(
        `select ${columns} from scope s where s.tenant = ? order by s.id`,
        tenant,
      );
      return rows.map(toScope);
    },
  };
}

const everywhere = `select ${columns} from scope s where s.tenant = ? and s.pool is null`;
const inPool = `select ${columns} from scope s where s.tenant = ? and s.pool = ?`;
const ofPool = `select ${columns} from scope s where s.pool = ? and s.tenant is null`;

/** Three searches, each by an index of its own; and one by one, which costs less than a list. */
async function ofEach(
  database: Database,
  subjects: readonly ScopeSubject[],
): Promise<(ScopeRow | undefined)[]> {
  const tenants = subjects.filter(({ tenant, pool }) => tenant !== null && pool === null);
  const both = subjects.filter(({ tenant, pool }) => tenant !== null && pool !== null);
  const pools = subjects.filter(({ tenant }) => tenant === null);
  const rows = [
    ...(await database.each<Row>(
      everywhere,
      tenants.map(({ tenant }) => [tenant]),
    )),
    ...(await database.each<Row>(
      inPool,
      both.map(({ tenant, pool }) => [tenant, pool]),
    )),
    ...(await database.each<Row>(
      ofPool,
      pools.map(({ pool }) => [pool]),
    )),
  ];
  const inOrder = [...tenants, ...both, ...pools];
  return subjects.map((subject) => {
    const row = rows[inOrder.indexOf(subject)];
    return row && toScope(row);
  });
}

function toScope(row: Row): ScopeRow {
  return {
    key: row.id,
    tenant: row.tenant,
    pool: row.pool,
    version: row.version,
    updatedAt: row.updated_at,
  };
}
