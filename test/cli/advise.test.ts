import { afterEach, beforeEach, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi');
});
afterEach(() => home.remove());

it('prints commands that can be typed as they are, and help', async () => {
  await home.run('pool create farm --max-size 2');
  await home.run('quota set acme --pool farm --cpu 1');
  for (let i = 0; i < 10; i++) {
    await home.run('job admit --tenant acme --cpu 6 --memory 12Gi');
    await home.run('job admit --tenant acme --pool farm --cpu 2 --memory 1Gi');
  }
  const { out } = await home.run('advise -o name');
  const commands = out.split('\n').sort();
  expect(commands).toEqual([
    'hodei quota set acme --cpu 6',
    'hodei quota set acme --memory 12Gi',
    'hodei quota set acme --pool farm --cpu 2',
  ]);
  for (const command of commands) {
    expect((await home.run(command.replace('hodei ', ''))).code).toBe(0);
  }
  expect((await home.run('quota get acme -o csv')).out).toMatch(/^cpu_m,6000,/m);
  const admitted = await home.run('job admit --tenant acme --cpu 6 --memory 12Gi');
  expect(admitted.code).toBe(0);
  expect((await home.run('advise -o name')).out).toBe('');
});

it('says why, and what would still not fit', async () => {
  for (let i = 0; i < 10; i++) await home.run('job admit --tenant acme --cpu 6');
  const { out, err } = await home.run('advise');
  expect([out, err]).toEqual([
    'acme\t-\tcpu\t4 cores\t6 cores\t10 requests did not fit, all would\thodei quota set acme --cpu 6',
    '',
  ]);
});

it('says that there is nothing to advise', async () => {
  const { out, err, code } = await home.run('advise --last 1h');
  expect([out, code]).toEqual(['', 0]);
  expect(err).toMatch(/^Nothing to advise: since .* no limit was often too low or far too high\.$/);
});

it.each(['advise acme', 'advise --last 30', 'advise --tenant amce', 'advise --limit x'])(
  'refuses %s',
  async (line) => {
    const { out, code } = await home.run(line);
    expect(out).toBe('');
    expect([2, 3]).toContain(code);
  },
);
