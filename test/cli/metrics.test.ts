import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

beforeAll(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email e@acme.example --cpu 4');
  await home.run('tenant create beta --email e@beta.example --cpu 4');
  await home.run('job admit --tenant acme --cpu 2');
  await home.run('job admit --tenant beta --cpu 1');
});
afterAll(() => home.remove());

const linesOf = (text: string, beginning: string) =>
  text.split('\n').filter((line) => line.startsWith(beginning));

describe('hodei metrics', () => {
  it('prints what Prometheus reads, without a server', async () => {
    const { out, err, code } = await home.run('metrics');
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(out).toContain('hodei_build_info{version="1.2.3"} 1');
    expect(Number(linesOf(out, 'hodei_store_size_bytes ')[0]?.split(' ')[1])).toBeGreaterThan(4096);
    expect(linesOf(out, 'hodei_pool_used{pool="default",resource="cpu_m"}')).toEqual([
      'hodei_pool_used{pool="default",resource="cpu_m"} 3000',
    ]);
    expect(linesOf(out, '')).not.toContain('');
  });

  it('names as many tenants as it is told to', async () => {
    const { out } = await home.run('metrics --max-tenants 1');
    expect(linesOf(out, 'hodei_tenant_used').filter((line) => line.includes('cpu_m'))).toEqual([
      'hodei_tenant_used{tenant="acme",resource="cpu_m"} 2000',
      'hodei_tenant_used{tenant="_other",resource="cpu_m"} 1000',
    ]);
  });

  it('is the same as JSON', async () => {
    const { out } = await home.run('metrics --json');
    const { families } = JSON.parse(out) as { families: { name: string; samples: object[] }[] };
    expect(families.find(({ name }) => name === 'hodei_queue_depth')?.samples).toEqual([
      { name: 'hodei_queue_depth', labels: { pool: 'default' }, value: 0 },
    ]);
  });

  it('is no table, and says how many tenants it may name', async () => {
    expect(await home.run('metrics -o csv')).toMatchObject({
      ...{ out: '', code: 2 },
      err: 'hodei: Metrics are the text of Prometheus or JSON, and never csv.',
    });
    const { err, code } = await home.run('metrics --max-tenants 1001');
    expect({ err, code }).toEqual({
      err: 'hodei: max_tenants: must be a whole number from 0 to 1000',
      code: 2,
    });
  });

  it('makes no database where there is none', async () => {
    const { code, err } = await home.run('metrics --db nowhere.db');
    expect(code).not.toBe(0);
    expect(err).toContain('nowhere.db');
  });
});
