import { Changes } from '../domain/usage-profile.ts';
import type { Period } from '../domain/period.ts';
import type { Span } from '../domain/timed-use.ts';
import type { Key, Tables } from '../store/store.ts';
import { JOBS_AT_ONCE } from './cost-report.ts';
import { spansOfJobs } from './job-spans.ts';

/** A limit there is or could be: of a tenant, everywhere (pool null) or in a pool. */
export interface LimitPlace {
  readonly tenant: Key;
  readonly pool: Key | null;
  readonly resource: Key;
}

export function nameOfPlace({ tenant, pool, resource }: LimitPlace): string {
  return `${tenant}/${pool ?? ''}/${resource}`;
}

/** A tenant, then those above it. */
export type LineOf = (tenant: Key) => Promise<readonly Key[]>;

/** Tenants that had jobs, those above them, and the most that was used at one time. */
export interface Peaks {
  readonly tenants: ReadonlySet<Key>;
  of(place: LimitPlace): number;
}

/** The peaks of all tenants in one sweep over all jobs. */
export async function peaksIn(
  tables: Tables,
  period: Period,
  now: number,
  lineOf: LineOf,
): Promise<Peaks> {
  const slots = new Slots(lineOf);
  const changes = new Changes();
  const last = await tables.jobUses.last();
  for (let after = 0; after < last; after += JOBS_AT_ONCE) {
    const jobs = { of: 'keys' as const, after, until: after + JOBS_AT_ONCE, ...period };
    for (const { spans } of await spansOfJobs(tables, jobs, now)) {
      for (const span of spans) {
        const [from, to] = [Math.max(span.from, period.from), Math.min(span.to, period.to)];
        if (to <= from) continue;
        changes.add({ from, to, amount: span.amount }, await slots.subjectOf(span));
      }
    }
  }
  const peaks = slots.sweep(changes);
  return {
    tenants: slots.tenants,
    of: (place) => peaks[slots.places.get(nameOfPlace(place)) ?? -1] ?? 0,
  };
}

/** Which places each use counts for: its tenant's and those above it, everywhere and in the pool. */
class Slots {
  readonly places = new Map<string, number>();
  readonly tenants = new Set<Key>();
  readonly #subjects = new Map<string, number>();
  readonly #placesOf: (readonly number[])[] = [];
  readonly #lineOf: LineOf;

  constructor(lineOf: LineOf) {
    this.#lineOf = lineOf;
  }

  async subjectOf({ tenant, pool, resource }: Span): Promise<number> {
    const name = nameOfPlace({ tenant, pool, resource });
    const known = this.#subjects.get(name);
    if (known !== undefined) return known;
    const places: number[] = [];
    for (const each of await this.#lineOf(tenant)) {
      this.tenants.add(each);
      for (const where of [null, pool]) {
        places.push(this.#placeOf({ tenant: each, pool: where, resource }));
      }
    }
    this.#subjects.set(name, this.#placesOf.length);
    return this.#placesOf.push(places) - 1;
  }

  sweep(changes: Changes): Float64Array {
    const levels = new Float64Array(this.places.size);
    const peaks = new Float64Array(this.places.size);
    changes.forEach((_, delta, subject) => {
      for (const place of this.#placesOf[subject] ?? []) {
        const level = (levels[place] ?? 0) + delta;
        levels[place] = level;
        if (level > (peaks[place] ?? 0)) peaks[place] = level;
      }
    });
    return peaks;
  }

  #placeOf(place: LimitPlace): number {
    const name = nameOfPlace(place);
    const index = this.places.get(name) ?? this.places.size;
    this.places.set(name, index);
    return index;
  }
}
