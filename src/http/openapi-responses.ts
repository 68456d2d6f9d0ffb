import type { Operation } from '../service/operation.ts';
import { describeRefusal, refusalExample, refusalsOf, type Refusal } from './openapi-refusals.ts';
import { EVENT_STREAM } from './sse.ts';
import {
  addSchema,
  jsonSchemaOf,
  reference,
  type Components,
  type NamedSchemas,
  type Reference,
} from './openapi-schemas.ts';

interface Answer {
  readonly description: string;
  readonly headers: Readonly<Record<string, Reference>>;
  /** Not there where there is no body. */
  readonly schema?: Reference;
  readonly example?: unknown;
  /** Whether it can be had as a stream too. */
  readonly isStream?: boolean;
}

/** All that can be answered, by status: what the operation answers, and errors. */
export function responsesOf(
  operation: Operation,
  id: string,
  components: Components,
): Record<string, object> {
  const answers = answersOf(operation, id, components.schemas);
  const responses: Record<string, object> = {};
  for (const [status, answer] of answers) responses[status] = describe(answer);
  for (const refusal of refusalsOf(operation)) {
    const answer = answers.get(refusal.status);
    if (answer === undefined) {
      components.responses[refusal.name] = describeRefusal(refusal);
      responses[refusal.status] = reference('responses', refusal.name);
    } else responses[refusal.status] = describeEither(answer, refusal);
  }
  return responses;
}

function answersOf(operation: Operation, id: string, schemas: NamedSchemas): Map<number, Answer> {
  const { status = 200, example, isStream = false } = operation;
  const traceId = reference('headers', 'TraceId');
  if (status === 204) {
    return new Map([[status, { description: 'Done.', headers: { 'x-trace-id': traceId } }]]);
  }
  const { statuses = { [status]: status === 201 ? 'Created.' : 'Done.' } } = operation;
  const headers = {
    'x-trace-id': traceId,
    ...(operation.isVersioned && { ETag: reference('headers', 'ETag') }),
  };
  const schema = outputSchema(operation, id, schemas);
  // Under another status the example would say what is never answered with it.
  const exampleStatus = operation.statusOf?.(example.output) ?? status;
  const answers = Object.entries(statuses).map(([text, description]) => {
    const isExample = Number(text) === exampleStatus;
    const shown = isExample && { example: example.output };
    const answer = { description, headers, schema, isStream, ...shown };
    return [Number(text), answer] as const;
  });
  return new Map(answers);
}

function outputSchema(operation: Operation, id: string, schemas: NamedSchemas): Reference {
  const output = jsonSchemaOf(operation.output(), 'output', schemas);
  const { $ref } = output;
  return $ref === undefined ? addSchema(schemas, `${id}Response`, output) : { $ref };
}

function describe({ description, headers, schema, example, isStream }: Answer): object {
  if (schema === undefined) return { description, headers };
  const media = { schema, ...(example !== undefined && { example }) };
  const content = {
    'application/json': media,
    ...(isStream === true && { [EVENT_STREAM]: eventStream }),
  };
  return { description, headers, content };
}

const eventStream = {
  schema: {
    type: 'string',
    description:
      'Server-sent events without an end: the sequence number as id, the operation as event, and as ' +
      'data one of the items in one line. A block without data is a sign of life.',
  },
};

/** An answer and an error with one status: each has a code, which tells them apart. */
function describeEither({ description, headers, schema }: Answer, refusal: Refusal): object {
  const media = {
    schema: { oneOf: [{ allOf: [schema, { required: ['code'] }] }, reference('schemas', 'Error')] },
    examples: { [refusal.name]: { value: refusalExample(refusal) } },
  };
  return {
    description: `${description} Or an error: ${refusal.description}`,
    headers,
    content: { 'application/json': media },
  };
}
