import { existsSync } from 'node:fs';
import * as z from 'zod';
import { databaseError, unavailable } from '../../src/domain/errors.ts';
import { roles } from '../../src/domain/role.ts';
import { operation, type InputSchema, type Operation } from '../../src/service/operation.ts';

// What a worker thread of the tests can do beside everything that hodei can.

function make<I extends InputSchema>(
  name: string,
  isReadOnly: boolean,
  input: I,
  act: (input: z.output<I>) => unknown,
): Operation<I, z.ZodUnknown> {
  return operation({
    ...{ name, isReadOnly, summary: name, method: 'POST', path: '' },
    roles,
    reach: 'all',
    isVersioned: false,
    input: () => input,
    output: () => z.unknown(),
    example: { input: {} as z.input<I>, output: undefined },
    run: async (_, parsed) => act(parsed),
  });
}

/** How many calls each transaction of the writing thread took. */
export const groups: number[] = [];
export const countGroups = make('test.groups', false, z.object({}), () => groups);

const failures = {
  refusal: () => unavailable('No.', { hint: 'Ask again.' }),
  bug: () => new TypeError('x is not a function', { cause: new Error('because of y') }),
  disk: () => databaseError('the disk', { cause: sqliteError() }),
};

function sqliteError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ', other: () => 1 });
}

const failing = z.object({ how: z.enum(['refusal', 'bug', 'disk']) });
export const fail = make('test.fail', false, failing, ({ how }) => {
  throw failures[how]();
});

export const ways = ['exit', 'throw', 'reject'] as const;
const dying = z.object({ how: z.enum(ways) });

/** Ends the thread in which it runs, and is not answered. */
function die({ how }: z.output<typeof dying>): Promise<never> {
  if (how === 'exit') process.exit(3);
  if (how === 'throw') setImmediate(() => throwFault());
  else void Promise.reject(new Error('a fault'));
  return new Promise(() => undefined);
}

function throwFault(): never {
  throw new Error('a fault');
}

export const dieWriting = make('test.die-writing', false, dying, die);
export const dieReading = make('test.die-reading', true, dying, die);

const awaited = z.object({ file: z.string() });

/** Keeps its thread busy until there is such a file. */
export const readLong = make('test.read-long', true, awaited, ({ file }) => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(file)) Atomics.wait(pause, 0, 0, 5);
  return 'read';
});

export const threadOperations: readonly Operation[] = [
  ...[countGroups, fail, dieWriting, dieReading, readLong],
];
