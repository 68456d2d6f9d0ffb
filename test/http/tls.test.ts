import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readTlsIdentity, type TlsFiles } from '../../src/http/tls.ts';
import { makeCertificate, writeCertificate } from '../helpers/certificate.ts';
import { refusal } from '../helpers/refusal.ts';
import { newFolder, removeFolder } from '../helpers/store.ts';
import { eventually, sendRaw, startTestServer, type TestServer } from './helpers.ts';

let folder: string;
let files: TlsFiles;
beforeEach(() => {
  folder = newFolder();
  files = writeCertificate(folder);
});
afterEach(() => removeFolder(folder));

const refused = (named: TlsFiles = files) => refusal((async () => readTlsIdentity(named))());

/** A key in a form of its own, as a file of its own. */
function writeKey(text: string | Buffer): void {
  writeFileSync(files.key, text, { mode: 0o600 });
}

describe('the files for TLS', () => {
  it('are taken when they belong together, and say nothing while they hold', () => {
    expect(readTlsIdentity(files)).toMatchObject({ warning: undefined });
  });

  it('may be reached by links, as those that a cluster renews', () => {
    const links = { certificate: join(folder, 'a'), key: join(folder, 'b') };
    symlinkSync(files.certificate, links.certificate);
    symlinkSync(files.key, links.key);
    expect(readTlsIdentity(links)).toMatchObject({ warning: undefined });
  });

  it.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777])(
    'are refused when others can touch the key: %o',
    async (mode) => {
      chmodSync(files.key, mode);
      expect(await refused()).toEqual({
        code: 'invalid',
        message: `The private key in ${files.key} can be read or changed by others than its owner.`,
        hint: `chmod 600 ${files.key}`,
      });
    },
  );

  it('are refused when one is missing, no file, or too large to be one', async () => {
    const nowhere = join(folder, 'nowhere');
    expect(await refused({ ...files, key: nowhere })).toEqual({
      code: 'invalid',
      message: `The file of security.tls.key does not exist: ${nowhere}`,
      hint: 'A path in the config file begins at the folder of that file.',
    });
    expect((await refused({ ...files, certificate: nowhere })).message).toContain(
      'tls.certificate',
    );
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const large = join(folder, 'large');
    writeFileSync(large, Buffer.alloc(1024 * 1024 + 1));
    for (const certificate of [folder, pipe, large, '/dev/zero']) {
      expect((await refused({ ...files, certificate })).message).toBe(
        `What security.tls.certificate names is not a file in PEM form: ${certificate}`,
      );
    }
  });

  it('are refused when they cannot be read', async ({ skip }) => {
    if (process.getuid?.() === 0) skip('root can read everything');
    chmodSync(files.certificate, 0);
    expect((await refused()).message).toContain('cannot be read (EACCES)');
  });

  it('are refused when they are of two pairs', async () => {
    writeKey(makeCertificate().key);
    expect(await refused()).toMatchObject({
      code: 'invalid',
      message: `The key in ${files.key} is not that of the certificate in ${files.certificate}.`,
    });
  });

  it('are refused when what they hold is something else', async () => {
    const noKey = `There is no private key in PEM form in ${files.key}.`;
    for (const text of ['', 'secret', Buffer.from([0, 1, 2]), makeCertificate().certificate]) {
      writeKey(text);
      expect((await refused()).message).toBe(noKey);
    }
    for (const text of ['', 'nothing', makeCertificate().key]) {
      writeFileSync(files.certificate, text);
      expect((await refused()).message).toBe(
        `There is no certificate in PEM form in ${files.certificate}.`,
      );
    }
  });

  it('are refused when the key has a passphrase', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const passphrase = { cipher: 'aes-256-cbc', passphrase: 'secret' };
    writeKey(privateKey.export({ type: 'pkcs8', format: 'pem', ...passphrase }));
    expect((await refused()).message).toMatch(/has a passphrase/);
  });

  it.each([
    [{ to: new Date('2026-01-02T03:04:05.000Z') }, /has expired: .* until 2026-01-02T03:04:05/],
    [{ from: new Date('2126-01-02T03:04:05.000Z') }, /is not valid before 2126-01-02T03:04:05/],
  ])('are taken with a warning when it is not their time: %j', async (time, warning) => {
    const from = new Date('2025-01-01T00:00:00Z');
    const to = new Date('2127-01-01T00:00:00Z');
    writeCertificate(folder, makeCertificate({ from, to, ...time }));
    expect(readTlsIdentity(files).warning).toMatch(warning);
    const said: string[] = [];
    const server = await startTestServer({ tls: files, say: (line) => void said.push(line) });
    await server.stop();
    expect(said).toEqual([expect.stringMatching(warning)]);
  });
});

describe('a server with TLS', () => {
  let server: TestServer;
  let said: string[];
  beforeEach(async () => {
    said = [];
    server = await startTestServer({ tls: files, say: (line) => void said.push(line) });
  });
  afterEach(() => server.stop());

  /** A connection with a finished handshake, or the error that it ended with. */
  async function shake(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const target = { port: server.port, host: '127.0.0.1', servername: 'localhost' };
    const socket = connect({ ...target, rejectUnauthorized: false, ...options });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    socket.on('error', () => undefined);
    return socket;
  }

  async function get(path: string, socket: TLSSocket, more = ''): Promise<string> {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${more}\r\n`);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'close');
    return text;
  }

  const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN;

  it('says so in its URL, and shows its certificate', async () => {
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    const trusting = await shake({ ca: makeCertificate().certificate });
    expect(trusting.authorized).toBe(false);
    const socket = await shake();
    expect(nameOf(socket)).toBe('localhost');
    expect(await get('/api/v1/tenants', socket)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    const socket = await shake({ minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('does not speak %s', async (version) => {
    // The client has to be made willing: by itself it does not speak it either.
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(shake(old)).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
  });

  it('hangs up on who speaks without TLS, and goes on', async () => {
    const answer = sendRaw(server.port, 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await answer.catch(() => '')).not.toContain('HTTP/1.1 200');
    await eventually(() => server.lines.some((line) => line.includes('ERR_SSL_HTTP_REQUEST')));
    expect(await get('/healthz', await shake())).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('tells browsers to come back by TLS, on its page and nowhere else', async () => {
    expect(await get('/api/docs', await shake())).toMatch(
      /\r\nstrict-transport-security: max-age=/,
    );
    expect(await get('/api/v1/tenants', await shake())).not.toMatch(/strict-transport/i);
  });

  it('takes new files for new connections, and keeps those that it has', async () => {
    const before = await shake();
    writeCertificate(folder, makeCertificate({ name: 'renewed' }));
    server.renewTlsIdentity();
    expect(nameOf(await shake())).toBe('renewed');
    expect(await get('/healthz', before)).toMatch(/^HTTP\/1\.1 200 /);
    expect(said).toEqual([
      `New connections get the certificate that is now in ${files.certificate}.`,
    ]);
  });

  it('keeps its certificate when the new files are wrong, and says why', async () => {
    const wrongs: [() => void, RegExp][] = [
      [() => writeFileSync(files.certificate, 'x'), /There is no certificate in PEM form/],
      [
        () => writeCertificate(folder, { ...makeCertificate(), key: makeCertificate().key }),
        /not that/,
      ],
      [() => chmodSync(files.key, 0o644), /can be read .* \(chmod 600 /],
      [() => rmSync(files.key), /does not exist/],
    ];
    for (const [spoil, why] of wrongs) {
      spoil();
      server.renewTlsIdentity();
      expect(said.at(-1)).toMatch(/^The certificate stays the one it was: /);
      expect(said.at(-1)).toMatch(why);
      expect(said.at(-1)).not.toContain('\n');
      expect(nameOf(await shake())).toBe('localhost');
    }
  });

  it('ends at once although there are connections on which nothing was asked yet', async () => {
    const silent: Socket[] = [await shake(), connectTcp(server.port, '127.0.0.1')];
    const gone = silent.map((socket) => once(socket, 'close'));
    for (const socket of silent) socket.on('error', () => undefined);
    await eventually(() => !silent[1]!.connecting);
    // What cuts everything off after 10 s does not come then.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await server.close();
    await Promise.all(gone);
  });
});

describe('a server without TLS', () => {
  it('says that there is nothing to read again', async () => {
    const said: string[] = [];
    const server = await startTestServer({ say: (line) => void said.push(line) });
    server.renewTlsIdentity();
    expect(said).toEqual(['There is no certificate to read again: security.tls names none.']);
    expect((await server.ask('/healthz')).status).toBe(200);
    await server.stop();
  });

  it('is not started when the files for TLS are wrong', async () => {
    mkdirSync(join(folder, 'd'));
    const wrong = { ...files, key: join(folder, 'd') };
    expect(await refusal(startTestServer({ tls: wrong }))).toMatchObject({ code: 'invalid' });
  });
});
