import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newHome, type Home } from '../e2e/hodei.ts';
import { startHodei, type Started } from '../e2e/started.ts';
import { makeCertificate, writeCertificate } from '../helpers/certificate.ts';

let home: Home;
let started: Started[];
beforeEach(() => {
  home = newHome();
  started = [];
  writeCertificate(home.folder);
});
afterEach(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGKILL');
    await ended;
  }
  home.remove();
});

const database = () => join(home.folder, 'quota.db');

function hodei(words: string, env: Record<string, string> = {}): Started {
  const one = startHodei(home, { ...home.env, ...env }, words.split(' '));
  started.push(one);
  return one;
}

/** A process of `hodei serve` with this config file, once it listens. */
async function serve(config: string): Promise<Started & { readonly url: string }> {
  writeFileSync(join(home.folder, 'config.yaml'), config);
  const server = hodei('serve --port 0 --db quota.db');
  return { ...server, url: await server.hear(/listening on (\S+)/) };
}

const TLS = 'security: {tls: {certificate: server.crt, key: server.key}}\n';

/** Whose certificate a new connection is shown. */
async function nameShown(url: string): Promise<string> {
  const port = Number(new URL(url).port);
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

describe('hodei serve with TLS', () => {
  it('is reached by hodei itself, which has to trust its certificate', async () => {
    const { url } = await serve(TLS);
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const create = `tenant create acme --email ops@acme.example --server ${url}`;
    const strange = await hodei(create).ended;
    expect([strange.code, strange.err]).toEqual([7, expect.stringContaining('Cannot reach')]);
    const trusting = { NODE_EXTRA_CA_CERTS: join(home.folder, 'server.crt') };
    expect(await hodei(create, trusting).ended).toMatchObject({ code: 0 });
  });

  it('takes a new certificate on SIGHUP, keeps the old one when that is wrong, and lives', async () => {
    const server = await serve(TLS);
    expect(await nameShown(server.url)).toBe('localhost');
    writeCertificate(home.folder, makeCertificate({ name: 'renewed' }));
    server.child.kill('SIGHUP');
    await server.hear(/New connections get the certificate/);
    expect(await nameShown(server.url)).toBe('renewed');
    rmSync(join(home.folder, 'server.key'));
    server.child.kill('SIGHUP');
    await server.hear(/The certificate stays the one it was: .*does not exist.*\n/);
    expect(await nameShown(server.url)).toBe('renewed');
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });

  it.each<[string, () => void, RegExp]>([
    [
      'of two pairs',
      () => writeKey(makeCertificate().key, 0o600),
      /is not that of the certificate/,
    ],
    [
      'readable by others',
      () => writeKey(makeCertificate().key, 0o640),
      /\n +chmod 600 .*server\.key/,
    ],
    ['missing', () => rmSync(join(home.folder, 'server.crt')), /tls\.certificate does not exist/],
  ])('does not start with files that are %s, and makes no database', async (_what, spoil, why) => {
    spoil();
    writeFileSync(join(home.folder, 'config.yaml'), TLS);
    const { code, err } = await hodei('serve --port 0 --db quota.db').ended;
    expect([code, err]).toEqual([2, expect.stringMatching(why)]);
    expect(existsSync(database())).toBe(false);
  });

  it('needs tokens as well where other machines reach it', async () => {
    writeFileSync(join(home.folder, 'config.yaml'), `server: {host: 0.0.0.0}\n${TLS}`);
    const { code, err } = await hodei('serve --port 0 --db quota.db').ended;
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/Make a token with hodei token create\. Or/),
    ]);
    expect(existsSync(database())).toBe(false);
  });

  it('shows its files in the config, as they are found from anywhere', async () => {
    writeFileSync(join(home.folder, 'config.yaml'), TLS);
    const { out } = await hodei(`config show --json --config ${home.folder}/config.yaml`).ended;
    expect(JSON.parse(out)).toMatchObject({
      security: {
        tls: {
          certificate: join(home.folder, 'server.crt'),
          key: join(home.folder, 'server.key'),
        },
      },
    });
  });
});

function writeKey(key: string, mode: number): void {
  const path = join(home.folder, 'server.key');
  writeFileSync(path, key);
  chmodSync(path, mode);
}

describe('hodei serve without TLS', () => {
  it('goes on after a SIGHUP', async () => {
    const server = await serve('');
    server.child.kill('SIGHUP');
    await server.hear(/There is no certificate to read again/);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });
});
