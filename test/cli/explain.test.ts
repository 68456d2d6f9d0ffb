import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create eng --email eng@acme.example --cpu 40 --memory 100Gi');
  await home.run('tenant create acme --email a@b.example --parent eng --cpu 6 --memory 12Gi');
  await home.run('job admit --tenant acme --cpu 2.5 --memory 4Gi --id build-790 --ttl 1h');
  await home.run('job admit --tenant acme --cpu 1 --memory 1Gi --id build-801');
});
afterEach(() => home.remove());

async function hodei(line: string, options?: RunOptions): Promise<string> {
  const text = await shownBy(home, line, options);
  return text
    .replace(/\b(job|dec)-[0-9a-z]{12,}/g, '$1-…')
    .replace(/TIME|\b\d\d:\d\d\b/g, 'HH:MM')
    .replace(/\b(waited|for) \d+ s\b/g, '$1 AGE');
}

const wait = 'job admit --tenant acme --cpu 4 --memory 1Gi --id build-814 --on-full queue';

/** The id of the decision that a request comes to. */
async function decisionOf(line: string): Promise<string> {
  const { out } = await home.run(`${line} --json`);
  return (JSON.parse(out) as { decision_id: string }).decision_id;
}

describe('explain, of a job', () => {
  it('that waits, says what it lacks, who holds it and what would help', async () => {
    await hodei(wait);
    expect(await hodei('explain acme:build-814')).toMatchInlineSnapshot(`
      "build-814 of acme has waited AGE in pool default, first in line.

        it asks for    4 cores, 1 GiB
        it lacks       1.5 cores in acme      limit 6, used 3.5
        it would fit   everywhere else        eng 3.5 of 40 cores

        holders        build-790  2.5 cores   since HH:MM, lease until HH:MM
                       build-801  1 core      since HH:MM
        decided by     on_full

      It starts as soon as acme has 1.5 cores more: build-790 ends, or
             hodei quota set acme --cpu 7.5
             hodei burst request acme --to 125% --for 1h"
    `);
  });

  it('that several limits stop, says all of them', async () => {
    await hodei('quota set eng --cpu 5');
    await hodei(wait.replace('1Gi', '8Gi'));
    expect(await hodei('explain acme:build-814')).toMatchInlineSnapshot(`
      "build-814 of acme has waited AGE in pool default, first in line.

        it asks for    4 cores, 8 GiB
        it lacks       1.5 cores in acme           limit 6, used 3.5
                       1 GiB in acme               limit 12, used 5
                       2.5 cores in eng            limit 5, used 3.5
        it would fit   everywhere else             eng 5 of 100 GiB

        holders        build-790       2.5 cores   since HH:MM, lease until HH:MM
                       build-801       1 core      since HH:MM
                       build-790       4 GiB       since HH:MM, lease until HH:MM
                       build-801       1 GiB       since HH:MM
                       acme and below  3.5 cores
        decided by     on_full

      It starts as soon as acme has 1.5 cores and 1 GiB more, and eng has 2.5 cores more:
             hodei quota set acme --cpu 7.5 --memory 13Gi
             hodei quota set eng --cpu 7.5"
    `);
  });

  it('below a suspended tenant, says how to open it again', async () => {
    await hodei(wait);
    await hodei('tenant suspend eng');
    expect(await hodei('explain acme:build-814')).toMatchInlineSnapshot(`
      "build-814 of acme has waited AGE in pool default, first in line.

        it asks for   4 cores, 1 GiB
        in its way    eng above acme is suspended: nothing new starts below it

        holders       build-790  2.5 cores   since HH:MM, lease until HH:MM
                      build-801  1 core      since HH:MM
        decided by    on_full

      It would fit with
             hodei tenant resume eng
             hodei quota set acme --cpu 7.5"
    `);
  });

  it('that could never start, says so', async () => {
    await hodei(wait);
    await hodei('quota set acme --cpu 2');
    expect(await hodei('explain acme:build-814')).toMatchInlineSnapshot(`
      "build-814 of acme has waited AGE in pool default, first in line.

        it asks for    4 cores, 1 GiB
        in its way     acme asks for 4 cores, and its limit is 2: waiting would not help
        it would fit   everywhere else        eng 3.5 of 40 cores

        holders        build-790  2.5 cores   since HH:MM, lease until HH:MM
                       build-801  1 core      since HH:MM
        decided by     on_full

      It would fit with
             hodei quota set acme --cpu 7.5"
    `);
  });

  it('that runs, says since when, and where it is above a limit by now', async () => {
    expect(await hodei('explain acme:build-790')).toMatchInlineSnapshot(`
      "build-790 of acme has run for AGE in pool default, its lease lasts until HH:MM.

        it holds   2.5 cores, 4 GiB"
    `);
    await hodei('quota set acme --cpu 2');
    expect(await hodei('explain acme:build-801')).toMatchInlineSnapshot(`
      "build-801 of acme has run for AGE in pool default, without a lease.

        it holds   1 core, 1 GiB
        over       acme by 1.5 cores   limit 2, used 3.5"
    `);
  });

  it('that has ended, says when and how', async () => {
    await hodei('job release acme:build-790');
    expect(await hodei('explain acme:build-790')).toMatchInlineSnapshot(`
      "build-790 of acme was released at HH:MM.

        it held   2.5 cores, 4 GiB"
    `);
  });
});

describe('explain, of a decision', () => {
  const ask = 'job admit --tenant acme --cpu 4 --memory 9Gi';

  it('has the numbers of then and of now', async () => {
    const id = await decisionOf(ask);
    await decisionOf(ask);
    await hodei('job release acme:build-801');
    expect(await hodei(`explain ${id}`)).toMatchInlineSnapshot(`
      "A request of acme was rejected at HH:MM (2 times within a minute).

        it asked for   4 cores, 9 GiB
        it lacks now   0.5 cores in acme      limit 6, used 2.5
                       1 GiB in acme          limit 12, used 4
        it would fit   everywhere else        eng 2.5 of 40 cores, eng 4 of 100 GiB

        at HH:MM       acme asks for 4 cores and has 2.5 free of 6
                       acme asks for 9 GiB and has 7 free of 12

        holders        build-790  2.5 cores   since HH:MM, lease until HH:MM
                       build-790  4 GiB       since HH:MM, lease until HH:MM
        decided by     violation_policy: reject

      The same request of acme is admitted as soon as acme has 0.5 cores and 1 GiB more:
             hodei quota set acme --cpu 6.5 --memory 13Gi
             hodei burst request acme --to 109% --for 1h"
    `);
  });

  it('says when the request would be admitted now', async () => {
    const id = await decisionOf(ask);
    await hodei('job release acme:build-801 acme:build-790');
    expect(await hodei(`explain ${id}`)).toMatchInlineSnapshot(`
      "A request of acme was rejected at HH:MM.

        it asked for   4 cores, 9 GiB
        it would fit   everywhere   acme 0 of 6 cores, acme 0 of 12 GiB, acme 0 of 10 jobs

        at HH:MM       acme asks for 4 cores and has 2.5 free of 6
                       acme asks for 9 GiB and has 7 free of 12

        decided by     violation_policy: reject

      It would be admitted now."
    `);
  });
});

describe('explain, of a tenant', () => {
  it('says by cause what it waits for, and what was refused', async () => {
    await hodei(wait);
    await hodei('job admit --tenant acme --cpu 5 --memory 1Gi --on-full queue --id later');
    await hodei('job admit --tenant acme --cpu 50');
    await hodei('job admit --tenant acme --cpu 4');
    await hodei('job admit --tenant acme --cpu 4');
    await hodei('tenant suspend acme');
    expect(await hodei('explain acme')).toMatchInlineSnapshot(`
      "acme runs 2 jobs, 2 jobs wait.

        suspended     acme: nothing new starts there

        2 jobs wait   for 9 cores in acme                limit 6, used 3.5; build-814 first, for AGE

        rejected      2 times: over quota, cpu in acme   last HH:MM, dec-…
                      1 time: impossible, cpu in acme    last HH:MM, dec-…"
    `);
  });

  it('says so where there is nothing to explain', async () => {
    expect(await hodei('explain eng')).toBe(
      'eng runs no job, none waits, and nothing was rejected within a day.',
    );
  });
});

describe('explain', () => {
  it('answers programs with what REST answers, and a spreadsheet scope by scope', async () => {
    await hodei(wait);
    const { out } = await home.run('explain acme:build-814 --json');
    expect(JSON.parse(out)).toMatchObject({ kind: 'job', now: { outcome: 'queued' } });
    const csv = await home.run('explain acme:build-814 -o csv');
    expect(csv.out.split('\n').slice(0, 2)).toEqual([
      'tenant,pool,resource,limit,used,requested,over_by',
      'acme,,cpu_m,6000,3500,4000,1500',
    ]);
  });

  it.each(['acme:nothing', 'dec-nothing', 'acmee', 'job-nothing'])(
    'of %s, which is not there, says how to find what is',
    async (reference) => {
      expect(await hodei(`explain ${reference}`)).toMatchSnapshot();
    },
  );
});

describe('violation list', () => {
  beforeEach(async () => {
    await hodei(wait);
    await decisionOf('job admit --tenant acme --cpu 4 --memory 9Gi');
    await decisionOf('job admit --tenant acme --cpu 4 --memory 9Gi');
    await decisionOf('job admit --tenant eng --gpu 1');
  });

  it('has the newest first, with the reasons, and counts what is repeated', async () => {
    expect(await hodei('violation list')).toMatchInlineSnapshot(`
      "HH:MM	dec-…	eng	default	rejected	1	1 GPU	impossible	eng asks for 1 GPU, and its limit is 0: waiting would not help
      HH:MM	dec-…	acme	default	rejected	2	4 cores, 9 GiB	over_quota	acme asks for 4 cores and has 2.5 free of 6; acme asks for 9 GiB and has 7 free of 12
      HH:MM	dec-…	acme	default	queued	1	4 cores, 1 GiB	over_quota	acme asks for 4 cores and has 2.5 free of 6"
    `);
  });

  it('filters by tenant, pool, resource, reason and time', async () => {
    const count = async (flags: string) => {
      const { out, err } = await home.run(`violation list -o name ${flags}`);
      return err === '' ? out.split('\n').filter((id) => id !== '').length : err;
    };
    expect(await count('--tenant acme')).toBe(2);
    expect(await count('--pool default')).toBe(3);
    expect(await count('--resource memory')).toBe(1);
    expect(await count('--resource gpu')).toBe(1);
    expect(await count('--code impossible')).toBe(1);
    expect(await count('--since 2020-01-01')).toBe(3);
    expect(await count('--until 2020-01-01')).toBe(0);
    expect(await count('--code sleepy')).toContain('Allowed choices are suspended, impossible');
    expect(await count('--resource gpus')).toContain('Did you mean gpu?');
  });

  it('names decisions so that they can be explained', async () => {
    const { out } = await home.run('violation list --tenant eng -o name');
    expect(await hodei(`explain ${out}`)).toContain('A request of eng was rejected');
  });
});
