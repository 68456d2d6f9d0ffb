import type { Key, Tables, TenantFilter, TenantRow } from '../store/store.ts';

/** Which tenants a caller sees and touches: all, or one and those below it. */
export interface Reach {
  /** The highest of them; undefined: all. */
  readonly root: Key | undefined;
  includes(tenant: Key): Promise<boolean>;
  /** Whether something was asked for that is there, but beyond reach. */
  readonly hasStrayed: boolean;
}

export const everywhere: Reach = {
  root: undefined,
  includes: () => Promise.resolve(true),
  hasStrayed: false,
};

/** Why somebody was told that nothing is there: for the audit, never for the caller. */
export class BeyondReach extends Error {
  constructor() {
    super('it is there, but beyond the reach of the caller');
    this.name = 'BeyondReach';
  }
}

/** The reach of a caller, and the tables as far as it goes. */
export async function withinReach(
  tables: Tables,
  boundTo: string | null,
): Promise<{ readonly tables: Tables; readonly reach: Reach }> {
  if (boundTo === null) return { tables, reach: everywhere };
  const root = await tables.tenants.byId(boundTo);
  if (root === undefined) throw new Error(`the tenant ${boundTo} of a token is gone`);
  const reach = below(tables, root.key);
  return { tables: boundTables(tables, root, reach), reach };
}

type Straying = Reach & { stray(): void };

function below(tables: Tables, root: Key): Straying {
  const known = new Map<Key, boolean>([[root, true]]);
  const includes = async (tenant: Key): Promise<boolean> => {
    const answer = known.get(tenant);
    if (answer !== undefined) return answer;
    const parent = (await tables.tenants.byKey(tenant))?.parent ?? null;
    const isBelow = parent !== null && (await includes(parent));
    known.set(tenant, isBelow);
    return isBelow;
  };
  let hasStrayed = false;
  return {
    root,
    includes,
    get hasStrayed() {
      return hasStrayed;
    },
    stray() {
      hasStrayed = true;
    },
  };
}

/**
 * The same tables, in which nothing can be found by name or listed that is beyond reach: so it is
 * answered like what is not there, by whichever operation. By key everything is found, since what
 * stands above a tenant binds it.
 */
function boundTables(tables: Tables, root: TenantRow, reach: Straying): Tables {
  const within = root.key;
  const reachable = async <Row>(row: Row | undefined, tenant: (row: Row) => Key) => {
    if (row === undefined || (await reach.includes(tenant(row)))) return row;
    reach.stray();
    return undefined;
  };
  const { jobs, decisions, events, balances, bursts } = tables;
  return {
    ...tables,
    tenants: boundTenants(tables.tenants, root, reach),
    balances: {
      ...balances,
      fullest: (filter, after, limit) =>
        balances.fullest({ ...filter, tenants: { ...filter.tenants, within } }, after, limit),
    },
    jobs: {
      ...jobs,
      byId: async (id) => reachable(await jobs.byId(id), ({ tenant }) => tenant),
      list: (filter, before, limit) => jobs.list({ ...filter, within }, before, limit),
    },
    decisions: {
      ...decisions,
      byId: async (id) => reachable(await decisions.byId(id), ({ tenant }) => tenant),
      list: (filter, before, limit) => decisions.list({ ...filter, within }, before, limit),
    },
    bursts: {
      ...bursts,
      byId: async (id) => reachable(await bursts.byId(id), ({ tenant }) => tenant),
      list: (filter, before, limit) => bursts.list({ ...filter, within }, before, limit),
    },
    events: {
      ...events,
      list: (filter, before, limit) => events.list({ ...filter, within }, before, limit),
    },
  };
}

function boundTenants(table: Tables['tenants'], root: TenantRow, reach: Straying) {
  const within = root.key;
  const reachable = async (row: TenantRow | undefined) => {
    if (row === undefined || (await reach.includes(row.key))) return row;
    reach.stray();
    return undefined;
  };
  const bound = (filter: TenantFilter): TenantFilter => ({ ...filter, within });
  return {
    ...table,
    byId: async (id: string) => reachable(await table.byId(id)),
    byName: async (name: string) => reachable(await table.byName(name)),
    byIdPrefix: (prefix: string, limit: number) => table.byIdPrefix(prefix, limit, within),
    namesAround: (name: string, limit: number) => table.namesAround(name, limit, within),
    listByName: (filter: TenantFilter, after: string | undefined, limit: number) =>
      table.listByName(bound(filter), after, limit),
    listByCreation: (filter: TenantFilter, after: Key | undefined, limit: number) =>
      table.listByCreation(bound(filter), after, limit),
    /** Of what is within reach it is the one root. */
    async children(parent: Key | null, afterName: string, limit: number) {
      if (parent !== null) return table.children(parent, afterName, limit);
      return root.deletedAt === null && root.name > afterName ? [root] : [];
    },
  };
}
