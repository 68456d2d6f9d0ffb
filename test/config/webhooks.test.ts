import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { eventNouns } from '../../src/domain/event-names.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { describeConfig } from '../../src/config/show.ts';
import { HodeiError } from '../../src/domain/errors.ts';
import { defaultKinds } from '../../src/domain/webhook.ts';

const CANARY = 'canary-0123456789';

function load(webhooks: string, env: Record<string, string> = {}): Config {
  const text = `observability:\n  webhooks:\n${webhooks}`;
  return loadConfig({ path: 'c.yaml', text, env });
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof HodeiError && error.code === 'invalid') return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

const webhook = (fields: Record<string, string> = {}) => {
  const all = { name: 'pager', url: 'http://127.0.0.1:9', secret: '${SECRET}', ...fields };
  const lines = Object.entries(all).map(([key, value]) => `      ${key}: ${value}`);
  return `    - ${lines.join('\n').trimStart()}\n`;
};

describe('a webhook in the config file', () => {
  it('is told of what happens without anybody looking on, where nothing is said', () => {
    const [found] = load(webhook()).webhooks;
    expect(found).toMatchObject({ name: 'pager', url: 'http://127.0.0.1:9', kinds: defaultKinds });
    const [other] = load(webhook({ kinds: '[job, pool.hold]' })).webhooks;
    expect(other?.kinds).toEqual(['job', 'pool.hold']);
  });

  it.each([
    [{ name: 'Pager' }, 'c.yaml:3:13: observability.webhooks[0].name: expected 1 to 63 of a-z'],
    [{ url: 'pager' }, 'c.yaml:4:12: observability.webhooks[0].url: expected an address such as'],
    [{ kinds: '[]' }, 'c.yaml:6:14: observability.webhooks[0].kinds: expected one kind at least'],
    [{ kinds: 'job' }, 'kinds: expected a list of nouns such as job, or names such as job.promote'],
    [
      { kinds: '[job.promot]' },
      'no event is called so; did you mean job.promote?, found "job.prom',
    ],
    [{ kinds: '[jobs]' }, 'no event is called so; did you mean job?'],
    [{ kinds: '[weather]' }, `no event is called so; there are ${eventNouns.join(', ')}`],
    [{ kinds: `[${'job, '.repeat(20)}]` }, 'expected at most 19 kinds'],
  ])('is refused with %j', (fields, message) => {
    expect(refusal(() => load(webhook(fields)))).toContain(message);
  });

  it('has a name of its own, and at most 19 beside it', () => {
    expect(refusal(() => load(webhook() + webhook()))).toBe(
      'c.yaml:6:13: observability.webhooks[1].name: expected a name of its own, which webhooks[0] has not, found "pager"',
    );
    const named = (count: number) =>
      Array.from({ length: count }, (_, i) => webhook({ name: `n${i}` })).join('');
    expect(load(named(20)).webhooks).toHaveLength(20);
    expect(refusal(() => load(named(21)))).toContain('expected at most 20 webhooks');
  });
});

describe('the secret of a webhook', () => {
  it('is asked of the environment by who uses it, and by nobody before', () => {
    const { webhooks } = load(webhook());
    expect(webhooks[0]?.secretIn({ SECRET: CANARY })).toBe(CANARY);
    expect(refusal(() => webhooks[0]?.secretIn({}))).toBe(
      'c.yaml: observability.webhooks[0].secret: SECRET is not set in the environment',
    );
    const [joined] = load(webhook({ secret: 'v1-${A}-${B}-0123456789' })).webhooks;
    expect(joined?.secretIn({ A: '${B}', B: 'b' })).toBe('v1-${B}-b-0123456789');
  });

  it.each(['constructor', '__proto__'])('is not %s of every object', (name) => {
    const [found] = load(webhook({ secret: `\${${name}}` })).webhooks;
    expect(refusal(() => found?.secretIn({}))).toContain(`${name} is not set`);
  });

  it('is long enough, wherever it comes from, and is not said where it is not', () => {
    const short = 'canary-01234567';
    const message = 'observability.webhooks[0].secret: expected a secret of at least 16 characters';
    expect(refusal(() => load(webhook({ secret: short })))).toBe(`c.yaml:5:15: ${message}`);
    const [found] = load(webhook()).webhooks;
    expect(refusal(() => found?.secretIn({ SECRET: short }))).toBe(
      `c.yaml: ${message}, found fewer`,
    );
  });

  it('is nowhere in what is shown of the config', () => {
    for (const secret of [CANARY, '${SECRET}']) {
      const config = load(webhook({ secret }), { SECRET: CANARY });
      expect(config.webhooks[0]?.secretIn({ SECRET: CANARY })).toBe(CANARY);
      const shown = describeConfig(config);
      expect(shown.observability.webhooks).toEqual([
        { name: 'pager', url: 'http://127.0.0.1:9', secret: '***', kinds: defaultKinds },
      ]);
      const all = [JSON.stringify(shown), JSON.stringify(config), inspect(config, { depth: 9 })];
      expect(all.join('\n')).not.toMatch(/canary/);
    }
  });

  it.each([
    ...['canary', '"canary"', '[canary-0123456789]', '{canary: 1}', '!!str canary-0123456789'],
    ...['*canary', '|\n        canary', '${canary-0123456789}'],
    ...[
      'canary-${',
      'canary${1A}canary-0123456789',
      '"canary\\q-0123456789"',
      '@canary-0123456789',
    ],
    ...[
      '"canary-0123456789',
      "'canary-0123456789",
      '%canary-01234567',
      'canary: canary-0123456789',
    ],
    ...['{canary-0123456789', '[canary-0123456789', '`canary-0123456789`', 'canary-012345\n  more'],
    ...['123456789012345678', 'true', '1e400', '"\\u0000canary"'],
  ])('is not repeated where it is written wrong: %s', (secret) => {
    expect(refusal(() => load(webhook({ secret }))).replace('unknown key', '')).not.toMatch(
      /canary-?0123|"canary|12345678901/,
    );
  });

  it('is not repeated where it stands in the place of something else', () => {
    for (const text of [`    - ${CANARY}\n`, `    ${CANARY}\n`]) {
      expect(refusal(() => load(text))).not.toContain(CANARY);
    }
    const url = `https://user:${CANARY}@pager.example`;
    const message = refusal(() => load(webhook({ url })));
    expect(message).toContain('expected an address without a user or password');
    expect(message).not.toContain(CANARY);
  });
});
