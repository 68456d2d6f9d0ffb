import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/domain/errors.ts';
import { jsonSchemaOf, type NamedSchemas } from '../../src/http/openapi-schemas.ts';
import { openApiDocument } from '../../src/http/openapi.ts';
import { canChange, pathsOf } from '../../src/http/wire.ts';
import { operations } from '../../src/service/index.ts';
import { pathParameters } from '../../src/service/operation.ts';
import { fakeOperations } from './fake-operations.ts';
import { startTestServer } from './helpers.ts';

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly 'x-hodei-roles': string;
  readonly parameters: {
    readonly $ref?: string;
    readonly name?: string;
    readonly in?: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly example?: unknown;
    readonly schema?: { readonly examples?: unknown[] };
  }[];
  readonly requestBody?: { readonly content: { 'application/json': Media } };
  readonly responses: Record<string, DescribedResponse>;
}

interface DescribedResponse {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: { readonly 'application/json': Media };
}

interface Media {
  readonly schema: { readonly $ref: string; readonly oneOf?: object[] };
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value: unknown }>;
}

const document = openApiDocument(operations, '1.2.3');

function describedOf({ path, method }: (typeof operations)[number]): Described {
  return document.paths[`/api/v1${path}`]?.[method.toLowerCase()] as Described;
}

const all = operations.map((operation) => [operation.name, operation] as const);

async function lint(source: unknown) {
  const config = await createConfig({ extends: ['recommended-strict'] });
  const text = JSON.stringify(source);
  const problems = await lintFromString({ source: text, absoluteRef: '/openapi.json', config });
  return problems.map(({ ruleId, message, location }) => {
    return `${ruleId}: ${message} (${location.map(({ pointer }) => pointer).join(', ')})`;
  });
}

describe('the OpenAPI document', () => {
  it('has nothing that a strict linter would complain of', async () => {
    expect(await lint(document)).toEqual([]);
  });

  it('would be complained of if it were wrong', async () => {
    const wrong = structuredClone(document) as typeof document & { info: object };
    (wrong.info as Record<string, unknown>)['license'] = undefined;
    Object.assign(wrong.components.schemas, { Unused: { type: 'object' } });
    const problems = await lint(wrong);
    expect(problems.some((problem) => problem.startsWith('info-license'))).toBe(true);
    expect(problems.some((problem) => problem.startsWith('no-unused-components'))).toBe(true);
  });

  it('is served as it is', async () => {
    const server = await startTestServer();
    const answer = await server.ask('/api/openapi.json');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toEqual(JSON.parse(JSON.stringify(document)));
    expect((await server.ask('/api/docs/json')).body).toEqual(answer.body);
    await server.stop();
  });

  it('describes every operation, and nothing besides', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const wanted = operations.flatMap((operation) =>
      pathsOf(operation).map((path) => `${operation.method} /api/v1${path}`),
    );
    expect(described.sort()).toEqual(wanted.sort());
  });

  it('keeps the names that clients were written against', () => {
    const names = Object.keys(document.components.schemas);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['CreateTenantRequest', 'UpdateTenantRequest', 'TenantResponse', 'TenantQuota'],
        ...['QuotaResponse', 'QuotaChangeResponse', 'EventResponse', 'SettingsDocument', 'Error'],
      ]),
    );
  });
});

describe.each(all)('the description of %s', (_name, operation) => {
  const described = describedOf(operation);

  it('has id, tag, summary and roles', () => {
    const [noun = '', verb = ''] = operation.name.split('.');
    expect(described.operationId).toBe(noun + verb.charAt(0).toUpperCase() + verb.slice(1));
    expect(described.tags).toEqual([noun]);
    expect(described.summary).toBe(operation.summary);
    expect(described['x-hodei-roles']).toEqual(operation.roles);
  });

  it('has its parameters, each described and where possible with an example', () => {
    const own = described.parameters.filter(({ $ref }) => $ref === undefined);
    const inPath = own.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    expect(inPath).toEqual(pathParameters(operation.path));
    const fields = Object.keys(operation.input().shape);
    const wanted = operation.method === 'GET' || operation.method === 'DELETE' ? fields : inPath;
    expect(own.map(({ name }) => name).sort()).toEqual([...wanted].sort());
    for (const { name, description, required, example, schema } of own) {
      expect(description, name).toMatch(/\.$/);
      if (required === true) expect(example, name).toBeDefined();
      const value = operation.example.input[name ?? ''];
      if (value === undefined) continue;
      expect(required === true ? example : schema?.examples?.[0], name).toEqual(value);
    }
  });

  it('has the common parameters exactly when it changes something', () => {
    const common = described.parameters.flatMap(({ $ref }) => $ref?.split('/').at(-1) ?? []);
    const changes = canChange(operation);
    expect(common).toEqual([
      ...(changes ? ['reason', 'as', 'dry_run'] : []),
      ...(changes && operation.isVersioned ? ['if_match'] : []),
      ...(operation.takesKey === true ? ['idempotency_key'] : []),
      ...(operation.isStream === true ? ['last_event_id'] : []),
    ]);
  });

  it('has examples that its own schemas accept', () => {
    expect(operation.input().safeParse(operation.example.input).error).toBeUndefined();
    expect(operation.output().safeParse(operation.example.output).error).toBeUndefined();
  });

  it('has examples of what travels', () => {
    const body = described.requestBody?.content['application/json'];
    if (body !== undefined) {
      const inPath = pathParameters(operation.path);
      const input = Object.entries(operation.example.input).filter(([name]) => {
        return !inPath.includes(name);
      });
      expect(body.example).toEqual(Object.fromEntries(input));
      expect(body.schema.$ref).toMatch(new RegExp(`/${operation.requestName ?? '.*Request'}$`));
    }
    const { output } = operation.example;
    const status = operation.statusOf?.(output) ?? operation.status ?? 200;
    const success = described.responses[status];
    expect(success).toBeDefined();
    expect(success?.content?.['application/json'].example).toEqual(output);
  });

  it('tells of the errors that it can answer', () => {
    const statuses = Object.keys(described.responses).filter((status) => status >= '400');
    expect(statuses).toEqual(expect.arrayContaining(['400', '403', '500', '503']));
    expect(statuses.includes('412')).toBe(operation.isVersioned && !operation.isReadOnly);
    const hasBody = operation.method === 'POST' || operation.method === 'PUT';
    expect(statuses.includes('413')).toBe(hasBody);
    expect(statuses.includes('415')).toBe(hasBody);
    if (operation.path.includes('{')) {
      expect(statuses).toEqual(expect.arrayContaining(['404', '409']));
    }
  });
});

describe('the description of an operation whose answer decides its status', () => {
  const rooms = openApiDocument(fakeOperations, '1.2.3');
  const at = (path: string) => rooms.paths[`/api/v1/rooms/{room}/${path}`]?.['post'] as Described;
  const { responses } = at('ask');
  const answer = { $ref: '#/components/schemas/RoomResponse' };
  const mediaOf = (status: number) => responses[status]?.content?.['application/json'];

  it('has nothing that a strict linter would complain of', async () => {
    const both = openApiDocument([...operations, ...fakeOperations], '1.2.3');
    expect(await lint(both)).toEqual([]);
  });

  it('has each status with what it means, and the example where it belongs', () => {
    expect(responses['201']?.description).toBe('It is open.');
    expect(mediaOf(201)).toEqual({ schema: answer, example: { room: 'blue', state: 'open' } });
    expect(responses['202']?.description).toBe('Wait.');
    expect(mediaOf(202)).toEqual({ schema: answer });
    expect(responses).not.toHaveProperty('200');
  });

  it('has an answer without a success where no error shares its status', () => {
    expect(responses['422']?.description).toBe('Refused: it is too small.');
    expect(mediaOf(422)).toEqual({ schema: answer });
  });

  it.each([
    [403, 'Forbidden', 'forbidden', /^Refused: it is locked\. Or an error: The server does not/],
    [429, 'RateLimited', 'rate_limited', /^Refused: it is full\. Or an error: Too much was asked/],
  ])('allows both bodies where an error shares status %i', (status, name, code, description) => {
    expect(responses[status]?.description).toMatch(description);
    expect(mediaOf(status)?.schema.oneOf).toEqual([
      { allOf: [answer, { required: ['code'] }] },
      { $ref: '#/components/schemas/Error' },
    ]);
    expect(mediaOf(status)?.examples?.[name]?.value).toMatchObject({ code });
  });

  it('tells of its second path as of an operation of its own', () => {
    const { operationId, ...rest } = at('book');
    expect(operationId).toBe('roomAskBook');
    expect({ ...rest, operationId: 'roomAsk' }).toEqual(at('ask'));
  });

  it('names the limit of its body, which may be another one than elsewhere', () => {
    const tooLarge = (path: string) => {
      const name = at(path).responses['413']?.$ref?.split('/').at(-1) ?? '';
      return rooms.components.responses[name];
    };
    expect(tooLarge('ask')).toMatchObject({ description: 'The body is larger than 64 KiB.' });
    expect(tooLarge('furnish')).toMatchObject({ description: 'The body is larger than 1 MiB.' });
  });

  it('has the key as a parameter only where it is heeded', () => {
    const key = { $ref: '#/components/parameters/idempotency_key' };
    expect(at('ask').parameters).toContainEqual(key);
    expect(at('furnish').parameters).not.toContainEqual(key);
    expect(rooms.components.parameters['idempotency_key']).toMatchObject({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
    });
  });
});

describe('an operation with more than one path', () => {
  it.each(operations.flatMap(({ path, alias }) => (alias === undefined ? [] : [[path, alias]])))(
    'has the same parts in each: %s and %s',
    (path, alias) => {
      expect(pathParameters(alias)).toEqual(pathParameters(path));
    },
  );
});

describe('an answer that says no', () => {
  const answering = operations.filter(({ statuses = {} }) => {
    return Object.keys(statuses).some((status) => Number(status) >= 400);
  });
  it.each(answering.map((operation) => [operation.name, operation] as const))(
    'has no code that an error has, so that the two can be told apart: %s',
    (_name, operation) => {
      const named: NamedSchemas = {};
      const { $ref = '' } = jsonSchemaOf(operation.output(), 'output', named);
      const schema = named[$ref.split('/').at(-1) ?? ''];
      const { enum: codes = [] } = Object(schema?.properties?.['code']) as { enum?: string[] };
      expect(codes.length).toBeGreaterThan(0);
      expect(codes.filter((code) => (errorCodes as readonly string[]).includes(code))).toEqual([]);
    },
  );
});
