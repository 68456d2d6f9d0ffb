import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/service/job-view.ts';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';
import { onFile } from '../helpers/store.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 6 --memory 12Gi');
});
afterEach(() => home.remove());

/** What a line shows, with ids and times of the day as `job-…` and `HH:MM`. */
async function hodei(line: string, options?: RunOptions): Promise<string> {
  return masked(await shownBy(home, line, options));
}

function masked(text: string): string {
  return text
    .replace(/\b(job|dec)-[0-9a-z]{12,}/g, '$1-…')
    .replace(/TIME|\b\d\d:\d\d\b/g, 'HH:MM')
    .replace(/\t\d+ s\t/g, '\tAGE\t');
}

async function json<T = JobView>(line: string): Promise<T> {
  return JSON.parse((await home.run(`${line} --json`)).out) as T;
}

const admit = 'job admit --tenant acme';

describe('job admit', () => {
  it('says what was admitted, in the units that people type', async () => {
    expect(await hodei(`${admit} --cpu 2 --memory 4Gi --id build-812`)).toMatchInlineSnapshot(
      `"Admitted build-812 of acme: 2 cores, 4 GiB (job-…)."`,
    );
    expect(await hodei(`${admit} --cpu-m 1500 --memory-mb 512 --jobs 2`)).toMatchInlineSnapshot(
      `"Admitted job-… of acme: 1.5 cores, 512 MiB, 2 jobs."`,
    );
  });

  it('prints the id alone for a script, and the REST body for a program', async () => {
    const { out, err, code } = await home.run(`${admit} --cpu 2 -o name`);
    expect([err, code]).toEqual(['', 0]);
    expect(out).toMatch(/^job-[0-9a-z]+$/);
    expect(await json(`${admit} --cpu 2 --ttl 1h30m --label a=b --priority -5`)).toMatchObject({
      state: 'admitted',
      resources: { cpu_m: 2000, jobs: 1 },
      ttl_seconds: 5400,
      labels: { a: 'b' },
      priority: -5,
    });
  });

  it('changes nothing when it is repeated under its name', async () => {
    await hodei(`${admit} --cpu 2 --id build-812`);
    expect(await hodei(`${admit} --cpu 2 --id build-812`)).toMatchInlineSnapshot(
      `"build-812 of acme is admitted already (job-…): nothing was done."`,
    );
    expect(await hodei(`${admit} --cpu 3 --id build-812`)).toMatchInlineSnapshot(`
      "! hodei: acme:build-812 stands for another request: job-….
      !        The same name with other amounts is another job: give it another name.
      exit 5"
    `);
  });

  it('is rejected with the numbers, on stderr, and ends with 6', async () => {
    await hodei(`${admit} --cpu 3.5`);
    expect(await hodei(`${admit} --cpu 4 --memory 1Gi`)).toMatchInlineSnapshot(`
      "! Rejected: acme asks for 4 cores and has 2.5 free of 6 (decision dec-…).
      !        hodei explain dec-…   who holds them, and what would help
      exit 6"
    `);
  });

  it('is told of every reason', async () => {
    await hodei(`${admit} --cpu 6 --memory 11.5Gi`);
    expect(await hodei(`${admit} --cpu 4 --memory 1Gi`)).toMatchInlineSnapshot(`
      "! Rejected for 2 reasons (decision dec-…):
      !        acme asks for 4 cores and has none free of 6
      !        acme asks for 1 GiB and has 0.5 free of 12
      !        hodei explain dec-…   who holds them, and what would help
      exit 6"
    `);
  });

  it('is told when waiting would not help', async () => {
    expect(await hodei(`${admit} --cpu 12 --on-full queue`)).toMatchInlineSnapshot(`
      "! Rejected: acme asks for 12 cores, and its limit is 6: waiting would not help (decision dec-…).
      !        hodei explain dec-…   who holds them, and what would help
      exit 6"
    `);
  });

  it('is told which tenant above has no room, or is suspended', async () => {
    await hodei('tenant create eng --email a@b.example --cpu 3 --memory 8Gi');
    await hodei('tenant update acme --parent eng');
    await hodei(`${admit} --cpu 2`);
    expect(await hodei(`${admit} --cpu 2`)).toMatchInlineSnapshot(`
      "! Rejected: acme asks for 2 cores, and eng above it has 1 free of 3 (decision dec-…).
      !        hodei explain dec-…   who holds them, and what would help
      exit 6"
    `);
    await hodei('tenant suspend eng');
    expect(await hodei(`${admit} --cpu 1`)).toMatchInlineSnapshot(`
      "! Rejected: eng above acme is suspended: nothing new starts below it (decision dec-…).
      !        hodei explain dec-…   who holds them, and what would help
      exit 6"
    `);
  });

  it('prints a rejection as the REST body where JSON is asked for, and nothing as a name', async () => {
    const { out, err, code } = await home.run(`${admit} --cpu 12 --json`);
    expect([JSON.parse(out), err, code]).toEqual([
      expect.objectContaining({ state: 'rejected', code: 'impossible', id: null }),
      '',
      6,
    ]);
    const named = await home.run(`${admit} --cpu 12 -o name`);
    expect([named.out, named.code]).toEqual(['', 6]);
    expect(named.err).toContain('Rejected: acme asks for 12 cores');
  });

  it('is queued where that was asked for, and ends with 8', async () => {
    await hodei(`${admit} --cpu 3.5`);
    await hodei(`${admit} --cpu 5 --on-full queue`);
    const line = `${admit} --cpu 4 --on-full queue --id build-814`;
    expect(await hodei(line)).toMatchInlineSnapshot(`
      "Queued: acme asks for 4 cores and has 2.5 free of 6; build-814 is second in line (job-…).
      ! It waits. To cancel it: hodei job cancel job-…
      exit 8"
    `);
    expect(await hodei(line)).toMatchInlineSnapshot(`
      "build-814 of acme is queued already, second in line (job-…): nothing was done.
      ! It waits. To cancel it: hodei job cancel job-…
      exit 8"
    `);
  });

  it('takes over what was promoted meanwhile, so that it is not freed again', async () => {
    const blocker = (await home.run(`${admit} --cpu 4 -o name`)).out;
    const line = `${admit} --cpu 4 --on-full queue --id build-814 --ttl 2h`;
    await hodei(line);
    await hodei(`job release ${blocker}`);
    expect(await json('job get acme:build-814')).toMatchObject({ claim_due: true });
    expect(await hodei(line)).toMatchInlineSnapshot(
      `"build-814 of acme is admitted already (job-…): nothing was done."`,
    );
    expect(await json('job get acme:build-814')).toMatchObject({ claim_due: false });
  });

  it('changes nothing in a dry run, and says what would become of it', async () => {
    expect(await hodei(`${admit} --cpu 2 --dry-run`)).toBe('Would be admitted: 2 cores for acme.');
    expect(await hodei(`${admit} --cpu 12 --dry-run`)).toMatchInlineSnapshot(`
      "Would be rejected: acme asks for 12 cores, and its limit is 6: waiting would not help.
      exit 6"
    `);
    expect(await hodei('job list --state all')).toBe('');
  });

  it.each([
    'job admit --cpu 2',
    admit,
    `${admit} --cpu unlimited`,
    `${admit} --cpu +4`,
    `${admit} --cpu -1`,
    `${admit} --memory 4096`,
    `${admit} --cpu-m 1.5`,
    `${admit} --cpu-m unlimited`,
    `${admit} --set license=+3`,
    `${admit} --set licence=3`,
    `${admit} --set license`,
    `${admit} --set priority=3`,
    `${admit} --cpu 1 --cpu-m 1000`,
    `${admit} --cpu 1 --ttl 90`,
    `${admit} --cpu 1 --priority high`,
    `${admit} --cpu 1 --wait 5m --on-full reject`,
    `${admit} --cpu 1 --on-full wait`,
    `${admit} --cpu 1 --label cc`,
    `${admit} --cpu 1 --pool nowhere`,
    'job admit --tenant acmee --cpu 1',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('job check', () => {
  beforeEach(() => hodei(`${admit} --cpu 3.5`));
  const check = 'job check --tenant acme';

  it('says what would become of a request, and changes nothing', async () => {
    expect(await hodei(`${check} --cpu 1 --memory 1Gi`)).toMatchInlineSnapshot(
      `"Would be admitted: 1 core, 1 GiB for acme."`,
    );
    expect(await hodei(`${check} --cpu 4`)).toMatchInlineSnapshot(`
      "Would be rejected: acme asks for 4 cores and has 2.5 free of 6.
      exit 6"
    `);
    expect(await hodei(`${check} --cpu 4 --memory 13Gi --gpu 1`)).toMatchInlineSnapshot(`
      "Would be rejected:
             acme asks for 13 GiB, and its limit is 12: waiting would not help
             acme asks for 1 GPU, and its limit is 0: waiting would not help
      exit 6"
    `);
    expect(await hodei(`${check} --cpu 4 --on-full queue`)).toMatchInlineSnapshot(`
      "Would be queued: acme asks for 4 cores and has 2.5 free of 6; first in line.
      exit 8"
    `);
    expect((await json<{ items: unknown[] }>('job list --state all')).items).toHaveLength(1);
  });

  it('answers a script in one word, and a program with the REST body', async () => {
    expect((await home.run(`${check} --cpu 4 -o name`)).out).toBe('rejected');
    expect(await json(`${check} --cpu 4`)).toMatchObject({ state: 'rejected', id: null });
  });
});

describe('job release', () => {
  it('says what is free again, for each', async () => {
    await hodei(`${admit} --cpu 2 --memory 4Gi --id a`);
    await hodei(`${admit} --cpu 1 --id b`);
    await hodei(`${admit} --jobs 3 --id c`);
    expect(await hodei('job release acme:a acme:b acme:nope acme:c')).toMatchInlineSnapshot(`
      "Released a of acme: 2 cores, 4 GiB are free again.
      Released b of acme: 1 core is free again.
      Released c of acme: 3 jobs are free again.
      ! hodei: Job not found: acme:nope
      !        See which there are: hodei job list
      exit 3"
    `);
  });

  it('is no error for a job that has ended', async () => {
    await hodei(`${admit} --cpu 2 --id a --ttl 1h`);
    onFile(home.database, (file) => file.exec('update job set due_at = 1000'));
    expect(await hodei('job release acme:a')).toMatchInlineSnapshot(
      `"a of acme had ended already (expired HH:MM): nothing was done."`,
    );
  });

  it('changes nothing in a dry run', async () => {
    await hodei(`${admit} --cpu 2 --id a`);
    expect(await hodei('job release acme:a --dry-run')).toMatchInlineSnapshot(`
      "Would release a of acme: 2 cores.
      Nothing was changed."
    `);
    expect(await json('job get acme:a')).toMatchObject({ state: 'admitted' });
  });

  it('of a waiting job says how that is done', async () => {
    await hodei(`${admit} --cpu 4`);
    await hodei(`${admit} --cpu 4 --id b --on-full queue`);
    expect(await hodei('job release acme:b')).toMatchInlineSnapshot(`
      "! hodei: b is queued, and cannot be released.
      !        It waits: hodei job cancel job-…
      exit 5"
    `);
    expect(await hodei('job release build')).toMatchInlineSnapshot(`
      "! hodei: "build" names no job.
      !        A job is named by its id, such as job-…, or as <tenant>:<job_id>.
      exit 2"
    `);
  });
});

describe('job renew, cancel and resize', () => {
  it('renew says until when the lease runs', async () => {
    await hodei(`${admit} --cpu 1 --id a --ttl 1h`);
    await hodei(`${admit} --cpu 1 --id b`);
    expect(await hodei('job renew acme:a acme:b')).toMatch(
      /^Renewed a of acme: its lease runs until HH:MM\.\nRenewed b of acme: it has no lease, and ends when it is released\.$/,
    );
    await hodei('job renew acme:b --ttl 10m');
    expect(await json('job get acme:b')).toMatchObject({ ttl_seconds: 600 });
  });

  it('cancel takes a job out of the queue, once', async () => {
    await hodei(`${admit} --cpu 4`);
    await hodei(`${admit} --cpu 4 --id b --on-full queue`);
    expect(await hodei('job cancel acme:b')).toBe('Cancelled b of acme: it waits no more.');
    expect(await hodei('job cancel acme:b')).toMatchInlineSnapshot(
      `"b of acme had ended already (cancelled HH:MM): nothing was done."`,
    );
  });

  it('resize says what it holds now, or why it cannot grow', async () => {
    await hodei(`${admit} --cpu 4 --memory 1Gi --id a`);
    expect(await hodei('job resize acme:a --cpu 2')).toBe('a of acme holds 2 cores, 1 GiB.');
    expect(await hodei('job resize acme:a --cpu 2')).toBe(
      'a of acme holds 2 cores, 1 GiB already: nothing was done.',
    );
    expect(await hodei('job resize acme:a --cpu 3 --dry-run')).toMatchInlineSnapshot(`
      "a of acme would hold 3 cores, 1 GiB.
      Nothing was changed."
    `);
    await hodei(`${admit} --cpu 3`);
    expect(await hodei('job resize acme:a --cpu 4')).toMatchInlineSnapshot(`
      "! Rejected: acme asks for 2 cores more and has 1 free of 6 (decision dec-…).
      !        hodei explain dec-…   who holds them, and what would help
      exit 6"
    `);
    expect(await hodei('job resize acme:a')).toMatchInlineSnapshot(`
      "! hodei: No amount was named.
      !        Such as: hodei job resize acme:build-812 --cpu 4
      exit 2"
    `);
  });
});

describe('job list and get', () => {
  beforeEach(async () => {
    await hodei(`${admit} --cpu 4 --memory 1Gi --id build-812`);
    await hodei(`${admit} --cpu 4 --id build-814 --on-full queue --ttl 1h --label a=b`);
    await hodei('tenant create beta --email b@b.example');
    await hodei('job admit --tenant beta --cpu 500m --id x');
    await hodei('job release beta:x');
  });

  it('lists what lives, the newest first', async () => {
    expect(await hodei('job list')).toMatch(
      /^build-814\tacme\tdefault\tqueued\t4 cores\t-\t-\tAGE\t.*\nbuild-812\tacme\tdefault\tadmitted\t4 cores\t1 GiB\t-\tAGE\t-$/,
    );
    expect((await hodei('job list', { isTerminal: true })).split('\n')[0]).toMatch(
      /^JOB +TENANT +POOL +STATE +CPU +MEMORY +GPU +AGE +EXPIRES$/,
    );
  });

  it('filters by state, tenant, pool and age', async () => {
    expect(await hodei('job list --state queued')).toMatch(/^build-814\t[^\n]*$/);
    expect(await hodei('job list --state ended')).toMatch(/^x\tbeta\t[^\n]*$/);
    expect(await hodei('job list --tenant beta')).toBe('');
    expect((await hodei('job list --pool default --state all')).split('\n')).toHaveLength(3);
    expect(await hodei('job list --older-than 24h')).toBe('');
    onFile(home.database, (file) => file.exec('update job set requested_at = 1000'));
    expect((await hodei('job list --older-than 24h')).split('\n')).toHaveLength(2);
  });

  it('names jobs so that they can be released', async () => {
    const { out } = await home.run('job list --state admitted -o name');
    expect(await hodei(`job release ${out}`)).toContain('Released build-812 of acme');
  });

  it('says in CSV what a spreadsheet can add up', async () => {
    const { out } = await home.run('job list --state admitted -o csv');
    expect(out.split('\n')[0]).toBe('job,tenant,pool,state,cpu,memory,gpu,age,expires');
    expect(out.split('\n')[1]).toMatch(/^build-812,acme,default,admitted,4000,1024,0,2\S+Z,$/);
  });

  it('shows one job field by field, also why it waits', async () => {
    expect(await hodei('job get acme:build-814')).toMatchInlineSnapshot(`
      "job	build-814
      id	job-…
      tenant	acme
      pool	default
      state	queued
      needs	4 cores
      priority	0
      labels	a=b
      lease	1 h
      requested	HH:MM
      expires	HH:MM
      line	first in line
      because	acme asks for 4 cores and has 2 free of 6
      decision	dec-…
      version	1"
    `);
    expect((await hodei('job get acme:build-812 beta:x')).split('\n')).toHaveLength(2);
  });
});

describe('job adopt', () => {
  const entry = (name: string, more: object = {}) => ({
    tenant: 'acme',
    cpu_m: 4000,
    job_id: name,
    started_at: '2026-01-01T00:00:00Z',
    ...more,
  });

  /** A file with this content; what `adopt` shows of it. */
  async function adopt(content: string, more = ''): Promise<string> {
    const file = join(home.folder, 'running.json');
    writeFileSync(file, content);
    return hodei(`job adopt -f ${file}${more}`);
  }

  it('registers what runs, also above limits, from an array, a list or lines', async () => {
    expect(await adopt(JSON.stringify([entry('a'), entry('b')]))).toBe('Adopted 2 jobs.');
    expect(await adopt(JSON.stringify({ items: [entry('c')] }))).toBe('Adopted 1 job.');
    expect(await adopt(`${JSON.stringify(entry('d'))}\n\n${JSON.stringify(entry('e'))}\n`)).toBe(
      'Adopted 2 jobs.',
    );
    expect(await json('job get acme:e')).toMatchObject({ mark: 'adopted', state: 'admitted' });
  });

  it('goes on after an entry that is wrong, says which, and ends with its code', async () => {
    const entries = [entry('a'), entry('b', { tenant: 'nobody' }), entry('c', { cpu_m: -1 })];
    expect(await adopt(JSON.stringify(entries))).toMatchInlineSnapshot(`
      "Adopted 1 of 3 jobs.
      ! hodei: entry 2: Tenant not found: nobody
      !        See which there are: hodei tenant list
      ! hodei: entry 3: cpu_m: must be a whole number from 0 to 2^53-1
      exit 3"
    `);
    expect((await hodei('job list')).split('\n')).toHaveLength(1);
  });

  it('changes nothing when it is repeated', async () => {
    await adopt(JSON.stringify([entry('a')]));
    expect(await adopt(JSON.stringify([entry('a'), entry('b')]))).toBe(
      'Adopted 1 of 2 jobs. 1 of them hodei knew already.',
    );
  });

  it('changes nothing in a dry run', async () => {
    expect(await adopt(JSON.stringify([entry('a')]), ' --dry-run')).toMatchInlineSnapshot(`
      "Would adopt 1 job.
      Nothing was changed."
    `);
    expect(await hodei('job list')).toBe('');
  });

  it('takes more entries than one request carries', async () => {
    const entries = Array.from({ length: 2_100 }, (_, i) => entry(`n-${i}`, { cpu_m: 1 }));
    expect(await adopt(JSON.stringify(entries))).toBe('Adopted 2,100 jobs.');
    const large = Array.from({ length: 40 }, (_, i) =>
      entry(`l-${i}`, { labels: Object.fromEntries(labelled(60)) }),
    );
    expect(await adopt(JSON.stringify(large))).toBe('Adopted 40 jobs.');
  });

  function labelled(number: number): [string, string][] {
    return Array.from({ length: number }, (_, i) => [`k${i}`, 'v'.repeat(128)]);
  }

  it.each(['[{"tenant": "acme"', '{"tenant": "acme"}\nnonsense', '[]', '[1]', ''])(
    'refuses %j, which is no list of jobs',
    async (content) => {
      expect(await adopt(content)).toMatchSnapshot();
    },
  );

  it('takes 10,000 entries at most', async () => {
    const entries = Array.from({ length: 10_001 }, () => ({}));
    expect(await adopt(JSON.stringify(entries))).toMatchInlineSnapshot(`
      "! hodei: There are 10,001 entries, and 10,000 are the most.
      !        Send them in parts.
      exit 2"
    `);
  });

  it('needs a file that can be read', async () => {
    expect(await hodei('job adopt')).toMatchInlineSnapshot(`
      "! hodei: Which jobs?
      !        Name a file: -f running.json, or -f -
      exit 2"
    `);
    expect(await hodei('job adopt -f /nonexistent')).toMatchInlineSnapshot(`
      "! hodei: /nonexistent cannot be read: no such file or directory.
      exit 7"
    `);
  });
});
