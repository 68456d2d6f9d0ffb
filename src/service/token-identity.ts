import * as z from 'zod';
import { ADMINS, type Role } from '../domain/role.ts';
import { recordEvent } from './event-log.ts';
import { operation, type Caller } from './operation.ts';

// What a server asks of the service to know who asks it. None of it has a route.

/** What is known of a token; it never leaves the process. */
export interface KnownToken {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly role: Role;
  /** Public id of the tenant it is bound to. */
  readonly boundTo: string | null;
  readonly secretHash: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

const internal = {
  method: 'POST',
  path: '',
  roles: ADMINS,
  reach: 'all',
  isVersioned: false,
} as const;

export const findKnownToken = operation({
  ...internal,
  name: 'token.find',
  summary: 'Find out what is known of a token, and whether one is needed at all',
  isReadOnly: true,
  input: () => z.strictObject({ id: z.string().nullable() }),
  output: () => z.custom<{ isNeeded: boolean; token: KnownToken | null; now: number }>(),
  example: { input: { id: null }, output: { isNeeded: false, token: null, now: 0 } },

  async run({ tables, now }, { id }) {
    const row = id === null ? undefined : await tables.tokens.byId(id);
    if (row === undefined) return { isNeeded: await tables.tokens.isAny(), token: null, now };
    const tenant = row.tenant === null ? undefined : await tables.tenants.byKey(row.tenant);
    const { name, owner, role, secretHash, expiresAt, revokedAt } = row;
    const boundTo = tenant?.id ?? null;
    const token = { id: row.id, name, owner, role, boundTo, secretHash, expiresAt, revokedAt };
    return { isNeeded: true, token, now };
  },
});

/** When tokens were used: bookkeeping, and no change that an event would tell of. */
export const noteTokenUse = operation({
  ...internal,
  name: 'token.use',
  summary: 'Note when tokens were used last',
  isReadOnly: false,
  input: () => z.strictObject({ uses: z.array(z.strictObject({ id: z.string(), at: z.int() })) }),
  output: () => z.undefined(),
  example: { input: { uses: [] }, output: undefined },

  async run({ tables }, { uses }) {
    for (const { id, at } of uses) {
      const token = await tables.tokens.byId(id);
      const isLater = token !== undefined && at > (token.usedAt ?? 0);
      if (isLater) await tables.tokens.update({ ...token, usedAt: at });
    }
    return undefined;
  },
});

/** Somebody who was refused, so many times in a row. */
export interface Refusal {
  /** Who it was, as far as it is known. */
  readonly who: Pick<Caller, 'principal' | 'token' | 'traceId'>;
  /** What was asked for: an operation by its name, or a method and path that has none. */
  readonly asked: string;
  readonly code: string;
  readonly why: string;
  /** Where it came from. */
  readonly address: string;
  readonly times: number;
}

export const recordRefusal = operation({
  ...internal,
  name: 'token.refuse',
  summary: 'Record that somebody was refused',
  isReadOnly: false,
  input: () => z.strictObject({ refusal: z.custom<Refusal>() }),
  output: () => z.undefined(),
  example: {
    input: {
      refusal: {
        who: { principal: 'ci-runner', traceId: '' },
        ...{ asked: 'quota.set', code: 'forbidden', why: '', address: '192.0.2.1', times: 1 },
      },
    },
    output: undefined,
  },

  async run(context, { refusal }) {
    const { who, ...after } = refusal;
    const { principal, token, traceId } = who;
    await recordEvent(
      { ...context, caller: { ...context.caller, principal, traceId } },
      // Of no tenant: who is bound to one shall not read there what lies beyond its reach.
      { operation: 'token.refuse', tenant: null, object: token ?? 'none', before: null, after },
    );
    return undefined;
  },
});

export const identityOperations = [findKnownToken, noteTokenUse, recordRefusal];
