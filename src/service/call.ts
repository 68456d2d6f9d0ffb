import type * as z from 'zod';
import { unavailable } from '../domain/errors.ts';
import { TransactionLost, type Store, type Tables } from '../store/store.ts';
import { parseInput } from './input.ts';
import type { Caller, Context, InputSchema, Operation } from './operation.ts';

export interface Environment {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newId: (kind: string) => string;
  /** Check every answer against its schema: for tests, since it costs time. */
  readonly checkOutput?: boolean;
}

/** Carries operations out on a store, for any caller. Input is parsed here and trusted after. */
export type Service = <I extends InputSchema, O extends z.ZodType>(
  operation: Operation<I, O>,
  input: unknown,
  caller: Caller,
) => Promise<z.output<O>>;

/** The service on a store: parse → transaction → run. A reading operation gets a snapshot. */
export function callLocal(store: Store, environment: Environment): Service {
  const write = groupCommit(store);
  return async (operation, input, caller) => {
    const parsed = parseInput(operation, input);
    const run = async (tables: Tables) => {
      const { now, newId } = environment;
      const context: Context = { tables, caller, now: now(), newId };
      const output = await operation.run(context, parsed);
      if (environment.checkOutput === true) operation.output().parse(output);
      return output;
    };
    if (operation.isReadOnly) return store.read(run);
    return write(run, caller.dryRun !== true);
  };
}

/** One transaction takes at most so many calls, so that the first of them need not wait long. */
const GROUP_MAX = 256;

interface Waiting {
  readonly run: (tables: Tables) => Promise<unknown>;
  readonly keep: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls that wait while a transaction is being written share the next one, each in a savepoint of
 * its own, and are answered after the commit: one fsync serves many.
 */
function groupCommit(store: Store) {
  const waiting: Waiting[] = [];
  let isWriting = false;

  const writeAll = async () => {
    isWriting = true;
    while (waiting.length > 0) await writeGroup(store, waiting.splice(0, GROUP_MAX));
    isWriting = false;
  };

  return <T>(run: (tables: Tables) => Promise<T>, keep: boolean): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      waiting.push({ run, keep, resolve: resolve as (value: unknown) => void, reject });
      // Not at once: what arrives in the same turn of the event loop joins the group.
      if (!isWriting && waiting.length === 1) setImmediate(() => void writeAll());
    });
}

async function writeGroup(store: Store, group: readonly Waiting[]): Promise<void> {
  let answers: (() => void)[];
  try {
    answers = await store.transaction(async ({ tables, attempt }) => {
      const outcomes: (() => void)[] = [];
      for (const { run, keep, resolve, reject } of group) {
        try {
          const value = await attempt(() => run(tables), keep);
          outcomes.push(() => resolve(value));
        } catch (error) {
          if (error instanceof TransactionLost) throw error;
          outcomes.push(() => reject(error));
        }
      }
      return outcomes;
    });
  } catch (error) {
    answers = group.map(
      ({ reject }) =>
        () =>
          reject(nothingDone(error)),
    );
  }
  for (const answer of answers) answer();
}

function nothingDone(error: unknown): unknown {
  if (!(error instanceof TransactionLost)) return error;
  const why = error.cause instanceof Error ? error.cause.message : error.message;
  return unavailable(why, { hint: 'Nothing was done. Try again.', cause: error.cause });
}
