import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create eng --email e@b.example --cpu 40 --memory 10Gi --jobs 100');
  await home.run('tenant create acme --email a@b.example --parent eng --cpu 6');
});
afterEach(() => home.remove());

/** What a command line shows, without ids and the time of day. */
async function hodei(line: string, options?: RunOptions): Promise<string> {
  return mask(await shownBy(home, line, options));
}

function mask(text: string): string {
  return text
    .replace(/\b(bst|job)-[0-9a-z]{12,}/g, '$1-…')
    .replace(/TIME(?! {2})|\d{4}-\d\d-\d\d \d\d:\d\d|\b\d\d:\d\d\b/g, 'HH:MM')
    .replace(/\b1 h 59 min\b|\b2 h\b(?= left)/g, 'ALMOST 2 h')
    .replace(/\b23 h\b|\b1 d\b/g, 'ALMOST 1 d');
}

const request =
  'burst request acme --to 140% --resource cpu,memory --for 2h --reason "release week"';

/** Asks for a session, in the name of somebody else. @returns its id. */
async function asked(line = request): Promise<string> {
  await hodei(line);
  const { out } = await home.run('burst list -o name --state all');
  const connection = new Sqlite(home.database);
  connection.prepare(`update burst set requested_by = 'ana'`).run();
  connection.close();
  return out.split('\n')[0] ?? '';
}

async function agreed(line?: string): Promise<string> {
  const id = await asked(line);
  await home.run(`burst approve ${id} --yes`);
  return id;
}

describe('burst request', () => {
  it('says what was asked for, who still binds, and what comes next', async () => {
    await hodei('quota set acme --memory 8Gi');
    expect(await hodei(request)).toMatchInlineSnapshot(`
      "bst-… asked for: acme may use up to 140 % of its cpu and memory for 2 h once somebody else approves (until HH:MM).
      ! Note: eng above it leaves 10 GiB of memory, so acme cannot use all of that.
      !        hodei burst approve bst-…   for another person"
    `);
  });

  it('says that it is active where nobody has to agree, or what would be', async () => {
    expect(await hodei(`${request} --dry-run`)).toMatchInlineSnapshot(`
      "It would ask for: acme may use up to 140 % of its cpu and memory for 2 h once somebody else approves (until HH:MM). Nothing was changed.
      ! Note: eng above it leaves 10 GiB of memory, so acme cannot use all of that."
    `);
    const config = join(home.folder, 'free.yaml');
    writeFileSync(config, 'burst_capacity: { approval: { auto_approve_threshold: 150 } }\n');
    await home.run(['config', 'apply', '--config', config]);
    expect(await hodei(request)).toMatchInlineSnapshot(`
      "bst-… is active: acme may use up to 140 % of its cpu and memory until HH:MM (2 h).
      ! Note: eng above it leaves 10 GiB of memory, so acme cannot use all of that."
    `);
  });

  it('takes amounts as people say them, and a time to begin at', async () => {
    const line = 'burst request acme --add cpu=2,memory=1Gi --add gpu=4 --at 2h --reason training';
    expect(await hodei(line)).toMatchInlineSnapshot(`
      "bst-… asked for: acme may use 2 cores, 1 GiB and 4 GPU more from HH:MM until HH:MM (1 h) once somebody else approves (until HH:MM).
      ! Note: eng above it leaves no gpu, so acme cannot use all of that.
      !        hodei burst approve bst-…   for another person"
    `);
    const { out } = await home.run('burst list --json');
    expect(JSON.parse(out)).toMatchObject({
      items: [{ lifts: [{ add: 2000 }, { add: 1024 }, { add: 4 }] }],
    });
  });

  it.each([
    ['--to 1.4', '1.4 is a factor, and --to takes per cent.', 'Say --to 140%.'],
    ['--to 40%', '40% would be less than the limit', '--to 140%'],
    ['--to 100', '100 % of a limit is what there is already.', '--to 140%'],
    ['--to 0.5', '0.5 would be less than the limit', '--to 140%'],
    ['--to much', '"much" is no per cent.', '--to 140%'],
    ['--to 142.5%', '142.5% is no whole number of per cent.', 'Say 142% or 143%.'],
    ['--to 1000000', '1000000 is more than anybody is lent.', '100000%'],
    ['--to 140 --to 150', '--to is there twice.', '--to 140%'],
    ['--to 140 --for 31d', 'Nothing is lent for more than 30 d: "31d"', 'hodei quota set'],
    ['--to 140 --add gpu=1', 'A session lifts limits to a percentage or by amounts.', '--add'],
    ['--add gpu=1 --resource gpu', '--add names its resources itself.', '--resource'],
    ['--add gpu', '--add takes a resource and an amount: "gpu"', '--add gpu=4'],
    ['--add gpu=0', 'gpu=0 adds nothing.', '--add gpu=4'],
    ['--add cpu=-1', 'cpu=-1 adds nothing.', '--add cpu=4'],
    ['--add cpu=1,cpu_m=5', '--add names cpu_m twice.', undefined],
    ['--add cpu_m=2k', '"2k" is no whole number of millicores.', '--add cpu='],
    ['--add memory=4', 'memory needs a unit', undefined],
    ['--to 140 --resource cpu,', '--resource has an empty name.', '--resource cpu,memory'],
    ['--to 140 --at 2020-01-01', '2020-01-01 is over', 'Say when it begins'],
    ['--to 140 --for 90', '90 of what?', '90s'],
    ['', 'How much more?', '--to 140%'],
  ])('refuses "%s" before anything is sent', async (flags, message, hint) => {
    // Where there is no database, whatever is sent fails with another code.
    const line = `burst request acme ${flags} --reason x --db /nowhere/hodei.db`;
    const { out, err, code } = await home.run(line.split(' ').filter((word) => word !== ''));
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain(`hodei: ${message}`);
    if (hint !== undefined) expect(err).toContain(hint);
  });

  it('wants a reason', async () => {
    const { err, code } = await home.run('burst request acme --to 140 --db /nowhere/hodei.db');
    expect([err.split('\n')[1], code]).toEqual(['       Say --reason TEXT', 2]);
  });
});

describe('burst approve', () => {
  it('shows what is agreed to, asks, and says which waiting jobs started', async () => {
    await home.run('job admit --tenant acme --cpu 6 --memory 1Gi --id one');
    await home.run('job admit --tenant acme --cpu 2 --id two --on-full queue');
    const id = await asked(`${request} --on-end evict`);
    await home.run('quota set acme --memory 8Gi');
    const atTerminal = { isTerminal: true, answer: true };
    expect(await hodei(`burst approve ${id}`, atTerminal)).toMatchInlineSnapshot(`
      "bst-… is active: acme may use up to 140 % of its cpu and memory until HH:MM (2 h).
      Started: two of acme.
      ! on ~/data/hodei/hodei.db
      ! acme may use up to 140 % of its cpu and memory from now until HH:MM (2 h), 8.4 cores and 11468 MiB.
      !   asked by ana at HH:MM: "release week"
      !   eng above it still binds at 10 GiB of memory, 1 GiB used
      !   at its end, jobs that do not fit then are evicted
      ! ? Approve?"
    `);
    expect(await hodei(`burst approve ${id} --yes`)).toMatchInlineSnapshot(
      `"bst-… is active: acme may use up to 140 % of its cpu and memory until HH:MM (2 h). Nothing was done."`,
    );
  });

  it('takes no for an answer, and wants --yes where nobody can be asked', async () => {
    const id = await asked();
    const no = await hodei(`burst approve ${id}`, { isTerminal: true, answer: false });
    expect(no).toContain('! ? Approve?\n! Nothing was changed.');
    const { err, code } = await home.run(`burst approve ${id}`);
    expect([err.split('\n').at(-1), code]).toEqual(['       Say it beforehand with --yes.', 2]);
    expect((await home.run('burst list --state requested -o name')).out).toBe(id);
  });

  it('counts the approvals where several people have to agree', async () => {
    const id = await asked();
    const connection = new Sqlite(home.database);
    connection.prepare(`update burst set approvals_required = 3`).run();
    connection.close();
    expect(await hodei(`burst approve ${id} --yes --dry-run`)).toContain('Nothing was changed.');
    expect((await hodei(`burst approve ${id} --yes`)).split('\n')[0]).toBe(
      'bst-… has 1 of 3 approvals: 2 more people have to agree (until HH:MM).',
    );
  });

  it('says the state of what nobody can agree to any more, and asks nothing', async () => {
    const id = await asked();
    await home.run(['burst', 'deny', id, '--reason', 'no']);
    const { err, code } = await home.run(`burst approve ${id}`, { isTerminal: true, answer: true });
    expect(err).toMatch(new RegExp(`hodei: ${id} is denied by \\S+, and cannot be approved.`));
    expect(err).not.toContain('?');
    expect(code).toBe(5);
  });
});

describe('burst deny, cancel and end', () => {
  it('denies only with a reason', async () => {
    const id = await asked();
    const { err, code } = await home.run(`burst deny ${id}`);
    expect([err.split('\n')[0], code]).toEqual(['hodei: Why not? Who asked for it reads that.', 2]);
    expect(await hodei(`burst deny ${id} --reason "not now"`)).toBe(
      'bst-… is denied: acme stays as it is, and ana can see why.',
    );
    expect(await hodei(`burst get ${id}`)).toMatch(/\(denied\): "not now"/);
  });

  it('cancels what has not begun, and goes on behind what is not there', async () => {
    const id = await asked();
    expect(await hodei(`burst cancel ${id} --dry-run`)).toMatchInlineSnapshot(`
      "Would cancel bst-…: acme would not get up to 140 % of its cpu and memory.
      Nothing was changed."
    `);
    expect(await hodei(`burst cancel bst-nosuch ${id}`)).toMatchInlineSnapshot(`
      "bst-… is cancelled: it will not begin.
      ! hodei: Burst session not found: bst-nosuch
      !        See which there are: hodei burst list
      exit 3"
    `);
  });

  it('ends, and says by how much the tenant is over', async () => {
    const id = await agreed();
    await home.run('job admit --tenant acme --cpu 6.5 --id one');
    expect(await hodei(`burst end ${id} --dry-run`)).toMatchInlineSnapshot(`
      "bst-… would end. acme would be over by 0.5 cores; its job keeps running.
      Nothing was changed."
    `);
    expect(await hodei(`burst end ${id}`)).toMatchInlineSnapshot(
      `"bst-… ended. acme is over by 0.5 cores; its job keeps running."`,
    );
    expect(await hodei(`burst end ${id}`)).toBe('bst-… had ended already: nothing was done.');
  });

  it('asks before it evicts, and says whom', async () => {
    const id = await agreed(`${request} --on-end evict`);
    await home.run('job admit --tenant acme --cpu 5 --id one');
    await home.run('job admit --tenant acme --cpu 2 --id two');
    const { code } = await home.run(`burst end ${id}`);
    expect(code).toBe(2);
    expect(await hodei(`burst end ${id}`, { isTerminal: true, answer: true }))
      .toMatchInlineSnapshot(`
      "bst-… ended. acme is within its limits.
      Evicted 1 job: two of acme.
      ! on ~/data/hodei/hodei.db
      ! ? End bst-…, under which 1 job runs, and evict what no longer fits?"
    `);
  });
});

describe('burst list, get and history', () => {
  it('list says how long each lasts, as people read it', async () => {
    await agreed();
    await hodei('tenant create beta --email b@b.example');
    await asked('burst request beta --add gpu=4 --reason training');
    // A second later, so that no time is left to the minute.
    const later: RunOptions['host'] = ({ time }) => ({
      time: { ...time, now: () => Date.now() + 1000 },
    });
    const table = await hodei('burst list', { isTerminal: true, host: later });
    expect(table).toMatchInlineSnapshot(`
      "ID                         TENANT  STATE      LIFTS          TIME             ASKED BY  REASON
      bst-…  beta    requested  +4 GPU         lapses in ALMOST 1 d   ana       training
      bst-…  acme    active     140 % of cpu,  ALMOST 2 h left  ana       release week
                                                    memory
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('burst list --tenant acme')).toMatchInlineSnapshot(
      `"bst-…	acme	active	140 % of cpu, memory	ALMOST 2 h left	ana	release week"`,
    );
    expect(await hodei('burst list -o csv --tenant acme')).toMatchInlineSnapshot(`
      "id,tenant,state,lifts,pool,percentage,starts_at,ends_at,lapses_at,ended_at,asked_by,reason
      bst-…,acme,active,"140 % of cpu, memory",,140,HH:MM,HH:MM,,,ana,release week"
    `);
    const empty = await hodei('burst list --state denied', { isTerminal: true });
    expect(empty).toContain('! There are none.');
  });

  it('says it to a person where nothing is lent', async () => {
    expect(await hodei('burst list', { isTerminal: true })).toContain(
      'Nothing is lent, and nobody asks for it.',
    );
    expect(await hodei('burst list')).toBe('');
  });

  it('get has all of it, with the jobs that it let in', async () => {
    const id = await agreed();
    await home.run('job admit --tenant acme --cpu 7 --memory 1Gi --id one');
    const text = (await hodei(`burst get ${id}`)).replace(/: \S+ at HH/, ': ben at HH');
    expect(text).toMatchInlineSnapshot(`
      "session	bst-…
      tenant	acme
      state	active, ALMOST 2 h left
      lifts	cpu 6 → 8.4 cores, 7 cores used
      lifts	memory 8192 → 11468 MiB, 1 GiB used
      note	eng above it leaves 9 GiB of memory, so acme cannot use all of that.
      asked by	ana at HH:MM
      reason	release week
      approvals	1 of 1: ben at HH:MM
      begins	HH:MM
      ends	HH:MM
      lasts	2 h
      at its end	jobs that run above the limits stay
      jobs	1: one of acme
      version	3"
    `);
    expect(await hodei('job list --burst ' + id)).toMatch(/^one\tacme\t/);
  });

  it('history has those that are over too', async () => {
    const id = await agreed();
    await home.run(`burst end ${id}`);
    expect(await hodei('burst list')).toBe('');
    expect(await hodei('burst history acme')).toBe(
      'bst-…	acme	ended	140 % of cpu, memory	ended HH:MM	ana	release week',
    );
  });
});

describe('what is lent', () => {
  const ask = 'job admit --tenant acme --cpu 1 --id three';

  beforeEach(async () => {
    await agreed();
    await home.run('job admit --tenant acme --cpu 7.8 --id one');
  });

  it('is said in a rejection, with what the limit is without', async () => {
    const said = (await hodei(ask)).split('\n')[0] ?? '';
    expect(said.replace(/dec-\w+/, 'dec-…')).toBe(
      '! Rejected: acme asks for 1 core and has 0.6 free of 8.4, lent until HH:MM; 6 without (decision dec-…).',
    );
    const recorded = (await hodei('violation list')).split('\t').at(-1);
    expect(recorded).toBe('acme asks for 1 core and has 0.6 free of 8.4, lent; 6 without');
  });

  it('is said in explanations, in which no second session is offered', async () => {
    await hodei(`${ask} --on-full queue`);
    const stand = 'limit 8.4, lent until HH:MM (6 without), used 7.8';
    const job = await hodei('explain acme:three');
    expect(job).toContain(stand);
    expect(job).toContain('hodei quota set acme --cpu 8.8');
    expect(job).not.toContain('burst request');
    expect(await hodei('explain acme')).toContain(stand);
  });
});

describe('a session as a way out', () => {
  it.each([
    ['--cpu 9', true],
    ['--cpu 9.1', false],
    ['--cpu 7 --gpu 1', false],
  ])('is offered for %s: %s, as far as may be lent', async (amounts, isOffered) => {
    const { out } = await home.run(`job admit --tenant acme ${amounts} --json`);
    const { decision_id: id } = JSON.parse(out) as { decision_id: string };
    const told = await hodei(`explain ${id}`);
    expect(told.includes('hodei burst request acme --to 150% --for 1h')).toBe(isOffered);
  });

  it('is not offered where an ancestor lacks too, or where it is switched off', async () => {
    await home.run('quota set eng --cpu 5');
    const { out } = await home.run('job admit --tenant acme --cpu 7 --json');
    const { decision_id: id } = JSON.parse(out) as { decision_id: string };
    expect(await hodei(`explain ${id}`)).not.toContain('burst');
    await home.run('quota set eng --cpu 40');
    expect(await hodei(`explain ${id}`)).toContain('burst request acme --to 117%');
    const config = join(home.folder, 'off.yaml');
    writeFileSync(config, 'burst_capacity: { enabled: false }\n');
    await home.run(['config', 'apply', '--config', config]);
    expect(await hodei(`explain ${id}`)).not.toContain('burst');
    expect((await home.run(`${request.split(' "')[0]} x`)).err).toContain('is switched off');
  });
});

describe('the words of events', () => {
  it('tell the story of a session, and of the jobs under it', async () => {
    await home.run('job admit --tenant acme --cpu 6 --id one');
    await home.run('job admit --tenant acme --cpu 1 --id two --on-full queue');
    const id = await agreed(`${request} --on-end evict`);
    await home.run('job admit --tenant acme --cpu 1 --id three');
    await home.run(`burst end ${id} --yes`);
    const { out } = await home.run('watch --kind burst --kind job --after 0 --count 10');
    const told = out.split('\n').map((line) => line.split('\t').slice(3, 6).join('  '));
    expect(mask(told.join('\n'))).toMatchInlineSnapshot(`
      "job.admit  acme  one: 6 cores in default
      job.queue  acme  two: 1 core in default
      burst.request  acme  bst-…: 140 % of cpu, memory for 2 h, evicting at its end
      burst.approve  acme  bst-…: 1 of 1 approval
      burst.begin  acme  bst-…: active until HH:MM
      job.promote  acme  job-… admitted, bst-…
      job.admit  acme  three: 1 core in default, bst-…
      burst.end  acme  bst-…: ended, 2 jobs evicted as far as they do not fit
      job.evict  acme  job-… evicted, bst-… is over
      job.evict  acme  job-… evicted, bst-… is over"
    `);
  });

  it('tell what was asked for, and what became of it', async () => {
    await asked('burst request acme --add gpu=4,cpu=2 --at 2h --reason training');
    const { out } = await home.run('burst list -o name');
    await home.run(`burst cancel ${out}`);
    const events = await home.run('audit list --limit 2');
    const told = events.out.split('\n').map((line) => line.split('\t')[5]);
    expect(mask(told.join('\n'))).toMatchInlineSnapshot(`
      "bst-…: cancelled
      bst-…: +4 GPU, +2 cores for 1 h, from HH:MM"
    `);
  });
});

describe('a job under a session', () => {
  it('is marked where it is admitted, listed and shown', async () => {
    await agreed();
    const said = await hodei('job admit --tenant acme --cpu 8 --id one');
    expect(said.split('\n')[1]).toBe(
      '! Note: it would not have fitted without burst session bst-….',
    );
    expect(await hodei('job list')).toContain('\tadmitted (burst)\t');
    expect((await home.run('job list -o csv')).out).toContain(',admitted,');
    expect(await hodei('job get acme:one')).toContain('burst\tbst-…');
  });
});
