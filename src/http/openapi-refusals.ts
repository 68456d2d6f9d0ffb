import type { ErrorCode } from '../domain/errors.ts';
import type { Operation } from '../service/operation.ts';
import { MAX_BODY_BYTES, sizeText, tooLargeText } from './body.ts';
import { reference } from './openapi-schemas.ts';
import { statusOf } from './status.ts';
import { canChange, sendsBody } from './wire.ts';

export const TRACE_ID_EXAMPLE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** An error that operations answer, as the document tells of it. */
export interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly description: string;
  readonly code: ErrorCode;
  readonly error: string;
}

interface PossibleRefusal extends Refusal {
  readonly applies: (operation: Operation) => boolean;
}

const always = () => true;
/** Without input there is nothing to look for, and nothing that could be ambiguous. */
const hasInput = ({ input }: Operation) => Object.keys(input().shape).length > 0;

const refusals: readonly PossibleRefusal[] = [
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
    description:
      "The server does not answer to this Host, to changes by this Origin's pages, or past its proxy.",
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
    name: 'Gone',
    status: statusOf.gone,
    description: 'What was to be gone on behind is not kept any more, or was never here.',
    code: 'gone',
    error: 'The events from 18 to 4711 are not kept any more.',
    applies: ({ isStream }) => isStream === true,
  },
  {
    name: 'StaleVersion',
    status: statusOf.stale_version,
    description: 'There is a newer version than If-Match says.',
    code: 'stale_version',
    error: 'acme is at version 8, not 7.',
    applies: (operation) => operation.isVersioned && canChange(operation),
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
    name: 'RateLimited',
    status: statusOf.rate_limited,
    description: 'Too much was asked in a short time: it was not looked at.',
    code: 'rate_limited',
    error: 'Too many requests.',
    // Where an answer has this status too, whoever reads it has to tell the two apart.
    applies: ({ statuses }) => statuses?.[statusOf.rate_limited] !== undefined,
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

/** The errors that an operation can answer. */
export function refusalsOf(operation: Operation): Refusal[] {
  const possible: Refusal[] = refusals.filter(({ applies }) => applies(operation));
  if (sendsBody(operation)) possible.push(tooLarge(operation.bodyLimit ?? MAX_BODY_BYTES));
  return possible;
}

function tooLarge(limit: number): Refusal {
  const error = tooLargeText(limit);
  const name = `TooLarge${sizeText(limit).replace(' ', '')}`;
  return { name, status: 413, description: error, code: 'invalid', error };
}

export function describeRefusal(refusal: Refusal): object {
  const schema = reference('schemas', 'Error');
  return {
    description: refusal.description,
    headers: {
      'x-trace-id': reference('headers', 'TraceId'),
      ...(refusal.code === 'unavailable' && { 'retry-after': reference('headers', 'RetryAfter') }),
    },
    content: { 'application/json': { schema, example: refusalExample(refusal) } },
  };
}

export function refusalExample({ error, code }: Refusal): object {
  return { error, code, trace_id: TRACE_ID_EXAMPLE };
}
