import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 79');
  await home.run('pool create gpu --cpu 9 --max-size 4');
});
afterEach(() => home.remove());

/** A morning that is to come whenever this runs, so that no hold is over. */
const morning = new Date(2099, 0, 5, 10, 0).getTime();

const hodei = (line: string, options?: RunOptions) =>
  shownBy(home, line, {
    ...options,
    host: (real) => ({ time: { ...real.time, now: () => morning } }),
  });
const atTerminal = { isTerminal: true };

async function ask(...jobs: string[]): Promise<void> {
  for (const job of jobs) {
    await home.run(`job admit --tenant acme --pool gpu --id ${job} --on-full queue --cpu 1`);
  }
}

async function heading(): Promise<string> {
  return (await hodei('pool get gpu', atTerminal)).split('\n')[0] ?? '';
}

describe('pool hold', () => {
  it('says until when, why, and what runs there still', async () => {
    await ask('a', 'b');
    expect(await hodei('pool hold gpu --until 18:00 --reason driver --dry-run')).toBe(
      'Would hold gpu until 18:00 (driver): 2 jobs left to drain, nothing new starts. Nothing was changed.',
    );
    expect(await hodei('pool hold gpu --until 18:00 --reason driver')).toBe(
      'Held gpu until 18:00 (driver): 2 jobs left to drain, nothing new starts.',
    );
    await ask('c');
    expect(await heading()).toBe(
      'gpu  held until 18:00 (driver), 2 jobs left to drain, static, 4 workers, 1 waits',
    );
    expect(await hodei('pool list')).toContain('gpu\theld\t');
    for (const job of ['a', 'b']) await hodei(`job release acme:${job}`);
    expect(await heading()).toBe(
      'gpu  held until 18:00 (driver), nothing left to drain, static, 4 workers, 1 waits',
    );
  });

  it('takes every form of a time, and says the day where it is not today', async () => {
    const end = async (text: string) => {
      const { out } = await home.run(['pool', 'hold', 'gpu', '--until', text, '--json'], {
        host: (real) => ({ time: { ...real.time, now: () => morning } }),
      });
      return (JSON.parse(out) as { held_until: string }).held_until;
    };
    expect(await end('2h')).toBe(new Date(2099, 0, 5, 12, 0).toISOString());
    expect(await end('9:30')).toBe(new Date(2099, 0, 6, 9, 30).toISOString());
    expect(await end('2099-02-01T08:00')).toBe(new Date(2099, 1, 1, 8, 0).toISOString());
    expect(await end('2099-02-01T08:00Z')).toBe('2099-02-01T08:00:00.000Z');
    expect(await hodei('pool hold gpu --until 9:30')).toBe(
      'Held gpu until TIME: nothing left to drain, nothing new starts.',
    );
  });

  it('once more says it anew where a time is given, and changes nothing where none is', async () => {
    await hodei('pool hold gpu --until 18:00 --reason driver');
    expect(await hodei('pool hold gpu --until 20:00')).toBe(
      'Held gpu until 20:00 (driver): nothing left to drain, nothing new starts.',
    );
    expect(await hodei('pool hold gpu')).toBe(
      'Held gpu until 20:00 (driver): nothing left to drain, nothing new starts.',
    );
    expect(await hodei('pool resume gpu')).toBe('gpu is active.');
    expect(await heading()).toBe('gpu  active, static, 4 workers, no jobs run, none waits');
  });

  it('is in the audit with its time', async () => {
    await hodei('pool hold gpu --until 18:00 --reason driver');
    const last = (await hodei('audit list')).split('\n')[0]?.split('\t').slice(3);
    expect(last).toEqual([
      'pool.hold',
      'pool gpu',
      'status active → held, held_until - → TIME, held_reason - → driver',
      'driver',
    ]);
  });

  it.each([
    'pool hold',
    'pool resume',
    'pool hold gpu --all',
    'pool resume gpu --all',
    'pool hold gpu --until',
    'pool hold gpu --until noon',
    'pool hold gpu --until 25:00',
    'pool hold gpu --until 18',
    'pool hold gpu --until 2099-01-05T09:00',
    'pool resume gpu --until 18:00',
    'pool hold gup --until 18:00',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('every pool at once', () => {
  it('is held and resumed, with a line for each', async () => {
    await ask('a');
    await hodei('pool create spot');
    expect(await hodei('pool hold --all --until 18:00 --reason "power cut"'))
      .toMatchInlineSnapshot(`
      "Held default until 18:00 (power cut): nothing left to drain, nothing new starts.
      Held gpu until 18:00 (power cut): 1 job left to drain, nothing new starts.
      Held spot until 18:00 (power cut): nothing left to drain, nothing new starts."
    `);
    await ask('b');
    expect(await hodei('pool resume --all')).toMatchInlineSnapshot(`
      "default is active.
      gpu is active.
      Started: b of acme.
      spot is active."
    `);
    expect(await hodei('pool hold --all --dry-run')).toMatchInlineSnapshot(`
      "Would hold default: nothing left to drain, nothing new starts. Nothing was changed.
      Would hold gpu: 2 jobs left to drain, nothing new starts. Nothing was changed.
      Would hold spot: nothing left to drain, nothing new starts. Nothing was changed."
    `);
  });

  it('is a list also where there is one', async () => {
    await hodei('pool delete gpu --yes');
    const { out } = await home.run('pool hold --all --json');
    expect(JSON.parse(out)).toMatchObject({
      items: [{ id: 'default', status: 'held', held_until: null, held_reason: null }],
    });
    expect(await hodei('pool resume --all -o name')).toBe('default');
  });
});
