import type { FormerParentRow, Key, Tables } from '../store/store.ts';
import { existing } from './tenant-lookup.ts';

/** Where tenants stood at a time: a move changes whose cost it is from then on, and not before. */
export interface TreeOfTime {
  /** A tenant and those above it then, up to the root. */
  line(tenant: Key, time: number): Promise<readonly Key[]>;
  /** Whether nothing ever stood under a tenant. */
  isLeaf(tenant: Key): Promise<boolean>;
}

export async function treeOfTime(tables: Tables): Promise<TreeOfTime> {
  const former = new Map<Key, FormerParentRow[]>();
  const parents = new Set<Key | null>();
  for (const row of await tables.formerParents.list()) {
    former.set(row.tenant, [...(former.get(row.tenant) ?? []), row]);
    parents.add(row.parent);
  }
  const known = new Map<string, readonly Key[]>();
  const line = async (tenant: Key, time: number): Promise<readonly Key[]> => {
    const moves = former.get(tenant) ?? [];
    const name = `${tenant}/${former.size === 0 ? '' : time}`;
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const left = moves.find(({ untilAt }) => untilAt > time);
    const parent = left === undefined ? (await existing(tables, tenant)).parent : left.parent;
    const found = parent === null ? [tenant] : [tenant, ...(await line(parent, time))];
    known.set(name, found);
    return found;
  };
  return {
    line,
    async isLeaf(tenant) {
      if (parents.has(tenant)) return false;
      return (await tables.tenants.children(tenant, '', 1)).length === 0;
    },
  };
}
