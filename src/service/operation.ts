import type * as z from 'zod';
import { HodeiError } from '../domain/errors.ts';
import type { Role } from '../domain/role.ts';
import type { Tables } from '../store/store.ts';
import type { Reach } from './reach.ts';

/** On whose behalf a call is made, and how. */
export interface Caller {
  /** Who acts: an operating-system user, or the owner of a token. */
  readonly principal: string;
  readonly role: Role;
  /** Public id of the tenant beyond whose subtree the caller sees nothing; null: sees everything. */
  readonly boundTo: string | null;
  /** Id of the token by which the caller was recognised. */
  readonly token?: string | undefined;
  /** A name noted beside the principal (`--as`); it never counts as another person. */
  readonly actingAs?: string | undefined;
  readonly reason?: string | undefined;
  readonly traceId: string;
  /** Do everything, answer what would be, and keep nothing. */
  readonly dryRun?: boolean | undefined;
  /** The version that the caller saw; the call is refused when there is a newer one. */
  readonly ifVersion?: number | undefined;
  /** The caller's own name for what it intends: a repeated call with it has no second effect. */
  readonly idempotencyKey?: string | undefined;
}

/** What an operation may use while it runs: the tables of one transaction, and values handed in. */
export interface Context {
  /** As far as the caller's reach goes. */
  readonly tables: Tables;
  readonly reach: Reach;
  readonly caller: Caller;
  /** Epoch milliseconds. */
  readonly now: number;
  /** A new public id such as `tenant-…`. */
  readonly newId: (kind: string) => string;
  /**
   * Runs a part in a savepoint of its own: when it throws, nothing of it was written. For operations
   * that change something.
   */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  /** How often it was run before for the same call, because it was unfinished. */
  readonly round: number;
}

/**
 * What `run` answers when it has done a part and shall be run again, in a transaction of its own, so
 * that a large change does not keep others waiting. A dry run is asked to do all of it at once.
 */
export class Unfinished<Input> {
  /** The input of the next run: by what it named first, whatever has got its name since. */
  readonly rest: Input;

  constructor(rest: Input) {
    this.rest = rest;
  }
}

/** A path, a query or a body is an object; which part travels where follows from method and path. */
export type InputSchema = z.ZodObject;

/**
 * What hodei can do, as a value. Both doors, the remote client and the OpenAPI document are
 * derived from it; only the words at the terminal are written by hand.
 */
export interface Operation<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> {
  /** `noun.verb` */
  readonly name: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base path; `{tenant}` is a part that the input carries under the same name. */
  readonly path: string;
  /** Who may call it. */
  readonly roles: readonly Role[];
  /** `all`: it concerns everybody, and is not for who is bound to a tenant. */
  readonly reach: 'tenant' | 'all';
  readonly isReadOnly: boolean;
  /** It is about one thing that has a version: an ETag, and `ifVersion` (If-Match) for a change. */
  readonly isVersioned: boolean;
  /**
   * It has a transaction to itself, before which nothing overdue is settled: it mends the ledger,
   * without which nothing can be settled.
   */
  readonly isAlone?: boolean;
  /** It is carried out and always undone: only its answer is wanted. */
  readonly isRehearsal?: boolean;
  /** Another path to the same, below the base path. */
  readonly alias?: string;
  /** Status of success, where it is not 200. */
  readonly status?: 201 | 204;
  /** Where the answer decides the status: those there are, with what they mean, and which it is. */
  readonly statuses?: Readonly<Record<number, string>>;
  statusOf?(output: z.output<O>): number;
  /** A body may be so large; 64 KiB where nothing is said. */
  readonly bodyLimit?: number;
  /** Whether a caller's key for what it intends (the header Idempotency-Key) is heeded. */
  readonly takesKey?: boolean;
  /** What it lists can also be followed as it happens: over HTTP, as server-sent events. */
  readonly isStream?: boolean;
  /** Name of the request body in the OpenAPI document. */
  readonly requestName?: string;
  /** Schemas are built when they are first used, so that a command pays only for its own. */
  readonly input: () => I;
  readonly output: () => O;
  readonly example: { readonly input: z.input<I>; readonly output: z.output<O> };
  run(context: Context, input: z.output<I>): Promise<z.output<O> | Unfinished<z.output<I>>>;
}

/** Gives the definition its types, and builds each schema once. */
export function operation<I extends InputSchema, O extends z.ZodType>(
  definition: Operation<I, O>,
): Operation<I, O> {
  return { ...definition, input: lazy(definition.input), output: lazy(definition.output) };
}

/** Options of a call beyond its input; the principal is known to whoever made the Call. */
export type CallOptions = Pick<Caller, 'dryRun' | 'ifVersion' | 'idempotencyKey'>;

/** Carries an operation out, here or on a server: the caller does not know which. */
export type Call = <I extends InputSchema, O extends z.ZodType>(
  operation: Operation<I, O>,
  input: z.input<I>,
  options?: CallOptions,
) => Promise<z.output<O>>;

/** Parts of a path: `/tenants/{tenant}` → `['tenant']`. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}

/** @throws stale_version when the caller saw an older version than there is. */
export function expectVersion(context: Context, version: number, what: string): void {
  const seen = context.caller.ifVersion;
  if (seen === undefined || seen === version) return;
  throw new HodeiError('stale_version', `${what} is at version ${version}, not ${seen}.`, {
    hint: 'Somebody changed it meanwhile: read it again and repeat the change.',
  });
}

/** Makes a value when it is first asked for, and keeps it. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
