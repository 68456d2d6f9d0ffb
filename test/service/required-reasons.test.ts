import { beforeEach, describe, expect, it } from 'vitest';
import { reasonedNames } from '../../src/domain/event-names.ts';
import { admitJob, checkJob, releaseJob } from '../../src/service/jobs.ts';
import { batchJobs } from '../../src/service/job-batch.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings, getSettings } from '../../src/service/settings.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a reason that is required ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const saying = hodei.as({ reason: 'release week' });
  const demand = (...names: string[]) =>
    call(applySettings, { security: { require_reason: names } });

  beforeEach(async () => {
    await makeTenant(call, 'acme');
  });

  it('keeps a change from being made without one, and nothing of it is kept', async () => {
    await demand('quota.set');
    const before = (await hodei.events()).length;
    expect(await refusal(call(setQuota, { tenant: 'acme', cpu_m: 6000 }))).toEqual({
      code: 'invalid',
      message: 'quota.set wants a reason here.',
      hint: 'Say why: --reason TEXT at a terminal, reason=… in the query of a request.',
    });
    expect(await hodei.events()).toHaveLength(before);
    const { cpu_m } = await saying(setQuota, { tenant: 'acme', cpu_m: 6000 });
    expect(cpu_m).toBe(6000);
    expect((await hodei.events()).at(-1)).toMatchObject({ reason: 'release week' });
  });

  it('is required of those changes alone, and of no rehearsal', async () => {
    await demand('quota.set', 'job.admit');
    await call(updateTenant, { tenant: 'acme', weight: 2 });
    await call(setQuota, { tenant: 'acme', cpu_m: 6000 }, { dryRun: true });
    expect(await call(checkJob, { tenant: 'acme', cpu_m: 1 })).toMatchObject({ state: 'admitted' });
  });

  it('cannot be got round by asking for several at once', async () => {
    await demand('job.admit');
    const { items } = await call(batchJobs, { jobs: [{ tenant: 'acme', cpu_m: 1 }] });
    expect(items).toMatchObject([{ code: 'invalid', error: 'job.admit wants a reason here.' }]);
    expect(await refusal(call(admitJob, { tenant: 'acme', cpu_m: 1 }))).toMatchObject({
      code: 'invalid',
    });
  });

  it('is not required of what happens by itself', async () => {
    const { id } = await call(admitJob, { tenant: 'acme', cpu_m: 4000, ttl_seconds: 60 });
    await call(admitJob, { tenant: 'acme', cpu_m: 4000, on_full: 'queue' });
    await demand(...reasonedNames.filter((name) => name !== 'config.apply'));
    hodei.clock.advance(61_000);
    // Any change settles what is overdue, also one that changes nothing itself.
    await call(releaseJob, { job: id ?? '' });
    const names = (await hodei.events()).map(({ operation }) => operation);
    expect(names).toEqual(expect.arrayContaining(['job.expire', 'job.promote']));
  });

  it('can be required of a whole subtree that is deleted, and of the settings themselves', async () => {
    await makeTenant(call, 'web', { parent: 'acme' });
    await demand('tenant.delete', 'config.apply');
    const gone = call(deleteTenant, { tenant: 'acme', cascade: true });
    expect((await refusal(gone)).message).toBe('tenant.delete wants a reason here.');
    expect((await refusal(demand())).message).toBe('config.apply wants a reason here.');
    await saying(deleteTenant, { tenant: 'acme', cascade: true });
    await saying(applySettings, {});
    expect((await call(getSettings, {})).security).toEqual({ require_reason: [] });
  });

  it.each([
    ['quota.sett', 'did you mean quota.set?'],
    ['job.expire', 'known here: '],
    ['anything', 'known here: '],
  ])('is of changes that somebody makes: %s', async (name, said) => {
    const { code, message } = await refusal(demand(name));
    expect(code).toBe('invalid');
    expect(message).toContain(`security.require_reason.0: "${name}" is no change`);
    expect(message).toContain(said);
  });
});
