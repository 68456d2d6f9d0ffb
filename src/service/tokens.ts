import * as z from 'zod';
import { conflict, notFound } from '../domain/errors.ts';
import { ADMINS, EVERYBODY } from '../domain/role.ts';
import { tokenStateAsOf, tokenText } from '../domain/token.ts';
import type { Tables, TokenRow } from '../store/store.ts';
import { cutPage, decodeNumber } from './cursor.ts';
import { recordEvent } from './event-log.ts';
import { nearest } from './nearest.ts';
import { operation } from './operation.ts';
import { pageInput, pageOutput, queryBoolean, toInstant } from './schemas/common.ts';
import {
  CreatedTokenResponse,
  CreateTokenRequest,
  TokenResponse,
  WhoamiResponse,
} from './schemas/token.ts';
import { findTenant } from './tenant-lookup.ts';
import { createdTokenExample, tokenExample, whoamiExample } from './token-examples.ts';
import { hashOfSecret, newSecret } from './token-secret.ts';

export type TokenView = z.output<ReturnType<typeof TokenResponse>>;
export type CreatedTokenView = z.output<ReturnType<typeof CreatedTokenResponse>>;
export type WhoamiView = z.output<ReturnType<typeof WhoamiResponse>>;

export const createToken = operation({
  name: 'token.create',
  summary: 'Create a token; its secret is told this once',
  method: 'POST',
  path: '/tokens',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  status: 201,
  requestName: 'CreateTokenRequest',
  input: CreateTokenRequest,
  output: CreatedTokenResponse,
  example: {
    input: { name: 'ci-runner', role: 'agent' as const, tenant: 'acme', ttl_seconds: 7_776_000 },
    output: createdTokenExample,
  },

  async run(context, input) {
    const { tables, now, caller } = context;
    if ((await tables.tokens.byName(input.name)) !== undefined) {
      throw conflict(
        `A token named ${input.name} exists already.`,
        `Revoke it, or take another name: hodei token revoke ${input.name}`,
      );
    }
    const tenant = input.tenant === undefined ? null : await findTenant(tables, input.tenant);
    const secret = newSecret();
    const token = {
      id: context.newId('token'),
      name: input.name,
      owner: input.owner ?? input.name,
      role: input.role,
      tenant: tenant?.key ?? null,
      secretHash: hashOfSecret(secret),
      createdAt: now,
      createdBy: caller.principal,
      expiresAt: input.ttl_seconds === undefined ? null : now + input.ttl_seconds * 1000,
      revokedAt: null,
      usedAt: null,
    };
    const key = await tables.tokens.insert(token);
    const view = await viewToken(tables, { ...token, key }, now);
    const { id: _, state, created_at, created_by, revoked_at, last_used_at, ...after } = view;
    await recordEvent(context, {
      operation: 'token.create',
      tenant: view.tenant_id,
      object: token.id,
      before: null,
      after,
    });
    return { ...view, secret: caller.dryRun === true ? null : tokenText(token.id, secret) };
  },
});

export const listTokens = operation({
  name: 'token.list',
  summary: 'List tokens, in the order of their creation; their secrets are kept nowhere',
  method: 'GET',
  path: '/tokens',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      revoked: queryBoolean()
        .default(false)
        .describe('Those that are revoked, in place of others.'),
      ...pageInput(),
    }),
  output: () => pageOutput(TokenResponse()),
  example: { input: { limit: 50 }, output: { items: [tokenExample], next_cursor: null } },

  async run({ tables, now }, { revoked, cursor, limit }) {
    const after = decodeNumber('token', cursor);
    const found = await tables.tokens.list({ isRevoked: revoked }, after, limit + 1);
    const { rows, next } = cutPage(found, limit, 'token', (last) => [last.key]);
    const items: TokenView[] = [];
    for (const token of rows) items.push(await viewToken(tables, token, now));
    return { items, next_cursor: next };
  },
});

export const revokeToken = operation({
  name: 'token.revoke',
  summary: 'Revoke a token: within a second no server takes it any more',
  method: 'POST',
  path: '/tokens/{token}/revoke',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  input: () =>
    z.strictObject({
      token: z
        .string()
        .min(1)
        .max(200)
        .describe('Its name, or its id.')
        .meta({ example: 'ci-runner' }),
    }),
  output: TokenResponse,
  example: {
    input: { token: 'ci-runner' },
    output: { ...tokenExample, state: 'revoked' as const, revoked_at: '2026-11-23T09:40:00.000Z' },
  },

  async run(context, input) {
    const { tables, now } = context;
    const token = await findToken(tables, input.token);
    if (token.revokedAt !== null) return viewToken(tables, token, now);
    const revoked = { ...token, revokedAt: now };
    await tables.tokens.update(revoked);
    const view = await viewToken(tables, revoked, now);
    const { name, owner, role } = view;
    await recordEvent(context, {
      operation: 'token.revoke',
      tenant: view.tenant_id,
      object: token.id,
      before: { name, owner, role },
      after: null,
    });
    return view;
  },
});

export const whoami = operation({
  name: 'token.whoami',
  summary: 'Say who you are, and what you are here for',
  method: 'GET',
  path: '/whoami',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({}),
  output: WhoamiResponse,
  example: { input: {}, output: whoamiExample },

  async run({ tables, caller, reach }) {
    const { principal, role, boundTo } = caller;
    const token = caller.token === undefined ? undefined : await tables.tokens.byId(caller.token);
    const tenant = reach.root === undefined ? undefined : await tables.tenants.byKey(reach.root);
    return {
      principal,
      role,
      tenant: tenant?.name ?? null,
      tenant_id: boundTo,
      token:
        token === undefined
          ? null
          : { id: token.id, name: token.name, expires_at: orInstant(token.expiresAt) },
    };
  },
});

/** So many names are compared with a mistyped one. */
const COMPARED = 1_000;

/** The token that an id or a name stands for. @throws not_found with the nearest name there is. */
async function findToken(tables: Tables, reference: string): Promise<TokenRow> {
  const token = (await tables.tokens.byId(reference)) ?? (await tables.tokens.byName(reference));
  if (token !== undefined) return token;
  const living = await tables.tokens.list({ isRevoked: false }, undefined, COMPARED);
  const meant = nearest(
    reference,
    living.map(({ name }) => name),
  );
  throw notFound(
    `Token not found: ${reference}`,
    meant === undefined ? 'See which there are: hodei token list' : `Did you mean ${meant}?`,
  );
}

async function viewToken(tables: Tables, token: TokenRow, now: number): Promise<TokenView> {
  const tenant = token.tenant === null ? undefined : await tables.tenants.byKey(token.tenant);
  const { id, name, owner, role, createdBy } = token;
  return {
    ...{ id, name, owner, role },
    tenant: tenant?.name ?? null,
    tenant_id: tenant?.id ?? null,
    state: tokenStateAsOf(token, now),
    created_at: toInstant(token.createdAt),
    created_by: createdBy,
    expires_at: orInstant(token.expiresAt),
    revoked_at: orInstant(token.revokedAt),
    last_used_at: orInstant(token.usedAt),
  };
}

function orInstant(time: number | null): string | null {
  return time === null ? null : toInstant(time);
}
