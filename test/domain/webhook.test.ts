import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventNames, eventNouns } from '../../src/domain/event-names.ts';
import {
  defaultKinds,
  isForWebhook,
  MAX_WEBHOOK_KINDS,
  messageId,
  retryAfterMs,
  retryDelayMs,
  urlProblem,
  webhookState,
} from '../../src/domain/webhook.ts';

describe('the address of a webhook', () => {
  it.each([
    'http://127.0.0.1:8080',
    'https://pager.example/hodei?team=ops',
    'https://[::1]/x',
    `https://pager.example/${'x'.repeat(1_978)}`,
  ])('can be %s', (url) => {
    expect(urlProblem(url)).toBeUndefined();
  });

  it.each([
    ...['', 'pager.example', '/hodei', 'ftp://pager.example', 'file:///etc/passwd'],
    ...['javascript:alert(1)', 'https://', 'https://a b.example', 'https://a.example/\n'],
    ...['https://user@pager.example', 'https://user:pass@pager.example', 'https://:pass@a.example'],
    `https://pager.example/${'x'.repeat(1_979)}`,
  ])('cannot be "%s", and is not repeated', (url) => {
    const problem = urlProblem(url);
    expect(problem).toMatch(/^an address /);
    expect(problem).not.toMatch(/pass@|passwd|a b\.example/);
  });
});

describe('what a webhook is told of', () => {
  const test = { operation: 'webhook.test', object: 'pager' };

  it('is of its nouns and names, and nothing that only begins alike', () => {
    const webhook = { name: 'pager', kinds: ['job', 'pool.hold'] };
    const told = eventNames.filter((operation) => isForWebhook(webhook, { operation, object: '' }));
    const meant = eventNames.filter((name) => name.startsWith('job.') || name === 'pool.hold');
    expect(told).toEqual(meant);
    expect(isForWebhook(webhook, { operation: 'jobs.end', object: '' })).toBe(false);
  });

  it('is a test of its own, and none of others unless it asks for them', () => {
    expect(isForWebhook({ name: 'pager', kinds: ['job'] }, test)).toBe(true);
    expect(isForWebhook({ name: 'chat', kinds: ['job'] }, test)).toBe(false);
    expect(isForWebhook({ name: 'chat', kinds: ['webhook'] }, test)).toBe(true);
  });

  it('is by default something that there is, and may be every noun', () => {
    const known: readonly string[] = [...eventNames, ...eventNouns];
    expect(defaultKinds.filter((kind) => !known.includes(kind))).toEqual([]);
    expect(eventNouns.length).toBeLessThanOrEqual(MAX_WEBHOOK_KINDS);
  });
});

describe('the id of a message', () => {
  const event = { sequence: 7, hash: 'a'.repeat(64) };

  it('is another one for another webhook, event or history, and has no dot, which ends it', () => {
    const ids = [
      messageId('pager', event),
      messageId('chat', event),
      messageId('pager', { ...event, sequence: 8 }),
      messageId('pager', { ...event, hash: 'b'.repeat(64) }),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(ids.join()).not.toContain('.');
    expect(messageId('pager', event)).toBe(ids[0]);
  });
});

describe('how long it takes until the next attempt', () => {
  it('is a second, doubled up to five minutes', () => {
    const delays = [1, 2, 3, 4, 9, 10, 1_000, 1e9].map((n) => retryDelayMs(n, undefined, 0));
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000, 300_000]);
  });

  it('is a part less by lot, and never more or none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const [delay, most] = [
            retryDelayMs(failures, undefined, random),
            retryDelayMs(failures, undefined, 0),
          ];
          expect(delay).toBeGreaterThanOrEqual(most * 0.75);
          expect(delay).toBeLessThanOrEqual(most);
        },
      ),
    );
    expect(retryDelayMs(1, undefined, 1)).toBe(750);
  });

  it.each([
    [0, 1_000],
    [500, 1_000],
    [90_000, 90_000],
    [3_600_000, 3_600_000],
    [1e12, 3_600_000],
  ])('is as the receiver wishes, up to an hour and not less: %i', (wish, delay) => {
    expect(retryDelayMs(1, wish, 0)).toBe(delay);
  });

  it.each([
    [null, undefined],
    ['120', 120_000],
    [' 5 ', 5_000],
    ['Tue, 24 Nov 2026 08:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    ['-5', undefined],
  ])('is said by the header %j', (header, wish) => {
    expect(retryAfterMs(header, Date.parse('2026-11-24T08:00:00Z'))).toBe(wish);
  });
});

describe('the state of a webhook', () => {
  it.each([
    [0, 0, 'ok'],
    [0, 3, 'waiting'],
    [2, 3, 'retrying'],
  ] as const)('after %i failures and with %i events behind is %s', (failures, pending, state) => {
    expect(webhookState(failures, pending)).toBe(state);
  });
});
