import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unavailable } from '../../src/domain/errors.ts';
import type { Operation } from '../../src/service/operation.ts';
import type { JobView } from '../../src/service/job-view.ts';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';
import { onFile } from '../helpers/store.ts';
import { disturbed, fakeCommand, fakeSignals, fakeTime } from '../helpers/waiting.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 6');
});
afterEach(() => home.remove());

async function hodei(line: string, host?: RunOptions['host']): Promise<string> {
  const text = await shownBy(home, line, host === undefined ? {} : { host });
  return text.replace(/\b(job|dec)-[0-9a-z]{12,}/g, '$1-…');
}

async function jobNamed(name: string): Promise<JobView> {
  return JSON.parse((await home.run(`job get acme:${name} --json`)).out) as JobView;
}

type MakeHost = NonNullable<RunOptions['host']>;

const run = 'run --tenant acme --cpu 4 --id one';

/** A host on which a command runs until the test ends it in one of the pauses between renewals. */
function hostThat(meanwhile: (pauses: number, command: ReturnType<typeof fakeCommand>) => unknown) {
  const command = fakeCommand();
  const signals = fakeSignals();
  const clock = fakeTime((pauses) => meanwhile(pauses, command));
  const { startCommand } = command;
  const host = { time: clock.time, onSignals: signals.onSignals, startCommand };
  const makeHost: MakeHost = () => host;
  return { command, signals, ...clock, host: makeHost };
}

/** Nothing but pauses happen while a lease is kept; so many of them, then the command ends. */
const endingAfter = (number: number, exitCode = 0) =>
  hostThat((pauses, command) => (pauses === number ? command.end(exitCode) : undefined));

describe('hodei run', () => {
  it('says nothing of its own, and returns the code of the command', async () => {
    const { host, command } = endingAfter(1, 3);
    expect(await hodei(`${run} -- make test -j 4 --json`, host)).toBe('exit 3');
    expect(command.started).toEqual([['make', 'test', '-j', '4', '--json']]);
    expect(await jobNamed('one')).toMatchObject({ state: 'released', ttl_seconds: 60 });
  });

  it('has nothing to say at a terminal either', async () => {
    const { host } = endingAfter(1);
    const line = `${run} -- make`.split(' ');
    const { out, err } = await home.run(line, { isTerminal: true, host });
    expect([out, err]).toEqual(['', '']);
  });

  it('renews every third of its lease while the command lives', async () => {
    const { host, pauses } = endingAfter(4);
    await hodei(`${run} --ttl 90s -- make`, host);
    expect(pauses).toEqual([30_000, 30_000, 30_000, 30_000]);
    const { out } = await home.run('audit list --operation job.renew -o name');
    expect(out.split('\n')).toHaveLength(3);
  });

  it('renews at least every hour, however long the lease is', async () => {
    const { host, pauses } = endingAfter(2);
    await hodei(`${run} --ttl 100d -- make`, host);
    expect(pauses).toEqual([3_600_000, 3_600_000]);
  });

  it('hands signals on, until the command has ended', async () => {
    const { host, signals, command } = hostThat((pauses, { end }) => {
      for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGINT'] as const) signals.send(signal);
      if (pauses === 2) end(0);
    });
    await hodei(`${run} -- make`, host);
    const once = ['SIGHUP', 'SIGUSR1', 'SIGINT'];
    expect(command.got).toEqual([...once, ...once]);
    expect(signals.isHeard()).toBe(false);
  });

  it.each([
    [`run --cpu 4 -- make`, 122],
    [run, 122],
    [`${run} --`, 122],
    [`${run} make test`, 122],
    [`${run} make -- test`, 122],
    [`${run} --wait -- make`, 122],
    [`${run} --wait 30 -- make`, 122],
    [`${run} --on-full queue -- make`, 122],
    [`${run} --tenat acme -- make`, 122],
    [`${run} --on-unavailable wait -- make`, 122],
    ['run --tenant acmee --cpu 4 -- make', 123],
    ['run --tenant acme --cpu 8 -- make', 126],
    [`${run} --db /nonexistent/hodei.db -- make`, 127],
  ])('refuses %j with a code of its own', async (line, code) => {
    const { host, command } = endingAfter(1);
    const shown = await hodei(line, host);
    expect(shown).toMatch(new RegExp(`\nexit ${code}$`));
    expect(shown).toMatchSnapshot();
    expect(command.started).toEqual([]);
  });

  it('does not start a second time what is running under its name', async () => {
    await hodei('job admit --tenant acme --cpu 4 --id one --ttl 60s');
    const { host, command } = endingAfter(1);
    expect(await hodei(`${run} -- make`, host)).toMatchInlineSnapshot(`
      "! hodei: one of acme is admitted already, perhaps for another run that goes on (job-…).
      !        If that one is over: hodei job release acme:one
      exit 125"
    `);
    expect(command.started).toEqual([]);
  });

  it('does not run again for free what has ended', async () => {
    await hodei(`${run} -- make`, endingAfter(1).host);
    expect(await hodei(`${run} -- make`, endingAfter(1).host)).toMatch(
      /has ended.*\n.*\nexit 125$/,
    );
  });
});

describe('hodei run --wait', () => {
  beforeEach(() => hodei('job admit --tenant acme --cpu 4 --id blocker'));
  const waiting = `${run} --wait 30m -- make`;
  const waits = '! hodei: waiting for 4 cores in acme (first in line)';

  it('says that it waits and when it is admitted, and nothing else', async () => {
    const { host } = hostThat(async (pauses, command) => {
      if (pauses === 6) await hodei('job release acme:blocker');
      if (pauses === 8) command.end(0);
    });
    expect(await hodei(waiting, host)).toBe(`${waits}\n! hodei: admitted after 1 min`);
    expect(await jobNamed('one')).toMatchObject({ state: 'released', mark: 'promoted' });
  });

  it('leaves the queue when the time is over', async () => {
    const { host, command } = hostThat(() => undefined);
    expect(await hodei(waiting, host)).toMatchInlineSnapshot(`
      "! hodei: waiting for 4 cores in acme (first in line)
      ! hodei: acme asks for 4 cores and has 2 free of 6: no room within 30 min.
      !        make was not started.
      exit 128"
    `);
    expect(command.started).toEqual([]);
    expect(await jobNamed('one')).toMatchObject({ state: 'cancelled' });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves the queue on %s', async (signal, code) => {
    const { host, command, signals } = hostThat((pauses) => pauses === 2 && signals.send(signal));
    expect(await hodei(waiting, host)).toBe(`${waits}\nexit ${code}`);
    expect(command.started).toEqual([]);
    expect(await jobNamed('one')).toMatchObject({ state: 'cancelled' });
    expect(signals.isHeard()).toBe(false);
  });

  it('waits no longer in the queue than it waits itself', async () => {
    let queued: JobView | undefined;
    const { host } = hostThat(async (pauses) => {
      if (pauses === 1) queued = await jobNamed('one');
      if (pauses === 1) await hodei('job cancel acme:one');
    });
    await hodei(waiting, host);
    const until = Date.parse(queued?.expires_at ?? '');
    expect(until - Date.parse(queued?.requested_at ?? '')).toBe(30 * 60_000);
  });

  it('ends when somebody cancels the job meanwhile', async () => {
    const { host } = hostThat((pauses) => pauses === 2 && hodei('job cancel acme:one'));
    expect(await hodei(waiting, host)).toMatch(
      /one of acme was cancelled while it waited: make was not started\.\nexit 125$/,
    );
  });

  it('takes over what was promoted after its first run had been killed', async () => {
    await hodei('job admit --tenant acme --cpu 4 --id one --ttl 60s --on-full queue');
    await hodei('job release acme:blocker');
    expect(await hodei(waiting, endingAfter(1).host)).toBe('');
  });
});

describe('a lease that is lost while the command runs', () => {
  it('is told of when the job was evicted, and the command has to end', async () => {
    const { host, command } = hostThat((pauses) => {
      if (pauses === 2) setState('evicted');
    });
    expect(await hodei(`${run} -- make`, host)).toBe(
      '! hodei: one of acme was evicted: the command is told to end\nexit 143',
    );
    expect(command.got).toEqual(['end']);
  });

  function setState(state: string) {
    onFile(home.database, (file) => {
      file.prepare('update job set state = ?, due_at = null, ended_at = 1000').run(state);
    });
  }

  it('is told of when somebody released it, and the command goes on', async () => {
    const { host, command } = hostThat((pauses) => pauses === 2 && hodei('job release acme:one'));
    // The state is what is looked at last.
    const endAfterLook = (operation: Operation) => {
      if (operation.name === 'job.get') setImmediate(() => command.end(0));
    };
    const connect: MakeHost = (real) => ({
      ...host(real),
      connect: disturbed(real, () => undefined, endAfterLook),
    });
    expect(await hodei(`${run} -- make`, connect)).toBe(
      '! hodei: one of acme is released: the command goes on without quota',
    );
    expect(command.got).toEqual([]);
  });

  it('is told of once while it cannot be renewed, and again when it has run out', async () => {
    const { host, pauses, command, time } = hostThat(() => undefined);
    const isAway = (count: number) => {
      if (time.passed() >= 60_000) setImmediate(() => command.end(0));
      return count > 0;
    };
    expect(await hodei(`${run} -- make`, away(host, isAway, pauses))).toMatchInlineSnapshot(`
      "! hodei: the lease could not be renewed (The server is away); it lasts 40 s more
      ! hodei: the lease of one of acme has run out: the command goes on without quota
      ! hodei: one of acme could not be released (The server is away); it ends with its lease"
    `);
    expect(time.passed()).toBeLessThan(70_000);
  });

  it('is kept when it can be renewed in time', async () => {
    const { host, pauses } = endingAfter(9);
    const shown = await hodei(
      `${run} -- make`,
      away(host, (count) => count > 1 && count < 5, pauses),
    );
    expect(shown).toBe(
      '! hodei: the lease could not be renewed (The server is away); it lasts 40 s more',
    );
    expect(await jobNamed('one')).toMatchObject({ state: 'released' });
  });
});

describe('a job that cannot be released', () => {
  it('is tried again, then left to its lease, and the command keeps its code', async () => {
    const { host, pauses } = endingAfter(1, 4);
    const shown = await hodei(
      `${run} -- make`,
      away(host, (count) => count >= 1, pauses),
    );
    expect(shown).toMatchInlineSnapshot(`
      "! hodei: one of acme could not be released (The server is away); it ends with its lease
      exit 4"
    `);
    expect(pauses).toEqual([20_000, 500, 1_000, 2_000]);
  });
});

describe('--on-unavailable proceed', () => {
  const proceed = `${run} --on-unavailable proceed`;

  it('runs the command without quota when nobody can be asked', async () => {
    const { host, command } = hostThat(() => undefined);
    const ending = endAtOnce(host, command);
    expect(await hodei(`${proceed} --db /nonexistent/hodei.db -- make`, ending)).toBe(
      '! hodei: There is no database at /nonexistent/hodei.db: make runs without quota\nexit 5',
    );
  });

  it('runs no command that was refused', async () => {
    const { host, command } = endingAfter(1);
    const line = 'run --tenant acme --cpu 8 --on-unavailable proceed -- make';
    expect(await hodei(line, host)).toMatch(/make was not started\.\nexit 126$/);
    expect(command.started).toEqual([]);
  });
});

/** A server that is not there in some of the pauses. */
function away(host: MakeHost, when: (pauses: number) => boolean, pauses: unknown[]): MakeHost {
  return (real) => ({
    ...host(real),
    connect: disturbed(real, () => {
      if (when(pauses.length)) throw unavailable('The server is away.');
    }),
  });
}

function endAtOnce(host: MakeHost, command: ReturnType<typeof fakeCommand>): MakeHost {
  return (real) => ({
    ...host(real),
    startCommand: async (argv) => {
      const started = await command.startCommand(argv);
      command.end(5);
      return started;
    },
  });
}
