import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { promtool, whyNoPromtool } from '../helpers/promtool.ts';
import { metricNames } from '../../src/service/metric-families.ts';
import { newHome, type Home } from './hodei.ts';
import { startPrometheus, untilThere, type Prometheus } from './prometheus.ts';
import { startHodei, type Started } from './started.ts';

const deploy = join(import.meta.dirname, '../../deploy/prometheus');
const alertsFile = join(deploy, 'alerts.yaml');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

function rulesOf(file: string): Rule[] {
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

const missing = whyNoPromtool();
if (missing !== undefined) console.warn(`the alerts are not tried: ${missing}`);
const isLeftOut = missing !== undefined && process.env['CI'] === undefined;

it('every metric is in the table of the documentation, and nothing else is', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(hodei_\w+)`((?: `_\w+`)*)/gm)];
  const told = rows.flatMap(([, name = '', more = '']) => {
    const others = [...more.matchAll(/`(_\w+)`/g)].map(([, end]) =>
      name.replace(/_[a-z]+$/, String(end)),
    );
    return [name, ...others];
  });
  expect(told.toSorted()).toEqual([...metricNames].toSorted());
});

describe('the alerts', () => {
  it('ask only for metrics that there are', () => {
    const known: readonly string[] = metricNames;
    for (const { alert, expr } of rulesOf(alertsFile)) {
      const asked = expr.match(/hodei_[a-z_]+/g) ?? [];
      const unknown = asked.filter(
        (name) => !known.includes(name.replace(/_(bucket|sum|count)$/, '')),
      );
      expect(unknown, alert).toEqual([]);
    }
  });

  it('say how bad it is, what it means and what to do', () => {
    for (const { alert, labels, annotations } of rulesOf(alertsFile)) {
      expect(['critical', 'warning', 'info'], alert).toContain(labels['severity']);
      expect(annotations['summary']?.length, alert).toBeGreaterThan(10);
      expect(annotations['description']?.length, alert).toBeGreaterThan(60);
    }
  });

  it('each have a case that fires and one that does not', () => {
    const { tests } = parse(readFileSync(join(deploy, 'alerts.test.yaml'), 'utf8')) as {
      tests: { promql_expr_test: { expr: string; exp_samples: unknown[] }[] }[];
    };
    const cases = tests.flatMap(({ promql_expr_test: each }) => each);
    for (const { alert } of rulesOf(alertsFile)) {
      const own = cases.filter(({ expr }) => expr.includes(`alertname="${alert}"`));
      const fires = own.map(({ exp_samples: expected }) => expected.length > 0);
      expect(new Set(fires), alert).toEqual(new Set([true, false]));
    }
  });

  it.skipIf(isLeftOut)('are rules that promtool accepts, and fire when they shall', () => {
    if (missing !== undefined) throw new Error(missing);
    const checked = promtool(['check', 'rules', 'alerts.yaml'], '', deploy);
    expect(checked.status, checked.said).toBe(0);
    const tested = promtool(['test', 'rules', 'alerts.test.yaml'], '', deploy);
    expect(tested.status, tested.said).toBe(0);
  });
});

describe.skipIf(isLeftOut)('a real Prometheus', () => {
  let home: Home;
  let hodei: Started | undefined;
  let prometheus: Prometheus | undefined;
  let url: string;
  let token = '';
  let agent: string;

  const run = (...words: string[]) => {
    const env = { ...home.env, HODEI_TOKEN: token };
    const { status, stdout, stderr } = spawnSync('hodei', words, {
      ...{ cwd: home.folder, env, encoding: 'utf8' },
    });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };

  const newToken = (name: string, role: string) => {
    const made = run('token', 'create', '--name', name, '--role', role, '--json');
    return (JSON.parse(made) as { secret: string }).secret;
  };

  const pageNow = async () => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${url}/metrics`, { headers })).text();
  };

  const firingOf = async (name: string) => {
    const { alerts } =
      ((await prometheus?.ask('/api/v1/alerts')) as Alerts | undefined)?.data ?? {};
    return alerts?.find(({ labels, state }) => labels['alertname'] === name && state === 'firing');
  };

  beforeAll(async () => {
    if (missing !== undefined) throw new Error(missing);
    home = newHome();
    run('tenant', 'create', 'acme', '--email', 'ops@acme.example', '--cpu', '1', '--jobs', '5');
    run('job', 'admit', '--tenant', 'acme', '--cpu', '1');
    token = newToken('prometheus', 'viewer');
    agent = newToken('ci', 'agent');
    hodei = startHodei(home, home.env, ['serve', '--port', '0']);
    url = await hodei.hear(/(http:\/\/127\.0\.0\.1:\d+)/);
    const { folder } = home;
    const rules = firingAtOnce(readFileSync(alertsFile, 'utf8'));
    prometheus = await startPrometheus({ folder, target: new URL(url).host, token, rules });
  });

  afterAll(async () => {
    await prometheus?.stop();
    hodei?.child.kill('SIGTERM');
    await hodei?.ended;
    home.remove();
  });

  it('reads a real server with its token, and an alert of ours fires', async () => {
    const firing = await untilThere('an alert', () => firingOf('HodeiQuotaNearlyFull'));
    expect(firing.labels).toMatchObject({
      ...{ tenant: 'acme', resource: 'cpu_m', severity: 'warning', job: 'hodei' },
    });
    expect(firing.annotations['summary']).toBe('acme holds 100% of its cpu_m');
  });

  it('is told what the server decides, how long commits take and that the sweeper works', async () => {
    const headers = { authorization: `Bearer ${agent}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ tenant: 'acme', cpu_m: 500 });
    const { status } = await fetch(`${url}/api/v1/jobs`, { method: 'POST', headers, body });
    expect(status).toBe(429);
    const page = await pageNow();
    expect(page).toContain(
      'hodei_decisions_total{outcome="rejected",reason="over_quota",pool="default",tenant="acme"} 1\n',
    );
    expect(page).toContain('hodei_decision_duration_seconds_count{outcome="rejected"} 1\n');
    expect(page).toMatch(/^hodei_commit_duration_seconds_count [1-9]/m);
    expect(page).toMatch(/^hodei_commit_group_size_count [1-9]/m);
    const [, swept] = /^hodei_sweeper_last_run_timestamp_seconds (\S+)$/m.exec(page) ?? [];
    expect(Number(swept)).toBeGreaterThan(1_700_000_000);
  });

  it('is told the same by the command, and promtool accepts it', async () => {
    const page = await pageNow();
    const alone = run('metrics');
    const told = namesIn(run('metrics', '--server', url));
    expect(namesIn(page)).toEqual(told);
    const own = namesIn(alone).filter((name) => !told.includes(name));
    expect(own).toEqual([]);
    expect(promtool(['check', 'metrics'], alone)).toEqual({ status: 0, said: '' });
  });
});

function namesIn(text: string): string[] {
  const names = [...text.matchAll(/^# TYPE (hodei_\w+)/gm)].map(([, name]) => String(name));
  return names.toSorted();
}

/** The rules of the project, but for how long something has to be so. */
function firingAtOnce(rules: string): string {
  return rules.replace(/^ +for: .*\n/gm, '');
}

interface Alert {
  readonly state: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

interface Alerts {
  readonly data: {
    readonly alerts: readonly Alert[];
  };
}
