import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 79 --memory 446Gi --gpu 12');
  await home.run('pool create gpu --cpu 9 --memory 18Gi --gpu 2 --max-size 4');
});
afterEach(() => home.remove());

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);
const atTerminal = { isTerminal: true };

/** Jobs of acme's in the pool; what finds no room waits. */
async function ask(jobs: readonly string[], amounts: string): Promise<void> {
  for (const job of jobs) {
    await home.run(`job admit --tenant acme --pool gpu --id ${job} --on-full queue ${amounts}`);
  }
}

describe('pool create', () => {
  it('says what there is now, in units that people use', async () => {
    expect(await hodei('pool create a --cpu 9 --memory 18Gi --gpu 2 --max-size 4')).toBe(
      'Created pool a: 4 workers of 9 cores, 18 GiB, 2 GPU.',
    );
    expect(await hodei('pool create b')).toBe('Created pool b: 1 worker, without limits.');
    expect(
      await hodei('pool create c --type dynamic --min-size 0 --max-size 50 --size 2 --cpu-m 500'),
    ).toBe('Created pool c: 2 workers (0 to 50) of 0.5 cores.');
    expect(
      await hodei('pool create d --max-concurrent-jobs 20 --max-jobs-per-tenant 1 --gpu unlimited'),
    ).toBe('Created pool d: 1 worker, at most 20 jobs, at most 1 job of each tenant.');
    expect(await hodei('pool create e --set gpu=2 --set jobs=7 --memory-mb 512 --dry-run')).toBe(
      'Would create pool e: 1 worker of 512 MiB, 2 GPU, at most 7 jobs. Nothing was changed.',
    );
    expect(await hodei('pool list -o name')).toBe('a\nb\nc\nd\ndefault\ngpu');
  });

  it('answers with the REST body where JSON is asked for', async () => {
    const line = 'pool create a --name A --provider aws --cpu 1 --max-jobs-per-tenant 3 --json';
    const { out } = await home.run(line);
    expect(JSON.parse(out)).toMatchObject({
      ...{ id: 'a', name: 'A', provider: 'aws', type: 'static', resources: { cpu_m: 1_000 } },
      quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: 3 },
    });
  });

  it.each([
    'pool create',
    'pool create gpu',
    'pool create GPU',
    'pool create a --jobs 3',
    'pool create a --cpus 3',
    'pool create a --cpu +3',
    'pool create a --set gpu=-3',
    'pool create a --set gpus=3',
    'pool create a --set gpu',
    'pool create a --cpu 3 --cpu-m 500',
    'pool create a --memory 4',
    'pool create a --memory 16G',
    'pool create a --max-size many',
    'pool create a --type elastic',
    'pool create a --max-size 4 --size 2',
    'pool create a --min-size 2',
    'pool create a --max-concurrent-jobs some',
    'pool crate a',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('pool get', () => {
  it('shows what there is, used, free and promised, and the fullest in one line', async () => {
    await ask(['a', 'b', 'c'], '--cpu 4 --memory 17Gi');
    await ask(['d'], '--cpu 30');
    expect(await hodei('pool get gpu', atTerminal)).toMatchInlineSnapshot(`
      "gpu  active, static, 4 workers, 3 jobs run, 1 waits
      RESOURCE  CAPACITY   USED  FREE       PROMISED  USE
      cpu       36 cores   12    24         219 %     ████░░░░░░░░  33 %
      memory    72 GiB     51    21         619 %     ████████░░░░  70 %
      gpu       8          0     8          150 %     ░░░░░░░░░░░░   0 %
      jobs      unlimited  3     unlimited  -         -
      limits 619 %, used 70 %
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('pool get gpu')).toMatchInlineSnapshot(`
      "cpu	36 cores	12	24	219 %	33 %
      memory	72 GiB	51	21	619 %	70 %
      gpu	8	0	8	150 %	0 %
      jobs	unlimited	3	unlimited	-	-"
    `);
    expect(await hodei('pool get gpu -o csv')).toMatchInlineSnapshot(`
      "resource,capacity,used,free,promised,use
      cpu_m,36000,12000,24000,219,33
      memory_mb,73728,52224,21504,619,70
      gpu,8,0,8,150,0
      max_concurrent_jobs,unlimited,3,unlimited,,"
    `);
  });

  it('says what limits nothing, what is held, and what is promised without end', async () => {
    await hodei('pool hold gpu');
    await hodei('quota set acme --gpu unlimited');
    await hodei('pool update gpu --name "GPU farm" --type dynamic --max-size 4 --size 1');
    const [heading, ...lines] = (await hodei('pool get gpu', atTerminal)).split('\n');
    expect(heading).toBe(
      'gpu (GPU farm)  held, nothing left to drain, dynamic, 1 worker (1 to 4), none waits',
    );
    expect(lines.at(-2)).toBe('limits unlimited, used 0 %');
    await hodei('pool update gpu --min-size 0 --size 0');
    expect((await hodei('pool get gpu', atTerminal)).split('\n').at(-2)).toBe(
      'limits unlimited, used 0 %',
    );
    await hodei('quota set acme --gpu 1');
    expect((await hodei('pool get gpu', atTerminal)).split('\n').at(-2)).toBe('limits -, used 0 %');
    const [, ...unlimited] = (await hodei('pool get default', atTerminal)).split('\n');
    expect(unlimited.join('\n')).not.toContain('limits');
  });

  it('shows several as rows, and goes on after one that is not there', async () => {
    expect(await hodei('pool get gpu gpus default')).toMatchInlineSnapshot(`
      "gpu	active	static	4	0 of 36 cores	0 of 72 GiB	0 of 8	0	0
      default	active	static	1	0 cores	0 MiB	0	0	0
      ! hodei: Pool not found: gpus
      !        Did you mean gpu?
      exit 3"
    `);
    expect(await hodei('pool get gpu -o name')).toBe('gpu');
    const { out } = await home.run('pool get gpu --json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ id: 'gpu', capacity: { cpu_m: 36_000 }, promised: { cpu_m: 79_000 }, version: 1 },
    });
  });
});

describe('pool list', () => {
  it('shows used of what each pool has, and what runs and waits', async () => {
    await hodei('pool update gpu --max-concurrent-jobs 3');
    await ask(['a', 'b', 'c', 'd'], '--cpu 4 --memory 17Gi');
    await hodei('pool create spot --type dynamic --max-size 9 --cpu 2');
    await hodei('pool hold spot');
    expect(await hodei('pool list', atTerminal)).toMatchInlineSnapshot(`
      "POOL     STATUS  TYPE     SIZE        CPU             MEMORY        GPU     JOBS    WAITING
      default  active  static   1           0 cores         0 MiB         0       0       0
      gpu      active  static   4           12 of 36 cores  51 of 72 GiB  0 of 8  3 of 3  1
      spot     held    dynamic  1 (1 to 9)  0 of 2 cores    0 MiB         0       0       0
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('pool list --limit 1')).toMatchInlineSnapshot(`
      "default	active	static	1	0 cores	0 MiB	0	0	0
      ! There are more: --cursor WyJwb29sIiwiZGVmYXVsdCJd for the next page, or --all"
    `);
  });
});

describe('pool update', () => {
  it('says what changed, each unit once', async () => {
    expect(await hodei('pool update gpu --max-size 2')).toBe('gpu: 4 → 2 workers.');
    expect(await hodei('pool update gpu --cpu 12 --memory 24Gi --gpu unlimited')).toBe(
      'gpu: cpu 9 → 12 cores, memory 18 → 24 GiB, gpu 2 → unlimited a worker.',
    );
    expect(await hodei('pool update gpu --type dynamic --min-size 0 --max-size 9')).toBe(
      'gpu: type static → dynamic, min_size 1 → 0, max_size 2 → 9.',
    );
    expect(
      await hodei('pool update gpu --size 5 --max-concurrent-jobs 20 --max-jobs-per-tenant 3'),
    ).toBe('gpu: 2 → 5 workers, jobs unlimited → 20, jobs unlimited → 3 of each tenant.');
    expect(await hodei('pool update gpu --name "GPU farm" --provider aws')).toBe(
      'gpu: name gpu → GPU farm, provider - → aws.',
    );
    expect(await hodei('pool update gpu --no-provider --max-concurrent-jobs unlimited')).toBe(
      'gpu: provider aws → -, jobs 20 → unlimited.',
    );
    expect(await hodei('pool update gpu default --size 5 --type dynamic --max-size 9'))
      .toMatchInlineSnapshot(`
      "gpu: nothing to change, it is so already.
      default: type static → dynamic, 1 → 5 workers, max_size 1 → 9."
    `);
  });

  it('keeps what a worker has of what is not named', async () => {
    await hodei('pool update gpu --gpu 4');
    const { out } = await home.run('pool get gpu --json');
    expect(JSON.parse(out)).toMatchObject({
      resources: { cpu_m: 9_000, memory_mb: 18_432, gpu: 4 },
    });
  });

  it('says who would be over, and changes nothing', async () => {
    await ask(['a', 'b', 'c'], '--cpu 8 --memory 1Gi');
    expect(await hodei('pool update gpu --max-size 2 --dry-run')).toMatchInlineSnapshot(`
      "Would set gpu: 4 → 2 workers. Nothing was changed.
      gpu would be over by 6 cores: its jobs keep running, nothing new starts until that is released."
    `);
    expect(await hodei('pool update gpu --max-size 2 --max-concurrent-jobs 1'))
      .toMatchInlineSnapshot(`
      "gpu: 4 → 2 workers, jobs unlimited → 1.
      gpu is over by 6 cores and 2 jobs: its jobs keep running, nothing new starts until that is released."
    `);
  });

  it('says which jobs start, the first five by name', async () => {
    await hodei('pool update gpu --max-concurrent-jobs 1');
    await ask(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], '--cpu 1');
    expect(await hodei('pool update gpu --max-concurrent-jobs 3 --dry-run')).toMatchInlineSnapshot(`
      "Would set gpu: jobs 1 → 3. Nothing was changed.
      Would start: b of acme.
      Would start: c of acme."
    `);
    expect(await hodei('pool update gpu --max-concurrent-jobs unlimited')).toMatchInlineSnapshot(`
      "gpu: jobs 1 → unlimited.
      Started: b of acme.
      Started: c of acme.
      Started: d of acme.
      Started: e of acme.
      Started: f of acme.
      and 2 more jobs."
    `);
  });

  it.each([
    'pool update',
    'pool update gpu',
    'pool update gup --max-size 2',
    'pool update gpu --size 2',
    'pool update gpu --min-size 9',
    'pool update gpu --cpu +1',
    'pool update gpu --max-size 2 --if-version 9',
    'pool update gpu --gpu 1 --if-version 9',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('pool hold and resume', () => {
  it('say what runs on, and what starts', async () => {
    await ask(['a'], '--cpu 1');
    expect(await hodei('pool hold gpu --dry-run')).toBe(
      'Would hold gpu: 1 job left to drain, nothing new starts. Nothing was changed.',
    );
    expect(await hodei('pool hold gpu default')).toMatchInlineSnapshot(`
      "Held gpu: 1 job left to drain, nothing new starts.
      Held default: nothing left to drain, nothing new starts."
    `);
    await ask(['b'], '--cpu 1');
    expect(await hodei('pool resume gpu --dry-run')).toMatchInlineSnapshot(`
      "gpu would be active. Nothing was changed.
      Would start: b of acme."
    `);
    expect(await hodei('pool resume gpu')).toMatchInlineSnapshot(`
      "gpu is active.
      Started: b of acme."
    `);
  });
});

describe('pool delete', () => {
  it('asks first, and keeps everything where the answer is no', async () => {
    const no = { isTerminal: true, answer: false };
    expect(await hodei('pool delete gpu', no)).toMatchInlineSnapshot(`
      "! on ~/data/hodei/hodei.db
      ! ? Delete pool gpu?
      ! Nothing was changed."
    `);
    expect(await hodei('pool delete gpu')).toMatchInlineSnapshot(`
      "! hodei: Delete pool gpu? Nobody is here to answer.
      !        Say it beforehand with --yes.
      exit 2"
    `);
    expect(await hodei('pool list -o name')).toBe('default\ngpu');
  });

  it('deletes what it can, and says why not the rest', async () => {
    await hodei('pool create spot');
    await ask(['a', 'b'], '--cpu 1');
    expect(await hodei('pool delete gpu --dry-run')).toMatchInlineSnapshot(`
      "! hodei: 2 jobs live in pool gpu, such as b of acme.
      !        Let nothing new start, then release or cancel them: hodei pool hold gpu
      exit 5"
    `);
    expect(await hodei('pool delete gpu spot sopt default --yes')).toMatchInlineSnapshot(`
      "Deleted pools spot and default.
      ! hodei: Pool not found: sopt
      !        Did you mean spot?
      ! hodei: 2 jobs live in pool gpu, such as b of acme.
      !        Let nothing new start, then release or cancel them: hodei pool hold gpu
      exit 3"
    `);
    for (const job of ['a', 'b']) await hodei(`job release acme:${job}`);
    expect(await hodei('pool delete gpu --yes')).toMatchInlineSnapshot(`
      "! hodei: gpu is the last pool there is, and every job runs in one.
      !        Create another one first: hodei pool create …
      exit 5"
    `);
  });
});
