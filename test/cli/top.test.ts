import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

const free = '--email a@b.example --cpu unlimited --jobs unlimited';

beforeAll(async () => {
  home = newCliHome();
  await home.run(`tenant create eng --email a@b.example --cpu 20 --jobs 30`);
  await home.run(`tenant create web ${free} --parent eng`);
  await home.run(`tenant create api ${free} --parent eng`);
  await home.run(`tenant create beta ${free}`);
  await home.run('pool create gpu --cpu 10');
  await home.run('pool create tpu --cpu 10');
  await home.run('job admit --pool gpu --tenant web --cpu 6 --id w1');
  await home.run('job admit --pool gpu --tenant api --cpu 1 --id a1');
  await home.run('job admit --pool gpu --tenant beta --cpu 3 --id b1');
  await home.run('job admit --pool tpu --tenant beta --cpu 9 --id b2');
  await home.run('job admit --pool gpu --tenant beta --cpu 4 --id b3 --on-full queue');
  await home.run('job admit --pool gpu --tenant web --cpu 2 --id w2 --on-full queue');
  await home.run('job admit --pool tpu --tenant web --cpu 2 --id w3 --on-full queue');
});
afterAll(() => home.remove());

/** What it shows, with the times as the same in every run. */
async function top(words = ''): Promise<string> {
  const { out, code } = await home.run(`top ${words}`.trim());
  expect(code).toBe(0);
  return out.replace(/\d\d:\d\d:\d\d/, 'TIME').replace(/\b\d+ s\b/g, 'AGE');
}

interface Document {
  usage: { tenants: { tenant: string }[] };
  pools: { id: string }[];
  queues: { pool: string; waiting: number }[];
  waiting: { job_id: string }[];
}

async function names(words: string): Promise<string[]> {
  const { usage, pools, queues, waiting } = JSON.parse(
    (await home.run(`top --json ${words}`.trim())).out,
  ) as Document;
  return [
    usage.tenants.map(({ tenant }) => tenant),
    pools.map(({ id }) => id),
    queues.map((queue) => `${queue.pool} ${queue.waiting}`),
    waiting.map((job) => job.job_id),
  ].map((each) => each.join(', '));
}

describe('hodei top', () => {
  it('is printed once where nobody looks at it', async () => {
    expect(await top()).toMatchInlineSnapshot(`
      "hodei top  TIME  ~/data/hodei/hodei.db
      4 jobs run, 3 wait

      TENANTS  SHARE                HOLDS MOST OF   LIMIT     RUN  CPU            MEMORY      GPU     JOBS
      beta      60 %  ███████░░░░░  12 of 20 cores  -           2  12 cores       0 of 8 GiB  0 of 0  2
      eng       35 %  ████░░░░░░░░  7 of 20 cores   35 % cpu    2  7 of 20 cores  0 of 8 GiB  0 of 0  2 of 30

      POOLS    FULLEST    RUN  WAIT  OLDEST  SIZE  STATUS  CPU             MEMORY  GPU  JOBS
      gpu      100 % cpu    3     2  AGE     1     active  10 of 10 cores  0 MiB   0    3
      tpu      90 % cpu     1     1  AGE     1     active  9 of 10 cores   0 MiB   0    1
      default  -            0     0  -       1     active  0 cores         0 MiB   0    0

      NEXT  TENANT  POOL  WAITED  ASKS FOR  WAITS FOR
      b3    beta    gpu   AGE     4 cores   4 cores in pool gpu
      w3    web     tpu   AGE     2 cores   2 cores in pool tpu
      w2    web     gpu   AGE     2 cores   2 cores in pool gpu

      BURSTS  none is active"
    `);
    expect(await top('--once')).toBe(await top());
  });

  it('is of one pool, or of one tenant and those below it', async () => {
    expect(await names('')).toEqual([
      'beta, eng',
      'default, gpu, tpu',
      'gpu 2, tpu 1',
      'b3, w3, w2',
    ]);
    expect(await names('--pool tpu')).toEqual(['beta', 'tpu', 'tpu 1', 'w3']);
    expect(await names('--tenant eng')).toEqual([
      'eng, web, api',
      'default, gpu, tpu',
      'gpu 1, tpu 1',
      'w3, w2',
    ]);
    expect(await names('--tenant beta --pool gpu')).toEqual(['beta', 'gpu', 'gpu 1', 'b3']);
  });

  it('goes on below where all stand under one', async () => {
    const other = newCliHome();
    await other.run(`tenant create company ${free}`);
    await other.run(`tenant create ops ${free} --parent company`);
    await other.run('job admit --tenant ops --cpu 1');
    const { out } = await other.run('top');
    expect(out).toMatch(/^ops .*\ncompany in all /m);
    other.remove();
  });

  it('does without pools where they are switched off', async () => {
    const other = newCliHome();
    await other.run(`tenant create ops ${free}`);
    await other.run('config init');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(other.config, 'resource_pools:\n  enabled: false\n');
    await other.run('config apply');
    await other.run('job admit --tenant ops --cpu 1');
    const { out, code } = await other.run('top');
    expect(code).toBe(0);
    expect(out).toContain('POOLS  there are none');
    expect(out).toMatch(/^ops +100 %/m);
    other.remove();
  });

  it.each([
    ['--tenant nobody', 3, 'Tenant not found: nobody'],
    ['--pool none', 3, 'Pool not found: none'],
    ['-o csv', 2, 'never csv'],
    ['--interval 5', 2, 'Say 5s'],
    ['--interval 2d', 2, 'The longest is 1d.'],
    ['--db nowhere.db', 7, 'nowhere.db'],
  ])('%s ends with %i', async (words, code, said) => {
    const ran = await home.run(`top ${words}`);
    expect(ran).toMatchObject({ out: '', code });
    expect(ran.err).toContain(said);
  });
});
