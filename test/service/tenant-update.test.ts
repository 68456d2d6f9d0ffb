import { describe, expect, it } from 'vitest';
import {
  deleteTenant,
  getTenant,
  listTenants,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('an update ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('changes what it names and nothing else', async () => {
    await makeTenant(call, 'eng');
    const acme = await makeTenant(call, 'acme', { weight: 3, labels: { tier: 'gold' } });
    hodei.clock.advance(1_000);
    const changed = await call(updateTenant, { tenant: 'acme', email: 'new@acme.example' });
    expect(changed).toEqual({
      ...acme,
      email: 'new@acme.example',
      updated_at: '2026-11-23T09:00:01.000Z',
      version: 2,
    });
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(changed);
    expect(
      await call(updateTenant, { tenant: acme.id, weight: 9, parent: 'eng', name: 'ajax' }),
    ).toMatchObject({ name: 'ajax', weight: 9, parent: 'eng', email: 'new@acme.example' });
  });

  it('leaves one event with the fields that differ, before and after', async () => {
    await makeTenant(call, 'acme', { weight: 3, labels: { tier: 'gold', cc: '1' } });
    const labels = { tier: 'gold', cc: '2' };
    await hodei.as({ reason: 'moved house' })(updateTenant, { tenant: 'acme', weight: 3, labels });
    const events = (await hodei.events()).slice(2);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ operation: 'tenant.update', reason: 'moved house' });
    expect(JSON.parse(events[0]?.before ?? '')).toEqual({ labels: { tier: 'gold', cc: '1' } });
    expect(JSON.parse(events[0]?.after ?? '')).toEqual({ labels });
  });

  it('that changes nothing keeps version and time, and leaves no event', async () => {
    await makeTenant(call, 'eng');
    const labels = { b: '2', a: '1' };
    const acme = await makeTenant(call, 'acme', { parent: 'eng', weight: 3, labels });
    const events = await hodei.events();
    hodei.clock.advance(1_000);
    const { name, email, weight } = acme;
    for (const fields of [
      {},
      { name, email, weight, parent: 'eng', labels: { a: '1', b: '2' } },
      { status: 'active' as const },
    ]) {
      expect(await call(updateTenant, { tenant: 'acme', ...fields })).toEqual(acme);
    }
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(acme);
    expect(await hodei.events()).toEqual(events);
  });

  it('takes back what a get answered, edited or not', async () => {
    await makeTenant(call, 'eng');
    await makeTenant(call, 'acme', { parent: 'eng', labels: { tier: 'gold' } });
    await call(suspendTenant, { tenant: 'acme' });
    const seen = await call(getTenant, { tenant: 'acme' });
    const same = await call(updateTenant, { tenant: 'acme', ...seen }, { ifVersion: seen.version });
    expect(same).toEqual(seen);
    const edited = { ...seen, weight: 5, version: 99, id: 'mine', created_at: 'x', updated_at: '' };
    expect(await call(updateTenant, { tenant: 'acme', ...edited })).toEqual({
      ...seen,
      weight: 5,
      version: 3,
    });
  });

  it('replaces all labels by those it names', async () => {
    await makeTenant(call, 'acme', { labels: { tier: 'gold', cc: '1' } });
    const { labels } = await call(updateTenant, { tenant: 'acme', labels: { cc: '2', new: 'x' } });
    expect(labels).toEqual({ cc: '2', new: 'x' });
    await call(updateTenant, { tenant: 'acme', labels: {} });
    expect((await call(listTenants, { label: 'cc=2' })).items).toEqual([]);
  });

  it('is refused where somebody changed the tenant meanwhile, and then does nothing', async () => {
    const acme = await makeTenant(call, 'acme');
    await call(updateTenant, { tenant: 'acme', weight: 2 }, { ifVersion: 1 });
    const stale = call(updateTenant, { tenant: 'acme', name: 'ajax' }, { ifVersion: 1 });
    expect(await refusal(stale)).toEqual({
      code: 'stale_version',
      message: 'acme is at version 2, not 1.',
      hint: 'Somebody changed it meanwhile: read it again and repeat the change.',
    });
    expect(await call(getTenant, { tenant: acme.id })).toMatchObject({ name: 'acme', weight: 2 });
  });

  it('does not change the status, and says what does', async () => {
    await makeTenant(call, 'acme');
    expect(await refusal(call(updateTenant, { tenant: 'acme', status: 'suspended' }))).toEqual({
      code: 'invalid',
      message: 'status is not changed by an update.',
      hint: 'hodei tenant suspend acme',
    });
    await call(suspendTenant, { tenant: 'acme' });
    expect(await refusal(call(updateTenant, { tenant: 'acme', status: 'active' }))).toMatchObject({
      hint: 'hodei tenant resume acme',
    });
  });

  it.each([
    [{ name: 'Acme' }, 'Did you mean acme?'],
    [{ name: null }, 'name: '],
    [{ email: 'ops' }, 'email: must be an address'],
    [{ weight: 0 }, 'weight: '],
    [{ labels: { 'a b': '' } }, "a label's key"],
    [{ emial: 'ops@acme.example' }, 'did you mean email?'],
    [{ quota: { gpu: 1 } }, 'unknown field "quota"'],
  ])('of %j is refused as a whole', async (fields, message) => {
    const acme = await makeTenant(call, 'acme');
    const refused = await refusal(
      call(updateTenant, { tenant: 'acme', weight: 5, ...fields } as never),
    );
    expect(refused.code).toBe('invalid');
    expect(`${refused.message} ${refused.hint ?? ''}`).toContain(message);
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(acme);
  });
});

describe.each(doors)('a renamed tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is found by its new name and its id, and its children name it anew', async () => {
    await makeLine(call, 'eng', 'web');
    const { id } = await call(updateTenant, { tenant: 'eng', name: 'engineering' });
    expect(await call(getTenant, { tenant: id })).toMatchObject({ name: 'engineering' });
    expect((await refusal(call(getTenant, { tenant: 'eng' }))).code).toBe('not_found');
    expect(await call(getTenant, { tenant: 'web' })).toMatchObject({
      parent: 'engineering',
      version: 1,
    });
  });

  it('leaves its old name to others', async () => {
    const first = await makeTenant(call, 'acme');
    await call(updateTenant, { tenant: 'acme', name: 'ajax' });
    const second = await makeTenant(call, 'acme');
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(second);
    expect(await call(getTenant, { tenant: 'ajax' })).toMatchObject({ id: first.id });
  });

  it('does not get a name that is taken, nor loses its own in the attempt', async () => {
    const beta = await makeTenant(call, 'beta');
    const acme = await makeTenant(call, 'acme');
    const taken = call(updateTenant, { tenant: 'acme', name: 'beta', weight: 4 });
    expect(await refusal(taken)).toEqual({
      code: 'conflict',
      message: `A tenant named beta exists already (${beta.id}).`,
    });
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(acme);
  });

  it('may take the name of a deleted one', async () => {
    await makeTenant(call, 'beta');
    await call(deleteTenant, { tenant: 'beta' });
    await makeTenant(call, 'acme');
    expect(await call(updateTenant, { tenant: 'acme', name: 'beta' })).toMatchObject({
      version: 2,
    });
  });
});

describe.each(doors)('a moved tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const tree = async () => {
    const { items } = await call(listTenants, { tree: true });
    return items.map(({ name, depth }) => `${'-'.repeat(depth ?? 99)}${name}`).join(' ');
  };

  it('takes everything below it along', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeLine(call, 'sales', 'emea');
    await call(updateTenant, { tenant: 'web', parent: 'emea' });
    expect(await tree()).toBe('eng sales -emea --web ---shop');
    await call(updateTenant, { tenant: 'web', parent: null });
    expect(await tree()).toBe('eng sales -emea web -shop');
  });

  it('leaves an event with both parents by name', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'sales');
    await call(updateTenant, { tenant: 'web', parent: 'sales' });
    await call(updateTenant, { tenant: 'web', parent: null });
    const events = (await hodei.events()).slice(-2);
    expect(events.map(({ before, after }) => [before, after])).toEqual([
      ['{"parent":"eng"}', '{"parent":"sales"}'],
      ['{"parent":"sales"}', '{"parent":null}'],
    ]);
  });

  it('cannot stand under itself', async () => {
    const { id } = await makeTenant(call, 'eng');
    for (const parent of ['eng', id]) {
      expect(await refusal(call(updateTenant, { tenant: 'eng', parent }))).toEqual({
        code: 'conflict',
        message: 'eng cannot be its own parent.',
      });
    }
  });

  it.each([1, 2, 3, 4, 5])('cannot stand under its descendant %i levels down', async (depth) => {
    const names = ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'];
    await makeLine(call, ...names);
    const before = await tree();
    expect(await refusal(call(updateTenant, { tenant: 't-0', parent: `t-${depth}` }))).toEqual({
      code: 'conflict',
      message: `t-0 cannot move under t-${depth}, which is below it.`,
    });
    expect(await tree()).toBe(before);
  });

  it('may stand under a sibling, and its parent under what was beside it', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'app', { parent: 'eng' });
    await call(updateTenant, { tenant: 'app', parent: 'web' });
    expect(await tree()).toBe('eng -web --app');
    await call(updateTenant, { tenant: 'web', parent: null });
    await call(updateTenant, { tenant: 'eng', parent: 'app' });
    expect(await tree()).toBe('web -app --eng');
  });

  it('does not go under a parent that is missing or deleted', async () => {
    const gone = await makeTenant(call, 'gone');
    const acme = await makeTenant(call, 'acme');
    await call(deleteTenant, { tenant: 'gone' });
    for (const parent of ['gone', gone.id, 'nowhere']) {
      const { code, message } = await refusal(call(updateTenant, { tenant: 'acme', parent }));
      expect({ code, message }).toEqual({
        code: 'not_found',
        message: `Tenant not found: ${parent}`,
      });
    }
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(acme);
  });
});
