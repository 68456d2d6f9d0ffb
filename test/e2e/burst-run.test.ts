import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useProcesses } from './processes.ts';
import type { Started } from './started.ts';

const { hodei, line, home, setEnv } = useProcesses();

beforeEach(async () => {
  const config = join(home().folder, 'free.yaml');
  writeFileSync(config, 'burst_capacity: { approval: { auto_approve_threshold: 150 } }\n');
  await line(`config apply --config ${config}`);
  await line('tenant create acme --email ops@acme.example --cpu 6');
});

/** A command that would run for minutes, with more than the limit without a session. */
async function startedAbove(): Promise<Started> {
  const loop = 'echo ready; while :; do sleep 0.05; done';
  const running = hodei(
    ...'run --tenant acme --cpu 8 --ttl 1h --id big --'.split(' '),
    'sh',
    '-c',
    loop,
  );
  await running.hear(/ready/);
  return running;
}

const evicted =
  /^hodei: big of acme was evicted, since burst session bst-\w+ is over: the command is told to end\n$/;

describe.each(['a file', 'a server'])('a run under a burst session, on %s', (place) => {
  beforeEach(async () => {
    if (place === 'a file') return;
    const url = await hodei('serve', '--port', '0').hear(/listening on (\S+)\n/);
    setEnv({ HODEI_SERVER: url });
  });

  // Its lease would be renewed after 20 min for the first time: the test does not wait for that.
  it('is told to end when the session is over by itself', async () => {
    await line('burst request acme --to 150 --for 2s --on-end evict --reason demo');
    const { code, err } = await (await startedAbove()).ended;
    expect(err).toMatch(evicted);
    expect(code).toBe(143);
    expect((await line('job get acme:big --json')).out).toContain('"state": "evicted"');
  });

  it('is told to end when somebody ends the session', async () => {
    const asked = 'burst request acme --to 150 --for 1h --on-end evict --reason demo -o name';
    const id = (await line(asked)).out.trim();
    const running = await startedAbove();
    const { out } = await line(`burst end ${id} --yes`);
    expect(out).toContain('Evicted 1 job: big of acme.');
    const { code, err } = await running.ended;
    expect([code, err]).toEqual([143, expect.stringMatching(evicted)]);
  });
});
