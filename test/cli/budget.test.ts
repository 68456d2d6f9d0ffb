import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { startTestServer } from '../http/helpers.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example');
});
afterEach(() => home.remove());

/** Budget of a few jobs of one core for an hour, which cost 0.05. */
const set = (more = '') =>
  home.run(`budget set acme --monthly 0.1 --on-exceeded block ${more}`.trim());

describe('budget set', () => {
  it('says what holds now, and what is left', async () => {
    expect(await set('--warn 50% --critical 90')).toEqual({
      out:
        'acme: 0.10 USD a month, told of from 0.05 and 0.09 on; nothing starts beyond. ' +
        '0.00 are spent, 0.00 committed, 0.10 left.',
      ...{ err: '', code: 0 },
    });
  });

  it('changes only what is named, and with --dry-run nothing', async () => {
    await set();
    const tried = await home.run('budget set acme --monthly 7 --dry-run');
    expect(tried.out).toMatch(/^Would set acme: 7\.00 USD .* Nothing was changed\.$/);
    await home.run('budget set acme --warn 12.5%');
    await home.run('budget set acme --critical 50');
    const { out } = await home.run('budget get acme --json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ monthly_micro: 100_000, warn_percent: 12.5, critical_percent: 50 },
      ...{ on_exceeded: 'block', version: 3 },
    });
    await home.run('budget set acme --warn default --critical default');
    expect((await home.run('budget get acme --json')).out).toContain('"warn_percent": null');
  });

  it.each([
    ['--monthly 0', 2],
    ['--monthly -5', 2],
    ['--monthly 0.0000001', 2],
    ['--monthly five', 2],
    ['--monthly 5 --warn 101%', 2],
    ['--monthly 5 --warn a%', 2],
    ['--monthly 5 --warn 50 --critical 40', 2],
    ['--monthly 5 --on-exceeded explode', 2],
    ['--warn 50', 2],
    ['', 2],
  ])('refuses %s', async (flags, code) => {
    const refused = await home.run(`budget set acme ${flags}`.trim());
    expect([refused.out, refused.code]).toEqual(['', code]);
    expect((await home.run('budget list')).out).toBe('');
  });
});

describe('a job beyond a budget', () => {
  beforeEach(async () => {
    await set();
    await home.run('job admit --tenant acme --cpu 1 --ttl 1h');
  });

  it('is refused with the numbers of the budget', async () => {
    const refused = await home.run('job admit --tenant acme --cpu 1 --ttl 90m');
    expect(refused.code).toBe(6);
    expect(refused.err).toContain(
      "acme's budget of 0.10 a month has 0.05 spent and committed, " +
        'and this needs 0.08 until its lease or the month ends',
    );
  });

  it('is refused also where it costs more than a number tells exactly', async () => {
    await home.run('quota set acme --memory 9007199254740991Mi');
    const { err } = await home.run('job admit --tenant acme --memory 9007199254740991Mi');
    expect(err).toContain('and this needs more than 9007199254.74 until');
  });

  it('waits for it where it may, and says so wherever it is shown', async () => {
    await home.run('job admit --tenant acme --cpu 1 --ttl 90m --on-full queue --id w');
    expect((await home.run('queue list')).out).toContain('the budget of acme');
    expect((await home.run('explain acme:w')).out).toContain("acme's budget of 0.10 a month");
    expect((await home.run('explain acme')).out).toContain('for the budget of acme');
    const credit = ['budget', 'credit', 'acme', '0.05', '--reason', 'an outage'];
    expect((await home.run(credit)).out).toMatch(/^acme is credited with 0\.05 USD: of 0\.10, /);
    expect((await home.run('job list --state admitted')).out.split('\n')).toHaveLength(2);
  });
});

describe('credits and corrections', () => {
  it('are entries with who and why, and count at once', async () => {
    await set();
    await home.run(['budget', 'credit', 'acme', '50', '--reason', 'the outage']);
    await home.run(['budget', 'correct', 'acme', '-12.5', '--reason', 'a job that hung']);
    const entries = (await home.run('budget entries acme -o csv')).out.split('\n');
    expect(entries).toHaveLength(3);
    expect(entries[1]).toMatch(/,correction,-12500000,.*,a job that hung$/);
    expect((await home.run('budget get acme -o csv')).out.split('\n')[1]).toContain(',-62500000,');
  });

  it('want a reason, and a budget', async () => {
    expect((await home.run('budget credit acme 5 --reason x')).err).toContain('acme has no budget');
    await set();
    const unsaid = await home.run('budget credit acme 5');
    expect([unsaid.err.split('\n')[0], unsaid.code]).toEqual([
      'hodei: A credit wants a reason.',
      2,
    ]);
    expect((await home.run('budget credit acme -5 --reason x')).code).toBe(2);
  });
});

it('is told in the audit in money, not in millionths', async () => {
  await set('--warn 50%');
  await home.run('budget set acme --monthly 0.2');
  await home.run('budget credit acme 5 --reason outage');
  await home.run('budget correct acme 5.16 --reason typo');
  await home.run('budget unset acme');
  const { out } = await home.run('audit list -o csv');
  const told = out.split('\n').filter((line) => line.includes('budget.'));
  expect(told.map((line) => line.replace(/^.*?budget\./, ''))).toEqual([
    'unset,acme,no more 0.20 a month,',
    'warning,acme,"0.16 of 0.20 spent, 0.00 committed",',
    'correct,acme,5.16 to what was spent,typo',
    'credit,acme,5.00,outage',
    'set,acme,0.20 a month,',
    'set,acme,"0.10 a month, warning at 50 %, critical as configured, blocks",',
  ]);
});

describe('budget list, get and unset', () => {
  it('say how to have one where there is none', async () => {
    const none = await home.run('budget list', { isTerminal: true });
    expect(none.err).toContain('There are none: hodei budget set acme --monthly 500');
    expect((await home.run('budget get acme')).code).toBe(3);
    expect((await home.run('budget unset acme')).code).toBe(3);
  });

  it('show a line for each, and take one away', async () => {
    await set();
    expect((await home.run('budget list')).out).toBe(
      'acme\t0.10 USD\t0.00\t0.00\t0.10\t0 %\tblock\t',
    );
    expect((await home.run('budget list -o name')).out).toBe('acme');
    expect((await home.run('budget unset acme')).err).toBe('acme has no budget any more.');
    expect((await home.run('budget list')).out).toBe('');
  });
});

it('is the same through a server', async () => {
  const server = await startTestServer();
  const there = (line: string) => home.run([...line.split(' '), '--server', server.url]);
  try {
    await there('tenant create acme --email ops@acme.example');
    expect((await there('budget set acme --monthly 500')).code).toBe(0);
    expect((await there('budget credit acme 5 --reason outage')).code).toBe(0);
    const { out } = await there('budget get acme --json');
    expect(JSON.parse(out)).toMatchObject({ spent_micro: -5_000_000, left_micro: 505_000_000 });
    expect((await there('budget entries acme')).out).toContain('outage');
    expect((await there('budget unset acme')).code).toBe(0);
  } finally {
    await server.stop();
  }
});
