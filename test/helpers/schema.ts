import type Sqlite from 'better-sqlite3';
import {
  parse,
  type AlterTableStmt,
  type ColumnDef,
  type Constraint,
  type CreateStmt,
  type DropStmt,
  type IndexStmt,
  type Node,
} from 'libpg-query';

/** A schema in words in which two databases can be compared. */
export interface Schema {
  /** By table, its columns in order: `used integer not null`. */
  readonly columns: Record<string, string[]>;
  /** By table: `primary key (a, b)`, `balance_used check {…}`, `scope_tenant references tenant (id)`. */
  readonly constraints: Record<string, string[]>;
  /** By name: `unique on tenant (name) where {…}`. */
  readonly indexes: Record<string, string>;
}

/** The schema that a text of statements makes, read by PostgreSQL's own parser. */
export async function schemaOfText(sql: string): Promise<Schema> {
  const schema: Schema = { columns: {}, constraints: {}, indexes: {} };
  for (const { stmt } of (await parse(sql)).stmts ?? []) {
    if (stmt === undefined) throw new Error('an empty statement');
    if ('CreateStmt' in stmt) addTable(schema, stmt.CreateStmt);
    else if ('IndexStmt' in stmt) addIndex(schema, stmt.IndexStmt);
    else if ('AlterTableStmt' in stmt) alterTable(schema, stmt.AlterTableStmt);
    else if ('DropStmt' in stmt) dropIndexes(schema, stmt.DropStmt);
    // Rows are no part of a schema.
    else if (!('InsertStmt' in stmt) && !('DeleteStmt' in stmt)) {
      throw new Error(`neither a table nor an index: ${JSON.stringify(stmt)}`);
    }
  }
  return schema;
}

function addTable(schema: Schema, { relation, tableElts = [] }: CreateStmt): void {
  const table = relation?.relname ?? '';
  const columns = tableElts.flatMap((node) => ('ColumnDef' in node ? [node.ColumnDef] : []));
  const ofTable = tableElts.flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
  const ofColumns = columns.flatMap((column) =>
    constraintsOf(column).map((constraint) => describe(constraint, column.colname ?? '')),
  );
  const constraints = [...ofColumns, ...ofTable.map((constraint) => describe(constraint, ''))];
  schema.constraints[table] = constraints.filter((text) => text !== '').sort();
  const key = constraints.find((text) => text.startsWith('primary key')) ?? '';
  schema.columns[table] = columns.map((column) => describeColumn(column, key));
}

function alterTable(schema: Schema, { relation, cmds = [] }: AlterTableStmt): void {
  const table = relation?.relname ?? '';
  const columns = (schema.columns[table] ??= []);
  for (const node of cmds) {
    if (!('AlterTableCmd' in node))
      throw new Error(`no change of a table: ${JSON.stringify(node)}`);
    const { subtype, name = '', def } = node.AlterTableCmd;
    if (subtype === 'AT_DropNotNull') {
      const at = columns.findIndex((text) => text.startsWith(`${name} `));
      columns[at] = (columns[at] ?? '').replace(/ not null$/, ' null');
    } else if (subtype === 'AT_AddColumn' && def !== undefined && 'ColumnDef' in def) {
      columns.push(describeColumn(def.ColumnDef, ''));
      addConstraints(schema, table, constraintsOf(def.ColumnDef), def.ColumnDef.colname ?? '');
    } else if (subtype === 'AT_AddConstraint' && def !== undefined && 'Constraint' in def) {
      addConstraints(schema, table, [def.Constraint], '');
    } else if (subtype === 'AT_DropColumn') {
      dropColumn(schema, table, name);
    } else if (subtype === 'AT_DropConstraint') {
      keepConstraints(schema, table, (text) => !text.startsWith(`${name} `));
    } else throw new Error(`nobody has thought of ${subtype}`);
  }
}

/** With what was said of it alone, as both databases do. */
function dropColumn(schema: Schema, table: string, column: string): void {
  const columns = schema.columns[table] ?? [];
  schema.columns[table] = columns.filter((text) => !text.startsWith(`${column} `));
  keepConstraints(schema, table, (text) => !text.startsWith(`${table}_${column} `));
}

function keepConstraints(schema: Schema, table: string, isKept: (text: string) => boolean): void {
  schema.constraints[table] = (schema.constraints[table] ?? []).filter(isKept);
}

function addConstraints(
  schema: Schema,
  table: string,
  constraints: readonly Constraint[],
  column: string,
): void {
  const texts = constraints.map((constraint) => describe(constraint, column));
  const all = [...(schema.constraints[table] ?? []), ...texts];
  schema.constraints[table] = all.filter((text) => text !== '').sort();
}

function dropIndexes(schema: Schema, { objects = [], removeType }: DropStmt): void {
  if (removeType !== 'OBJECT_INDEX') throw new Error(`nobody has thought of ${removeType}`);
  for (const node of objects) {
    const names = 'List' in node ? textsOf(node.List.items ?? []) : [];
    Reflect.deleteProperty(schema.indexes, names.at(-1) ?? '');
  }
}

function describeColumn(column: ColumnDef, primaryKey: string): string {
  const { colname: name = '' } = column;
  const kinds = constraintsOf(column).map(({ contype }) => contype);
  const isInKey = new RegExp(`\\b${name}\\b`).test(primaryKey);
  const standard = constraintsOf(column).find(({ contype }) => contype === 'CONSTR_DEFAULT');
  return [
    name,
    typeOf(column),
    isInKey || kinds.includes('CONSTR_NOTNULL') ? 'not null' : 'null',
    ...(standard === undefined ? [] : [`default ${shape(standard.raw_expr)}`]),
  ].join(' ');
}

/** Numbers of 64 bits have one name in both databases, whole ones and others. */
const commonTypes: Readonly<Record<string, string>> = {
  int4: 'integer',
  int8: 'integer',
  float4: 'real',
  float8: 'real',
};

/** A text in the order of its bytes has one name in both databases too. */
function typeOf({ typeName, collClause }: ColumnDef): string {
  const name = textsOf(typeName?.names ?? []).at(-1) ?? '';
  const collation = textsOf(collClause?.collname ?? []).map((text) => ` collate ${text}`);
  const type = commonTypes[name] ?? name;
  return `${type}${collation.join('')}`;
}

function describe(constraint: Constraint, column: string): string {
  const name = constraint.conname ?? 'unnamed';
  const keys = textsOf(constraint.keys ?? []).join(', ') || column;
  switch (constraint.contype) {
    case 'CONSTR_PRIMARY':
      return `primary key (${keys})`;
    case 'CONSTR_UNIQUE':
      return `${name} unique (${keys})`;
    case 'CONSTR_CHECK':
      return `${name} check ${shape(constraint.raw_expr)}`;
    case 'CONSTR_FOREIGN': {
      const target = `${constraint.pktable?.relname} (${textsOf(constraint.pk_attrs ?? []).join()})`;
      return `${name} references ${target} from ${column}`;
    }
    case 'CONSTR_NOTNULL':
    case 'CONSTR_DEFAULT':
    case 'CONSTR_IDENTITY':
      return '';
    default:
      throw new Error(`nobody has thought of ${constraint.contype}`);
  }
}

function addIndex(schema: Schema, index: IndexStmt): void {
  const columns = (index.indexParams ?? []).map((node) =>
    'IndexElem' in node ? (node.IndexElem.name ?? '') : '',
  );
  const kind = index.unique === true ? 'unique on' : 'on';
  const where = index.whereClause === undefined ? '' : ` where ${shape(index.whereClause)}`;
  const table = index.relation?.relname ?? '';
  schema.indexes[index.idxname ?? ''] = `${kind} ${table} (${columns.join(', ')})${where}`;
}

function constraintsOf({ constraints = [] }: ColumnDef): Constraint[] {
  return constraints.flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
}

function textsOf(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));
}

/** An expression without where in the text it stood. */
function shape(expression: Node | undefined): string {
  const isPlace = (key: string) => key === 'location' || key.startsWith('rexpr_list_');
  return JSON.stringify(expression, (key, value: unknown) => (isPlace(key) ? undefined : value));
}

/** What SQLite itself says of its tables and indexes, but for names and checks of constraints. */
export function factsOfSqlite(connection: Sqlite.Database): Schema {
  const schema: Schema = { columns: {}, constraints: {}, indexes: {} };
  for (const table of namesOf(connection, 'table')) {
    const columns = rows<{ name: string; type: string; notnull: number; pk: number }>(
      connection,
      `select * from pragma_table_info('${table}')`,
    );
    schema.columns[table] = columns.map(({ name, type, notnull, pk }) =>
      [name, type.toLowerCase(), notnull === 1 || pk > 0 ? 'not null' : 'null'].join(' '),
    );
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    const references = rows<{ from: string; table: string; to: string }>(
      connection,
      `select * from pragma_foreign_key_list('${table}')`,
    );
    schema.constraints[table] = [
      `primary key (${key.map(({ name }) => name).join(', ')})`,
      ...references.map(({ from, table: other, to }) => `references ${other} (${to}) from ${from}`),
    ].sort();
  }
  for (const index of namesOf(connection, 'index')) {
    const columns = rows<{ name: string }>(
      connection,
      `select * from pragma_index_info('${index}')`,
    );
    schema.indexes[index] = columns.map(({ name }) => name).join(', ');
  }
  return schema;
}

/** The statements that made the tables and indexes, without what only SQLite understands. */
export function textOfSqlite(connection: Sqlite.Database): string {
  const made = rows<{ sql: string }>(
    connection,
    `select sql from sqlite_schema where sql is not null and name <> 'migration'`,
  );
  return made.map(({ sql }) => `${sql.replace(/\) strict(, without rowid)?$/i, ')')};`).join('\n');
}

function namesOf(connection: Sqlite.Database, type: 'table' | 'index'): string[] {
  return rows<{ name: string }>(
    connection,
    `select name from sqlite_schema where type = '${type}' and sql is not null
     and name <> 'migration' order by name`,
  ).map(({ name }) => name);
}

function rows<Row>(connection: Sqlite.Database, sql: string): Row[] {
  return connection.prepare(sql).all() as Row[];
}
