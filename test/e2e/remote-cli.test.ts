import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTlsFront, type TlsFront } from '../helpers/tls-front.ts';
import { newHome, type Home } from './hodei.ts';
import { startHodei, type Ended, type Started } from './started.ts';

const root = join(import.meta.dirname, '../..');

let home: Home;
let server: Started;
let front: TlsFront;
let elsewhere: string;
let token: string;

beforeAll(async () => {
  home = newHome();
  const here = (words: string) => startHodei(home, home.env, words.split(' ')).ended;
  await here('tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi');
  token = (await here('token create ci-runner --role agent --tenant acme -o name')).out.trim();
  server = startHodei(home, home.env, ['serve', '--port', '0']);
  front = await startTlsFront(await server.hear(/listening on (\S+)\n/));
  elsewhere = mkdtempSync(join(tmpdir(), 'hodei-remote-'));
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(root, part), join(elsewhere, part), { recursive: true });
  }
  mkdirSync(join(elsewhere, 'home'));
  writeFileSync(join(elsewhere, 'ca.pem'), front.certificate);
});
afterAll(async () => {
  await front.stop();
  server.child.kill('SIGKILL');
  home.remove();
  rmSync(elsewhere, { recursive: true });
});

/** The copy, on a machine on which nothing was installed. */
function remote(words: string, input = ''): Promise<Ended> {
  const argv = [join(elsewhere, 'bin/hodei.js'), ...words.split(' ')];
  const env = { HOME: join(elsewhere, 'home'), PATH: process.env['PATH'] };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, { env, cwd: elsewhere }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
    child.stdin?.end(input);
  });
}

describe('a copy of bin and dist, without packages and without the native module', () => {
  it('has no database of its own, and says why', async () => {
    expect(existsSync(join(elsewhere, 'node_modules'))).toBe(false);
    expect((await remote('tenant create acme --email a@acme.example')).code).not.toBe(0);
  });

  it('trusts no authority that it does not know', async () => {
    const { err, code } = await remote(`whoami --server ${front.url}`);
    expect(err).toContain(`hodei login --server ${front.url} --ca FILE`);
    expect(code).toBe(7);
  });

  it('logs in over TLS, and works there', async () => {
    const login = await remote(`login --server ${front.url} --context prod --ca ca.pem`, token);
    expect(login).toMatchObject({
      code: 0,
      out: `Logged in to ${front.url} as ci-runner (agent of acme), by the token ci-runner.\n`,
    });
    expect((await remote('whoami -o name')).out).toBe('ci-runner\n');
    const admitted = await remote('job admit --tenant acme --cpu 1 --memory 1Gi --id build-1');
    expect(admitted).toMatchObject({ code: 0, err: '' });
    expect((await remote('job release acme:build-1')).code).toBe(0);
  });

  it('is refused what its role may not do, with the role', async () => {
    const { code, err } = await remote('quota set acme --cpu 9');
    expect([code, err]).toEqual([4, expect.stringContaining('The role agent may not do quota.')]);
    expect((await remote('tenant list')).code).toBe(4);
  });

  it('runs a command as a job there', async () => {
    const { code, out } = await remote('run --tenant acme --cpu 1 -- echo done');
    expect([code, out]).toEqual([0, 'done\n']);
  });
});
