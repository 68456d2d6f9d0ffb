import { errorCodes } from '../domain/errors.ts';
import type { Operation } from '../service/operation.ts';
import { KEY_PATTERN, MAX_KEY_LENGTH } from './idempotency-key.ts';
import { TRACE_ID_EXAMPLE } from './openapi-refusals.ts';
import {
  jsonSchemaOf,
  reference,
  type Components,
  type JsonSchema,
  type Reference,
} from './openapi-schemas.ts';
import { commonParameters } from './request.ts';
import { canChange } from './wire.ts';

export function openApiComponents(): Components {
  return {
    schemas: { Error: errorSchema },
    parameters: {
      ...queryParameters(),
      if_match: ifMatch,
      idempotency_key: idempotencyKey,
      last_event_id: lastEventId,
    },
    headers: { ETag: etag, RetryAfter: retryAfter, TraceId: traceId },
    responses: {},
    securitySchemes: { token: tokenScheme },
  };
}

const tokenScheme = {
  type: 'http',
  scheme: 'bearer',
  description: 'Wanted as soon as there are tokens: hodei token create.',
};

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

const retryAfter = {
  description: 'In so many seconds it may work. Not there where it may have been done already.',
  schema: { type: 'integer' },
  example: 1,
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

const idempotencyKey = parameter({
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A name of yours for what is asked: sent again with it, nothing is done a second time.',
  schema: { type: 'string', minLength: 1, maxLength: MAX_KEY_LENGTH, pattern: KEY_PATTERN.source },
  example: 'pipeline-4711-step-3',
});

const lastEventId = parameter({
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description:
    'Of a stream that broke off: it is gone on with behind that event, whatever after says.',
  schema: { type: 'integer', minimum: 0 },
  example: 18,
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
  const names: string[] = [];
  if (canChange(operation)) names.push(...Object.keys(commonParameters().shape));
  if (canChange(operation) && operation.isVersioned) names.push('if_match');
  if (operation.takesKey === true) names.push('idempotency_key');
  if (operation.isStream === true) names.push('last_event_id');
  return names.map((name) => reference('parameters', name));
}
