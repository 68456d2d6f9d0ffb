import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';
import { onFile } from '../helpers/store.ts';
import { fakeSignals, fakeTime } from '../helpers/waiting.ts';

let home: CliHome;

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);
const jobs = async () => (await home.run('job list --state all -o name')).out;

const DAY = 86_400_000;
const BEFORE = '--before 2026-03-01';

beforeEach(async () => {
  home = newCliHome();
  await hodei('tenant create acme --email e@acme.example');
  for (const id of ['a', 'b']) {
    await hodei(`job admit --tenant acme --pool default --cpu 1 --id ${id}`);
    await hodei(`job release acme:${id}`);
  }
  await hodei('job admit --tenant acme --pool default --cpu 1 --id c');
});
afterEach(() => home.remove());

/** As if the jobs that have ended had done so long ago. */
function age(): void {
  const [from, to] = [Date.parse('2026-01-01'), Date.parse('2026-01-01') + DAY];
  onFile(home.database, (connection) =>
    connection.exec(`update job set admitted_at = ${from}, ended_at = ${to} where ended_at > 0`),
  );
}

describe('usage prune', () => {
  it('asks, removes what ended, and keeps what it cost', async () => {
    age();
    const report = async () =>
      (await home.run('cost report --from 2026-01-01 --to 2026-02-01 -o csv')).out;
    const before = await report();
    expect(before).toContain('acme');
    const options = { isTerminal: true, answer: true };
    expect(await hodei(`usage prune ${BEFORE}`, options)).toMatchInlineSnapshot(`
      "Removed 2 jobs that ended before 2026-03-01. No total has changed: what they used is kept by the hour.
      ! on ~/data/hodei/hodei.db
      ! ? Remove the jobs that ended before 2026-03-01? What they used and cost is kept by the hour, their ids and labels are not.
      ! ~ 100 % looked through, 2 jobs removed
      ! ~ "
    `);
    expect(await report()).toBe(before);
    expect((await jobs()).split('\n')).toHaveLength(1);
    expect(await hodei(`usage prune ${BEFORE}`)).toMatchInlineSnapshot(
      `"There are no jobs that ended before 2026-03-01."`,
    );
  });

  it('removes nothing where the answer is no, nobody can answer, or it is tried', async () => {
    age();
    const options = { isTerminal: true, answer: false };
    expect(await hodei(`usage prune ${BEFORE}`, options)).toContain('! Nothing was changed.');
    expect(await hodei(`usage prune ${BEFORE}`)).toMatchInlineSnapshot(`
      "! hodei: Remove the jobs that ended before 2026-03-01? What they used and cost is kept by the hour, their ids and labels are not. Nobody is here to answer.
      !        Say it beforehand with --yes.
      exit 2"
    `);
    expect(await hodei(`usage prune ${BEFORE} --dry-run`)).toMatchInlineSnapshot(
      `"Would remove 2 jobs that ended before 2026-03-01. Nothing was changed."`,
    );
    expect((await jobs()).split('\n')).toHaveLength(3);
  });

  it('without a time removes what retention_days says', async () => {
    expect(await hodei('usage prune --yes')).toMatchInlineSnapshot(
      `"There are no jobs that ended before TIME UTC."`,
    );
    age();
    expect(await hodei('usage prune --yes')).toContain('Removed 2 jobs');
  });

  it('answers in JSON what all steps have done', async () => {
    age();
    const { out } = await home.run(`usage prune ${BEFORE} --yes --json`);
    expect(JSON.parse(out)).toMatchObject({
      ...{ before: '2026-03-01T00:00:00.000Z', removed: 2, behind: 0, next: null },
    });
  });

  it('stops between two steps where somebody says so, and goes on when it is run again', async () => {
    age();
    const { onSignals, send, isHeard } = fakeSignals();
    let pauses = 0;
    const { time } = fakeTime(() => {
      pauses += 1;
      send('SIGINT');
    });
    const host = () => ({ onSignals, time });
    const options = { isTerminal: true, answer: true, host };
    expect(await hodei(`usage prune ${BEFORE}`, options)).toMatchInlineSnapshot(`
      "! on ~/data/hodei/hodei.db
      ! ? Remove the jobs that ended before 2026-03-01? What they used and cost is kept by the hour, their ids and labels are not.
      ! ~ 100 % looked through, 2 jobs removed
      ! ~ 
      ! Stopped. 100 % looked through, 2 jobs removed. Run it again to go on.
      ! ~ 
      exit 130"
    `);
    expect([pauses, isHeard()]).toEqual([1, false]);
    expect(await hodei(`usage prune ${BEFORE} --yes`)).toContain('There are no jobs');
  });
});

it.each(['usage prune --before yesterday', 'usage prune --before 2999-01-01 --yes', 'usage prun'])(
  'refuses %s',
  async (line) => {
    const { out, err, code } = await home.run(line);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toMatchSnapshot();
  },
);
