import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Host, Time } from '../../src/cli/host.ts';
import { notFound, unavailable } from '../../src/domain/errors.ts';
import type { Operation } from '../../src/service/operation.ts';
import type { JobView } from '../../src/service/job-view.ts';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';
import { onFile } from '../helpers/store.ts';
import { disturbed, fakeSignals, fakeTime } from '../helpers/waiting.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 6');
  await home.run('job admit --tenant acme --cpu 4 --id first --ttl 1h');
});
afterEach(() => home.remove());

async function hodei(line: string, host?: RunOptions['host']): Promise<string> {
  const text = await shownBy(home, line, host === undefined ? {} : { host });
  return text.replace(/\b(job|dec)-[0-9a-z]{12,}/g, '$1-…');
}

async function jobNamed(name: string): Promise<JobView> {
  return JSON.parse((await home.run(`job get acme:${name} --json`)).out) as JobView;
}

const second = 'job admit --tenant acme --cpu 4 --id second --ttl 2h --wait 5m';
const waits =
  '! Queued: acme asks for 4 cores and has 2 free of 6; second is first in line (job-…). Waiting up to 5 min.';

/** A place where nothing is ever told. */
function silent(real: Host, disturb: (operation: Operation) => void): Host['connect'] {
  const connect = disturbed(real, disturb);
  return async (...asked) => ({
    ...(await connect(...asked)),

    async *follow(_input, signal) {
      await once(signal, 'abort');
    },
  });
}

/** A clock on which no pause ever ends by itself. */
function endlessTime(): Time {
  const pause: Time['pause'] = async (_milliseconds, until) => {
    if (until?.aborted === false) await once(until, 'abort');
  };
  return { now: Date.now, passed: () => 0, pause };
}

describe('job admit --wait', () => {
  it('does not wait where there is room', async () => {
    const { time, pauses } = fakeTime();
    await hodei('job release acme:first');
    expect(await hodei(second, () => ({ time }))).toBe('Admitted second of acme: 4 cores (job-…).');
    expect(pauses).toEqual([]);
  });

  it('waits until there is room, and takes it', async () => {
    const { time } = fakeTime((pauses) => pauses === 3 && hodei('job release acme:first'));
    expect(await hodei(second, () => ({ time }))).toBe(
      `Admitted second of acme: 4 cores (job-…).\n${waits}`,
    );
    expect(await jobNamed('second')).toMatchObject({ claim_due: false, ttl_seconds: 7200 });
  });

  it('nudges every 10 s where nothing is told, and ends with 8 when the time is over', async () => {
    const { time, pauses } = fakeTime();
    const nudges: string[] = [];
    const host: RunOptions['host'] = (real) => ({
      time,
      connect: silent(real, ({ name }) => name === 'job.renew' && nudges.push(name)),
    });
    expect(await hodei(second, host)).toMatchInlineSnapshot(`
      "Queued: acme asks for 4 cores and has 2 free of 6; second is first in line (job-…).
      ! Queued: acme asks for 4 cores and has 2 free of 6; second is first in line (job-…). Waiting up to 5 min.
      ! It waits still, after 5 min. To cancel it: hodei job cancel job-…
      exit 8"
    `);
    expect(pauses).toEqual(Array.from({ length: 30 }, () => 10_000));
    expect(nudges).toHaveLength(30);
    expect(await jobNamed('second')).toMatchObject({ state: 'queued' });
  });

  it('hears of its turn without asking', async () => {
    const looks: string[] = [];
    const host: RunOptions['host'] = (real) => ({
      time: endlessTime(),
      connect: disturbed(real, ({ name }) => void looks.push(name)),
    });
    const waiting = hodei(second, host);
    await vi.waitUntil(() => looks.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Once when it follows, since something may have happened before.
    expect(looks).toEqual(['job.admit', 'job.get']);
    await hodei('job release acme:first');
    expect(await waiting).toBe(`Admitted second of acme: 4 cores (job-…).\n${waits}`);
    expect(looks).toEqual(['job.admit', 'job.get', 'job.get', 'job.renew']);
  });

  it('misses nothing that happens before it follows', async () => {
    const host: RunOptions['host'] = (real) => ({
      time: endlessTime(),
      connect: async (...asked) => {
        const session = await real.connect(...asked);
        return {
          ...session,
          async *follow(...followed) {
            await hodei('job release acme:first');
            yield* session.follow(...followed);
          },
        };
      },
    });
    expect(await hodei(second, host)).toContain('Admitted second of acme');
  });

  it('looks again after each break, and whenever it was tried to connect', async () => {
    const host: RunOptions['host'] = (real) => ({
      time: endlessTime(),
      connect: async (...asked) => ({
        ...(await real.connect(...asked)),
        async *follow(_input, signal) {
          yield { kind: 'open' };
          await hodei('job release acme:first');
          yield { kind: 'broken', error: unavailable('The server is away.') };
          await once(signal, 'abort');
        },
      }),
    });
    expect(await hodei(second, host)).toContain('Admitted second of acme');
  });

  it('goes on with nudges where nothing can be followed', async () => {
    const { time } = fakeTime((pauses) => pauses === 3 && hodei('job release acme:first'));
    const host: RunOptions['host'] = (real) => ({
      time,
      connect: async (...asked) => ({
        ...(await real.connect(...asked)),

        async *follow() {
          throw notFound('There is no route GET /api/v1/events.');
        },
      }),
    });
    expect(await hodei(second, host)).toContain('Admitted second of acme');
  });

  it('says nothing but the answer where JSON is asked for', async () => {
    const { time } = fakeTime();
    const { out, err, code } = await home.run(`${second} --json`, { host: () => ({ time }) });
    expect([JSON.parse(out), err, code]).toEqual([
      expect.objectContaining({ state: 'queued', position: 1 }),
      '',
      8,
    ]);
  });

  it('cancels the job on Ctrl-C, and ends with 130', async () => {
    const { onSignals, send, isHeard } = fakeSignals();
    const { time } = fakeTime((pauses) => pauses === 2 && send('SIGINT'));
    expect(await hodei(second, () => ({ time, onSignals }))).toBe(
      `${waits}\n! Cancelled second of acme.\nexit 130`,
    );
    expect(isHeard()).toBe(false);
    expect(await jobNamed('second')).toMatchObject({ state: 'cancelled' });
  });

  it('releases a job that was admitted in the moment in which it is told to stop', async () => {
    const { onSignals, send } = fakeSignals();
    const { time } = fakeTime(async () => {
      await hodei('job release acme:first');
      send('SIGTERM');
    });
    expect(await hodei(second, () => ({ time, onSignals }))).toContain('exit 143');
    expect(await jobNamed('second')).toMatchObject({ state: 'released' });
  });

  it('keeps its place while the server is away', async () => {
    const { time, pauses } = fakeTime((count) => count === 9 && hodei('job release acme:first'));
    const isAway = () => pauses.length > 2 && pauses.length < 8;
    const host: RunOptions['host'] = (real) => ({
      time,
      connect: disturbed(real, () => {
        if (isAway()) throw unavailable('The server is away.');
      }),
    });
    expect(await hodei(second, host)).toContain('Admitted second of acme');
  });

  it('says why it does not know, where the server does not come back', async () => {
    const { time, pauses } = fakeTime();
    const host: RunOptions['host'] = (real) => ({
      time,
      connect: disturbed(real, () => {
        if (pauses.length > 2) throw unavailable('The server is away.');
      }),
    });
    expect(await hodei(second, host)).toBe(
      `${waits}\n! second of acme was queued, and may wait still. ` +
        'To cancel it: hodei job cancel job-…\n! hodei: The server is away.\nexit 7',
    );
  });

  it('sees to it that a lease that has run out ends, where nobody else does', async () => {
    const { time, pauses } = fakeTime((count) => {
      if (count !== 1) return;
      onFile(home.database, (file) => {
        file.exec(`update job set due_at = 1000 where job_id = 'first'`);
      });
    });
    expect(await hodei(second, () => ({ time }))).toContain('Admitted second of acme');
    expect(pauses.reduce((sum, pause) => sum + pause)).toBeLessThan(15_000);
    expect(await jobNamed('first')).toMatchObject({ state: 'expired' });
  });

  it('ends with 8 when the job may wait no longer', async () => {
    const { time } = fakeTime((pauses) => {
      if (pauses === 2) onFile(home.database, (file) => file.exec('update job set due_at = 1000'));
    });
    const shown = await hodei(`${second} --queue-ttl 1h`, () => ({ time }));
    expect(shown).toBe(`second of acme has waited as long as it may.\n${waits}\nexit 8`);
  });

  it('ends when somebody cancels the job meanwhile', async () => {
    const { time } = fakeTime((pauses) => pauses === 2 && hodei('job cancel acme:second'));
    expect(await hodei(second, () => ({ time }))).toBe(
      `${waits}\n! hodei: second of acme was cancelled while it waited.\nexit 5`,
    );
  });
});
