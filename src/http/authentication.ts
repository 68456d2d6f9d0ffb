import type * as z from 'zod';
import { HodeiError } from '../domain/errors.ts';
import { parseToken, tokenStateAsOf } from '../domain/token.ts';
import { ANONYMOUS, fullAuthority } from '../service/authority.ts';
import type { Service } from '../service/call.ts';
import type { Caller } from '../service/operation.ts';
import { system } from '../service/system.ts';
import { findKnownToken, noteTokenUse } from '../service/token-identity.ts';
import { isSecretOf } from '../service/token-secret.ts';

/** Who asks, as far as it is known. */
export type Identity = Pick<Caller, 'principal' | 'role' | 'boundTo' | 'token'>;

export interface Authentication {
  /**
   * Who sent a request with this `Authorization` header.
   * @throws unauthenticated, or what keeps us from finding out.
   */
  identify(header: string | undefined): Promise<Identity>;
  /** Whether the token in this header is one that was given out, as far as we remember. */
  isKnown(header: string | undefined): boolean;
  /** Tokens were changed: what is known of them may not hold any more. */
  forget(): void;
  /** Writes down when tokens were used, and does so no more. */
  close(): Promise<void>;
}

/** Where no tokens were ever created, nobody is asked who they are. */
const anonymous: Identity = { ...fullAuthority, principal: ANONYMOUS };

/** A token that is revoked elsewhere is dead after so long, and the time that it takes to look. */
const KNOWN_MS = 500;
/** Of so many tokens something is known at once; who invents more of them only costs a look each. */
const MOST_KNOWN = 10_000;
const NOTED_MS = 60_000;
/** No secret is hashed to this; comparing with it takes as long as with any other. */
const NO_HASH = '-'.repeat(64);

export function createAuthentication(service: Service, newTraceId: () => string): Authentication {
  const look = knower(service, newTraceId);
  const uses = new Map<string, number>();
  const note = async () => {
    if (uses.size === 0) return;
    const noted = [...uses].map(([id, at]) => ({ id, at }));
    uses.clear();
    // What could not be written is written with the next use.
    await service(noteTokenUse, { uses: noted }, system(newTraceId())).catch(() => undefined);
  };
  const timer = setInterval(() => void note(), NOTED_MS).unref();
  return {
    async identify(header) {
      const sent = header === undefined ? undefined : secretIn(header);
      const { isNeeded, token, now } = await look.at(sent?.id ?? null);
      if (sent === undefined) {
        if (!isNeeded) return anonymous;
        throw unauthenticated('This server wants a token, and there is none.');
      }
      const isRight = isSecretOf(sent.secret, token?.secretHash ?? NO_HASH);
      if (token === null || !isRight)
        throw unauthenticated('Nobody here has given this token out.');
      const state = tokenStateAsOf(token, now);
      // Who has the secret may know what became of it.
      if (state !== 'active') throw unauthenticated(`The token ${token.name} is ${state}.`);
      uses.set(token.id, now);
      const { owner: principal, role, boundTo } = token;
      return { principal, role, boundTo, token: token.id };
    },
    isKnown: (header) => look.isReal(header === undefined ? undefined : tokenIn(header)?.id),
    forget: look.forget,
    async close() {
      clearInterval(timer);
      await note();
    },
  };
}

type Known = z.output<ReturnType<typeof findKnownToken.output>>;

interface Look {
  readonly answer: Promise<Known>;
  until: number;
  isReal: boolean;
}

/** Looks tokens up, each at most twice a second. */
function knower(service: Service, newTraceId: () => string) {
  const known = new Map<string | null, Look>();
  return {
    at(id: string | null): Promise<Known> {
      const time = performance.now();
      const found = known.get(id);
      if (found !== undefined && found.until > time) return found.answer;
      if (known.size >= MOST_KNOWN) makeRoom(known);
      const answer = service(findKnownToken, { id }, system(newTraceId()));
      const look: Look = { answer, until: time + KNOWN_MS, isReal: found?.isReal ?? false };
      known.set(id, look);
      answer.then(
        ({ token }) => (look.isReal = token !== null),
        // A failure is not remembered.
        () => (look.until = 0),
      );
      return answer;
    },
    isReal: (id: string | undefined) => id !== undefined && known.get(id)?.isReal === true,
    /** All is looked up anew; that a token was real holds, whatever has become of it. */
    forget() {
      for (const look of known.values()) look.until = 0;
    },
  };
}

/** Who invents tokens shall not make us forget the real ones. */
function makeRoom(known: Map<string | null, Look>): void {
  for (const [id, { isReal }] of known) if (!isReal) known.delete(id);
  if (known.size >= MOST_KNOWN) known.clear();
}

/** The token in a header. @throws unauthenticated when there is none in it. */
function secretIn(header: string) {
  const token = tokenIn(header);
  if (token !== undefined) return token;
  throw unauthenticated('The header Authorization holds no token of hodei.');
}

function tokenIn(header: string) {
  const [, text] = /^bearer +(\S+) *$/i.exec(header) ?? [];
  return text === undefined ? undefined : parseToken(text);
}

function unauthenticated(message: string): HodeiError {
  return new HodeiError('unauthenticated', message, {
    hint: 'Send Authorization: Bearer <token>; at a terminal: hodei login --server URL',
  });
}
