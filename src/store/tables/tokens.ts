import type { Role } from '../../domain/role.ts';
import type { Key, TokenRow, TokenTable } from '../store.ts';
import { condition, valuesOf, where, type Database } from './database.ts';

interface Row {
  id: number;
  public_id: string;
  name: string;
  owner: string;
  role: string;
  tenant: number | null;
  secret_hash: string;
  created_at: number;
  created_by: string;
  expires_at: number | null;
  revoked_at: number | null;
  used_at: number | null;
}

const columns = `k.id, k.public_id, k.name, k.owner, k.role, k.tenant, k.secret_hash, k.created_at,
  k.created_by, k.expires_at, k.revoked_at, k.used_at`;

export function tokenTable(database: Database): TokenTable {
  const one = async (sql: string, value: string) => {
    const row = await database.get<Row>(sql, value);
    return row && toToken(row);
  };
  return {
    insert: (token) => insert(database, token),
    async update({ key, revokedAt, usedAt }) {
      await database.run(
        `update token set revoked_at = ?, used_at = ? where id = ?`,
        revokedAt,
        usedAt,
        key,
      );
    },
    byId: (id) => one(`select ${columns} from token k where k.public_id = ?`, id),
    byName: (name) =>
      one(`select ${columns} from token k where k.name = ? and k.revoked_at is null`, name),
    async list({ isRevoked }, after, limit) {
      const conditions = [
        condition(isRevoked ? 'k.revoked_at is not null' : 'k.revoked_at is null'),
        ...(after === undefined ? [] : [condition('k.id > ?', after)]),
      ];
      const rows = await database.all<Row>(
        `select ${columns} from token k ${where(conditions)} order by k.id limit ?`,
        ...valuesOf(conditions),
        limit,
      );
      return rows.map(toToken);
    },
    isAny: async () => (await database.get<object>(`select id from token limit 1`)) !== undefined,
  };
}

async function insert(database: Database, token: Omit<TokenRow, 'key'>): Promise<Key> {
  const row = await database.get<{ id: number }>(
    `insert into token (public_id, name, owner, role, tenant, secret_hash, created_at, created_by,
       expires_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning id`,
    token.id,
    token.name,
    token.owner,
    token.role,
    token.tenant,
    token.secretHash,
    token.createdAt,
    token.createdBy,
    token.expiresAt,
  );
  if (row === undefined) throw new Error('insert into token returned no row');
  return row.id;
}

function toToken(row: Row): TokenRow {
  return {
    key: row.id,
    id: row.public_id,
    name: row.name,
    owner: row.owner,
    role: row.role as Role,
    tenant: row.tenant,
    secretHash: row.secret_hash,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    usedAt: row.used_at,
  };
}
