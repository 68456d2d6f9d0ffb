import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';
import { onFile } from '../helpers/store.ts';
import { fakeTime } from '../helpers/waiting.ts';

let home: CliHome;

/** So that what takes no time takes none on any machine. */
const host = () => ({ time: fakeTime().time });

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, { host, ...options });
const atTerminal = (line: string, answer?: boolean) =>
  hodei(line, { isTerminal: true, ...(answer !== undefined && { answer }) });

beforeEach(async () => {
  home = newCliHome();
  await hodei('tenant create eng --email e@eng.example --cpu 40 --memory 10Gi --gpu 8');
  await hodei('tenant create acme --email e@acme.example --parent eng --label tier=gold');
  await hodei('tenant create beta --email e@beta.example --cpu unlimited');
  await hodei('pool create spot --max-size 4');
});
afterEach(() => home.remove());

async function startJobs(): Promise<void> {
  await hodei('job admit --tenant acme --pool default --cpu 1.5 --memory 512Mi --id a');
  await hodei('job admit --tenant acme --pool spot --cpu 0.5 --id b');
  await hodei('job admit --tenant beta --pool spot --cpu 3 --memory 8Gi --id c');
}

/** Past hodei. */
function harm(sql: string): void {
  onFile(home.database, (connection) => connection.exec(sql));
}

const spoilTwo = () =>
  harm(
    `update balance set used = used + 1500
       where resource = (select id from resource where name = 'cpu_m') and
         scope = (select s.id from scope s join tenant t on t.id = s.tenant
                  where t.name = 'eng' and s.pool is null);
     delete from balance where resource = (select id from resource where name = 'jobs') and
       scope = (select s.id from scope s join pool p on p.id = s.pool
                where s.tenant is null and p.name = 'spot')`,
  );

describe('usage show', () => {
  it('has a line for each root: used of limit, with everything below it', async () => {
    await startJobs();
    expect(await atTerminal('usage show')).toMatchInlineSnapshot(`
      "TENANT  CPU                   MEMORY         GPU     JOBS
      beta    3 cores of unlimited  8 of 8 GiB     0 of 0  1 of 10
      eng     2 of 40 cores         0.5 of 10 GiB  0 of 8  2 of 10
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('of one tenant has what it holds, and the part in each pool', async () => {
    await startJobs();
    expect(await atTerminal('usage show acme')).toMatchInlineSnapshot(`
      "TENANT  CPU           MEMORY        GPU     JOBS
      acme    2 of 4 cores  0.5 of 8 GiB  0 of 0  2 of 10

      POOL     CPU        MEMORY   GPU  JOBS
      default  1.5 cores  512 MiB  0    1
      spot     0.5 cores  0 MiB    0    1
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await atTerminal('usage show eng')).toMatchInlineSnapshot(`
      "TENANT  CPU            MEMORY         GPU     JOBS
      eng     2 of 40 cores  0.5 of 10 GiB  0 of 8  2 of 10

      POOL     CPU        MEMORY   GPU  JOBS
      default  1.5 cores  512 MiB  0    1
      spot     0.5 cores  0 MiB    0    1
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('of a tenant that holds nothing has one line', async () => {
    expect(await atTerminal('usage show acme')).toMatchInlineSnapshot(`
      "TENANT  CPU           MEMORY      GPU     JOBS
      acme    0 of 4 cores  0 of 8 GiB  0 of 0  0 of 10
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('shows the tree, whole or below a tenant', async () => {
    await startJobs();
    expect(await hodei('usage show --tree')).toMatchInlineSnapshot(`
      "beta	3 cores of unlimited	8 of 8 GiB	0 of 0	1 of 10
      eng	2 of 40 cores	0.5 of 10 GiB	0 of 8	2 of 10
        acme	2 of 4 cores	0.5 of 8 GiB	0 of 0	2 of 10"
    `);
    expect(await hodei('usage show eng --tree')).toMatchInlineSnapshot(`
      "eng	2 of 40 cores	0.5 of 10 GiB	0 of 8	2 of 10
        acme	2 of 4 cores	0.5 of 8 GiB	0 of 0	2 of 10"
    `);
  });

  it('shows those with a label, a status or the beginning of a name, wherever they stand', async () => {
    await hodei('tenant suspend beta');
    expect(await hodei('usage show -l tier=gold -o name')).toBe('acme');
    expect(await hodei('usage show --status suspended -o name')).toBe('beta');
    expect(await hodei('usage show --prefix e -o name')).toBe('eng');
    expect(await hodei('usage show eng --tree -l tier=gold -o name')).toBe('eng\nacme');
    expect(await hodei('usage show eng -l tier=gold')).toMatchInlineSnapshot(`
      "! hodei: Name a tenant or select some, not both.
      !        With --tree: some below it.
      exit 2"
    `);
  });

  it('gives rows of one kind to programs, as CSV in base units', async () => {
    await startJobs();
    expect(await hodei('usage show acme')).toMatchInlineSnapshot(`
      "acme	-	2 of 4 cores	0.5 of 8 GiB	0 of 0	2 of 10
      acme	default	1.5 cores	512 MiB	0	1
      acme	spot	0.5 cores	0 MiB	0	1"
    `);
    expect(await hodei('usage show acme -o csv')).toMatchInlineSnapshot(`
      "tenant,pool,cpu_m,cpu_m_limit,memory_mb,memory_mb_limit,gpu,gpu_limit,jobs,jobs_limit
      acme,,2000,4000,512,8192,0,0,2,10
      acme,default,1500,,512,,0,,1,
      acme,spot,500,,0,,0,,1,"
    `);
    expect(await hodei('usage show -o csv')).toMatchInlineSnapshot(`
      "tenant,cpu_m,cpu_m_limit,memory_mb,memory_mb_limit,gpu,gpu_limit,jobs,jobs_limit
      beta,3000,unlimited,8192,8192,0,0,1,10
      eng,2000,40000,512,10240,0,8,2,10"
    `);
    expect(await hodei('usage show acme -o name')).toBe('acme');
  });

  it('answers in JSON what REST answers', async () => {
    await startJobs();
    const json = async (line: string) => JSON.parse((await home.run(`${line} --json`)).out);
    const acme = await json('usage show acme');
    expect(acme).toMatchObject({
      tenant: 'acme',
      total: { cpu_m: 2000, memory_mb: 512, gpu: 0, jobs: 2 },
      pools: [
        { pool: 'default', used: { cpu_m: 1500, jobs: 1 } },
        { pool: 'spot', used: { cpu_m: 500, jobs: 1 } },
      ],
      limits: { cpu_m: 4000, memory_mb: 8192, gpu: 0, jobs: 10 },
    });
    const list = await json('usage show');
    expect(list.items.map((item: { tenant: string }) => item.tenant)).toEqual(['beta', 'eng']);
    expect(await json('usage show eng --tree')).toEqual({
      items: [
        { ...(await json('usage show eng')), depth: 0 },
        { ...acme, depth: 1 },
      ],
      next_cursor: null,
    });
  });

  it('goes page by page, also below a tenant', async () => {
    for (const name of ['a1', 'a2']) {
      await hodei(`tenant create ${name} --email e@a.example --parent eng`);
    }
    const { out, err } = await home.run('usage show eng --tree --limit 2 -o name');
    expect(out).toBe('eng\na1\na2');
    const cursor = /--cursor (\S+)/.exec(err)?.[1] ?? '';
    expect(await hodei(`usage show eng --tree --cursor ${cursor}`)).toMatchInlineSnapshot(
      `"  acme	0 of 4 cores	0 of 8 GiB	0 of 0	0 of 10"`,
    );
  });

  it('says so where a tenant is over its limit or not there', async () => {
    await startJobs();
    await hodei('quota set acme --cpu 1');
    expect((await home.run('usage show acme', { isTerminal: true })).out).toContain('2 of 1 core');
    expect(await hodei('usage show amce')).toMatchInlineSnapshot(`
      "! hodei: Tenant not found: amce
      !        Did you mean acme?
      exit 3"
    `);
  });
});

describe('usage verify', () => {
  it('says in one sentence that all agree', async () => {
    expect(await hodei('usage verify')).toMatchInlineSnapshot(
      `"0 balances of 0 live jobs agree. Checked 0 rows in 0 ms."`,
    );
    await startJobs();
    expect(await hodei('usage verify')).toMatchInlineSnapshot(
      `"28 balances of 3 live jobs agree. Checked 31 rows in 0 ms."`,
    );
  });

  it('has a line for each balance that differs, then what to do, and ends with 9', async () => {
    await startJobs();
    spoilTwo();
    expect(await hodei('usage verify')).toMatchInlineSnapshot(`
      "eng: cpu is 3.5 cores and should be 2 cores
      pool spot: jobs are 0 and should be 2
      2 of 28 balances differ: hodei usage verify --repair
      exit 9"
    `);
  });

  it('says of a tenant in a pool in which one', async () => {
    await startJobs();
    harm(
      `update balance set used = 750 where resource = 1 and
         scope = (select s.id from scope s join tenant t on t.id = s.tenant
                  join pool p on p.id = s.pool where t.name = 'acme' and p.name = 'spot')`,
    );
    expect(await hodei('usage verify')).toMatchInlineSnapshot(`
      "acme in pool spot: cpu is 0.75 cores and should be 0.5 cores
      1 of 28 balances differs: hodei usage verify --repair
      exit 9"
    `);
  });

  it('says one of one', async () => {
    harm(`insert into balance values (1, 4, 2)`);
    expect(await hodei('usage verify')).toMatchInlineSnapshot(`
      "eng: jobs are 2 and should be 0
      1 of 1 balance differs: hodei usage verify --repair
      exit 9"
    `);
    expect(await hodei('usage verify --repair --yes')).toMatchInlineSnapshot(`
      "eng: jobs are 2 and should be 0
      1 balance repaired."
    `);
    expect(await hodei('usage verify')).toMatchInlineSnapshot(
      `"1 balance of 0 live jobs agrees. Checked 1 row in 0 ms."`,
    );
  });

  it('counts those that it does not list', async () => {
    await startJobs();
    harm(
      `insert into resource (name, unit, default_limit, position, retired)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
         select 'r' || i, 'count', 0, 10 + i, 1 from n;
       insert into balance select 1, id, 7 from resource where retired = 1`,
    );
    const { out, code } = await home.run('usage verify');
    const lines = out.split('\n');
    expect(lines).toHaveLength(1_002);
    expect(lines.slice(-2)).toEqual([
      'and 200 others',
      '1,200 of 1,228 balances differ: hodei usage verify --repair',
    ]);
    expect(code).toBe(9);
    const { out: repaired } = await home.run('usage verify --repair --yes');
    expect(repaired.split('\n').slice(-2)).toEqual(['and 200 others', '1,200 balances repaired.']);
  });

  it('answers in JSON what REST answers, and as CSV the differences', async () => {
    await startJobs();
    spoilTwo();
    const { out, code } = await home.run('usage verify --json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ balances: 28, jobs: 3, differences_in_all: 2 },
      differences: [
        { tenant: 'eng', pool: null, resource: 'cpu_m', used: 3500, should_be: 2000 },
        { tenant: null, pool: 'spot', resource: 'jobs', used: 0, should_be: 2 },
      ],
    });
    expect(code).toBe(9);
    expect(await hodei('usage verify -o csv')).toMatchInlineSnapshot(`
      "tenant,pool,resource,used,should_be
      eng,,cpu_m,3500,2000
      ,spot,jobs,0,2
      exit 9"
    `);
    expect(await hodei('usage verify -o name')).toMatchInlineSnapshot(`
      "eng
      spot
      exit 9"
    `);
  });
});

describe('usage verify --repair', () => {
  beforeEach(startJobs);

  it('asks, with what differs before the question, and repairs', async () => {
    spoilTwo();
    expect(await atTerminal('usage verify --repair', true)).toMatchInlineSnapshot(`
      "2 balances repaired.
      ! on ~/data/hodei/hodei.db
      ! eng: cpu is 3.5 cores and should be 2 cores
      ! pool spot: jobs are 0 and should be 2
      ! ? Repair 2 balances?"
    `);
    expect(await hodei('usage verify')).toMatchInlineSnapshot(
      `"28 balances of 3 live jobs agree. Checked 31 rows in 0 ms."`,
    );
  });

  it('ends with 9 where the answer is no, and has changed nothing', async () => {
    spoilTwo();
    expect(await atTerminal('usage verify --repair', false)).toMatchInlineSnapshot(`
      "! on ~/data/hodei/hodei.db
      ! eng: cpu is 3.5 cores and should be 2 cores
      ! pool spot: jobs are 0 and should be 2
      ! ? Repair 2 balances?
      ! Nothing was changed.
      exit 9"
    `);
    expect((await home.run('usage verify')).code).toBe(9);
  });

  it('needs --yes where nobody can be asked', async () => {
    spoilTwo();
    expect(await hodei('usage verify --repair')).toMatchInlineSnapshot(`
      "! eng: cpu is 3.5 cores and should be 2 cores
      ! pool spot: jobs are 0 and should be 2
      ! hodei: Repair 2 balances? Nobody is here to answer.
      !        Say it beforehand with --yes.
      exit 2"
    `);
    expect(await hodei('usage verify --repair --yes --reason tape')).toMatchInlineSnapshot(`
      "eng: cpu is 3.5 cores and should be 2 cores
      pool spot: jobs are 0 and should be 2
      2 balances repaired."
    `);
    expect((await home.run('audit list --operation usage.repair')).out).toMatch(
      /\tusage\.repair\t-\t2 balances\ttape$/,
    );
  });

  it('asks nobody where all agree', async () => {
    expect(await atTerminal('usage verify --repair')).toMatchInlineSnapshot(`
      "28 balances of 3 live jobs agree. Checked 31 rows in 0 ms.
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('usage verify --repair --yes')).toMatchInlineSnapshot(
      `"28 balances of 3 live jobs agree. Checked 31 rows in 0 ms."`,
    );
    expect((await home.run('audit list --operation usage.repair')).out).toBe('');
  });

  it('with --dry-run says what it would repair, and ends with 9', async () => {
    spoilTwo();
    expect(await hodei('usage verify --repair --dry-run')).toMatchInlineSnapshot(`
      "eng: cpu is 3.5 cores and should be 2 cores
      pool spot: jobs are 0 and should be 2
      Would repair 2 balances. Nothing was changed.
      exit 9"
    `);
    expect((await home.run('usage verify')).code).toBe(9);
  });

  it('answers in JSON what was repaired', async () => {
    spoilTwo();
    const { out, code } = await home.run('usage verify --repair --yes --json');
    expect(JSON.parse(out)).toMatchObject({ balances: 28, differences_in_all: 2 });
    expect(code).toBe(0);
  });
});
