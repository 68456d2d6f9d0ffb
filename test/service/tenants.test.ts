import { describe, expect, it } from 'vitest';
import {
  createTenant,
  deleteTenant,
  getTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a new tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is answered with everything that was said and everything that was decided', async () => {
    await makeTenant(call, 'eng');
    hodei.ids.say('tenant-7f3k9q2m4xwz');
    const created = await call(createTenant, {
      name: 'acme',
      email: 'ops@acme.example',
      parent: 'eng',
      weight: 7,
      labels: { tier: 'gold', cc: '4711' },
    });
    expect(created).toEqual({
      id: 'tenant-7f3k9q2m4xwz',
      name: 'acme',
      email: 'ops@acme.example',
      parent: 'eng',
      weight: 7,
      labels: { cc: '4711', tier: 'gold' },
      status: 'active',
      created_at: '2026-11-23T09:00:00.000Z',
      updated_at: '2026-11-23T09:00:00.000Z',
      version: 1,
    });
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(created);
  });

  it('is a root of weight 1 without labels when nothing else is said', async () => {
    const { parent, weight, labels } = await makeTenant(call, 'acme');
    expect({ parent, weight, labels }).toEqual({ parent: null, weight: 1, labels: {} });
    expect(await makeTenant(call, 'beta', { parent: null })).toMatchObject({ parent: null });
  });

  it('leaves one event, with who did it and why', async () => {
    await makeTenant(hodei.as({ actingAs: 'ben', reason: 'new customer' }), 'acme', {
      labels: { tier: 'gold' },
      quota: { gpu: 2 },
    });
    const events = (await hodei.events()).filter(({ operation }) => operation !== 'config.apply');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      principal: hodei.principal,
      actingAs: 'ben',
      reason: 'new customer',
      operation: 'tenant.create',
      before: null,
    });
    expect(JSON.parse(events[0]?.after ?? '')).toEqual({
      name: 'acme',
      email: 'ops@acme.example',
      parent: null,
      weight: 1,
      labels: { tier: 'gold' },
      quota: { cpu_m: 4000, memory_mb: 8192, gpu: 2, max_concurrent_jobs: 10 },
    });
  });

  it('finds its parent by id, by name, and not by the beginning of an id', async () => {
    const eng = await makeTenant(call, 'eng');
    expect(await makeTenant(call, 'web', { parent: eng.id })).toMatchObject({ parent: 'eng' });
    const beginning = eng.id.slice(0, -2);
    expect(await refusal(makeTenant(call, 'app', { parent: beginning }))).toMatchObject({
      code: 'not_found',
      message: `Tenant not found: ${beginning}`,
    });
  });

  it('is refused where its name is taken, and nothing is left of the attempt', async () => {
    const first = await makeTenant(call, 'acme', { labels: { tier: 'gold' } });
    const events = await hodei.events();
    expect(await refusal(makeTenant(call, 'acme', { weight: 2 }))).toEqual({
      code: 'conflict',
      message: `A tenant named acme exists already (${first.id}).`,
    });
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(first);
    expect(await hodei.events()).toEqual(events);
  });

  it('is refused with a conflict where by chance its id is taken', async () => {
    const first = await makeTenant(call, 'acme');
    hodei.ids.say(first.id);
    expect(await refusal(makeTenant(call, 'beta'))).toEqual({
      code: 'conflict',
      message: 'This id is taken: by chance two ids came out equal. Try once more.',
    });
    expect(await makeTenant(call, 'beta')).toMatchObject({ name: 'beta' });
  });

  it('is refused where its parent is missing, with the name that was probably meant', async () => {
    await makeTenant(call, 'platform');
    expect(await refusal(makeTenant(call, 'acme', { parent: 'platfrom' }))).toEqual({
      code: 'not_found',
      message: 'Tenant not found: platfrom',
      hint: 'Did you mean platform?',
    });
  });

  it.each([
    ['a field that is missing', { name: 'acme' }, 'email is missing'],
    ['a name with capitals', { name: 'Acme' }, 'Did you mean acme?'],
    ['an empty name', { name: '' }, "a tenant's name has 1 to 63"],
    ['a name of 64 characters', { name: 'a'.repeat(64) }, "a tenant's name has 1 to 63"],
    ['a name that ends with a dash', { name: 'acme-' }, 'Did you mean acme?'],
    ['a name that begins with a digit', { name: '1acme' }, 'Did you mean acme?'],
    ['a name with a dot', { name: 'a.b' }, 'Did you mean a-b?'],
    ['a name like an id', { name: 'tenant-7f3k9q2m4xwz' }, 'must not look like an id'],
    ['a name like the beginning of an id', { name: 'tenant-7f3k9q2m' }, 'must not look like an id'],
    ['an address without a domain', { email: 'ops' }, 'email: must be an address'],
    ['an empty address', { email: '' }, 'email: must be an address'],
    ['an address of two lines', { email: 'a@b.example\nx' }, 'email: must be an address'],
    ['a very long address', { email: `${'a'.repeat(250)}@b.example` }, 'email: '],
    ['a weight of 0', { weight: 0 }, 'weight: '],
    ['a weight above a million', { weight: 1_000_001 }, 'weight: '],
    ['a weight that is not whole', { weight: 1.5 }, 'weight: '],
    ['a weight as text', { weight: '2' }, 'weight: '],
    ['a field that does not exist', { wieght: 2 }, 'unknown field "wieght" (did you mean weight?)'],
    ['an id of the caller', { id: 'tenant-7f3k9q2m4xwz' }, 'unknown field "id"'],
    ['an empty parent', { parent: '' }, 'parent: '],
  ])('is refused with %s', async (_, fields, message) => {
    const input = { name: 'acme', email: 'ops@acme.example', ...fields };
    if (message === 'email is missing') Reflect.deleteProperty(input, 'email');
    const refused = await refusal(call(createTenant, input as never));
    expect(refused.code).toBe('invalid');
    expect(`${refused.message} ${refused.hint ?? ''}`).toContain(message);
    expect(await hodei.events()).toHaveLength(1);
  });

  it.each([
    ['one letter', { name: 'a' }],
    ['63 characters', { name: `a${'-'.repeat(61)}b` }],
    ['almost like an id, but for a vowel', { name: 'tenant-aeiouaei' }],
    ['almost like an id, but for a character', { name: 'tenant-7f3k9q2' }],
    ['like an id and longer', { name: 'tenant-7f3k9q2m4xwzz' }],
    ['a weight of a million', { name: 'acme', weight: 1_000_000 }],
    ['an address of 254 characters', { name: 'acme', email: `${'a'.repeat(240)}@b.exampleaaaa` }],
  ])('may have %s', async (_, fields) => {
    const created = await call(createTenant, { email: 'ops@acme.example', ...fields });
    expect(created).toMatchObject(fields);
    expect(await call(getTenant, { tenant: fields.name })).toEqual(created);
  });
});

describe.each(doors)('the labels of a tenant ($name call)', (door) => {
  const { call } = useDoor(door);

  it('may be 64, with keys of 63 characters and values of 128 or none', async () => {
    const keys = Array.from({ length: 64 }, (_, i) => `k${i}`.padEnd(63, '-').replace(/-$/, 'z'));
    const labels = Object.fromEntries(keys.map((key, i) => [key, i === 0 ? '' : 'v'.repeat(128)]));
    expect((await makeTenant(call, 'acme', { labels })).labels).toEqual(labels);
  });

  it('keep values with every character that can be seen', async () => {
    const labels = { owner: 'Ana Ñúñez, 北京 & "co" <b>', sum: "1 = 1; drop table tenant --'" };
    expect((await makeTenant(call, 'acme', { labels })).labels).toEqual(labels);
  });

  it.each([
    ['65 of them', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, '']))],
    ['an empty key', { '': 'x' }],
    ['a key of 64 characters', { ['k'.repeat(64)]: 'x' }],
    ['a key with a blank', { 'cost centre': 'x' }],
    ['a key with =', { 'a=b': 'x' }],
    ['a key that ends with a dot', { 'a.': 'x' }],
    ['a key that every object has', { constructor: 'x' }],
    ['a value of 129 characters', { tier: 'v'.repeat(129) }],
    ['a value with an escape sequence', { tier: '\u001b[31mred' }],
    ['a value of two lines', { tier: 'a\nb' }],
    ['a value that runs backwards', { tier: '\u202egold' }],
    ['a value that is a number', { tier: 3 }],
    ['a value that is null', { tier: null }],
  ])('are refused with %s', async (_, labels) => {
    const refused = await refusal(makeTenant(call, 'acme', { labels: labels as never }));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toMatch(/label/);
  });
});

describe.each(doors)('a tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is found by its id, by its name, and by a beginning of its id that is unique', async () => {
    hodei.ids.say('tenant-bbbbbbbbb001', 'tenant-bbbbbbbbc001');
    const acme = await makeTenant(call, 'acme');
    const beta = await makeTenant(call, 'beta');
    for (const tenant of [acme.id, 'acme', 'tenant-bbbbbbbbb', 'tenant-bbbbbbbbb00']) {
      expect(await call(getTenant, { tenant })).toEqual(acme);
    }
    expect(await call(getTenant, { tenant: 'tenant-bbbbbbbbc' })).toEqual(beta);
  });

  it('is not guessed from a beginning that several ids have', async () => {
    hodei.ids.say('tenant-bbbbbbbbb001', 'tenant-bbbbbbbbc001');
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    expect(await refusal(call(getTenant, { tenant: 'tenant-bbbbbbbb' }))).toEqual({
      code: 'conflict',
      message: "Several tenants' ids begin with tenant-bbbbbbbb.",
      hint: 'Give more of the id, or the name.',
    });
  });

  it('is not found by fewer than eight characters of its id', async () => {
    hodei.ids.say('tenant-bbbbbbbbb001');
    await makeTenant(call, 'acme');
    expect(await refusal(call(getTenant, { tenant: 'tenant-bbbbbbb' }))).toMatchObject({
      code: 'not_found',
      message: 'Tenant not found: tenant-bbbbbbb',
    });
  });

  it('is not changed by the beginning of an id, which might come to mean another', async () => {
    hodei.ids.say('tenant-bbbbbbbbb001');
    const acme = await makeTenant(call, 'acme');
    const tenant = 'tenant-bbbbbbbbb';
    for (const attempt of [
      () => call(updateTenant, { tenant, weight: 2 }),
      () => call(suspendTenant, { tenant }),
      () => call(resumeTenant, { tenant }),
      () => call(deleteTenant, { tenant }),
    ]) {
      expect((await refusal(attempt())).message).toBe(`Tenant not found: ${tenant}`);
    }
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(acme);
  });

  it('that does not exist yet is at no version', async () => {
    const create = call(createTenant, { name: 'acme', email: 'a@b.example' }, { ifVersion: 1 });
    expect((await refusal(create)).code).toBe('stale_version');
    expect((await refusal(call(getTenant, { tenant: 'acme' }))).code).toBe('not_found');
  });

  it.each([
    ['acme', 'acmee', 'Did you mean acme?'],
    ['acme', 'ACME', 'Did you mean acme?'],
    ['acme', 'cme', 'Did you mean acme?'],
    ['web', 'wbe', 'Did you mean web?'],
    ['web', 'xyb', 'See which there are: hodei tenant list'],
    ['acme', 'zebra', 'See which there are: hodei tenant list'],
  ])('%s, when %s is asked for, is suggested only where it is near', async (name, tenant, hint) => {
    await makeTenant(call, name);
    expect(await refusal(call(getTenant, { tenant }))).toEqual({
      code: 'not_found',
      message: `Tenant not found: ${tenant}`,
      hint,
    });
  });

  it('that was deleted is not suggested', async () => {
    await makeTenant(call, 'acme');
    await call(deleteTenant, { tenant: 'acme' });
    const { hint } = await refusal(call(getTenant, { tenant: 'acme' }));
    expect(hint).toBe('See which there are: hodei tenant list');
  });

  it('is never found by text that only SQL would understand', async () => {
    await makeTenant(call, 'acme');
    for (const tenant of ["acme' or 1=1 --", 'acm%', 'acm_', 'a*', '%', 'acme ', ' acme']) {
      expect((await refusal(call(getTenant, { tenant }))).message).toBe(
        `Tenant not found: ${tenant}`,
      );
    }
  });
});
