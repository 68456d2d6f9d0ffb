import type { Limit } from '../../src/domain/quota.ts';

/** What hodei should remember of tenants and quotas, in the plainest form. */
export interface ModelTenant {
  id: string;
  name: string;
  email: string;
  parent: ModelTenant | null;
  weight: number;
  labels: Record<string, string>;
  status: 'active' | 'suspended';
  version: number;
  limits: Record<string, Limit | 'unset'>;
  quotaVersion: number;
}

export interface Model {
  /** Those that are there, in the order of creation. */
  tenants: ModelTenant[];
  /** One line for each change: operation and id. */
  events: string[];
}

export type Fields = 'cpu_m' | 'memory_mb' | 'gpu' | 'max_concurrent_jobs';

export type Command =
  | { do: 'create'; name: string; parent: string | null; weight: number; gpu: Limit }
  | { do: 'update'; tenant: string; weight: number; labels: Record<string, string> }
  | { do: 'updateSeen'; tenant: string; weight: number; version: number }
  | { do: 'rename'; tenant: string; name: string }
  | { do: 'move'; tenant: string; parent: string | null }
  | { do: 'suspend' | 'resume'; tenant: string }
  | { do: 'delete'; tenant: string; cascade: boolean }
  | { do: 'set'; tenant: string; field: Fields; limit: Limit | string }
  | { do: 'unset'; tenant: string; field: Fields };

export class Refused extends Error {}

/** Does a command to the model. @throws Refused with the code that hodei should answer. */
export function apply(model: Model, command: Command, newId: string): void {
  if (command.do === 'create') return create(model, command, newId);
  const tenant = find(model, command.tenant);
  switch (command.do) {
    case 'update':
      return change(model, tenant, { weight: command.weight, labels: command.labels });
    case 'updateSeen':
      refuseIf(tenant.version !== command.version, 'stale_version');
      return change(model, tenant, { weight: command.weight });
    case 'rename':
      refuseIf(command.name !== tenant.name && isTaken(model, command.name), 'conflict');
      return change(model, tenant, { name: command.name });
    case 'move':
      return move(model, tenant, command.parent);
    case 'suspend':
      return change(model, tenant, { status: 'suspended' }, 'tenant.suspend');
    case 'resume':
      return change(model, tenant, { status: 'active' }, 'tenant.resume');
    case 'delete':
      refuseIf(!command.cascade && childrenOf(model, tenant).length > 0, 'conflict');
      return remove(model, tenant);
    case 'set':
      return setLimit(model, tenant, command.field, command.limit);
    case 'unset':
      if (tenant.limits[command.field] === 'unset') return;
      return writeLimit(model, tenant, command.field, 'unset', 'quota.unset');
  }
}

export function childrenOf({ tenants }: Model, parent: ModelTenant | null): ModelTenant[] {
  const children = tenants.filter((tenant) => tenant.parent === parent);
  return children.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function create(model: Model, command: Command & { do: 'create' }, id: string): void {
  refuseIf(isTaken(model, command.name), 'conflict');
  const parent = command.parent === null ? null : find(model, command.parent);
  model.tenants.push({
    ...{ id, parent, name: command.name, weight: command.weight, labels: {} },
    ...{ email: `ops@${command.name}.example`, status: 'active', version: 1, quotaVersion: 1 },
    limits: { cpu_m: 4000, memory_mb: 8192, gpu: command.gpu, max_concurrent_jobs: 10 },
  });
  model.events.push(`tenant.create ${id}`);
}

function change(
  model: Model,
  tenant: ModelTenant,
  fields: Partial<ModelTenant>,
  operation = 'tenant.update',
): void {
  const before = JSON.stringify(sortedLabels({ ...tenant, parent: null }));
  const after = JSON.stringify(sortedLabels({ ...tenant, ...fields, parent: null }));
  const isMoved = fields.parent !== undefined && fields.parent !== tenant.parent;
  if (before === after && !isMoved) return;
  Object.assign(tenant, fields);
  tenant.version += 1;
  model.events.push(`${operation} ${tenant.id}`);
}

function sortedLabels(tenant: ModelTenant) {
  return { ...tenant, labels: Object.entries(tenant.labels).sort() };
}

function move(model: Model, tenant: ModelTenant, reference: string | null): void {
  const parent = reference === null ? null : find(model, reference);
  for (let above = parent; above !== null; above = above.parent) {
    refuseIf(above === tenant, 'conflict');
  }
  change(model, tenant, { parent });
}

function remove(model: Model, tenant: ModelTenant): void {
  for (const child of childrenOf(model, tenant)) remove(model, child);
  model.events.push(`tenant.delete ${tenant.id}`);
  model.tenants = model.tenants.filter((other) => other !== tenant);
}

function setLimit(model: Model, tenant: ModelTenant, field: Fields, sent: Limit | string): void {
  const present = tenant.limits[field] ?? null;
  const limit = changed(present === 'unset' ? 0 : present, sent);
  if (limit !== present) writeLimit(model, tenant, field, limit, 'quota.set');
}

function writeLimit(
  model: Model,
  tenant: ModelTenant,
  field: Fields,
  limit: Limit | 'unset',
  operation: string,
): void {
  tenant.limits[field] = limit;
  tenant.quotaVersion += 1;
  model.events.push(`${operation} ${tenant.id}`);
}

function changed(present: Limit, sent: Limit | string): Limit {
  if (typeof sent !== 'string') return sent;
  if (present === null) throw new Refused('invalid');
  const limit = BigInt(present) + BigInt(sent.replace('+', ''));
  refuseIf(limit < 0n || limit > BigInt(Number.MAX_SAFE_INTEGER), 'invalid');
  return Number(limit);
}

function find({ tenants }: Model, reference: string): ModelTenant {
  const tenant = tenants.find(({ id, name }) => id === reference || name === reference);
  if (tenant === undefined) throw new Refused('not_found');
  return tenant;
}

function isTaken({ tenants }: Model, name: string): boolean {
  return tenants.some((tenant) => tenant.name === name);
}

function refuseIf(condition: boolean, code: string): void {
  if (condition) throw new Refused(code);
}
