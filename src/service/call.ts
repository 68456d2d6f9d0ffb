import type * as z from 'zod';
import { HodeiError, unavailable } from '../domain/errors.ts';
import {
  NotUndone,
  TransactionLost,
  type Store,
  type Tables,
  type Transaction,
} from '../store/store.ts';
import { requireAllowed } from './authority.ts';
import type { Clock } from './clock.ts';
import { parseInput } from './input.ts';
import {
  Unfinished,
  type Caller,
  type Context,
  type InputSchema,
  type Operation,
} from './operation.ts';
import { BeyondReach, everywhere, withinReach } from './reach.ts';
import { isSettlementDue, promoteWoken, settle } from './settle.ts';
import { system } from './system.ts';

export interface Environment {
  readonly now: Clock;
  readonly newId: (kind: string) => string;
  /** Check every answer against its schema: for tests, since it costs time. */
  readonly checkOutput?: boolean;
  /** Told how many calls have shared a transaction that is committed. */
  readonly committed?: (calls: number) => void;
  /** How many of so many that wait share the next transaction; else all of them. */
  readonly groupOf?: (waiting: number) => number;
}

/** Carries operations out on a store, for any caller. Input is parsed here and trusted after. */
export type Service = <I extends InputSchema, O extends z.ZodType>(
  operation: Operation<I, O>,
  input: unknown,
  caller: Caller,
) => Promise<z.output<O>>;

/** The same for input that was parsed before, in another thread perhaps. */
export type Runner = (
  operation: Operation,
  parsed: Record<string, unknown>,
  caller: Caller,
) => Promise<unknown>;

/** The service on a store: parse → transaction → run. */
export function callLocal(store: Store, environment: Environment): Service {
  const run = runLocal(store, environment);
  return async <I extends InputSchema, O extends z.ZodType>(
    operation: Operation<I, O>,
    input: unknown,
    caller: Caller,
  ) => {
    const parsed = parseInput(operation, input);
    return (await run(operation, parsed, caller)) as z.output<O>;
  };
}

/** Carries operations out on a store; a reading one gets a snapshot, the others share transactions. */
export function runLocal(store: Store, environment: Environment): Runner {
  const write = groupCommit(store, environment);
  return async (operation, parsed, caller) => {
    requireAllowed(operation, caller);
    const { takesKey } = operation;
    const isHeard = takesKey === true || caller.idempotencyKey === undefined;
    const heard = isHeard ? caller : { ...caller, idempotencyKey: undefined };
    let [left, round] = [parsed, 0];
    const run = async (tables: Tables, attempt: Attempt) => {
      const { newId } = environment;
      const now = await environment.now(tables, !operation.isReadOnly);
      const rest = { caller: heard, now, newId, attempt, round };
      const output =
        caller.boundTo === null
          ? await operation.run({ tables, reach: everywhere, ...rest }, left)
          : await runBound(operation, tables, rest, left);
      if (environment.checkOutput === true && !(output instanceof Unfinished)) {
        operation.output().parse(output);
      }
      return output;
    };
    if (operation.isReadOnly) return store.read((tables) => run(tables, noAttempt));
    const keep = caller.dryRun !== true && operation.isRehearsal !== true;
    for (;;) {
      const isAlone = operation.isAlone === true;
      const output = await write({ run, keep, isAlone, traceId: caller.traceId });
      if (!(output instanceof Unfinished)) return output;
      [left, round] = [output.rest as Record<string, unknown>, round + 1];
    }
  };
}

/** What was there, but beyond reach, is refused like what is not there; the cause tells them apart. */
async function runBound(
  operation: Operation,
  tables: Tables,
  rest: Omit<Context, 'tables' | 'reach'>,
  input: Record<string, unknown>,
): Promise<unknown> {
  const view = await withinReach(tables, rest.caller.boundTo);
  try {
    return await operation.run({ ...view, ...rest }, input);
  } catch (error) {
    const isStray = view.reach.hasStrayed && error instanceof HodeiError;
    if (!isStray || error.code !== 'not_found') throw error;
    throw new HodeiError(error.code, error.message, { hint: error.hint, cause: new BeyondReach() });
  }
}

type Attempt = Context['attempt'];

const noAttempt: Attempt = () => {
  throw new Error('an operation that only reads has nothing to attempt');
};

/** One transaction takes at most so many calls, so that the first of them need not wait long. */
const GROUP_MAX = 256;

interface Work {
  readonly run: (tables: Tables, attempt: Attempt) => Promise<unknown>;
  readonly keep: boolean;
  readonly isAlone: boolean;
  readonly traceId: string;
}

interface Waiting extends Work {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls that wait while a transaction is being written share the next one, none of which leaves
 * anything where it fails, and are answered after the commit: one fsync serves many.
 */
function groupCommit(store: Store, environment: Environment) {
  const waiting: Waiting[] = [];
  let isWriting = false;

  const writeAll = async () => {
    isWriting = true;
    while (waiting.length > 0) {
      await writeGroup(store, environment, takeGroup(waiting, environment.groupOf));
      // The answers leave, and who has come meanwhile joins the next group.
      await new Promise(setImmediate);
    }
    isWriting = false;
  };

  return (work: Work): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject, ...work });
      // Not at once: what arrives in the same turn of the event loop joins the group.
      if (!isWriting && waiting.length === 1) setImmediate(() => void writeAll());
    });
}

/** Takes those who share the next transaction out of the line. */
function takeGroup(waiting: Waiting[], groupOf: Environment['groupOf']): Waiting[] {
  const alone = waiting.findIndex(({ isAlone }) => isAlone);
  if (alone === 0) return waiting.splice(0, 1);
  const most = Math.min(GROUP_MAX, groupOf?.(waiting.length) ?? GROUP_MAX);
  return waiting.splice(0, alone === -1 ? most : Math.min(alone, most));
}

async function writeGroup(
  store: Store,
  environment: Environment,
  group: readonly Waiting[],
): Promise<void> {
  let answers: (() => void)[];
  try {
    answers = await writeTogether(store, environment, group);
    environment.committed?.(group.length);
  } catch (error) {
    answers = group.map(
      ({ reject }) =>
        () =>
          reject(nothingDone(error)),
    );
  }
  for (const answer of answers) answer();
}

/**
 * Hardly ever a call fails after it has written something. So none has a savepoint at first, which
 * takes a tenth of the time; when it was needed, all are carried out once more, each in one of its own.
 */
async function writeTogether(
  store: Store,
  environment: Environment,
  group: readonly Waiting[],
): Promise<(() => void)[]> {
  try {
    return await store.transaction((transaction) =>
      carryOut(environment, group, transaction, transaction.run),
    );
  } catch (error) {
    if (!(error instanceof NotUndone)) throw error;
    return store.transaction((transaction) =>
      carryOut(environment, group, transaction, (work) => transaction.attempt(work, true)),
    );
  }
}

/** @returns what tells each caller how it went, once that is on the disk. */
async function carryOut(
  environment: Environment,
  group: readonly Waiting[],
  { tables, attempt }: Transaction,
  step: Attempt,
): Promise<(() => void)[]> {
  const part: Attempt = (work) => attempt(work, true);
  const isAlone = group.some((work) => work.isAlone);
  const isBehind = !isAlone && (await settleFirst(environment, tables, part, group));
  const outcomes: (() => void)[] = [];
  for (const { run, keep, resolve, reject } of group) {
    const work = () => run(tables, part);
    try {
      const value = keep ? await step(work) : await attempt(work, false);
      outcomes.push(() => resolve(value));
    } catch (error) {
      if (error instanceof TransactionLost || error instanceof NotUndone) throw error;
      outcomes.push(() => reject(error));
    }
  }
  if (!isAlone && !isBehind) await promoteLast(environment, tables, part, group);
  return outcomes;
}

/**
 * What no caller asked for, but the time that has passed; mostly there is nothing to do.
 * @returns whether more waiting jobs have to be looked at than were.
 */
async function settleFirst(
  environment: Environment,
  tables: Tables,
  attempt: Attempt,
  group: readonly Waiting[],
): Promise<boolean> {
  const context = await ownContext(environment, tables, attempt, group);
  if (!(await isSettlementDue(tables, context.now))) return false;
  await attempt(() => settle(context));
  return tables.wakeups.isAny();
}

/** Who waits is looked at once for all room that the group has made. */
async function promoteLast(
  environment: Environment,
  tables: Tables,
  attempt: Attempt,
  group: readonly Waiting[],
): Promise<void> {
  if (!(await tables.wakeups.isAny())) return;
  const context = await ownContext(environment, tables, attempt, group);
  await attempt(() => promoteWoken(context));
}

async function ownContext(
  { now, newId }: Environment,
  tables: Tables,
  attempt: Attempt,
  [first]: readonly Waiting[],
): Promise<Context> {
  const caller = system(first?.traceId ?? '');
  const time = await now(tables, true);
  return { tables, reach: everywhere, caller, now: time, newId, attempt, round: 0 };
}

function nothingDone(error: unknown): unknown {
  if (!(error instanceof TransactionLost)) return error;
  const why = error.cause instanceof Error ? error.cause.message : error.message;
  return unavailable(why, { hint: 'Nothing was done. Try again.', cause: error.cause });
}
