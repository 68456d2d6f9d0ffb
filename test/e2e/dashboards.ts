import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const folder = join(import.meta.dirname, '../../deploy/grafana');

/** Of a dashboard of Grafana, what is looked at here. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

export interface Source {
  readonly type: string;
  readonly uid: string;
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly definition?: string;
  readonly datasource?: Source;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: Source;
  readonly gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
  readonly panels?: readonly Panel[];
  readonly repeat?: string;
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly datasource: Source;
}

export const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

export function readDashboard(file: string): Dashboard {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard;
}

/** What a dashboard asks Prometheus. */
export interface Query {
  /** Where it stands, for who reads of a failure. */
  readonly where: string;
  /** As Prometheus reads it, with every variable replaced. */
  readonly query: string;
  /** What each answer has to have, since it is shown. */
  readonly shown: readonly string[];
}

export function queriesOf(dashboard: Dashboard): Query[] {
  const asked = dashboard.templating.list.filter(({ type }) => type === 'query');
  const drawn = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map((target) => ofTarget(title, target)),
  );
  return [...asked.map(ofVariable), ...drawn].map(({ where, ...rest }) => ({
    where: `${dashboard.title}: ${where}`,
    ...rest,
  }));
}

function ofTarget(title: string, { refId, expr, legendFormat = '' }: Target): Query {
  const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => String(label));
  return { where: `${title} (${refId})`, query: replaced(expr), shown };
}

/** The values of a label are looked for where the metric has it: as if they were summed up by it. */
function ofVariable({ name, query }: Variable): Query {
  const text = typeof query === 'string' ? query : query.query;
  const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
  if (series === undefined || label === undefined) throw new Error(`${name} is read otherwise`);
  const values = `count by (${label}) (${replaced(series)})`;
  return { where: `variable ${name}`, query: values, shown: [label] };
}

const BUILT_IN: Readonly<Record<string, string>> = { __rate_interval: '1m' };

/** A tenant is one that there is, and of all others everything is chosen. */
function replaced(text: string): string {
  return text.replace(/\$(\w+)/g, (_, name: string) => {
    if (name.startsWith('__') && BUILT_IN[name] === undefined) throw new Error(`$${name}?`);
    return BUILT_IN[name] ?? (name === 'tenant' ? 'acme' : '.+');
  });
}

/** The variables that a text of a dashboard names. */
export function variablesIn(text: string): string[] {
  const names = [...text.matchAll(/\$\{?(\w+)\}?/g)].map(([, name]) => String(name));
  return [...new Set(names.filter((name) => !name.startsWith('__')))];
}

/** The pairs of panels of which one lies on the other. */
export function overlapsOf({ panels }: Pick<Dashboard, 'panels'>): string[] {
  return panels.flatMap((one, index) =>
    panels
      .slice(index + 1)
      .filter(({ gridPos }) => lieOver(one.gridPos, gridPos))
      .map(({ title }) => `${one.title} and ${title}`),
  );
}

function lieOver(one: Panel['gridPos'], other: Panel['gridPos']): boolean {
  const isBeside = one.x + one.w <= other.x || other.x + other.w <= one.x;
  const isAbove = one.y + one.h <= other.y || other.y + other.h <= one.y;
  return !isBeside && !isAbove;
}
