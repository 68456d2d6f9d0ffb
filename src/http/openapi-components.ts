import { errorCodes, type ErrorCode } from '../domain/errors.ts';
import type { Operation } from '../service/operation.ts';
import { jsonSchemaOf, type JsonSchema, type NamedSchemas } from './openapi-schemas.ts';
import { commonParameters } from './request.ts';
import { statusOf } from './status.ts';
import { sendsBody } from './wire.ts';

/** What several operations have in common. */
export interface Components {
  readonly schemas: NamedSchemas;
  readonly parameters: Readonly<Record<string, object>>;
  readonly headers: Readonly<Record<string, object>>;
  readonly responses: Readonly<Record<string, object>>;
}

export interface Reference {
  readonly $ref: string;
}

export function reference(kind: keyof Components, name: string): Reference {
  return { $ref: `#/components/${kind}/${name}` };
}

export function openApiComponents(): Components {
  return {
    schemas: { Error: errorSchema },
    parameters: { ...queryParameters(), if_match: ifMatch },
    headers: { ETag: etag, TraceId: traceId },
    responses: Object.fromEntries(
      refusals.map((refusal) => [refusal.name, describeRefusal(refusal)]),
    ),
  };
}

const errorSchema = {
  type: 'object' as const,
  properties: {
    error: { type: 'string' as const, description: 'What happened, in a sentence.' },
    code: { type: 'string' as const, enum: [...errorCodes] },
    hint: { type: 'string' as const, description: 'What to do about it.' },
    trace_id: { type: 'string' as const, description: "Finds the request in the server's log." },
  },
  required: ['error', 'code', 'trace_id'],
};

const TRACE_ID_EXAMPLE = '4bf92f3577b34da6a3ce929d0e0e4736';

const traceId = {
  description: "Of the request's traceparent header, or a new one; also in the log.",
  schema: { type: 'string' },
  example: TRACE_ID_EXAMPLE,
};

const etag = {
  description: 'The version, in quotes. A dry run has none.',
  schema: { type: 'string' },
  example: '"7"',
};

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description: string | undefined;
  readonly schema: object;
  readonly example: unknown;
}

/**
 * A parameter with its example. The docs page fills `example` in where something is tried out,
 * which is wanted only for what must be given.
 */
export function parameter({ example, schema, required, ...rest }: Parameter): object {
  if (example === undefined) return { ...rest, required, schema };
  if (required) return { ...rest, required, schema, example };
  return { ...rest, required, schema: { ...schema, examples: [example] } };
}

const ifMatch = parameter({
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of what was read: when there is a newer version, nothing is changed.',
  schema: { type: 'string', pattern: '^(\\*|"\\d{1,15}")$' },
  example: '"7"',
});

const queryExamples: Readonly<Record<string, unknown>> = {
  reason: 'release week',
  as: 'release-bot',
  dry_run: true,
};

function queryParameters(): Record<string, object> {
  const { properties = {} } = jsonSchemaOf(commonParameters(), 'input', {});
  const parameters = Object.entries(properties).map(([name, json]) => {
    const { description, ...schema } = Object(json) as JsonSchema;
    const example = queryExamples[name];
    return [
      name,
      parameter({ name, in: 'query', required: false, description, schema, example }),
    ] as const;
  });
  return Object.fromEntries(parameters);
}

/** The common parameters that an operation takes. */
export function commonParametersOf(operation: Operation): Reference[] {
  if (operation.isReadOnly) return [];
  const names = Object.keys(commonParameters().shape);
  if (operation.isVersioned) names.push('if_match');
  return names.map((name) => reference('parameters', name));
}

interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly description: string;
  readonly code: ErrorCode;
  readonly error: string;
  readonly applies: (operation: Operation) => boolean;
}

const always = () => true;
/** Without input there is nothing to look for, and nothing that could be ambiguous. */
const hasInput = ({ input }: Operation) => Object.keys(input().shape).length > 0;

const refusals: readonly Refusal[] = [
  {
    name: 'Invalid',
    status: statusOf.invalid,
    description: 'The request is wrong, and would be wrong again.',
    code: 'invalid',
    error: 'unknown field "mail" (did you mean email?)',
    applies: always,
  },
  {
    name: 'Forbidden',
    status: statusOf.forbidden,
    description: "The server does not answer to this Host, or to changes by this Origin's pages.",
    code: 'forbidden',
    error: 'This server does not answer to the name hodei.example.',
    applies: always,
  },
  {
    name: 'NotFound',
    status: statusOf.not_found,
    description: 'Something that the request names does not exist.',
    code: 'not_found',
    error: 'Tenant not found: acme',
    applies: hasInput,
  },
  {
    name: 'Conflict',
    status: statusOf.conflict,
    description: 'What there is stands against it, or a reference is ambiguous.',
    code: 'conflict',
    error: 'A tenant named acme exists already (tenant-7f3k9q2m4xwz).',
    applies: hasInput,
  },
  {
    name: 'StaleVersion',
    status: statusOf.stale_version,
    description: 'There is a newer version than If-Match says.',
    code: 'stale_version',
    error: 'acme is at version 8, not 7.',
    applies: ({ isReadOnly, isVersioned }) => isVersioned && !isReadOnly,
  },
  {
    name: 'TooLarge',
    status: 413,
    description: 'The body is too large.',
    code: 'invalid',
    error: 'The body is larger than 64 KiB.',
    applies: sendsBody,
  },
  {
    name: 'UnsupportedMediaType',
    status: 415,
    description: 'The body is not declared as JSON.',
    code: 'invalid',
    error: 'The body is not declared as JSON.',
    applies: sendsBody,
  },
  {
    name: 'Failed',
    status: statusOf.internal,
    description: 'A fault of the database (database) or of hodei (internal). Nothing was done.',
    code: 'internal',
    error: 'Internal error',
    applies: always,
  },
  {
    name: 'Unavailable',
    status: statusOf.unavailable,
    description:
      'Not now: nothing was done (unavailable), or nobody knows whether it was (unknown_outcome).',
    code: 'unavailable',
    error: 'The disk is full. Nothing was done.',
    applies: always,
  },
];

function describeRefusal({ description, code, error }: Refusal): object {
  const example = { error, code, trace_id: TRACE_ID_EXAMPLE };
  return {
    description,
    headers: { 'x-trace-id': reference('headers', 'TraceId') },
    content: { 'application/json': { schema: reference('schemas', 'Error'), example } },
  };
}

/** The error answers that an operation can give, by status. */
export function refusalsOf(operation: Operation): Record<string, Reference> {
  const possible = refusals.filter(({ applies }) => applies(operation));
  return Object.fromEntries(
    possible.map(({ status, name }) => [String(status), reference('responses', name)]),
  );
}
