import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayRange } from '../../src/cli/cost-words.ts';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

const WEEK = '--from 2026-01-05 --to 2026-01-12';
const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);
const atTerminal = (line: string, columns = 80, isUnicode = true) =>
  hodei(line, { isTerminal: true, columns, isUnicode });

/** Jobs that began at certain times and still run, so that what the past cost is certain. */
beforeAll(async () => {
  home = newCliHome();
  await hodei('tenant create eng --email e@eng.example --cpu unlimited');
  await hodei('tenant create acme --email e@acme.example --parent eng');
  await hodei('tenant create beta --email e@beta.example');
  await hodei('tenant create gone --email e@gone.example');
  await hodei('pool create spot --max-size 4');
  const jobs = [
    job('acme', 'a', 'default', '2026-01-05T00:00:00Z', { cpu_m: 8000, memory_mb: 4096 }, 'web'),
    job('beta', 'b', 'spot', '2026-01-08T12:00:00Z', { cpu_m: 3000, gpu: 1 }, 'ml & co'),
    job('eng', 'c', 'spot', '2026-01-11T23:59:59Z', { cpu_m: 2000 }),
    job('gone', undefined, 'spot', '2026-01-10T00:00:00Z', { memory_mb: 1024 }),
  ];
  const file = join(home.folder, 'running.json');
  writeFileSync(file, JSON.stringify(jobs));
  await home.run(['job', 'adopt', '-f', file]);
  await hodei('tenant delete gone --cascade --yes');
});
afterAll(() => home.remove());

function job(
  tenant: string,
  id: string | undefined,
  pool: string,
  startedAt: string,
  amounts: Readonly<Record<string, number>>,
  team?: string,
) {
  const labels = team === undefined ? {} : { team };
  return { tenant, job_id: id, pool, started_at: startedAt, ...amounts, labels };
}

describe('cost report at a terminal', () => {
  it('has a line for each tenant, a bar for its part, and the total', async () => {
    expect(await atTerminal(`cost report ${WEEK}`)).toMatchInlineSnapshot(`
      "Cost, 2026-01-05 to 2026-01-11
      TENANT             USD  SHARE
      beta            222.60   75 %  ████████████████████████████████████████
      acme             73.92   25 %  █████████████▎
      gone (deleted)    0.48   <1 %  ▏
      eng              <0.01   <1 %  ▏
      total           297.00  100 %
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('shows how it went, and each resource where there is room', async () => {
    expect(await atTerminal(`cost report ${WEEK} --by day`, 130)).toMatchInlineSnapshot(`
      "Cost, 2026-01-05 to 2026-01-11
      TENANT             USD  SHARE    CPU  MEMORY     GPU                                            BY DAY
      beta            222.60   75 %  12.60    0.00  210.00  ████████████████████████████████████████  ▁▁▁▅███
      acme             73.92   25 %  67.20    6.72    0.00  █████████████▎                            ███████
      gone (deleted)    0.48   <1 %   0.00    0.48    0.00  ▏                                         ▁▁▁▁▁██
      eng              <0.01   <1 %  <0.01    0.00    0.00  ▏                                         ▁▁▁▁▁▁█
      total           297.00  100 %  79.80    7.20  210.00                                            ▂▂▂▅███
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('fits into a narrow terminal, and into one of ASCII', async () => {
    expect(await atTerminal(`cost report ${WEEK} --by day`, 40, false)).toMatchInlineSnapshot(`
      "Cost, 2026-01-05 to 2026-01-11
      TENANT             USD  SHARE  BY DAY
      beta            222.60   75 %  ___=###
      acme             73.92   25 %  #######
      gone (deleted)    0.48   <1 %  _____##
      eng              <0.01   <1 %  ______#
      total           297.00  100 %  ...=###
      ! on ~/data/hodei/hodei.db"
    `);
    for (const columns of [30, 36, 40, 60, 80, 120, 300]) {
      for (const flags of ['', '--by day', '--by day --last 300d', '--group job', '--tree']) {
        const time = flags.includes('--last') ? '' : WEEK;
        const { out } = await home.run(`cost report ${time} ${flags}`.trim().split(/ +/), {
          ...{ isTerminal: true, columns },
        });
        expect(out).toContain('total');
        for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('shows the tree, each with what is below it', async () => {
    expect(await atTerminal(`cost report ${WEEK} --tree`, 60)).toMatchInlineSnapshot(`
      "Cost, 2026-01-05 to 2026-01-11
      TENANT             USD  SHARE
      beta            222.60   75 %  █████████████████████████████
      eng              73.92   25 %  █████████▋
        acme           73.92   25 %  █████████▋
      gone (deleted)    0.48   <1 %  ▏
      total           297.00  100 %
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('names the values of a label, and what has none', async () => {
    expect(await atTerminal(`cost report ${WEEK} --group label:team`, 60)).toMatchInlineSnapshot(`
      "Cost, 2026-01-05 to 2026-01-11
      TEAM                USD  SHARE
      ml & co          222.60   75 %  ████████████████████████████
      web               73.92   25 %  █████████▎
      (no label team)    0.48   <1 %  ▏
      total            297.00  100 %
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('sums up the rows that it leaves out, and says so', async () => {
    expect(await atTerminal(`cost report ${WEEK} --group job --limit 2`, 60))
      .toMatchInlineSnapshot(`
      "Cost, 2026-01-05 to 2026-01-11
      JOB            USD  SHARE
      beta:b      222.60   75 %  █████████████████████████████████
      acme:a       73.92   25 %  ███████████
      (2 others)    0.48   <1 %
      total       297.00  100 %
      ! on ~/data/hodei/hodei.db
      ! These are 2 of 4 rows: --limit 4 for more."
    `);
  });

  it('is of one tenant, or one pool', async () => {
    const { out } = await home.run(`cost report ${WEEK} --tenant eng --pool spot`, {
      isTerminal: true,
    });
    expect(out.split('\n')[0]).toBe('Cost of eng in pool spot, 2026-01-05 to 2026-01-11');
    expect(out).toContain('<0.01');
  });

  it('says in words which time it is about', () => {
    const now = Date.parse('2026-11-24T09:20:00Z');
    const say = (from: string, to: string) =>
      sayRange({ from: new Date(from).toISOString(), to: new Date(to).toISOString() }, now);
    expect(say('2026-02-01', '2026-03-01')).toBe('February 2026');
    expect(say('2026-11-01', '2026-12-01')).toBe('November 2026 so far');
    expect(say('2026-02-03', '2026-02-04')).toBe('2026-02-03');
    expect(say('2026-11-24', '2026-11-25')).toBe('2026-11-24 so far');
    expect(say('2026-11-20', '2026-11-27')).toBe('2026-11-20 to 2026-11-26 so far');
    expect(say('2026-11-23T10:00Z', '2026-11-24T10:00Z')).toBe('2026-11-23 10:00 UTC until now');
    expect(say('2026-02-03T08:00Z', '2026-02-04')).toBe('2026-02-03 08:00 UTC to 2026-02-04');
  });

  it('says so where nothing was used', async () => {
    expect(await atTerminal('cost report --month 2025-02')).toMatchInlineSnapshot(`
      "! on ~/data/hodei/hodei.db
      ! Nothing was used: February 2025."
    `);
  });
});

describe('cost report for programs', () => {
  it('is separated by tabs, with exact amounts', async () => {
    expect(await hodei(`cost report ${WEEK}`)).toMatchInlineSnapshot(`
      "beta	222.60	75 %
      acme	73.92	25 %
      gone (deleted)	0.48	<1 %
      eng	0.000028	<1 %"
    `);
    expect(await hodei(`cost report ${WEEK} -o name --tree`)).toMatchInlineSnapshot(`
      "beta
      eng
      acme
      tenant-…"
    `);
  });

  it('as CSV has a row for each name, or for each name and time', async () => {
    const csv = async (flags: string) => {
      const { out } = await home.run(`cost report ${flags} -o csv`);
      return out.replace(/job-[0-9a-z]{21}/g, 'job-…');
    };
    expect(await csv(`${WEEK} --group job`)).toMatchInlineSnapshot(`
      "name,tenant,id,kind,begins_at,cost,currency,cpu_m_cost,cpu_m_unit_hours,memory_mb_cost,memory_mb_unit_hours,gpu_cost,gpu_unit_hours,jobs_cost,jobs_unit_hours
      b,beta,job-…,named,2026-01-05T00:00:00.000Z,222.60,USD,12.60,252,0.00,0,210.00,84,0.00,84
      a,acme,job-…,named,2026-01-05T00:00:00.000Z,73.92,USD,67.20,1344,6.72,672,0.00,0,0.00,168
      job-…,gone,job-…,named,2026-01-05T00:00:00.000Z,0.48,USD,0.00,0,0.48,48,0.00,0,0.00,48
      c,eng,job-…,named,2026-01-05T00:00:00.000Z,0.000028,USD,0.000028,0.000556,0.00,0,0.00,0,0.00,0.000278"
    `);
    expect(await csv('--from 2026-01-11 --to 2026-01-13 --group pool --by day'))
      .toMatchInlineSnapshot(`
      "name,id,kind,begins_at,cost,currency
      spot,,named,2026-01-11T00:00:00.000Z,63.840028,USD
      spot,,named,2026-01-12T00:00:00.000Z,66.24,USD
      default,,named,2026-01-11T00:00:00.000Z,10.56,USD
      default,,named,2026-01-12T00:00:00.000Z,10.56,USD"
    `);
  });

  it('takes days for those of UTC', async () => {
    const report = async (TZ: string) =>
      (await home.run(`cost report ${WEEK} --json`, { env: { TZ } })).out;
    expect(await report('Asia/Kolkata')).toBe(await report('UTC'));
  });

  it('as JSON is what REST answers', async () => {
    const { out } = await home.run(`cost report ${WEEK} --by week --json`);
    expect(JSON.parse(out)).toMatchObject({
      ...{ currency: 'USD', group: 'tenant', rows_in_all: 4 },
      periods: [{ begins_at: '2026-01-05T00:00:00.000Z' }],
    });
  });
});

it.each([
  'cost report --group tenat',
  'cost report --group label:',
  'cost report --group xyz',
  'cost report --month 2026-13',
  'cost report --last 30',
  'cost report --month 2026-11 --last 30d',
  'cost report --from 2026-11-01T09:30Z',
  'cost report --group pool --tree',
  'cost report --tenant amce',
  'cost repot',
])('refuses %s', async (line) => {
  const { out, err, code } = await home.run(line);
  expect(out).toBe('');
  expect(code).not.toBe(0);
  expect(err).toMatchSnapshot();
});
