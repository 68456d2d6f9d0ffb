import { nameProblem } from './name.ts';
import { ID_ALPHABET, ID_LENGTH } from './tenant.ts';

/** 256 bits: nobody guesses it, so that a plain hash keeps it. */
export const SECRET_BYTES = 32;

const TOKEN = new RegExp(`^hod_([${ID_ALPHABET}]{${ID_LENGTH}})_([0-9a-f]{${2 * SECRET_BYTES}})$`);
const ID_KIND = 'token-';

/** What is wrong with a token's name, or undefined. */
export function tokenNameProblem(name: string): string | undefined {
  return nameProblem("a token's name", name);
}

/** The text by which somebody proves who they are: where to look, and the secret itself. */
export function tokenText(id: string, secret: string): string {
  return `hod_${id.slice(ID_KIND.length)}_${secret}`;
}

/** The two parts of such a text; undefined when it is none. */
export function parseToken(
  text: string,
): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: ID_KIND + id, secret };
}

/** Also one that was mistyped: it is nearly one that works. */
const TOKEN_SOMEWHERE = /hod_[0-9a-z]{12}_[0-9a-f]{32,}/i;

/** Whether somebody's token stands in a text. */
export function containsToken(text: string): boolean {
  return TOKEN_SOMEWHERE.test(text);
}

/** The text without the secrets of tokens that stand in it, for what is kept. */
export function withoutTokens(text: string): string {
  return text.replace(new RegExp(TOKEN_SOMEWHERE, 'gi'), 'hod_***');
}

export interface TokenTimes {
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export type TokenState = 'active' | 'expired' | 'revoked';

export function tokenStateAsOf({ expiresAt, revokedAt }: TokenTimes, now: number): TokenState {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active';
}
