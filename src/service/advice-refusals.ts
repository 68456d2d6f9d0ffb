import type { ReasonCode } from '../domain/admission.ts';
import { MAX_AMOUNT } from '../domain/resource.ts';
import type { DecisionRow, Key, Tables, ViolationRow } from '../store/store.ts';
import { nameOfPlace, type LimitPlace, type LineOf } from './advice-peaks.ts';

/** What did not fit at one limit. */
export interface Refusals extends LimitPlace {
  times: number;
  rejected: number;
  /** How often so much was needed: what was used with what was asked for. */
  readonly needs: Map<number, number>;
  /** Where else the same requests did not fit. */
  readonly elsewhere: Map<string, { readonly violation: ViolationRow; times: number }>;
}

export interface Refused {
  readonly places: readonly Refusals[];
  /** The largest request that did not fit, wherever it was that it did not. */
  lacked(place: LimitPlace): number;
}

const DECISIONS_AT_ONCE = 1_000;

/** The reasons that a limit gives: of what is used now, or of what is more than it ever allows. */
const LIMITED: ReadonlySet<ReasonCode> = new Set(['over_quota', 'impossible']);

/** All requests that did not fit since a time, by what they did not fit into. */
export async function refusedSince(
  tables: Tables,
  since: number,
  resources: ReadonlyMap<string, Key>,
  lineOf: LineOf,
): Promise<Refused> {
  const places = new Map<string, Refusals>();
  const largest = new Map<string, number>();
  for (let before: Key | undefined; ;) {
    const rows = await tables.decisions.list({ since }, before, DECISIONS_AT_ONCE);
    for (const row of rows) {
      await noteLargest(largest, row, resources, lineOf);
      addRefusal(places, row, await tables.decisions.violations(row.key));
    }
    before = rows.at(-1)?.key;
    if (rows.length < DECISIONS_AT_ONCE) break;
  }
  return {
    places: [...places.values()],
    lacked: (place) => largest.get(nameOfPlace(place)) ?? 0,
  };
}

async function noteLargest(
  largest: Map<string, number>,
  { tenant, pool, request }: DecisionRow,
  resources: ReadonlyMap<string, Key>,
  lineOf: LineOf,
): Promise<void> {
  const line = await lineOf(tenant);
  for (const [resourceName, amount] of Object.entries(request)) {
    const resource = resources.get(resourceName);
    if (resource === undefined) continue;
    for (const each of line) {
      for (const where of [null, pool]) {
        const name = nameOfPlace({ tenant: each, pool: where, resource });
        largest.set(name, Math.max(largest.get(name) ?? 0, amount));
      }
    }
  }
}

function addRefusal(
  places: Map<string, Refusals>,
  { times, outcome }: DecisionRow,
  violations: readonly ViolationRow[],
): void {
  for (const violation of violations) {
    const { tenant, pool, resource, used, requested, code } = violation;
    if (!LIMITED.has(code) || tenant === null || resource === null) continue;
    const name = nameOfPlace({ tenant, pool, resource });
    const place = places.get(name) ?? newPlace({ tenant, pool, resource });
    places.set(name, place);
    place.times += times;
    if (outcome === 'rejected') place.rejected += times;
    const need = Math.min(MAX_AMOUNT, (used ?? 0) + (requested ?? 0));
    place.needs.set(need, (place.needs.get(need) ?? 0) + times);
    for (const other of violations) if (other !== violation) addElsewhere(place, other, times);
  }
}

function newPlace(place: LimitPlace): Refusals {
  return { ...place, times: 0, rejected: 0, needs: new Map(), elsewhere: new Map() };
}

function addElsewhere({ elsewhere }: Refusals, violation: ViolationRow, times: number): void {
  const { tenant, pool, resource } = violation;
  if (resource === null) return;
  const name = `${tenant ?? ''}/${pool ?? ''}/${resource}`;
  const known = elsewhere.get(name) ?? { violation, times: 0 };
  known.times += times;
  elsewhere.set(name, known);
}
