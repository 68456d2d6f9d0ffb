import type * as z from 'zod';
import { HodeiError, unavailable, type ErrorCode } from '../domain/errors.ts';
import type { Runner, Service } from './call.ts';
import { parseInput } from './input.ts';
import type { Caller, InputSchema, Operation } from './operation.ts';

// The service in another thread: one side asks like any caller of a service, the other carries out.
// Plain data travels between them, and all of one turn of the event loop in one message, because
// a message costs more than what is in it.

/** One end of a line between two threads, as Node has it. */
export interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** A call as it travels: the operation by its name, the input parsed. */
interface Question {
  readonly id: number;
  readonly operation: string;
  readonly input: Record<string, unknown>;
  readonly caller: Caller;
}

/** Instead of questions: there will be no more. */
const NO_MORE = 'no more';

type Questions = readonly Question[] | typeof NO_MORE;

interface Answer {
  readonly id: number;
  readonly output?: unknown;
  readonly error?: PlainError;
}

/** The side that asks. */
export interface Line {
  /** Parses the input here, and has the operation carried out on the other side. */
  readonly call: Service;
  /** Asks the other side to finish what it was asked, and to close. */
  close(): void;
  /** The other side is gone: says so to all who wait for it or come later. */
  lose(why: HodeiError): void;
}

interface Waiting {
  readonly changes: boolean;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Numbers for what comes and goes, which are given again. In a map that is filled and emptied for ever
 * each table that was outgrown leads to the next one, and all that ever stood in them lives until the
 * garbage collector looks at the oldest: a hundred megabytes at five thousand calls a second.
 */
class Slots<T> {
  #taken: (T | undefined)[] = [];
  #free: number[] = [];

  put(one: T): number {
    const place = this.#free.pop() ?? this.#taken.length;
    this.#taken[place] = one;
    return place;
  }

  take(place: number): T | undefined {
    const one = this.#taken[place];
    if (one === undefined) return undefined;
    this.#taken[place] = undefined;
    this.#free.push(place);
    return one;
  }

  takeAll(): T[] {
    const all = this.#taken.filter((one) => one !== undefined);
    [this.#taken, this.#free] = [[], []];
    return all;
  }
}

/** A service that is carried out by whoever answers at the other end of a port. */
export function callThrough(port: Port): Line {
  const waiting = new Slots<Waiting>();
  let lost: HodeiError | undefined;
  const ask = oncePerTurn((questions: readonly Question[]) => {
    port.postMessage(questions satisfies Questions);
  });
  port.on('message', (answers) => {
    for (const { id, output, error } of answers as readonly Answer[]) {
      const asked = waiting.take(id);
      if (error === undefined) asked?.resolve(output);
      else asked?.reject(toError(error));
    }
  });
  return {
    async call<I extends InputSchema, O extends z.ZodType>(
      operation: Operation<I, O>,
      input: unknown,
      caller: Caller,
    ) {
      const parsed = parseInput(operation, input);
      if (lost !== undefined) throw notAsked(lost);
      const { isReadOnly, isRehearsal = false } = operation;
      const changes = !isReadOnly && !isRehearsal && caller.dryRun !== true;
      const output = new Promise((resolve, reject) => {
        const id = waiting.put({ changes, resolve, reject });
        ask({ id, operation: operation.name, input: parsed, caller });
      });
      return (await output) as z.output<O>;
    },
    close: () => port.postMessage(NO_MORE satisfies Questions),
    lose(why) {
      lost = why;
      for (const { changes, reject } of waiting.takeAll()) reject(notAnswered(changes, why));
    },
  };
}

export interface Answering {
  /** Those that can be asked for. */
  readonly operations: readonly Operation[];
  readonly run: Runner;
  /** Called once, when everything is answered and no more will be asked. */
  readonly close: () => Promise<void>;
}

/** The side that carries out: answers what is asked at the other end of a port. */
export function answerCalls(port: Port, { operations, run, close }: Answering): void {
  const byName = new Map(operations.map((operation) => [operation.name, operation]));
  let unanswered = 0;
  let isLast = false;
  const closeAfterLast = async () => {
    if (isLast && unanswered === 0) await close();
  };
  const answer = oncePerTurn((answers: readonly Answer[]) => {
    port.postMessage(answers);
    unanswered -= answers.length;
    void closeAfterLast();
  });
  const carryOut = async ({ operation: name, input, caller }: Question) => {
    const operation = byName.get(name);
    if (operation === undefined) throw new Error(`${name} is asked for where it is not answered`);
    return run(operation, input, caller);
  };
  port.on('message', (message) => {
    const questions = message as Questions;
    if (questions === NO_MORE) {
      isLast = true;
      void closeAfterLast();
      return;
    }
    unanswered += questions.length;
    for (const question of questions) {
      const { id } = question;
      carryOut(question).then(
        (output) => answer({ id, output }),
        (error: unknown) => answer({ id, error: toPlain(error) }),
      );
    }
  });
}

/** Collects what comes in one turn of the event loop, and sends it together at its end. */
export function oncePerTurn<T>(send: (all: readonly T[]) => void): (one: T) => void {
  let collected: T[] = [];
  return (one) => {
    if (collected.push(one) > 1) return;
    setImmediate(() => {
      const all = collected;
      collected = [];
      send(all);
    });
  };
}

const BROKE_DOWN = 'The server broke down before the answer was there.';
const NOTHING_DONE = 'Nothing was done. Try again.';

function notAnswered(changes: boolean, cause: HodeiError): HodeiError {
  if (!changes) return unavailable(BROKE_DOWN, { hint: NOTHING_DONE, cause });
  const hint = 'It may or may not have been done: look before you repeat it.';
  return new HodeiError('unknown_outcome', BROKE_DOWN, { hint, cause });
}

function notAsked(cause: HodeiError): HodeiError {
  return unavailable('The server has broken down and is ending.', { hint: NOTHING_DONE, cause });
}

/** An error as it travels: as an Error, it would arrive without its code. */
interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly stack?: string;
  readonly cause?: PlainError;
}

function toPlain(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, cause } = thrown;
  const { code, hint } = thrown as { code?: unknown; hint?: unknown };
  const isRefusal = thrown instanceof HodeiError && cause === undefined;
  return {
    name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(typeof hint === 'string' && { hint }),
    ...(cause !== undefined && { cause: toPlain(cause) }),
    // Of a refusal nobody wants to know in which line it was made, and to tell it takes time.
    ...(!isRefusal && { stack: String(thrown.stack) }),
  };
}

/** What is no HodeiError is an error without a meaning here too, and its text is for the log. */
function toError({ name, message, code, hint, stack, cause: plainCause }: PlainError): Error {
  const cause = plainCause && toError(plainCause);
  const error =
    name === 'HodeiError'
      ? new HodeiError(code as ErrorCode, message, { hint, cause })
      : Object.assign(new Error(message, { cause }), { name, ...(code !== undefined && { code }) });
  if (stack !== undefined) error.stack = stack;
  return error;
}
