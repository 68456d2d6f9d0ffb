import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseToken } from '../../src/domain/token.ts';
import { listAudit } from '../../src/service/events.ts';
import { operations } from '../../src/service/index.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { identityOperations } from '../../src/service/token-identity.ts';
import { hashOfSecret, isSecretOf, newSecret } from '../../src/service/token-secret.ts';
import {
  createToken,
  listTokens,
  revokeToken,
  whoami,
  type TokenView,
} from '../../src/service/tokens.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { dump, START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

let service: TestService;
beforeEach(async () => {
  service = await testService();
});
afterEach(() => service.close());

const NOW = new Date(START).toISOString();
const ciRunner = { name: 'ci-runner', role: 'agent' } as const;
const create = (input: object = {}, options = {}) =>
  service.call(createToken, { ...ciRunner, ...input }, options);
const revoke = (token: string) => service.call(revokeToken, { token });
const list = async (input = {}) => (await service.call(listTokens, input)).items;
const namesOf = (tokens: readonly TokenView[]) => tokens.map(({ name }) => name);
const secretOf = ({ secret }: { secret: string | null }) => parseToken(secret ?? '')?.secret ?? '';

/** All bytes that the database consists of, with what is still in its log. */
function bytesOf({ path }: TestService): string {
  const folder = dirname(path);
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
  return files.join('\n');
}

describe('a new token', () => {
  it('is told with its secret, and as all others see it', async () => {
    const { id: tenantId } = await makeTenant(service.call, 'acme');
    const { secret, ...view } = await create({ tenant: 'acme', owner: 'Acme CI', ttl_seconds: 60 });
    expect(view).toEqual({
      ...{ ...ciRunner, id: expect.stringMatching(/^token-/) as string, owner: 'Acme CI' },
      ...{ tenant: 'acme', tenant_id: tenantId, state: 'active' },
      ...{ created_at: NOW, created_by: 'ana', expires_at: '2026-11-23T09:01:00.000Z' },
      ...{ revoked_at: null, last_used_at: null },
    });
    expect(parseToken(secret ?? '')?.id).toBe(view.id);
    expect(await list()).toEqual([view]);
  });

  it('acts as its own name and for ever, where nothing else is said', async () => {
    const { owner, tenant, expires_at } = await create();
    expect({ owner, tenant, expires_at }).toEqual({
      ...{ owner: 'ci-runner', tenant: null, expires_at: null },
    });
  });

  it('has another secret each time', async () => {
    const secrets = await Promise.all(['a', 'b', 'c'].map((name) => create({ name })));
    expect(new Set(secrets.map(secretOf)).size).toBe(3);
    for (const made of secrets) expect(secretOf(made)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['', 'CI', '9a', '-a', 'a-', 'a b', 'a_b', 'a'.repeat(64), 'ä', 'a\n', '__proto__'])(
    'is not named %j',
    async (name) => {
      const { code, message } = await refusal(create({ name }));
      expect(code).toBe('invalid');
      expect(message).toContain("a token's name has 1 to 63 of a-z, 0-9 and -");
      expect(await list()).toEqual([]);
    },
  );

  it.each([
    { role: 'root' },
    { role: undefined },
    { ttl_seconds: 0 },
    { ttl_seconds: -1 },
    { ttl_seconds: 1.5 },
    { ttl_seconds: 2 ** 53 },
    { owner: '' },
    { owner: 'an\u001b[2Ja' },
    { secret: 'mine' },
    { id: 'token-mine' },
    { revoked_at: null },
  ])('is not made with %j', async (input) => {
    expect(await refusal(create(input))).toMatchObject({ code: 'invalid' });
    expect(await list()).toEqual([]);
  });

  it('is bound to nothing that is not there', async () => {
    await makeTenant(service.call, 'acme');
    expect(await refusal(create({ tenant: 'acne' }))).toEqual({
      ...{ code: 'not_found', message: 'Tenant not found: acne', hint: 'Did you mean acme?' },
    });
    expect(await list()).toEqual([]);
  });

  it('does not take the name of another one', async () => {
    await create();
    expect(await refusal(create({ role: 'viewer' }))).toEqual({
      code: 'conflict',
      message: 'A token named ci-runner exists already.',
      hint: 'Revoke it, or take another name: hodei token revoke ci-runner',
    });
    expect(await list()).toHaveLength(1);
  });

  it('keeps its name also when it has expired', async () => {
    await create({ ttl_seconds: 1 });
    service.clock.advance(1_000);
    expect(await refusal(create())).toMatchObject({ code: 'conflict' });
  });

  it('takes the name of one that was revoked, and is another one', async () => {
    const first = await create();
    await revoke('ci-runner');
    const second = await create();
    expect(second.id).not.toBe(first.id);
    expect(secretOf(second)).not.toBe(secretOf(first));
    await revoke('ci-runner');
    expect(namesOf(await list({ revoked: true }))).toEqual(['ci-runner', 'ci-runner']);
  });

  it('is one of those of the same name that are made at once', async () => {
    const made = await Promise.allSettled([create(), create(), create()]);
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await list()).toHaveLength(1);
  });

  it('is only shown in a dry run, without a secret, and leaves nothing', async () => {
    const before = dump(service.path);
    const { secret, name, state } = await create({}, { dryRun: true });
    expect({ secret, name, state }).toEqual({ secret: null, name: 'ci-runner', state: 'active' });
    expect(dump(service.path)).toEqual(before);
  });
});

describe('a token in time', () => {
  const stateOf = async () => (await list())[0]?.state;

  it('expires to the millisecond', async () => {
    await create({ ttl_seconds: 60 });
    service.clock.advance(59_999);
    expect(await stateOf()).toBe('active');
    service.clock.advance(1);
    expect(await stateOf()).toBe('expired');
  });

  it('that was revoked stays so, whenever it would have expired', async () => {
    await create({ ttl_seconds: 1 });
    const { state, revoked_at } = await revoke('ci-runner');
    expect({ state, revoked_at }).toEqual({ state: 'revoked', revoked_at: NOW });
    service.clock.advance(2_000);
    expect(await list({ revoked: true })).toMatchObject([{ state: 'revoked', revoked_at: NOW }]);
    expect(await list()).toEqual([]);
  });

  it('is revoked once, however often somebody says so', async () => {
    const { id } = await create();
    await revoke(id);
    service.clock.advance(5_000);
    expect(await revoke(id)).toMatchObject({ revoked_at: NOW });
    const revocations = (await service.events()).filter(
      ({ operation }) => operation === 'token.revoke',
    );
    expect(revocations).toHaveLength(1);
  });

  it('is not revoked by a dry run', async () => {
    await create();
    await service.call(revokeToken, { token: 'ci-runner' }, { dryRun: true });
    expect(await stateOf()).toBe('active');
  });

  it('names its tenant as it is called now, and also after it is gone', async () => {
    const { id: bound } = await makeTenant(service.call, 'acme');
    await create({ tenant: 'acme' });
    await service.call(updateTenant, { tenant: 'acme', name: 'apex' });
    expect(await list()).toMatchObject([{ tenant: 'apex' }]);
    await service.call(deleteTenant, { tenant: 'apex' });
    const { id: next } = await makeTenant(service.call, 'apex');
    expect(await list()).toMatchObject([{ tenant: 'apex', tenant_id: bound }]);
    expect(next).not.toBe(bound);
  });
});

describe('the list of tokens', () => {
  it('comes page by page in the order of creation', async () => {
    const names = ['e', 'b', 'd', 'a', 'c'];
    for (const name of names) await create({ name });
    await revoke('d');
    const pages: string[][] = [];
    for await (const { items } of everyPage((after) =>
      service.call(listTokens, { limit: 2, ...after }),
    )) {
      pages.push(namesOf(items));
    }
    expect(pages).toEqual([
      ['e', 'b'],
      ['a', 'c'],
    ]);
  });

  it('takes no cursor of another list', async () => {
    const cursor = Buffer.from('["job",1]').toString('base64url');
    expect(await refusal(list({ cursor }))).toMatchObject({ code: 'invalid' });
  });
});

describe('a token that is not there', () => {
  it.each([
    ['ci-runer', 'Did you mean ci-runner?'],
    ['something-else', 'See which there are: hodei token list'],
    ["' or 1=1 --", 'See which there are: hodei token list'],
  ])('is asked for as %j', async (token, hint) => {
    await create();
    const message = `Token not found: ${token}`;
    expect(await refusal(revoke(token))).toEqual({ code: 'not_found', message, hint });
    expect(await list()).toMatchObject([{ state: 'active' }]);
  });

  it('is one by its name that was revoked, though its id still stands for it', async () => {
    const { id } = await create();
    await revoke('ci-runner');
    expect(await refusal(revoke('ci-runner'))).toMatchObject({ code: 'not_found' });
    expect(await revoke(id)).toMatchObject({ id, state: 'revoked' });
  });
});

describe('whoami', () => {
  it('says that somebody with the file has all rights and no token', async () => {
    expect(await service.call(whoami, {})).toEqual({
      ...{ principal: 'ana', role: 'admin', tenant: null, tenant_id: null, token: null },
    });
  });

  it('says what a token is bound to, and how long it lasts', async () => {
    const { id: boundTo } = await makeTenant(service.call, 'acme');
    const { id } = await create({ tenant: 'acme', ttl_seconds: 60 });
    const call = service.as({ principal: 'ci', role: 'agent', boundTo, token: id });
    expect(await call(whoami, {})).toEqual({
      ...{ principal: 'ci', role: 'agent', tenant: 'acme', tenant_id: boundTo },
      token: { id, name: 'ci-runner', expires_at: '2026-11-23T09:01:00.000Z' },
    });
  });
});

describe('a secret', () => {
  it('is nowhere in the database, nor is a half of it; its SHA-256 is', async () => {
    const secrets: string[] = [];
    for (const name of ['a', 'b']) secrets.push(secretOf(await create({ name })));
    await revoke('a');
    const bytes = bytesOf(service);
    for (const secret of secrets) {
      expect(secret).toHaveLength(64);
      for (const part of [secret, secret.slice(0, 32), secret.slice(32), secret.slice(0, 16)]) {
        expect(bytes).not.toContain(part);
      }
      expect(bytes).toContain(hashOfSecret(secret));
    }
  });

  it('and its hash are in no event', async () => {
    const secret = secretOf(await create());
    await revoke('ci-runner');
    const text = JSON.stringify(await service.call(listAudit, {}));
    expect(text).toContain('token.create');
    expect(text).toContain('token.revoke');
    for (const part of [secret, hashOfSecret(secret), 'hash']) {
      expect(text.replaceAll(/"hash":"[0-9a-f]{64}"/g, '')).not.toContain(part);
    }
  });

  it('is right, or wrong in any one place', () => {
    const secret = newSecret();
    const kept = hashOfSecret(secret);
    expect(isSecretOf(secret, kept)).toBe(true);
    expect(isSecretOf(newSecret(), kept)).toBe(false);
    for (let at = 0; at < secret.length; at += 1) {
      const other = secret[at] === '0' ? '1' : '0';
      expect(isSecretOf(secret.slice(0, at) + other + secret.slice(at + 1), kept)).toBe(false);
    }
  });

  it.each(['', '-', 'f'.repeat(63), 'f'.repeat(65), '-'.repeat(64)])(
    'is not that of the hash %j, and asking so breaks nothing',
    (kept) => {
      expect(isSecretOf(newSecret(), kept)).toBe(false);
    },
  );
});

it('what a server alone asks of tokens is no operation for anybody else', () => {
  const offered = operations.map(({ name }) => name);
  for (const { name } of identityOperations) expect(offered).not.toContain(name);
});
