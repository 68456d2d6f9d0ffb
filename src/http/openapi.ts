import { pathParameters, type Operation } from '../service/operation.ts';
import { commonParametersOf, openApiComponents, parameter } from './openapi-components.ts';
import { responsesOf } from './openapi-responses.ts';
import {
  addSchema,
  jsonSchemaOf,
  without,
  withoutFields,
  type Components,
  type JsonSchema,
} from './openapi-schemas.ts';
import { BASE_PATH, pathsOf, sendsBody } from './wire.ts';

const DESCRIPTION = `The quota authority for job servers: tenants, limits, and who may start what.

Amounts are whole numbers in base units (millicores, MiB, counts); \`null\` is unlimited. Times are
ISO 8601 in UTC. A list answers \`items\` and \`next_cursor\`, the \`cursor\` of the page after it.

Every error answers \`error\`, \`code\`, \`trace_id\`, and often a \`hint\`. What has a version is
answered with an \`ETag\`; sent back in \`If-Match\`, it lets a change through only while nobody
else was faster.`;

/** The OpenAPI 3.1 document of the operations: a new one needs nothing here. */
export function openApiDocument(operations: readonly Operation[], version: string) {
  const components = openApiComponents();
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    for (const path of pathsOf(operation)) {
      const methods = (paths[BASE_PATH + path] ??= {});
      methods[operation.method.toLowerCase()] = describeOperation(operation, path, components);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'hodei',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that this comes from' }],
    // Where there are no tokens, nobody is asked for one.
    security: [{ token: [] }, {}],
    tags: tagsOf(operations),
    paths,
    components,
  };
}

/** One tag a noun, which tells its verbs. */
function tagsOf(operations: readonly Operation[]) {
  const nouns = new Map<string, string[]>();
  for (const { name } of operations) {
    const { noun, verb } = partsOf(name);
    nouns.set(noun, [...(nouns.get(noun) ?? []), verb]);
  }
  return [...nouns].map(([name, verbs]) => ({ name, description: verbs.join(', ') }));
}

function partsOf(name: string): { readonly noun: string; readonly verb: string } {
  const [noun = '', verb = ''] = name.split('.');
  return { noun, verb };
}

/** `tenant.create` → `TenantCreate` */
function pascalCase(name: string): string {
  return name.replace(/(?:^|[._-])(\w)/g, (_match, letter: string) => letter.toUpperCase());
}

function describeOperation(operation: Operation, path: string, components: Components): object {
  const id = pascalCase(operation.name);
  const input = jsonSchemaOf(operation.input(), 'input', components.schemas);
  return {
    operationId: id.charAt(0).toLowerCase() + id.slice(1) + suffixOf(operation, path),
    summary: operation.summary,
    tags: [partsOf(operation.name).noun],
    'x-hodei-roles': operation.roles,
    parameters: [...parametersOf(operation, path, input), ...commonParametersOf(operation)],
    ...(sendsBody(operation) && requestOf(operation, input, components)),
    responses: responsesOf(operation, id, components),
  };
}

/** An id stands for one path only: that of an alias ends with the last part of it. */
function suffixOf({ alias }: Operation, path: string): string {
  return path === alias ? pascalCase(path.split('/').at(-1) ?? '') : '';
}

function parametersOf(
  operation: Operation,
  path: string,
  { properties = {}, required = [] }: JsonSchema,
) {
  const inPath = pathParameters(path);
  const names = sendsBody(operation) ? inPath : Object.keys(properties);
  const examples = Object(operation.example.input) as Record<string, unknown>;
  return names.map((name) => {
    const { description, example, ...schema } = Object(properties[name]) as JsonSchema;
    return parameter({
      name,
      in: inPath.includes(name) ? 'path' : 'query',
      required: inPath.includes(name) || required.includes(name),
      description,
      schema,
      example: examples[name] ?? example,
    });
  });
}

function requestOf(operation: Operation, input: JsonSchema, { schemas }: Components): object {
  const inPath = pathParameters(operation.path);
  const body = withoutFields(input, inPath);
  if (Object.keys(body.properties ?? {}).length === 0) return {};
  const name = operation.requestName ?? `${pascalCase(operation.name)}Request`;
  const example = without(Object(operation.example.input) as Record<string, unknown>, inPath);
  return {
    requestBody: {
      required: body.required !== undefined,
      content: { 'application/json': { schema: addSchema(schemas, name, body), example } },
    },
  };
}
