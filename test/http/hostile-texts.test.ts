import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/domain/admission.ts';
import { errorCodes } from '../../src/domain/errors.ts';
import { canChange } from '../../src/http/wire.ts';
import { operations } from '../../src/service/index.ts';
import { parseInput } from '../../src/service/input.ts';
import { effectIn, hostileTexts } from '../helpers/hostile.ts';
import { injectedApp, requestFor } from '../helpers/injected.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { textFields } from '../helpers/text-fields.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { startTestServer, sendRaw, eventually } from './helpers.ts';

/** Through the server goes one text of so many at each field, and all of them in the campaign. */
const STRIDE = process.env['HODEI_FUZZ_RUNS'] === undefined ? 25 : 1;

/** What a refusal and a rejection may be for. */
const codes: readonly string[] = [...errorCodes, ...reasonCodes];
const fields = operations.flatMap(textFields);
const notes = operations
  .filter(canChange)
  .flatMap((operation) => ['reason', 'as'].map((name) => ({ operation, name })));

let behind: TestService;
let app: FastifyInstance;
let log: string[] = [];
beforeAll(async () => {
  behind = await testService();
  app = await injectedApp(behind.service, (line) => void log.push(line));
  await makeTenant(behind.call, 'acme');
});
afterAll(async () => {
  await app.close();
  await behind.close();
});

async function head(): Promise<number> {
  return behind.store.read(async (tables) => (await tables.events.head())?.sequence ?? 0);
}

/** One request; what every answer must be, whatever was asked. */
async function ask(request: ReturnType<typeof requestFor>): Promise<void> {
  log = [];
  const before = await head();
  const { statusCode, headers, body } = await app.inject(request);
  const said = `${request.method} ${request.url.slice(0, 200)} ${body.slice(0, 200)}`;
  expect(headers['x-content-type-options'], said).toBe('nosniff');
  expect(statusCode, said + log.join('')).toBeLessThan(500);
  if (statusCode !== 204) {
    expect(headers['content-type'], said).toBe('application/json; charset=utf-8');
    const answer = JSON.parse(body) as { code?: string; state?: string };
    expect(effectIn(body), said).toBeUndefined();
    if (statusCode >= 400) expect(codes, said).toContain(answer.code);
    if (statusCode >= 400 && answer.state === undefined) expect(await head(), said).toBe(before);
  }
  expect(log, said).toHaveLength(1);
  expect(log[0]?.indexOf('\n'), said).toBe(log[0]!.length - 1);
  expect(effectIn(log[0]!), said).toBeUndefined();
  expect(JSON.parse(log[0]!)).toMatchObject({ status: statusCode });
}

describe('500 hostile texts', () => {
  it('are as many, and there are fields of every operation that takes an input', () => {
    expect(hostileTexts.length).toBeGreaterThanOrEqual(500);
    const covered = new Set(fields.map(({ operation }) => operation.name));
    const without = operations.filter(({ name }) => !covered.has(name)).map(({ name }) => name);
    expect(without).toEqual([
      ...['usage.verify', 'usage.repair', 'policy.list', 'token.whoami', 'config.get'],
    ]);
  });

  it('are read or refused by the schema of every text field', () => {
    for (const { operation, name, with: put } of fields) {
      for (const text of hostileTexts) {
        try {
          parseInput(operation, put(text));
        } catch (error) {
          expect(error, `${operation.name} ${name} ${text}`).toMatchObject({ code: 'invalid' });
        }
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each(operations.map((operation) => [operation.name, operation] as const))(
    'are answered as JSON in every field of %s, and logged on one line',
    async (_, operation) => {
      const mine = fields.filter((field) => field.operation === operation);
      for (const [i, field] of mine.entries()) {
        for (const [k, text] of hostileTexts.entries()) {
          if ((i + k) % STRIDE !== 0) continue;
          await ask(requestFor(operation, field.with(text)));
        }
      }
    },
  );

  it('are answered so too as the reason of a change and the name beside it', async () => {
    for (const [i, { operation, name }] of notes.entries()) {
      for (const [k, text] of hostileTexts.entries()) {
        if ((i + k) % STRIDE !== 0) continue;
        await ask(requestFor(operation, operation.example.input, { [name]: text }));
      }
    }
  });
});

describe('bytes in a path that no text has', () => {
  it.each(['\u009b2J', '\u001b[2J', '\u00ff', '\u0085', 'é'])('reach no log: %j', async (bytes) => {
    const server = await startTestServer();
    const request = Buffer.from(
      `GET /${bytes} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      'latin1',
    );
    const reply = await sendRaw(server.port, request.toString('latin1'));
    await eventually(() => server.lines.length === 1);
    await server.stop();
    expect(reply).toMatch(/^HTTP\/1\.1 4/);
    expect(effectIn(server.lines[0]!)).toBeUndefined();
  });
});
