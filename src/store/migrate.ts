import { HodeiError } from '../domain/errors.ts';

/** One step of the schema, the same number and name for every database. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export function newerSchema(found: number, known: number): HodeiError {
  return new HodeiError(
    'unavailable',
    `The database has schema ${found}, and this hodei knows schemas up to ${known}: it was written by a newer hodei.`,
    { hint: 'Run the newer hodei, or restore a backup made before the upgrade.' },
  );
}

export function olderSchema(found: number, known: number): HodeiError {
  return new HodeiError(
    'unavailable',
    `The database has schema ${found}, and this hodei needs ${known}.`,
    {
      hint: 'Back it up, then bring it up to date: hodei db migrate',
    },
  );
}
