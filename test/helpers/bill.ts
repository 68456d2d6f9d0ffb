/** One stretch of time in which a job held the same. */
interface Holding {
  readonly job: string;
  readonly tenant: string;
  readonly pool: string;
  readonly label: string | null;
  readonly amounts: Readonly<Record<string, number>>;
  readonly from: number;
  to: number;
  /** When its lease runs out. */
  readonly due: number;
}

interface SaidRate {
  readonly resource: string;
  readonly pool: string | null;
  readonly at: number;
  readonly price: number | null;
}

const UNITS: Readonly<Record<string, bigint>> = { cpu_m: 1000n, memory_mb: 1024n };
const HOUR = 3_600_000n;

/**
 * What use costs, by another way than hodei's: every holding is kept, and priced millisecond-exact in
 * fractions when somebody asks.
 */
export class Bill {
  readonly #now: () => number;
  readonly #holdings: Holding[] = [];
  readonly #rates: SaidRate[] = [];
  readonly #configs: { readonly at: number; readonly cpu: number }[];
  readonly #parents: {
    readonly tenant: string;
    readonly at: number;
    readonly parent: string | null;
  }[] = [];

  constructor(now: () => number) {
    this.#now = now;
    this.#configs = [{ at: -Infinity, cpu: 50_000 }];
  }

  tenant(name: string): void {
    this.#parents.push({ tenant: name, at: -Infinity, parent: null });
  }

  admit(
    job: string,
    tenant: string,
    pool: string,
    amounts: Readonly<Record<string, number>>,
    ttl: number | null,
    label: string | null,
  ): void {
    const from = this.#now();
    const due = ttl === null ? Infinity : from + ttl * 1000;
    this.#holdings.push({ job, tenant, pool, label, amounts, from, to: Infinity, due });
  }

  /** One of the jobs that run. */
  running(pick: number): string | undefined {
    const running = this.#holdings.filter(({ to, due }) => to === Infinity && due > this.#now());
    return running[pick % running.length]?.job;
  }

  release(job: string): void {
    for (const holding of this.#holdings) {
      if (holding.job === job && holding.to === Infinity) holding.to = this.#now();
    }
  }

  resize(job: string, amounts: Readonly<Record<string, number>>): void {
    const last = this.#holdings.find((holding) => holding.job === job && holding.to === Infinity);
    if (last === undefined) throw new Error(`${job} does not run`);
    last.to = this.#now();
    this.#holdings.push({ ...last, amounts, from: this.#now(), to: Infinity });
  }

  rate(resource: string, pool: string | null, at: number, price: number | null): void {
    this.#rates.push({ resource, pool, at, price });
  }

  hasRate(resource: string, pool: string | null): boolean {
    return this.#rates.some((rate) => rate.resource === resource && rate.pool === pool);
  }

  config(cpu: number, _multiplier: number): void {
    this.#configs.push({ at: this.#now(), cpu });
  }

  move(tenant: string, parent: string | null): void {
    this.#parents.push({ tenant, at: this.#now(), parent });
  }

  total(): number {
    return rounded(this.#sum(() => true));
  }

  byTenant(days: readonly number[]) {
    const tenants = this.#groups(({ tenant }) => [tenant]);
    return Object.fromEntries(
      [...tenants].map((name) => {
        const isOf = (holding: Holding) => holding.tenant === name;
        const periods = days.map((from, i) =>
          rounded(this.#sum(isOf, from, days[i + 1] ?? Infinity)),
        );
        return [name, { cost: rounded(this.#sum(isOf)), periods }];
      }),
    );
  }

  byPool() {
    const pools = this.#groups(({ pool }) => [pool]);
    return Object.fromEntries(
      [...pools].map((name) => [name, rounded(this.#sum(({ pool }) => pool === name))]),
    );
  }

  ofLabel(value: string): number {
    return rounded(this.#sum(({ label }) => label === value));
  }

  /** What a tenant and those that were below it held of something, stretch by stretch of a time. */
  stretches(name: string | null, resource: string, pool: string | null, from: number, to: number) {
    const ends = this.#holdings.flatMap((holding) => [holding.from, this.#end(holding)]);
    const moves = this.#parents.map(({ at }) => at);
    const inside = [...ends, ...moves].filter((time) => time > from && time < to);
    const edges = [...new Set([from, ...inside, to])].sort((a, b) => a - b);
    const isHeld = (holding: Holding, at: number) =>
      holding.from <= at &&
      this.#end(holding) > at &&
      (pool === null || holding.pool === pool) &&
      (name === null || this.#line(holding.tenant, at).includes(name));
    return edges.slice(0, -1).map((begin, i) => {
      const held = this.#holdings.filter((holding) => isHeld(holding, begin));
      const amount = held.reduce((sum, { amounts }) => sum + (amounts[resource] ?? 0), 0);
      return { begin, ms: (edges[i + 1] ?? begin) - begin, amount };
    });
  }

  byTree() {
    const lines = this.#groups(({ tenant }, at) => this.#line(tenant, at));
    return Object.fromEntries(
      [...lines].map((name) => {
        const isBelow = ({ tenant }: Holding, at: number) => this.#line(tenant, at).includes(name);
        return [name, rounded(this.#sum(isBelow))];
      }),
    );
  }

  #line(tenant: string, at: number): string[] {
    const { parent } = lastUntil(
      this.#parents.filter((each) => each.tenant === tenant),
      at,
    );
    return parent === null ? [tenant] : [tenant, ...this.#line(parent, at)];
  }

  #end({ to, due }: Holding): number {
    return Math.min(to, due, this.#now());
  }

  /** Holdings in pieces in which nothing changed. */
  *#pieces(from = -Infinity, until = Infinity) {
    const cuts = [...this.#rates, ...this.#configs, ...this.#parents].map(({ at }) => at);
    for (const holding of this.#holdings) {
      const [begin, end] = [Math.max(holding.from, from), Math.min(this.#end(holding), until)];
      const inside = cuts.filter((cut) => cut > begin && cut < end);
      const edges = [begin, ...inside.sort((a, b) => a - b), end];
      for (const [i, at] of edges.slice(0, -1).entries()) {
        const ms = (edges[i + 1] ?? at) - at;
        if (ms > 0) yield { holding, at, ms };
      }
    }
  }

  #groups(groupsOf: (holding: Holding, at: number) => readonly string[]): Set<string> {
    const groups = new Set<string>();
    for (const { holding, at } of this.#pieces()) {
      for (const group of groupsOf(holding, at)) groups.add(group);
    }
    return groups;
  }

  /** In parts of a millionth: numerator over `UNIT`. */
  #sum(
    isOf: (holding: Holding, at: number) => boolean,
    from = -Infinity,
    until = Infinity,
  ): bigint {
    let sum = 0n;
    for (const { holding, at, ms } of this.#pieces(from, until)) {
      if (!isOf(holding, at)) continue;
      for (const [resource, amount] of Object.entries(holding.amounts)) {
        // Of GPUs that are of a kind the kind is paid.
        const kinds = resource === 'gpu' ? (holding.amounts['gpu.h100'] ?? 0) : 0;
        const price = this.#price(resource, holding.pool, at);
        const unit = UNITS[resource] ?? 1n;
        sum += (BigInt(amount - kinds) * BigInt(ms) * BigInt(price) * UNIT) / (unit * HOUR);
      }
    }
    return sum;
  }

  #price(resource: string, pool: string, at: number): number {
    for (const where of [pool, null]) {
      const said = this.#rates.filter((rate) => rate.resource === resource && rate.pool === where);
      const price = said.some((rate) => rate.at <= at) ? lastUntil(said, at).price : null;
      if (price !== null) return price;
    }
    if (resource === 'cpu_m') return lastUntil(this.#configs, at).cpu;
    if (resource === 'memory_mb') return 10_000;
    if (resource === 'gpu') return 2_500_000;
    return resource === 'gpu.h100' ? this.#price('gpu', pool, at) : 0;
  }
}

/** Whole for every unit: nothing is lost in a division. */
const UNIT = HOUR * 1000n * 1024n;

/** Of what was said for the same time the later word counts. */
function lastUntil<T extends { readonly at: number }>(said: readonly T[], at: number): T {
  let last: T | undefined;
  for (const each of said) {
    if (each.at <= at && (last === undefined || each.at >= last.at)) last = each;
  }
  if (last === undefined) throw new Error('nothing was said until then');
  return last;
}

function rounded(sum: bigint): number {
  const doubled = sum * 2n + UNIT;
  return Number(doubled / (2n * UNIT));
}
