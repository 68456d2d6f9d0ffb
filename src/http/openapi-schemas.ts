import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** By name, as `components.schemas` has them; one that is described gets added. */
export type NamedSchemas = Record<string, JsonSchema>;

/** What several operations have in common. */
export interface Components {
  readonly schemas: NamedSchemas;
  readonly parameters: Readonly<Record<string, object>>;
  readonly headers: Readonly<Record<string, object>>;
  readonly securitySchemes: Readonly<Record<string, object>>;
  /** Of errors; one that is described gets added too. */
  readonly responses: Record<string, object>;
}

export interface Reference {
  readonly $ref: string;
}

export function reference(kind: keyof Components, name: string): Reference {
  return { $ref: `#/components/${kind}/${name}` };
}

export function addSchema(schemas: NamedSchemas, name: string, json: JsonSchema): Reference {
  schemas[name] = json;
  return reference('schemas', name);
}

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
