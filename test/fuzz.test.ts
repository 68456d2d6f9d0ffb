import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { Chalk } from 'chalk';
import { HodeiError } from '../src/domain/errors.ts';
import type { Host } from '../src/cli/host.ts';
import { runProgram } from '../src/cli/program.ts';
import { parseBody } from '../src/http/body.ts';
import { BASE_PATH } from '../src/http/wire.ts';
import { parseInput } from '../src/service/input.ts';
import { operations } from '../src/service/index.ts';
import { bodies, inputs, lines, queries, seed, share } from './helpers/fuzz.ts';
import { effectIn } from './helpers/hostile.ts';
import { injectedApp } from './helpers/injected.ts';
import { testService, type TestService } from './helpers/service.ts';

const isCampaign = process.env['HODEI_FUZZ_RUNS'] !== undefined;
const HOUR = 3_600_000;
const pure = Reflect.ownKeys(Object.prototype);
const methods = Reflect.ownKeys(Array.prototype);

beforeAll(() => {
  if (isCampaign) console.log(`fuzz: seed ${seed}, ${share} of each kind`);
});
afterEach(() => {
  expect([Reflect.ownKeys(Object.prototype), Reflect.ownKeys(Array.prototype)]).toEqual([
    pure,
    methods,
  ]);
});

/** The input of a run is unlike those before, so that looking for a smaller one is worth its time. */
const parameters = { numRuns: share, seed };

function refusedOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof HodeiError && error.code === 'invalid') return;
    throw error;
  }
}

describe('whatever is sent or typed', () => {
  it(
    'a body is read or refused as invalid, and so is what it says, by every operation',
    () => {
      fc.assert(
        fc.property(bodies, inputs, (body, { operation, input }) => {
          refusedOrRead(() => parseBody(body));
          refusedOrRead(() => parseInput(operation, input));
          refusedOrRead(() => parseInput(operation, parseBody(Buffer.from(JSON.stringify(input)))));
        }),
        parameters,
      );
    },
    HOUR,
  );

  describe('a query', () => {
    let behind: TestService;
    let app: FastifyInstance;
    beforeAll(async () => {
      behind = await testService();
      // What an operation would do with what was read is not asked here.
      const parse: TestService['service'] = async (operation, input) => {
        const parsed = parseInput(operation, input);
        // What has no route is asked by the server itself, which knows what is answered.
        return (operation.path === '' ? operation.example.output : parsed) as never;
      };
      app = await injectedApp(parse, () => undefined);
    });
    afterAll(async () => {
      await app.close();
      await behind.close();
    });

    it(
      'is read, or refused as JSON, by every operation',
      async () => {
        const known = fc.constantFrom(...operations);
        let asked = 0;
        await fc.assert(
          fc.asyncProperty(known, queries, async ({ method, path }, query) => {
            const url = `${BASE_PATH}${path.replace(/\{\w+\}/g, 'acme')}?${query}`;
            const { statusCode, body } = await app.inject({ method: method as 'GET', url });
            // What is injected arrives without the event loop, in which its connection is freed.
            if ((asked += 1) % 100 === 0) await new Promise(setImmediate);
            expect([200, 201, 202, 204, 400, 404, 422, 429], url + body).toContain(statusCode);
            expect(effectIn(body), url).toBeUndefined();
          }),
          parameters,
        );
      },
      HOUR,
    );
  });

  it(
    'a command line ends with a code that is declared, and never with a fault',
    async () => {
      await fc.assert(
        fc.asyncProperty(lines, async (argv) => {
          const said: string[] = [];
          const options = { terminal: recording(said), host: nowhere, isDebugging: true };
          const code = await runProgram(argv, { ...options, newTraceId: () => 'trace' });
          expect([0, 2, 3, 5, 7, 122], said.join('\n')).toContain(code);
          expect(effectIn(said.join('\n')), JSON.stringify(argv)).toBeUndefined();
        }),
        parameters,
      );
    },
    HOUR,
  );
});

function recording(said: string[]) {
  const colour = new Chalk({ level: 0 });
  const say = (line: string) => void said.push(line);
  return {
    ...{ out: say, err: say, columns: 100, outColour: colour, errColour: colour },
    ...{ isOutTerminal: false, isErrTerminal: false, isInteractive: false },
    outTaken: async () => true,
    ...{ isInTerminal: false, hasScreen: false },
    openScreen: () => Promise.reject(new Error('there is no screen here')),
    errStatus: () => undefined,
    isUnicode: true,
    confirm: async () => undefined,
    askSecret: async () => undefined,
  };
}

/** Reads what an operation is asked, and then says that nobody is there. */
const unreachable = new HodeiError('unavailable', 'There is nobody.');
const refuse = () => Promise.reject(unreachable);
const nowhere: Host = {
  version: '1.2.3',
  connect: async () => ({
    call: async (operation, input) => {
      parseInput(operation, input);
      throw unreachable;
    },

    async *follow() {
      throw unreachable;
    },
    place: 'nowhere',
    isServer: true,
    drift: undefined,
    close: async () => undefined,
  }),
  serve: refuse,
  config: { load: refuse, example: refuse, write: refuse },
  database: { status: refuse, sizes: refuse, migrate: refuse, backup: refuse, restore: refuse },
  contexts: { login: refuse, list: refuse, use: refuse, delete: refuse },
  doctor: refuse,
  time: { now: () => 1_795_000_000_000, passed: () => 0, pause: async () => undefined },
  newKey: () => 'key-1',
  readText: refuse,
  async *readLines() {
    throw unreachable;
  },
  onSignals: () => () => undefined,
  startCommand: refuse,
};
