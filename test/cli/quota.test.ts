import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create eng --email eng@acme.example --cpu 40 --memory 10Gi --gpu 8');
  await home.run('tenant create acme --email ops@acme.example --parent eng --label tier=gold');
});
afterEach(() => home.remove());

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);

/** Jobs do not exist yet, so what is used is written as they will write it. */
function use(tenant: string, resource: string, used: number): void {
  const connection = new Sqlite(home.database);
  connection
    .prepare(
      `insert into balance (scope, resource, used)
       select s.id, r.id, ? from scope s join tenant t on t.id = s.tenant, resource r
       where t.name = ? and r.name = ?`,
    )
    .run(used, tenant, resource);
  connection.close();
}

describe('quota get', () => {
  it('shows limit, used, free, per cent, and who above binds first', async () => {
    use('acme', 'cpu_m', 1500);
    use('acme', 'jobs', 3);
    use('eng', 'memory_mb', 8192);
    expect(await hodei('quota get acme')).toMatchInlineSnapshot(`
      "cpu	4 cores	1.5	2.5	37 %	
      memory	8 GiB	0	8	0 %	eng leaves 2
      gpu	0	0	0	0 %	
      jobs	10	3	7	30 %	"
    `);
    expect(await hodei('quota get acme', { isTerminal: true })).toMatchInlineSnapshot(`
      "RESOURCE  LIMIT    USED  FREE  USE                 NOTE
      cpu       4 cores  1.5   2.5   ████░░░░░░░░  37 %
      memory    8 GiB    0     8     ░░░░░░░░░░░░   0 %  eng leaves 2
      gpu       0        0     0     ░░░░░░░░░░░░   0 %
      jobs      10       3     7     ████░░░░░░░░  30 %
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('says by how much a tenant is over', async () => {
    use('acme', 'cpu_m', 1500);
    expect(await hodei('quota set acme --cpu 1 --dry-run')).toMatchInlineSnapshot(`
      "Would set acme: cpu 4 → 1 core. Nothing was changed.
      acme: cpu over by 0.5 cores; what runs keeps running, nothing new starts until that is released."
    `);
    expect(await hodei('quota set acme --cpu 1')).toMatchInlineSnapshot(`
      "acme: cpu 4 → 1 core.
      acme: cpu over by 0.5 cores; what runs keeps running, nothing new starts until that is released."
    `);
    expect(await hodei('quota get acme')).toMatchInlineSnapshot(`
      "cpu	1 core	1.5	over by 0.5 cores	150 %	
      memory	8 GiB	0	8	0 %	
      gpu	0	0	0	0 %	
      jobs	10	0	10	0 %	"
    `);
  });

  it('tells unlimited, zero and unset apart', async () => {
    await hodei('quota set acme --cpu unlimited --jobs 0');
    await hodei('quota unset acme gpu');
    expect(await hodei('quota get acme')).toMatchInlineSnapshot(`
      "cpu	unlimited	0 cores	unlimited	-	eng leaves 40 cores
      memory	8 GiB	0	8	0 %	
      gpu	0	0	0	0 %	default
      jobs	0	0	0	0 %	"
    `);
  });

  it('gives base units as CSV, and several tenants as rows', async () => {
    expect(await hodei('quota get acme -o csv')).toMatchInlineSnapshot(`
      "resource,limit,used,free,use,note
      cpu_m,4000,0,4000,0,
      memory_mb,8192,0,8192,0,
      gpu,0,0,0,0,
      max_concurrent_jobs,10,0,10,0,"
    `);
    expect(await hodei('quota get acme eng')).toMatchInlineSnapshot(`
      "acme	0 of 4 cores	0 of 8 GiB	0 of 0	0 of 10
      eng	0 of 40 cores	0 of 10 GiB	0 of 8	0 of 10"
    `);
  });
});

describe('quota of a tenant that is lent something', () => {
  /** A moment that stands still, so that what is left of a session is known. */
  const at = (minutes: number): RunOptions => ({
    host: ({ time }) => ({ time: { ...time, now: () => began + minutes * 60_000 } }),
  });
  let began: number;

  beforeEach(async () => {
    const config = join(home.folder, 'free.yaml');
    writeFileSync(config, 'burst_capacity: { approval: { auto_approve_threshold: 150 } }\n');
    await home.run(['config', 'apply', '--config', config]);
    const asked = 'burst request acme --to 140% --resource cpu,memory --for 2h --reason x --json';
    const { starts_at: start } = JSON.parse((await home.run(asked)).out) as { starts_at: string };
    began = Date.parse(start);
    await home.run('job admit --tenant acme --cpu 5 --memory 1Gi');
  });

  it('shows base and what is in force, until when, and what is free of that', async () => {
    const quota = await hodei('quota get acme', at(108));
    expect(quota.replace(/until (TIME|\d\d:\d\d)/g, 'until HH:MM')).toMatchInlineSnapshot(`
      "cpu	4 cores	5	0.6	89 %	5.6 until HH:MM (12 min left)
      memory	8 GiB	1	10444 MiB	8 %	11468 MiB until HH:MM (12 min left), eng leaves 9
      gpu	0	0	0	0 %	
      jobs	10	1	9	10 %	"
    `);
    expect(await hodei('quota get acme -o csv')).toMatchInlineSnapshot(`
      "resource,limit,used,free,use,note
      cpu_m,4000,5000,600,89,5600 until TIME
      memory_mb,8192,1024,10444,8,"11468 until TIME, eng leaves 9"
      gpu,0,0,0,0,
      max_concurrent_jobs,10,1,9,10,"
    `);
  });

  it('says it in lists, and in what it uses', async () => {
    expect(await hodei('quota list --parent eng')).toMatchInlineSnapshot(
      `"acme	5 of 5.6 cores, lent	1024 of 11468 MiB, lent	0 of 0	1 of 10"`,
    );
    expect(await hodei('usage show acme')).toContain('5 of 5.6 cores');
  });

  it('counts what it is over by from what is in force', async () => {
    expect(await hodei('quota set acme --cpu 3')).toMatchInlineSnapshot(`
      "acme: cpu 4 → 3 cores.
      acme: cpu over by 0.8 cores; what runs keeps running, nothing new starts until that is released."
    `);
  });
});

describe('quota set', () => {
  it('says what changed, with the unit once', async () => {
    expect(await hodei('quota set acme --cpu 6 --memory 12Gi --gpu +2')).toMatchInlineSnapshot(`
      "acme: cpu 4 → 6 cores, memory 8 → 12 GiB, gpu 0 → 2.
      ! Note: eng above it has 10 GiB of memory, so acme cannot use all of its 12."
    `);
    expect(await hodei('quota set acme --cpu-m 500 --memory-mb 8200 --set jobs=unlimited'))
      .toMatchInlineSnapshot(`
      "acme: cpu 6 → 0.5 cores, memory 12288 → 8200 MiB, jobs 10 → unlimited.
      ! Note: eng above it has 10 jobs, so acme cannot use more."
    `);
    expect(await hodei('quota set acme --gpu -1 --jobs 5')).toMatchInlineSnapshot(
      `"acme: gpu 2 → 1, jobs unlimited → 5."`,
    );
    expect(await hodei('quota set acme --gpu 1')).toMatchInlineSnapshot(
      `"acme: nothing to change, it is so already."`,
    );
  });

  it('sets all with a label, and goes on after one that fails', async () => {
    expect(await hodei('quota set -l tier=gold --jobs 20')).toMatchInlineSnapshot(`
      "acme: jobs 10 → 20.
      ! Note: eng above it has 10 jobs, so acme cannot use all of its 20."
    `);
    expect(await hodei('quota set acme egn eng --gpu -1')).toMatchInlineSnapshot(`
      "eng: gpu 8 → 7.
      ! hodei: acme: gpu is 0 and cannot become 1 less.
      ! hodei: Tenant not found: egn
      !        Did you mean eng?
      exit 2"
    `);
    expect(await hodei('quota set -l tier=none --jobs 20')).toMatchInlineSnapshot(
      `"! No tenant has tier=none."`,
    );
  });

  it('answers with the REST body where JSON is asked for', async () => {
    const { out } = await home.run('quota set acme --memory 16Gi --json');
    expect(JSON.parse(out)).toMatchObject({
      memory_mb: 16384,
      changes: [{ resource: 'memory_mb', before: 8192, after: 16384 }],
      warnings: [{ resource: 'memory_mb', tenant: 'eng', limit: 10240 }],
    });
  });

  it.each([
    'quota set acme',
    'quota set --cpu 6',
    'quota set acme --memory 16G',
    'quota set acme --memory 4',
    'quota set acme --cpu 0.0005',
    'quota set acme --cpu lots',
    'quota set acme --cpu -100',
    'quota set acme --set licence=3',
    'quota set acme --set cpu=3',
    'quota set acme --set licence',
    'quota set acme --cpu 9007199254740992',
    'quota set acme --cpu 1 --if-version 9',
    'quota set amce --cpu 1',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('quota unset', () => {
  it('takes names as people say them, and says what holds now', async () => {
    expect(await hodei('quota unset acme cpu memory jobs')).toMatchInlineSnapshot(`
      "acme: cpu 4 → 0 cores, the default.
      acme: memory 8192 → 0 MiB, the default.
      acme: jobs 10 → 0, the default."
    `);
    expect(await hodei('quota unset acme cpu')).toMatchInlineSnapshot(
      `"acme: nothing to change, it is so already."`,
    );
    expect(await hodei('quota unset acme cup')).toMatchInlineSnapshot(`
      "! hodei: There is no resource "cup".
      !        There are: cpu_m, memory_mb, gpu, max_concurrent_jobs.
      exit 2"
    `);
  });
});

describe('quota list', () => {
  it('shows used of limit, the fullest first where that is asked for', async () => {
    await home.run('tenant create idle --email idle@acme.example');
    use('acme', 'cpu_m', 3600);
    use('eng', 'cpu_m', 4000);
    expect(await hodei('quota list')).toMatchInlineSnapshot(`
      "acme	3.6 of 4 cores	0 of 8 GiB	0 of 0	0 of 10
      eng	4 of 40 cores	0 of 10 GiB	0 of 8	0 of 10
      idle	0 of 4 cores	0 of 8 GiB	0 of 0	0 of 10"
    `);
    expect(await hodei('quota list --sort used -o name')).toBe('acme\neng');
    expect(await hodei('quota list --over 80% -o name')).toBe('acme');
    expect(await hodei('quota list --over 90 -o name')).toBe('');
    expect(await hodei('quota list --over most')).toMatchInlineSnapshot(`
      "! hodei: A per cent is expected, such as 80%: "most"
      exit 2"
    `);
  });
});

describe('quota history and audit list', () => {
  it('wrap their longest column rather than leave the terminal', async () => {
    const reason = 'one word after another '.repeat(10).trim();
    await hodei(`quota set acme --cpu 6 --reason "${reason}"`);
    const { out } = await home.run('quota history acme', { isTerminal: true });
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(out.replace(/\s+/g, ' ')).toContain('one word after another one word');
  });

  it('say who changed what, when and why', async () => {
    await home.run([
      'quota',
      'set',
      'acme',
      '--cpu',
      '6',
      '--reason',
      'release week',
      '--as',
      'ci',
    ]);
    await hodei('quota unset acme gpu');
    await hodei('tenant update acme --weight 2');
    const who = /^(TIME\t)[^\t]+?( \(as ci\))?\t/gm;
    const history = (await hodei('quota history acme')).replace(who, '$1WHO$2\t');
    expect(history).toMatchInlineSnapshot(`
      "TIME	WHO	gpu 0 → unset	
      TIME	WHO (as ci)	cpu 4 → 6 cores	release week
      TIME	WHO	under eng, cpu 4 cores, memory 8 GiB, gpu 0, jobs 10	"
    `);
    const audit = (await hodei('audit list --tenant acme --limit 1')).replace(
      /TIME\t[^\t]+/,
      'TIME\tWHO',
    );
    expect(audit).toMatchInlineSnapshot(`
      "6	TIME	WHO	tenant.update	acme	weight 1 → 2	
      ! There are more: --cursor WyJzZXF1ZW5jZSIsNl0 for the next page, or --all"
    `);
    expect(await hodei('audit list --operation quota.set -o name')).toBe('4');
    expect(await hodei('audit list --since yesterday')).toMatchInlineSnapshot(`
      "! hodei: A time is expected, such as 2026-11-01 or 2026-11-01T09:00: "yesterday"
      exit 2"
    `);
  });
});
