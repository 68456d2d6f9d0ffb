import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalid } from '../domain/errors.ts';
import { parseToken } from '../domain/token.ts';
import { sayCause } from './config-file.ts';
import { readPrivate } from './private-file.ts';
import type { World } from './world.ts';

/** A token, and where it is from. */
export interface Credential {
  readonly token: string;
  readonly tokenFrom: string;
}

/** What holds secrets of hodei: no command that it starts inherits these. */
export const secretVariables = ['HODEI_TOKEN', 'HODEI_TOKEN_FILE'] as const;

const reading = { what: 'a token', maxBytes: 4096, mayBeLink: true };

/** The token that the environment names. */
export function credentialOf({ env }: World): Credential | undefined {
  const { HODEI_TOKEN: text, HODEI_TOKEN_FILE: file } = env;
  if (text) return { token: tokenIn(text, 'HODEI_TOKEN'), tokenFrom: 'HODEI_TOKEN' };
  if (!file) return undefined;
  return { token: tokenInFile(file, 'HODEI_TOKEN_FILE'), tokenFrom: 'HODEI_TOKEN_FILE' };
}

export function tokenInFile(path: string, namedBy: string): string {
  const text = readPrivate(path, reading);
  if (text !== undefined) return tokenIn(text, path);
  throw invalid(`There is no file ${resolve(path)}, which ${namedBy} names.`);
}

/** @throws invalid when it is none; what it is instead may be another secret, and is not shown. */
export function tokenIn(text: string, from: string): string {
  const token = text.trim();
  if (parseToken(token) !== undefined) return token;
  throw invalid(
    `${from} holds no token of hodei.`,
    'One begins with hod_ and is 81 characters long; hodei token create makes it.',
  );
}

/** The certificates in a file. @throws invalid when it cannot be read, or holds none. */
export function readAuthority(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${path} cannot be read: ${sayCause(error)}.`);
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw invalid(`${path} holds no certificate.`, 'It begins with -----BEGIN CERTIFICATE-----');
}
