import { roleMeanings } from '../domain/role.ts';
import type { CreatedTokenView, TokenView, WhoamiView } from '../service/tokens.ts';
import type { Listing } from './render.ts';
import { sayTime } from './words.ts';

export const tokenListing: Listing<TokenView> = {
  name: ({ name }) => name,
  columns: [
    { header: 'NAME', text: ({ name }) => name },
    { header: 'STATE', text: ({ state }) => state, isAlarming: ({ state }) => state !== 'active' },
    { header: 'ROLE', text: ({ role }) => role },
    { header: 'BOUND TO', text: ({ tenant, tenant_id: id }) => tenant ?? id ?? '-' },
    { header: 'OWNER', text: ({ owner }) => owner },
    timeColumn('LAST USED', ({ last_used_at: time }) => time),
    timeColumn('EXPIRES', ({ expires_at: time }) => time),
    { header: 'ID', text: ({ id }) => id, isDim: true },
  ],
};

/** People read the local minute, spreadsheets the instant. */
function timeColumn(header: string, timeOf: (token: TokenView) => string | null) {
  return {
    header,
    text: (token: TokenView) => sayOr(timeOf(token), 'never'),
    value: (token: TokenView) => timeOf(token),
  };
}

function sayOr(time: string | null, nothing: string): string {
  return time === null ? nothing : sayTime(time);
}

/** A new token by its secret, which is all that a script wants of it. */
export const createdListing: Listing<CreatedTokenView> = {
  name: ({ secret, name }) => secret ?? name,
  columns: [...tokenListing.columns, { header: 'SECRET', text: ({ secret }) => secret ?? '-' }],
};

/** What somebody with this token is, in a sentence. */
export function sayToken(token: TokenView): string {
  const { role, owner, expires_at: expires } = token;
  const end = expires === null ? 'does not expire' : `expires ${sayTime(expires)}`;
  return `${role}${sayBound(token)}, acts as ${owner}, ${end}`;
}

/** What it may do, and where. */
export function sayAbility({ role, tenant }: TokenView): string {
  const where = tenant === null ? '' : `, in ${tenant} and below it`;
  return `It may: ${roleMeanings[role]}${where}.`;
}

/** Who somebody is on a server: `ci-runner (agent of acme), by the token ci-runner`. */
export function sayIdentity(who: WhoamiView): string {
  const { principal, role, token } = who;
  const named = `${principal} (${role}${sayBound(who)})`;
  if (token === null) return `${named}: no token is asked for`;
  const { name, expires_at: expires } = token;
  const end = expires === null ? '' : `, which expires ${sayTime(expires)}`;
  return `${named}, by the token ${name}${end}`;
}

function sayBound({ tenant }: { readonly tenant: string | null }): string {
  return tenant === null ? '' : ` of ${tenant}`;
}
