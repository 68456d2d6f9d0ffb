import { userInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example');
});
afterEach(() => home.remove());

const SECRET = /^hod_[0-9a-z]{12}_[0-9a-f]{64}$/;

describe('token create', () => {
  it('prints the secret alone, and says beside it what it may do and that it is shown once', async () => {
    const { out, err, code } = await home.run(
      'token create --name ci-runner --role agent --tenant acme --owner ana --expires 90d',
      { isTerminal: true },
    );
    expect([out, code]).toEqual([expect.stringMatching(SECRET), 0]);
    const [place, created, ability, once, first] = err.split('\n');
    expect(place).toBe('on ~/data/hodei/hodei.db');
    expect(created).toMatch(
      /^Created token ci-runner \(token-\w{12}\): agent of acme, acts as ana, expires \d{4}-/,
    );
    expect(ability).toBe(
      'It may: what a job server does: check, admit, release, renew, cancel, explain, in acme and below it.',
    );
    expect(once).toBe('This is the only time its secret is shown:');
    expect(first).toBe('It is the first one: from now on, servers want a token of everybody.');
    expect(err).not.toContain(out);
  });

  it('prints nothing but the secret for a script', async () => {
    const { out, err } = await home.run('token create ci-runner --role agent -o name');
    expect([out, err]).toEqual([expect.stringMatching(SECRET), '']);
  });

  it('answers as REST does where JSON is asked for', async () => {
    const { out } = await home.run('token create ci-runner --role viewer --json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ name: 'ci-runner', role: 'viewer', tenant: null, state: 'active', expires_at: null },
      secret: expect.stringMatching(SECRET) as string,
    });
  });

  it('says only of the first one that servers ask from now on', async () => {
    await home.run('token create one --role viewer');
    await home.run('token revoke one --yes');
    expect((await home.run('token create two --role viewer')).err).not.toContain('first');
  });

  it('creates nothing in a dry run', async () => {
    expect(await home.run('token create x --role viewer --dry-run')).toEqual({
      out: 'Would create x: viewer, acts as x, does not expire. Nothing was changed.',
      err: '',
      code: 0,
    });
    expect((await home.run('token list -o name')).out).toBe('');
  });

  it.each([
    ['token create --role viewer', 'hodei: A token needs a name.'],
    ['token create x', 'hodei: What is it there for?'],
    ['token create x --name y --role viewer', 'hodei: Is it x or y?'],
    ['token create x --role viewer --expires 90', 'hodei: 90 of what? A duration needs its unit.'],
  ])('refuses "%s"', async (words, message) => {
    const { out, err, code } = await home.run(words);
    expect([out, err.split('\n')[0], code]).toEqual(['', message, 2]);
  });
});

describe('token list', () => {
  it('says what they are for, and when they end', async () => {
    await home.run('token create ci-runner --role agent --tenant acme --owner ana --expires 90d');
    const { out } = await home.run('token list');
    expect(out).toMatch(
      /^ci-runner\tactive\tagent\tacme\tana\tnever\t\d{4}-\d\d-\d\d \d\d:\d\d\ttoken-\w{12}$/,
    );
    expect((await home.run('token list --json')).out).not.toMatch(/hod_|secret/);
  });

  it('has those that are revoked apart', async () => {
    await home.run('token create one --role viewer');
    await home.run('token create two --role viewer');
    expect((await home.run('token revoke one --yes')).out).toBe('Revoked one.');
    expect((await home.run('token list -o name')).out).toBe('two');
    expect((await home.run('token list --revoked')).out).toMatch(/^one\trevoked\t/);
  });
});

describe('token revoke', () => {
  it('asks, and takes no for an answer', async () => {
    await home.run('token create one --role viewer');
    const { err } = await home.run('token revoke one', { isTerminal: true, answer: false });
    expect(err).toContain('? Revoke one?');
    expect((await home.run('token revoke one')).code).toBe(2);
    expect((await home.run('token list -o name')).out).toBe('one');
  });

  it('goes on behind a name that is unknown, and suggests the nearest', async () => {
    await home.run('token create one --role viewer');
    const { out, err, code } = await home.run('token revoke onne one --yes');
    expect(err).toBe('hodei: Token not found: onne\n       Did you mean one?');
    expect([out, code]).toEqual(['Revoked one.', 3]);
  });
});

describe('whoami', () => {
  it('is here the user of the operating system, by the permissions of the file', async () => {
    const { username } = userInfo();
    const { out } = await home.run('whoami');
    expect(out).toBe(`${username} (admin), by the file's permissions`);
    expect((await home.run('whoami -o name')).out).toBe(username);
  });
});

describe('a secret in the command line', () => {
  const token = `hod_${'b'.repeat(12)}_${'0'.repeat(64)}`;

  it.each([
    ['--token', 'not-a-token'],
    ['--token=not-a-token'],
    ['tenant', 'list', '--token=not-a-token'],
    ['login', '--password', 'not-a-token'],
    ['tenant', 'list', '--reason', `by ${token}`],
    ['token', 'revoke', token.toUpperCase(), '--json'],
  ])('is refused with the ways there are, and not repeated: %s', async (...words) => {
    const { out, err, code } = await home.run(words);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain('HODEI_TOKEN or HODEI_TOKEN_FILE, or keep it once with hodei login');
    expect(err).not.toMatch(/not-a-token|0000|bbbb/i);
  });

  it('is nothing of ours behind two dashes', async () => {
    const { err } = await home.run(['run', '--', 'true', token]);
    expect(err).not.toContain('command line');
  });
});
