import { OTHERS } from '../domain/metrics.ts';

/**
 * Which tenants have a label of their own: those that ask most, no more than there may be. All the
 * others share one. Between two elections nobody's label changes, so that no counter falls.
 */
export interface TenantLabels {
  /** The label under which a request of a tenant counts. */
  labelFor(tenant: string): string;
  /**
   * Gives the labels to who has asked most of late.
   * @returns who has lost theirs; what was counted under it is over.
   */
  elect(): string[];
}

/** Who is watched without a label, for each label that there is. */
const WATCHED = 10;

/** Who has a label keeps it unless another asks twice as often: labels that come and go tell little. */
const STAYING = 2;

export function tenantLabels(most: number): TenantLabels {
  let named = new Set<string>();
  /** How often each has asked; older requests count half with every election. */
  let asked = new Map<string, number>();
  return {
    labelFor(tenant) {
      const times = asked.get(tenant);
      if (times !== undefined) asked.set(tenant, times + 1);
      else if (asked.size < most * WATCHED) asked.set(tenant, 1);
      if (named.has(tenant)) return tenant;
      if (named.size >= most) return OTHERS;
      named.add(tenant);
      return tenant;
    },
    elect() {
      if (asked.size <= most) return [];
      const weight = ([tenant, times]: [string, number]) =>
        named.has(tenant) ? times * STAYING : times;
      const ranked = [...asked].sort((a, b) => weight(b) - weight(a)).slice(0, most);
      const elected = new Set(ranked.map(([tenant]) => tenant));
      const lost = [...named].filter((tenant) => !elected.has(tenant));
      named = elected;
      const halved = [...asked].map(([tenant, times]) => [tenant, times / 2] as const);
      asked = new Map(halved.filter(([tenant, times]) => times >= 1 || named.has(tenant)));
      return lost;
    },
  };
}
