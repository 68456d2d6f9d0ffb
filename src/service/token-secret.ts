import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SECRET_BYTES } from '../domain/token.ts';

/** A secret that nobody guesses, in hex. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('hex');
}

/**
 * What is kept of a secret: SHA-256, in hex. It has 256 random bits, so that no slow hash is needed to
 * keep somebody from trying them all.
 */
export function hashOfSecret(secret: string): string {
  return hash('sha256', secret);
}

/** Compares in constant time, so that its duration says nothing of how much was right. */
export function isSecretOf(secret: string, secretHash: string): boolean {
  const [given, kept] = [Buffer.from(hashOfSecret(secret)), Buffer.from(secretHash)];
  // What is kept has another length only where somebody has written to the file by hand.
  return given.length === kept.length && timingSafeEqual(given, kept);
}
