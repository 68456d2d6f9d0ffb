import type { Role } from '../domain/role.ts';
import type { Instant, Key } from './store-tenants.ts';

export interface TokenRow {
  readonly key: Key;
  readonly id: string;
  readonly name: string;
  /** Who acts with it. */
  readonly owner: string;
  readonly role: Role;
  /** Beyond whose subtree it sees nothing; null: it sees everything. */
  readonly tenant: Key | null;
  /** SHA-256 of the secret, in hex; the secret itself is kept nowhere. */
  readonly secretHash: string;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
  /** When it was used last, give or take a minute. */
  readonly usedAt: Instant | null;
}

/** Tokens; those that are revoked stay, and leave their name to others. */
export interface TokenTable {
  /** @throws conflict when the name is taken. */
  insert(token: Omit<TokenRow, 'key'>): Promise<Key>;
  /** Writes what may change: when it was revoked and used. */
  update(token: TokenRow): Promise<void>;
  byId(id: string): Promise<TokenRow | undefined>;
  /** The one of this name that is not revoked. */
  byName(name: string): Promise<TokenRow | undefined>;
  /** In order of key, after the key `after`. */
  list(
    filter: { readonly isRevoked: boolean },
    after: Key | undefined,
    limit: number,
  ): Promise<TokenRow[]>;
  /** Whether there has ever been one. */
  isAny(): Promise<boolean>;
}
