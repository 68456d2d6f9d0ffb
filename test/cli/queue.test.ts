import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

const unlimited = '--email a@b.example --cpu unlimited --memory unlimited --jobs unlimited';

beforeEach(async () => {
  home = newCliHome();
  await home.run(`tenant create eng ${unlimited}`);
  await home.run(`tenant create web ${unlimited} --parent eng`);
  await home.run(`tenant create api ${unlimited} --parent eng`);
  await home.run(`tenant create beta ${unlimited} --weight 2`);
  await home.run('pool create gpu --cpu 20');
});
afterEach(() => home.remove());

/** What a command line shows, with times and ids as the same in every run. */
async function hodei(line: string, options?: RunOptions): Promise<string> {
  const text = await shownBy(home, line, options);
  return text
    .replace(/\bjob-[0-9a-z]{12,}/g, 'job-…')
    .replace(/\b(waited|for|after) \d+ s\b/g, '$1 AGE')
    .replace(/\b\d+ s$/gm, 'AGE');
}

const atTerminal = { isTerminal: true };

async function ask(tenant: string, cpu: number, job: string, more = ''): Promise<void> {
  const line = `job admit --pool gpu --tenant ${tenant} --cpu ${cpu} --id ${job} --on-full queue`;
  await home.run(`${line} ${more}`.trim());
}

async function fill(): Promise<void> {
  await ask('web', 8, 'w0');
  await ask('api', 5, 'a0');
  await ask('beta', 6, 'b0');
  await ask('web', 4, 'w1');
  await ask('api', 4, 'a1');
  await ask('beta', 4, 'b1');
  await ask('eng', 2, 'e1');
  await ask('web', 2, 'w2', '--priority 5');
}

describe('queue list', () => {
  it('has who waits in the order of their turn, and what for', async () => {
    await fill();
    expect(await hodei('queue list', atTerminal)).toMatchInlineSnapshot(`
      "POSITION  JOB  TENANT  PRIORITY  ASKS FOR  WAITS FOR            WAITED
      1         b1   beta    0         4 cores   4 cores in pool gpu  AGE
      2         e1   eng     0         2 cores   2 cores in pool gpu  AGE
      3         a1   api     0         4 cores   4 cores in pool gpu  AGE
      4         w2   web     5         2 cores   2 cores in pool gpu  AGE
      5         w1   web     0         4 cores   4 cores in pool gpu  AGE
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('queue list --pool gpu --limit 1')).toMatchInlineSnapshot(`
      "1	b1	beta	0	4 cores	4 cores in pool gpu	AGE
      ! There are more: --cursor WyJxdWV1ZSIsMV0 for the next page, or --all"
    `);
    expect((await home.run('queue list -o name')).out.split('\n')).toHaveLength(5);
    const { out } = await home.run('queue list -o csv');
    expect(out.split('\n')[0]).toBe('position,job,tenant,priority,asks_for,waits_for,waited');
  });

  it('of several pools has one after the other, and no pages', async () => {
    await fill();
    await home.run('pool create tpu --cpu 1');
    await home.run('job admit --pool tpu --tenant web --cpu 1 --id t0');
    await home.run('job admit --pool tpu --tenant web --cpu 1 --id t1 --on-full queue');
    const lines = (await hodei('queue list')).split('\n');
    expect(lines.at(-1)).toBe('tpu	1	t1	web	0	1 core	1 core in pool tpu	AGE');
    expect(lines).toHaveLength(6);
    expect(JSON.parse((await home.run('queue list --json')).out)).toMatchObject({
      items: [{ pool: 'gpu' }, {}, {}, {}, {}, { pool: 'tpu', position: 1 }],
      next_cursor: null,
    });
    expect(await hodei('queue list --limit 1')).toMatchInlineSnapshot(`
      "! hodei: A page is of one pool.
      !        Say which with --pool: gpu, tpu.
      exit 2"
    `);
  });

  it('says so where nobody waits, and which pool was meant', async () => {
    expect(await hodei('queue list')).toBe('! Nobody waits.');
    expect(await hodei('queue list --pool gpu')).toBe('! Nobody waits in pool gpu.');
    expect(await hodei('queue list --pool gpuu')).toMatchInlineSnapshot(`
      "! hodei: Pool not found: gpuu
      !        Did you mean gpu?
      exit 3"
    `);
  });

  it('says who is suspended, and which pool is held', async () => {
    await fill();
    await home.run('tenant suspend beta');
    await home.run('pool hold gpu');
    await ask('api', 1, 'a2');
    expect(await hodei('queue list')).toMatchInlineSnapshot(`
      "1	b1	beta	0	4 cores	beta, which is suspended	AGE
      2	e1	eng	0	2 cores	2 cores in pool gpu	AGE
      3	a1	api	0	4 cores	4 cores in pool gpu	AGE
      4	w2	web	5	2 cores	2 cores in pool gpu	AGE
      5	a2	api	0	1 core	pool gpu, which is held	AGE
      6	w1	web	0	4 cores	4 cores in pool gpu	AGE"
    `);
  });
});

describe('queue status', () => {
  it('has whose turn it is and why, and the tenants by their shares', async () => {
    await fill();
    expect(await hodei('queue status', atTerminal)).toMatchInlineSnapshot(`
      "gpu  5 jobs in line, the oldest for AGE, weighted_fair
      next: b1 of beta (the lowest share), for 4 cores in pool gpu

      TENANT      UNDER       SHARE  WEIGHT  USES           WAITING  NEXT
      beta        -           0.15   2       6 of 20 cores  1        b1
      eng itself  -           0      1       nothing        1        e1
      api         eng (0.65)  0.25   1       5 of 20 cores  1        a1
      web         eng (0.65)  0.4    1       8 of 20 cores  2        w2
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('queue status')).toMatchInlineSnapshot(`
      "gpu	beta	-	0.15	2	6 of 20 cores	1	b1
      gpu	eng itself	-	0	1	nothing	1	e1
      gpu	api	eng (0.65)	0.25	1	5 of 20 cores	1	a1
      gpu	web	eng (0.65)	0.4	1	8 of 20 cores	2	w2"
    `);
    expect(JSON.parse((await home.run('queue status --json')).out)).toMatchObject({
      items: [{ pool: 'gpu', next: { job_id: 'b1', why: 'share' } }],
      next_cursor: null,
    });
  });

  it('says that a pool is held, and where nobody waits', async () => {
    expect(await hodei('queue status')).toBe('! Nobody waits.');
    await home.run('pool hold gpu');
    expect(await hodei('queue status --pool gpu', atTerminal)).toMatchInlineSnapshot(`
      "gpu  held: nothing new starts, nobody waits, weighted_fair
      ! on ~/data/hodei/hodei.db"
    `);
  });
});

describe('explain, of a job that waits among others', () => {
  it('says level by level how it has come to its place, and what would move it', async () => {
    await fill();
    expect(await hodei('explain web:w1')).toMatchInlineSnapshot(`
      "w1 of web has waited AGE in pool gpu, fifth in line.

        it asks for    4 cores
        it lacks       3 cores in pool gpu                                                     limit 20, used 19
        it would fit   everywhere else

        holders        eng and below   13 cores
                       beta and below  6 cores
        next in line   beta (share 0.15) before eng (share 0.65)                               eng has 13 of 20 cores
                       in eng: eng itself (share 0), api (share 0.25) before web (share 0.4)   web has 8 of 20 cores
                       1 job of web itself before it
        decided by     on_full

      In its turn it starts as soon as pool gpu has 3 cores more:
             23 cores for pool gpu
      Its turn comes sooner with
             hodei tenant update eng --weight 5
             a priority of 5"
    `);
    expect(await hodei('explain beta:b1')).toMatchInlineSnapshot(`
      "b1 of beta has waited AGE in pool gpu, first in line.

        it asks for    4 cores
        it lacks       3 cores in pool gpu            limit 20, used 19
        it would fit   everywhere else

        holders        eng and below   13 cores
                       beta and below  6 cores
        next in line   beta (share 0.15) first of 2   beta has 6 of 20 cores, at weight 2
        decided by     on_full

      It starts as soon as pool gpu has 3 cores more:
             23 cores for pool gpu"
    `);
  });
});
