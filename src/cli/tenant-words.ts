import type { TenantView } from '../service/tenant-view.ts';
import type { Listing } from './render.ts';
import { print, type Run } from './run.ts';
import { documentOf } from './selection.ts';

function sayLabels(tenant: TenantView): string {
  return Object.entries(tenant.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

export const listing: Listing<TenantView> = {
  name: ({ name }) => name,
  columns: [
    { header: 'NAME', text: ({ name }) => name },
    { header: 'ID', text: ({ id }) => id, isDim: true },
    { header: 'PARENT', text: ({ parent }) => parent ?? '-' },
    { header: 'STATUS', text: ({ status }) => status, isAlarming: isSuspended },
    { header: 'WEIGHT', text: ({ weight }) => String(weight), value: ({ weight }) => weight },
    { header: 'EMAIL', text: ({ email }) => email },
    { header: 'LABELS', text: sayLabels },
  ],
};

export const treeListing: Listing<TenantView> = {
  ...listing,
  columns: [
    { header: 'NAME', text: ({ name, depth }) => `${'  '.repeat(depth ?? 0)}${name}` },
    ...listing.columns.slice(1),
  ],
};

function isSuspended({ status }: TenantView): boolean {
  return status === 'suspended';
}

interface Field {
  readonly name: string;
  readonly value: string;
}

export const fieldListing: Listing<Field> = {
  name: ({ value }) => value,
  columns: [
    { header: '', text: ({ name }) => name, isDim: true },
    { header: '', text: ({ value }) => value },
  ],
};

export function fieldsOf(tenant: TenantView): Field[] {
  const fields: readonly (readonly [string, string])[] = [
    ['name', tenant.name],
    ['id', tenant.id],
    ['email', tenant.email],
    ['parent', tenant.parent ?? '-'],
    ['status', tenant.status],
    ['weight', String(tenant.weight)],
    ['labels', sayLabels(tenant) || '-'],
    ['created', tenant.created_at],
    ['updated', tenant.updated_at],
    ['version', String(tenant.version)],
  ];
  return fields.map(([name, value]) => ({ name, value }));
}

/** What a tenant is after a change, in one line. */
export function sayFields(tenant: TenantView): string {
  const labels = sayLabels(tenant);
  return [
    tenant.parent === null ? 'a root' : `under ${tenant.parent}`,
    tenant.email,
    `weight ${tenant.weight}`,
    labels === '' ? 'no labels' : labels,
    `version ${tenant.version}`,
  ].join(', ');
}

/** What became of the tenants that were changed, a sentence for each. */
export async function printChanged(
  run: Run,
  isOne: boolean,
  tenants: readonly TenantView[],
  say: (tenant: TenantView) => string,
): Promise<void> {
  if (tenants.length === 0) return;
  const sentences = tenants.map(say);
  if (run.isDryRun) sentences.push('Nothing was changed.');
  await print(run, { document: documentOf(isOne, tenants), rows: tenants, listing, sentences });
}
