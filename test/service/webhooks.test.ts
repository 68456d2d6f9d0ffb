import { describe, expect, it } from 'vitest';
import { notFound } from '../../src/domain/errors.ts';
import { followEvents } from '../../src/service/event-follow.ts';
import { noteWebhookProgress, registerWebhooks } from '../../src/service/webhook-progress.ts';
import { listWebhooks, testWebhook } from '../../src/service/webhooks.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { makeTenant } from '../helpers/tenant.ts';

const pager = { name: 'pager', url: 'http://127.0.0.1:9/a', kinds: ['tenant', 'pool.hold'] };
const chat = { name: 'chat', url: 'http://127.0.0.1:9/b', kinds: ['job'] };

describe.each(doors)('webhooks ($name)', (door) => {
  const behind = useDoor(door);
  /** What the server that delivers does, in its own process. */
  const register = (...webhooks: (typeof pager)[]) =>
    behind.local({})(registerWebhooks, { webhooks });
  const list = async () => (await behind.call(listWebhooks, {})).items;
  const note = (
    sequence: number,
    of: number,
    failure: { error: string; nextInMs: number } | null = null,
  ) => {
    const attempt = { of, agoMs: 100, tookMs: 34, failure };
    const progress = { name: 'pager', sequence, attempt };
    return behind.local({})(noteWebhookProgress, { progress });
  };

  it('begin with what comes, count what is for them, and are listed by name', async () => {
    await makeTenant(behind.call, 'before');
    expect(await register(pager, chat)).toEqual([
      { name: 'pager', sequence: 2, failures: 0, nextInMs: 0 },
      { name: 'chat', sequence: 2, failures: 0, nextInMs: 0 },
    ]);
    await makeTenant(behind.call, 'acme');
    await behind.call(testWebhook, { webhook: 'chat' });
    const items = await list();
    expect(items.map(({ name, state, pending }) => [name, state, pending])).toEqual([
      ['chat', 'waiting', 1],
      ['pager', 'waiting', 1],
    ]);
    const { items: first, next_cursor: cursor } = await behind.call(listWebhooks, { limit: 1 });
    const second = await behind.call(listWebhooks, { limit: 1, cursor: cursor ?? '' });
    expect([...first, ...second.items]).toEqual(items);
    expect(second.next_cursor).toBeNull();
  });

  it('are tested by an event like others, which a dry run does not leave', async () => {
    await register(pager);
    await behind.call(testWebhook, { webhook: 'pager' }, { dryRun: true });
    const answer = await behind.as({ reason: 'new phone' })(testWebhook, { webhook: 'pager' });
    const { items } = await behind.call(followEvents, { after: 1 });
    expect(items).toMatchObject([
      {
        ...{ sequence: 2, operation: 'webhook.test', object: 'pager', reason: 'new phone' },
        ...{ principal: behind.principal, tenant: null, before: null, after: null },
      },
    ]);
    expect(answer).toEqual({ webhook: 'pager', sequence: 2, time: items[0]?.time });
  });

  it('that are unknown are answered with the nearest, or how to have one', async () => {
    await expect(behind.call(testWebhook, { webhook: 'pager' })).rejects.toEqual(
      notFound(
        'Webhook not found: pager',
        'There are none: put one into observability.webhooks of the config file that hodei serve reads.',
      ),
    );
    await register(pager);
    await expect(behind.call(testWebhook, { webhook: 'pagr' })).rejects.toEqual(
      notFound('Webhook not found: pagr', 'Did you mean pager?'),
    );
    await expect(behind.call(testWebhook, { webhook: 'x' })).rejects.toEqual(
      notFound('Webhook not found: x', 'See which there are: hodei webhook list'),
    );
  });

  it('show why they are tried again and when, until something is taken', async () => {
    await register(pager);
    await makeTenant(behind.call, 'acme');
    const now = behind.clock.now();
    const at = (time: number) => new Date(time).toISOString();
    for (const nextInMs of [1_000, 2_000]) await note(1, 2, { error: 'answered 500', nextInMs });
    expect(await list()).toMatchObject([
      {
        ...{ state: 'retrying', pending: 1, failures: 2, last_error: 'answered 500' },
        ...{ last_attempt_at: at(now - 100), last_attempt_ms: 34, delivered_at: null },
        next_attempt_at: at(now + 1_900),
      },
    ]);
    expect(await register(pager)).toEqual([
      { name: 'pager', sequence: 1, failures: 2, nextInMs: 1_900 },
    ]);
    expect(await note(2, 2)).toBe(2);
    expect(await list()).toMatchObject([
      {
        ...{ state: 'ok', pending: 0, failures: 0, last_error: null, next_attempt_at: null },
        ...{ delivered_at: at(now - 100), delivered_sequence: 2 },
      },
    ]);
  });

  it('never go back, whichever of two servers tells last', async () => {
    await register(pager);
    for (const name of ['a', 'b', 'c']) await makeTenant(behind.call, name);
    expect(await note(4, 4)).toBe(4);
    expect(await note(2, 2)).toBe(4);
    expect(await note(2, 3, { error: 'answered 500', nextInMs: 1_000 })).toBe(4);
    expect(await list()).toMatchObject([{ state: 'ok', pending: 0, delivered_sequence: 4 }]);
  });

  it('keep their place with other kinds or another address, and are forgotten with their name', async () => {
    await register(pager, chat);
    await makeTenant(behind.call, 'acme');
    await note(1, 2, { error: 'answered 500', nextInMs: 1_000 });
    expect(await register({ ...pager, kinds: ['pool'] })).toMatchObject([
      { sequence: 1, failures: 1 },
    ]);
    expect(await list()).toMatchObject([{ name: 'pager', kinds: ['pool'], pending: 0 }]);
    const moved = { ...pager, url: 'http://127.0.0.1:9/c' };
    expect(await register(moved)).toEqual([
      { name: 'pager', sequence: 1, failures: 0, nextInMs: 0 },
    ]);
    expect(await list()).toMatchObject([{ ...moved, state: 'waiting', pending: 1 }]);
    await register();
    expect(await list()).toEqual([]);
    // A server that still delivers to it goes on by what it remembers.
    expect(await note(2, 2)).toBe(2);
    expect(await list()).toEqual([]);
  });
});
