import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricNames } from '../../src/service/metric-families.ts';
import { wantedBy } from '../helpers/promql.ts';
import { promtool, whyNoPromtool } from '../helpers/promtool.ts';
import { SECRET } from '../http/webhook-receiver.ts';
import { files, overlapsOf, queriesOf, readDashboard, variablesIn } from './dashboards.ts';
import type { Dashboard, Panel } from './dashboards.ts';
import { newHome, type Home } from './hodei.ts';
import { startPrometheus, untilThere, type Prometheus } from './prometheus.ts';
import { startHodei, type Started } from './started.ts';

const UNITS = ['bytes', 'none', 'percentunit', 'reqps', 's', 'wps'];
const SOURCE = { type: 'prometheus', uid: '${datasource}' };

const isRow = ({ type }: Panel) => type === 'row';

describe.each(files)('the dashboard %s', (file) => {
  const dashboard = readDashboard(file);
  const { panels, templating } = dashboard;

  it('can be imported by Grafana 10 and later, beside the others', () => {
    expect(dashboard).toMatchObject({ id: null, uid: `hodei-${file.replace('.json', '')}` });
    expect(dashboard.schemaVersion).toBe(38);
    expect(dashboard.title).toMatch(/^hodei \/ \w+$/);
  });

  it('has panels with ids of their own, none of which lies on another or beyond the edge', () => {
    const ids = panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(overlapsOf(dashboard)).toEqual([]);
    const [first] = panels;
    const onFirst = first === undefined ? [] : [first, { ...first, title: 'planted' }];
    expect(overlapsOf({ panels: onFirst })).toEqual([`${first?.title} and planted`]);
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    }
    // What is folded into a row would be seen by no test.
    expect(panels.filter((panel) => (panel.panels ?? []).length > 0)).toEqual([]);
  });

  it('says in every panel what is shown, in which unit', () => {
    for (const { title, description, fieldConfig, targets } of panels.filter((p) => !isRow(p))) {
      expect(description?.length, title).toBeGreaterThan(20);
      expect(UNITS, title).toContain(fieldConfig?.defaults.unit);
      expect(targets?.length, title).toBeGreaterThan(0);
    }
  });

  it('asks the data source that is chosen', () => {
    const [chosen, ...others] = templating.list;
    expect(chosen).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    for (const { name, datasource } of others) expect(datasource, name).toEqual(SOURCE);
    for (const { title, datasource, targets = [] } of panels.filter((p) => !isRow(p))) {
      const sources = [datasource, ...targets.map((target) => target.datasource)];
      expect(new Set(sources.map((each) => JSON.stringify(each))), title).toEqual(
        new Set([JSON.stringify(SOURCE)]),
      );
    }
  });

  it('has the variables that it uses, and uses those that it has', () => {
    const named = templating.list.map(({ name }) => name);
    const repeated = panels.flatMap(({ repeat }) => repeat ?? []);
    const used = [...variablesIn(JSON.stringify([templating, panels])), ...repeated];
    expect([...new Set(used)].toSorted()).toEqual(named.toSorted());
    for (const { name, query, definition } of templating.list) {
      if (typeof query === 'object') expect(query.query, name).toBe(definition);
    }
  });
});

const missing = whyNoPromtool();
if (missing !== undefined) console.warn(`the dashboards are not asked: ${missing}`);

/** From the name of a metric to its labels. */
type Known = ReadonlyMap<string, ReadonlySet<string>>;

/** What the queries of a dashboard want that there is not. */
function unknownIn(dashboard: Dashboard, known: Known): string[] {
  return queriesOf(dashboard).flatMap(({ where, query }) =>
    wantedBy(query)
      .filter(({ metric, label }) => {
        const labels = known.get(metric);
        return labels === undefined || (label !== undefined && !labels.has(label));
      })
      .map(({ metric, label }) => `${where}: ${metric}${label === undefined ? '' : ` ${label}`}`),
  );
}

/** What promtool says of queries: each is recorded under some name. */
function checkedByPromtool(queries: readonly string[], folder: string) {
  const rules = queries.map((expr, index) => ({ record: `checked:${index}`, expr }));
  const groups = [{ name: 'dashboards', rules }];
  writeFileSync(join(folder, 'queries.yaml'), JSON.stringify({ groups }));
  return promtool(['check', 'rules', 'queries.yaml'], '', folder);
}

/** The dashboard after somebody has made a mistake in it. */
function spoilt(file: string, right: string, wrong: string): Dashboard {
  const text = JSON.stringify(readDashboard(file));
  expect(text).toContain(right);
  return JSON.parse(text.replace(right, wrong)) as Dashboard;
}

describe.skipIf(missing !== undefined && process.env['CI'] === undefined)('a Prometheus', () => {
  let home: Home;
  let hodei: Started | undefined;
  let prometheus: Prometheus | undefined;
  let known: Known;

  const run = (line: string, ...codes: readonly number[]) => {
    const { status, stderr } = spawnSync('hodei', line.split(' '), {
      ...{ cwd: home.folder, env: home.env, encoding: 'utf8' },
    });
    if (status !== 0 && !codes.includes(status ?? 1)) throw new Error(stderr);
  };

  const data = async (path: string, parameters: Record<string, string>) =>
    ((await prometheus?.ask(path, parameters)) as { data?: unknown } | undefined)?.data;

  /** The labels of everything that was read, as soon as all of it was, and rates are known. */
  const readTwice = async (): Promise<Known | undefined> => {
    const series = (await data('/api/v1/series', { 'match[]': '{job="hodei"}' })) ?? [];
    const twice = 'count_over_time(hodei_decisions_total{outcome="queued"}[1m]) > 1';
    const { result } = ((await data('/api/v1/query', { query: twice })) ?? {}) as Partial<Answer>;
    return (result ?? []).length > 0 ? labelsIn(series as Labels[]) : undefined;
  };

  beforeAll(async () => {
    if (missing !== undefined) throw new Error(missing);
    home = newHome();
    const webhook = { name: 'pager', url: 'http://127.0.0.1:9/', secret: SECRET };
    writeFileSync(
      join(home.folder, 'config.yaml'),
      JSON.stringify({
        server: { port: 0 },
        observability: { webhooks: [webhook] },
        burst_capacity: { approval: { auto_approve_threshold: 150 } },
      }),
    );
    run('tenant create acme --email ops@acme.example --cpu 2 --jobs 4');
    hodei = startHodei(home, { ...home.env, HODEI_CONFIG_PATH: 'config.yaml' }, ['serve']);
    const url = await hodei.hear(/listening on (\S+)\n/);
    prometheus = await startPrometheus({ folder: home.folder, target: new URL(url).host });
    home.env['HODEI_SERVER'] = url;
    run('pool create gpu --cpu 4 --max-size 2 --max-concurrent-jobs 20');
    run('budget set acme --monthly 500');
    run('burst request acme --to 150 --for 1h --reason demo');
    run('job admit --tenant acme --pool gpu --cpu 3');
    run('job admit --tenant acme --pool gpu --cpu 3 --on-full reject', 6);
    run('job admit --tenant acme --pool gpu --cpu 3 --on-full queue', 8);
    known = await untilThere('a metric read twice', readTwice);
  });

  afterAll(async () => {
    await prometheus?.stop();
    hodei?.child.kill('SIGTERM');
    await hodei?.ended;
    home.remove();
  });

  it('has read every metric of hodei, so that its labels are known', () => {
    const families = [...known.keys()].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(metricNames.filter((name) => !families.includes(name))).toEqual([]);
  });

  it.each(files)('finds every metric and every label that %s asks for', (file) => {
    const dashboard = readDashboard(file);
    expect(queriesOf(dashboard).length).toBeGreaterThan(8);
    expect(unknownIn(dashboard, known)).toEqual([]);
  });

  it.each(files)('understands every query of %s, and has an answer to it', async (file) => {
    const queries = queriesOf(readDashboard(file));
    const { status, said } = checkedByPromtool(
      queries.map(({ query }) => query),
      home.folder,
    );
    expect(status, said).toBe(0);
    for (const { where, query, shown } of queries) {
      const answer = await prometheus?.ask('/api/v1/query', { query });
      expect(answer, where).toMatchObject({ status: 'success' });
      const { result } = (answer as { data: Answer }).data;
      expect(result.length, `${where}: ${query}`).toBeGreaterThan(0);
      const bare = result.filter(({ metric }) =>
        shown.some((label) => metric[label] === undefined),
      );
      expect(bare, where).toEqual([]);
    }
  });

  it('would notice a metric that is not there, also in a variable', () => {
    const inPanel = spoilt('overview.json', 'hodei_queue_depth{', 'hodei_queue_depht{');
    expect(unknownIn(inPanel, known)).toContain(
      'hodei / Overview: Jobs that wait (A): hodei_queue_depht',
    );
    const right = '"query":"label_values(hodei_pool_used{';
    const inVariable = spoilt('queue.json', right, right.replace('used', 'uses'));
    expect(unknownIn(inVariable, known)).toContain('hodei / Queue: variable pool: hodei_pool_uses');
  });

  it('would notice a label that a metric does not have, wherever it is named', () => {
    const selected = spoilt('tenant.json', '{tenant=', '{tenants=');
    expect(unknownIn(selected, known)).toEqual([
      'hodei / Tenant: Closest limit (A): hodei_tenant_used tenants',
    ]);
    const summed = spoilt('overview.json', 'sum by (reason) ', 'sum by (reasons) ');
    expect(unknownIn(summed, known)).toEqual([
      'hodei / Overview: Rejections by reason (A): hodei_decisions_total reasons',
    ]);
    const right = `"label_values(hodei_pool_used{instance=~\\"$instance\\"}, `;
    const listed = spoilt('queue.json', `"query":${right}pool)`, `"query":${right}pools)`);
    expect(unknownIn(listed, known)).toEqual([
      'hodei / Queue: variable pool: hodei_pool_used pools',
    ]);
  });

  it('would notice what is no query', () => {
    const broken = spoilt('overview.json', 'sum(up{', 'sum((up{');
    const queries = queriesOf(broken).map(({ query }) => query);
    const { status, said } = checkedByPromtool(queries, home.folder);
    expect([status, said]).toEqual([1, expect.stringContaining('could not parse expression')]);
  });

  it.each([
    ['sum(up) by (job)', 'by has to be before what it groups'],
    ['{job="hodei"}', 'selected without the name'],
    ['up / on (job) up', 'on is not understood'],
    ['sum without (job) (up)', 'without is not understood'],
  ])('would not pass over %s', (query, complaint) => {
    expect(() => wantedBy(query)).toThrow(complaint);
  });
});

type Labels = Readonly<Record<string, string>>;

interface Answer {
  readonly result: readonly { readonly metric: Labels }[];
}

function labelsIn(series: readonly Labels[]): Known {
  const known = new Map<string, Set<string>>();
  for (const { __name__: name = '', ...labels } of series) {
    const labelsOfName = known.get(name) ?? new Set();
    known.set(name, labelsOfName);
    for (const label of Object.keys(labels)) labelsOfName.add(label);
  }
  return known;
}
