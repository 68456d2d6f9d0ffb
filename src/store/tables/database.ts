export type SqlValue = string | number | null;

/**
 * What the tables need of a database: statements with positional `?`, answered row by row.
 * The same text serves SQLite and PostgreSQL, so it keeps to what both understand.
 */
export interface Database {
  get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | undefined>;
  all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]>;
  run(sql: string, ...values: SqlValue[]): Promise<void>;
  /** The first row for each of several sets of values, in their order: one search after the other. */
  each<Row>(sql: string, sets: readonly (readonly SqlValue[])[]): Promise<(Row | undefined)[]>;
}

/** A condition and the values for its question marks. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export function condition(sql: string, ...values: SqlValue[]): Condition {
  return { sql, values };
}

/** ` where a and b`, or nothing when there is no condition. */
export function where(conditions: readonly Condition[]): string {
  if (conditions.length === 0) return '';
  return `where ${conditions.map(({ sql }) => sql).join(' and ')}`;
}

export function valuesOf(conditions: readonly Condition[]): SqlValue[] {
  return conditions.flatMap(({ values }) => [...values]);
}

/** `?, ?, ?`: as many marks as there are values. */
export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}
