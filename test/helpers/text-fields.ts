import * as z from 'zod';
import type { Operation } from '../../src/service/operation.ts';

/** Where an input can hold text: in a field, or as the key of a record. */
export interface TextField {
  readonly operation: Operation;
  /** As `labels.*.`, `jobs.[].tenant`, or `labels.{}` for a key. */
  readonly name: string;
  /** The example of the operation, with the text there. */
  with(text: string): Record<string, unknown>;
}

type Schema = z.core.JSONSchema.BaseSchema;

const ITEM = '[]';
const KEY = '{}';
const VALUE = '*';

/** Every place in which the input of an operation can hold text, read from its schema. */
export function textFields(operation: Operation): TextField[] {
  const schema = z.toJSONSchema(operation.input(), { io: 'input', unrepresentable: 'any' });
  // Of some lists the schema does not say what is in them, but the example does.
  const all = [...pathsIn(schema, []), ...textsIn(operation.example.input, [])];
  const paths = new Map(all.map((path) => [path.join('.'), path]));
  return [...paths].map(([name, path]) => ({
    operation,
    name,
    with: (text) => withText(operation.example.input, path, text) as Record<string, unknown>,
  }));
}

function pathsIn(schema: Schema, path: readonly string[]): (readonly string[])[] {
  const { properties = {}, items, additionalProperties: others } = schema;
  const variants = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((each) => each ?? []);
  const isAnything = schema.type === undefined && variants.length === 0;
  const isText = [schema.type].flat().includes('string') || isAnything;
  return [
    ...(isText && path.length > 0 ? [path] : []),
    ...variants.flatMap((each) => pathsIn(each, path)),
    ...Object.entries(properties).flatMap(([key, value]) =>
      pathsIn(value as Schema, [...path, key]),
    ),
    ...(typeof items === 'object' ? pathsIn(items as Schema, [...path, ITEM]) : []),
    ...(typeof others === 'object' ? [[...path, KEY], ...pathsIn(others, [...path, VALUE])] : []),
  ];
}

function textsIn(value: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof value === 'string') return [path];
  if (Array.isArray(value)) return textsIn(value[0], [...path, ITEM]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, [...path, key]));
}

function withText(value: unknown, [step, ...rest]: readonly string[], text: string): unknown {
  if (step === undefined) return text;
  if (step === ITEM) {
    const [first, ...others] = Array.isArray(value) ? (value as unknown[]) : [];
    return [withText(first, rest, text), ...others];
  }
  const fields = typeof value === 'object' && value !== null ? value : {};
  if (step === KEY) return { ...fields, [text]: Object.values(fields)[0] ?? 1 };
  const key = step === VALUE ? (Object.keys(fields)[0] ?? 'key') : step;
  return {
    ...fields,
    [key]: withText(Object.entries(fields).find(([k]) => k === key)?.[1], rest, text),
  };
}
