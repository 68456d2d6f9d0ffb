import { Chalk } from 'chalk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawChart } from '../../src/cli/usage-chart.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

const colour = new Chalk({ level: 0 });
const chart = {
  points: [0, 2, 4, 8, 6, 1].map((average) => ({ average, peak: average + 2 })),
  ...{ limit: 8, top: 10, say: String, begin: '11-01', end: '11-02' },
};

describe('a chart of use', () => {
  it('has averages, peaks above them, and the limit as a line', () => {
    const place = { columns: 30, rows: 5, isUnicode: true, colour };
    expect(drawChart(chart, place).join('\n')).toMatchInlineSnapshot(`
      "10 │            ░░░░
       8 │╌╌╌╌╌╌╌╌╌╌╌╌████░░░░╌╌╌╌
         │        ░░░░████████
         │    ░░░░████████████░░░░
         │░░░░████████████████▄▄▄▄
       0 └────────────────────────
          11-01              11-02"
    `);
  });

  it('does without anything but ASCII', () => {
    const lines = drawChart(chart, { columns: 30, rows: 5, isUnicode: false, colour });
    expect(lines.join('')).toMatch(/^[ -~]*$/);
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "10 |            ::::
       8 |------------####::::----
         |        ::::########
         |    ::::############::::
         |::::################....
       0 +------------------------
          11-01              11-02"
    `);
  });

  it.each([20, 40, 80, 200])('is never wider than %d columns', (columns) => {
    const points = Array.from({ length: 500 }, (_, i) => ({ average: i % 7, peak: 9 }));
    const place = { columns, rows: 8, isUnicode: true, colour };
    for (const line of drawChart({ ...chart, points }, place)) {
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  });
});

describe('usage history', () => {
  let home: CliHome;

  beforeEach(async () => {
    home = newCliHome();
    await home.run('tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi');
    await home.run('job admit --tenant acme --cpu 3 --memory 1Gi');
  });
  afterEach(() => home.remove());

  it('says average, peak and p95 against the limit, with a chart, to who sits at a terminal', async () => {
    const { out } = await home.run('usage history acme --resource cpu --last 2h', {
      isTerminal: true,
      columns: 60,
    });
    expect(out).toMatch(/^acme: cpu/m);
    expect(out).toMatch(/^peak +3 cores +75 %/m);
    expect(out).toMatch(/█|▁|░/);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });

  it('has a row for each point in a pipe', async () => {
    const { out } = await home.run('usage history acme --resource cpu --last 2h -o csv');
    const [head, ...rows] = out.split('\n');
    expect(head).toBe('begins_at,average,peak');
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(rows.at(-1)).toMatch(/,3000$/);
  });

  it('takes a date for a day in UTC, as the costs do', async () => {
    const { out } = await home.run('usage history acme --from 2026-01-01 --to 2026-01-02 --json');
    expect(JSON.parse(out)).toMatchObject({
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-02T00:00:00.000Z',
    });
  });

  it.each([
    'usage history amce',
    'usage history acme --resource cpuu',
    'usage history acme --last 7',
    'usage history acme --from 2126-01-01',
    'usage history acme --points 0',
    'usage histroy acme',
  ])('refuses %s', async (line) => {
    const { out, code } = await home.run(line);
    expect(out).toBe('');
    expect([2, 3]).toContain(code);
  });
});
