import { createPrivateKey, X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { Server as TlsServer, type ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { HodeiError, invalid } from '../domain/errors.ts';

export interface TlsFiles {
  /** The certificate, and behind it those that lead to its root, in PEM form. */
  readonly certificate: string;
  /** Its private key, in PEM form. */
  readonly key: string;
}

/** Who the server is, and how it proves it. */
export interface TlsIdentity {
  /** As Node takes it. */
  readonly secure: Pick<ServerOptions, 'cert' | 'key' | 'minVersion'>;
  /** What is the matter with the time for which the certificate holds. */
  readonly warning: string | undefined;
}

/** Longer chains do not exist; a file that is named by mistake may be of any size. */
const MAX_BYTES = 1024 * 1024;

/** @throws invalid when the two files cannot be used, or the key is not a secret. */
export function readTlsIdentity({ certificate, key }: TlsFiles, now = Date.now()): TlsIdentity {
  const cert = readPem('certificate', certificate);
  const secret = readPem('key', key, requireSecret);
  const leaf = parseCertificate(certificate, cert);
  if (!leaf.checkPrivateKey(parseKey(key, secret))) {
    throw invalid(
      `The key in ${key} is not that of the certificate in ${certificate}.`,
      'Name the two files that belong together in security.tls.',
    );
  }
  const secure = { cert, key: secret, minVersion: 'TLSv1.2' } as const;
  requireUsable(secure, certificate);
  return { secure, warning: warningOf(leaf, certificate, now) };
}

function readPem(name: string, path: string, check?: (path: string, mode: number) => void) {
  const file = open(name, path);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.size > MAX_BYTES) {
      throw invalid(`What security.tls.${name} names is not a file in PEM form: ${path}`);
    }
    check?.(path, stats.mode);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Without waiting, as for what is no file after all. */
function open(name: string, path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = Object(cause) as { code?: unknown };
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(code)})`;
    throw new HodeiError('invalid', `The file of security.tls.${name} ${why}: ${path}`, {
      hint: 'A path in the config file begins at the folder of that file.',
      cause,
    });
  }
}

function requireSecret(path: string, mode: number): void {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw invalid(
    `The private key in ${path} can be read or changed by others than its owner.`,
    `chmod 600 ${path}`,
  );
}

function parseCertificate(path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new HodeiError('invalid', `There is no certificate in PEM form in ${path}.`, { cause });
  }
}

function parseKey(path: string, pem: Buffer) {
  if (pem.includes('ENCRYPTED')) {
    throw invalid(
      `The private key in ${path} has a passphrase, which nobody could be asked for.`,
      `openssl pkey -in ${path} writes it without one.`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new HodeiError('invalid', `There is no private key in PEM form in ${path}.`, { cause });
  }
}

/** What OpenSSL refuses only now: a key that is too small, a chain that is none. */
function requireUsable(secure: TlsIdentity['secure'], path: string): void {
  try {
    createSecureContext(secure);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HodeiError('invalid', `TLS cannot use the certificate in ${path}: ${why}.`, {
      cause,
    });
  }
}

/** Clients will say so as well, each in its own way; here it is said once and clearly. */
function warningOf(leaf: X509Certificate, path: string, now: number): string | undefined {
  const from = new Date(leaf.validFrom);
  const to = new Date(leaf.validTo);
  if (now > to.getTime()) {
    return `The certificate in ${path} has expired: it was valid until ${to.toISOString()}.`;
  }
  if (now < from.getTime()) {
    return `The certificate in ${path} is not valid before ${from.toISOString()}.`;
  }
  return undefined;
}

/**
 * Reads the files again and puts them in place for new connections. When they are wrong, those stay
 * that the server has. @returns what to tell whoever runs the server.
 */
export function renewTlsIdentity(server: Server, files: TlsFiles | undefined): string {
  if (files === undefined || !(server instanceof TlsServer)) {
    return 'There is no certificate to read again: security.tls names none.';
  }
  try {
    const { secure, warning } = readTlsIdentity(files);
    server.setSecureContext(secure);
    return warning ?? `New connections get the certificate that is now in ${files.certificate}.`;
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    const { message, hint } = error;
    const why = hint === undefined ? message : `${message} (${hint})`;
    return `The certificate stays the one it was: ${why}`;
  }
}
