import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** By name, as `components.schemas` has them. */
export type NamedSchemas = Record<string, JsonSchema>;

/** What a schema takes or gives, as JSON Schema. Schemas with an id are added to `named`. */
export function jsonSchemaOf(
  schema: z.ZodType,
  io: 'input' | 'output',
  named: NamedSchemas,
): JsonSchema {
  const json = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => simplify(jsonSchema) });
  const { $schema: _dialect, $defs, ...own } = withComponentReferences(json);
  Object.assign(named, $defs);
  return own;
}

function withComponentReferences(json: JsonSchema): JsonSchema {
  const text = JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/');
  return JSON.parse(text) as JsonSchema;
}

/** Leaves out what follows from the rest or is only an artefact, since people read this. */
function simplify(json: JsonSchema): void {
  // A query carries nothing but text, which is no reason to call a number or a boolean text.
  if (json.type !== undefined && json.anyOf !== undefined) delete json.anyOf;
  if (json.format !== undefined) delete json.pattern;
  if (json.propertyNames !== undefined) delete json.propertyNames;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.minimum === undefined && json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
}

/** The schema of an object without some of its fields. */
export function withoutFields(json: JsonSchema, names: readonly string[]): JsonSchema {
  const { properties = {}, required = [], ...rest } = json;
  const kept = required.filter((name) => !names.includes(name));
  return {
    ...rest,
    properties: without(properties, names),
    ...(kept.length > 0 && { required: kept }),
  };
}

export function without<T>(record: Readonly<Record<string, T>>, names: readonly string[]) {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}
