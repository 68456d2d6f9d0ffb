import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../src/http/openapi.ts';
import { operations } from '../../src/service/index.ts';
import { pathParameters } from '../../src/service/operation.ts';
import { startTestServer } from './helpers.ts';

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly 'x-hodei-role': string;
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
  readonly responses: Record<string, { $ref?: string; content?: { 'application/json': Media } }>;
}

interface Media {
  readonly schema: { readonly $ref: string };
  readonly example: unknown;
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
    expect(described).toEqual(operations.map(({ method, path }) => `${method} /api/v1${path}`));
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

  it('has id, tag, summary and role', () => {
    const [noun = '', verb = ''] = operation.name.split('.');
    expect(described.operationId).toBe(noun + verb.charAt(0).toUpperCase() + verb.slice(1));
    expect(described.tags).toEqual([noun]);
    expect(described.summary).toBe(operation.summary);
    expect(described['x-hodei-role']).toBe(operation.role);
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
    const versioned = operation.isVersioned ? ['if_match'] : [];
    expect(common).toEqual(operation.isReadOnly ? [] : ['reason', 'as', 'dry_run', ...versioned]);
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
    const success = described.responses[String(operation.status ?? 200)];
    expect(success).toBeDefined();
    expect(success?.content?.['application/json'].example).toEqual(operation.example.output);
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
