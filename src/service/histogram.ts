import type { MetricSample } from '../domain/metrics.ts';

/** Counts observations by size. An observation costs a short search and three additions. */
export interface Histogram {
  observe(value: number): void;
  samples(name: string, labels: MetricSample['labels']): MetricSample[];
}

export function histogram(bounds: readonly number[]): Histogram {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    observe(value) {
      let i = 0;
      while (i < bounds.length && value > (bounds[i] ?? 0)) i += 1;
      counts[i] = (counts[i] ?? 0) + 1;
      sum += value;
    },
    samples(name, labels) {
      let count = 0;
      const buckets = counts.map((own, i) => {
        count += own;
        const le = i < bounds.length ? String(bounds[i]) : '+Inf';
        return { name: `${name}_bucket`, labels: { ...labels, le }, value: count };
      });
      return [
        ...buckets,
        { name: `${name}_sum`, labels, value: sum },
        { name: `${name}_count`, labels, value: count },
      ];
    },
  };
}
