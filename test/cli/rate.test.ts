import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);

beforeEach(async () => {
  home = newCliHome();
  await hodei('db migrate');
  await hodei('pool create a100 --max-size 2');
});
afterEach(() => home.remove());

describe('rate list', () => {
  it('has what the config file says, then what was said over it', async () => {
    await hodei('rate set cpu --per-hour 0.06');
    await hodei('rate set gpu --per-hour 3.2 --pool a100 --from 2099-01-01');
    expect(await hodei('rate list', { isTerminal: true })).toMatchInlineSnapshot(`
      "RESOURCE  POOL        PRICE                   FROM                  SAID BY      STATE
      cpu       everywhere  0.06 USD per core-hour  TIME UTC  operator     in force
      memory    everywhere  0.01 USD per GiB-hour   TIME UTC  config file  in force
      gpu       a100        3.20 USD per GPU-hour   2099-01-01            operator     to come
      gpu       everywhere  2.50 USD per GPU-hour   TIME UTC  config file  in force
      burst     everywhere  1 times                 TIME UTC  config file  in force
      ! on ~/data/hodei/hodei.db"
    `);
    expect(await hodei('rate list --all -o csv')).toMatchInlineSnapshot(`
      "resource,pool,price,currency,per,begins_at,source,state
      cpu_m,,0.06,USD,core,TIME,operator,in_force
      cpu_m,,0.05,USD,core,TIME,config,covered
      memory_mb,,0.01,USD,GiB,TIME,config,in_force
      gpu,a100,3.20,USD,one,TIME,operator,to_come
      gpu,,2.50,USD,one,TIME,config,in_force
      burst,,1.00,,times,TIME,config,in_force"
    `);
    expect(await hodei('rate list -o name')).toBe('cpu_m\nmemory_mb\ngpu\ngpu\nburst');
  });
});

describe('rate set', () => {
  it('says what it was, what it is and from when on', async () => {
    expect(await hodei('rate set cpu --per-hour 0.06')).toMatchInlineSnapshot(
      `"cpu: 0.05 → 0.06 USD per core-hour, from now on."`,
    );
    expect(await hodei('rate set cpu --per-hour 0.065 --reason power')).toMatchInlineSnapshot(
      `"cpu: 0.06 → 0.065 USD per core-hour, from now on."`,
    );
    expect(await hodei('rate set memory_mb --per-hour 0 --pool a100')).toMatchInlineSnapshot(
      `"memory in pool a100: 0.00 USD per GiB-hour, from now on."`,
    );
    expect(await hodei('rate set burst --times 1.5')).toMatchInlineSnapshot(
      `"burst: 1 → 1.5 times, from now on."`,
    );
    expect((await home.run('audit list --operation rate.set')).out).toContain('power');
  });

  it('takes a day for that of UTC', async () => {
    const { out } = await home.run('rate set gpu --per-hour 3 --from 2099-01-01', {
      env: { TZ: 'Asia/Kolkata' },
    });
    expect(out).toBe('gpu: 2.50 → 3.00 USD per GPU-hour, from 2099-01-01 on.');
  });

  it('says what it was then, and until when it is, where it is not about now', async () => {
    await hodei('rate set gpu --per-hour 5 --from 2099-01-01');
    await hodei('rate set gpu --per-hour 7 --from 2100-01-01');
    expect(await hodei('rate set gpu --per-hour 6 --from 2099-06-01')).toBe(
      'gpu: 5.00 → 6.00 USD per GPU-hour, from 2099-06-01 on, until 2100-01-01.',
    );
    expect(await hodei('rate set gpu --per-hour 4')).toBe(
      'gpu: 2.50 → 4.00 USD per GPU-hour, from now on, until 2099-01-01.',
    );
    expect(await hodei('rate unset gpu --from 2099-06-01')).toBe(
      'gpu has no rate of its own from 2099-06-01 on, until 2100-01-01.',
    );
  });

  it('changes nothing with --dry-run', async () => {
    expect(await hodei('rate set cpu --per-hour 9 --dry-run')).toMatchInlineSnapshot(
      `"Would set cpu: 0.05 → 9.00 USD per core-hour, from now on. Nothing was changed."`,
    );
    expect(await hodei('rate list -o csv')).toContain('cpu_m,,0.05,USD,core,');
  });

  it.each([
    'rate set cpu --per-hour five',
    'rate set cpu --per-hour -1',
    'rate set cpu --per-hour 0.0000001',
    'rate set cpu --per-hour 1000000.01',
    'rate set burst --times x2',
    'rate set burst --per-hour 2',
    'rate set cpu --times 2',
    'rate set cpu --per-hour 1 --times 2',
    'rate set cpu',
    'rate set gpuu --per-hour 1',
    'rate set cpu --per-hour 1 --pool a10',
    'rate set cpu --per-hour 1 --from tomorrow',
    'rate set cpu --per-hour 1 --from 2026-01-01T09:30Z',
    'rate sett cpu',
  ])('refuses %s', async (line) => {
    const { out, err, code } = await home.run(line);
    expect({ out, code: [2, 3].includes(code) }).toEqual({ out: '', code: true });
    expect(err).toMatchSnapshot();
  });
});

describe('rate unset', () => {
  it('leaves it to the config file again', async () => {
    await hodei('rate set cpu --per-hour 0.06');
    await hodei('rate set burst --times 2 --pool a100');
    expect(await hodei('rate unset cpu')).toMatchInlineSnapshot(
      `"cpu has no rate of its own from now on."`,
    );
    expect(await hodei('rate unset burst --pool a100')).toMatchInlineSnapshot(
      `"burst in pool a100 has no rate of its own from now on."`,
    );
    expect(await hodei('rate list -o csv')).toContain('cpu_m,,0.05,USD,core,');
  });

  it('refuses where there is none', async () => {
    expect(await hodei('rate unset cpu --pool a100')).toMatchInlineSnapshot(`
      "! hodei: There is no rate of cpu_m in pool a100 to unset.
      !        See which there are: hodei rate list
      exit 3"
    `);
  });
});
