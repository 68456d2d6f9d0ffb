/** What a family of samples is, in the words of Prometheus. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary';

export interface MetricSample {
  /** The family's, or the family's with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly MetricSample[];
}

/** What `metricsText` writes, as HTTP names it. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The label of all tenants that have none of their own; no tenant can have this name. */
export const OTHERS = '_other';

/** So many tenants are named where nothing is said, and so many can be at most. */
export const USUAL_TENANT_LABELS = 100;
export const MOST_TENANT_LABELS = 1_000;

/** In the text format of Prometheus. */
export function metricsText(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${escapeHelp(help)}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => `${sample.name}${labelsText(sample.labels)} ${sample.value}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function labelsText(labels: MetricSample['labels']): string {
  const written = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return written.length === 0 ? '' : `{${written.join(',')}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
