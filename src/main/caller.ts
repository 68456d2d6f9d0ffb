import { userInfo } from 'node:os';
import { customAlphabet } from 'nanoid';
import type { Place } from '../cli/host.ts';
import { invalid } from '../domain/errors.ts';
import { ID_ALPHABET, ID_LENGTH } from '../domain/tenant.ts';
import { isPrintable } from '../domain/text.ts';
import { fullAuthority } from '../service/authority.ts';
import type { Caller } from '../service/operation.ts';
import type { World } from './world.ts';

const MAX_NAME_LENGTH = 100;
const MAX_REASON_LENGTH = 500;

/** On whose behalf a command acts on a file: its permissions said already who may. @throws invalid when what is noted beside it cannot be. */
export function callerOf(place: Place, world: World): Caller {
  const { traceId } = world;
  return { ...fullAuthority, principal: principalOf(world), traceId, ...notesOf(place) };
}

/** What the flags say to note beside the principal. */
export function notesOf({ as, reason }: Place): Pick<Caller, 'actingAs' | 'reason'> {
  requireText('--as', as, MAX_NAME_LENGTH);
  requireText('--reason', reason, MAX_REASON_LENGTH);
  return {
    ...(as !== undefined && { actingAs: as }),
    ...(reason !== undefined && { reason }),
  };
}

function requireText(flag: string, text: string | undefined, maxLength: number): void {
  if (text === undefined) return;
  if (text.trim() === '') throw invalid(`${flag} is empty.`);
  if (text.length > maxLength) {
    throw invalid(`${flag} has ${text.length} characters, and ${maxLength} are kept.`);
  }
  if (!isPrintable(text)) throw invalid(`${flag} contains control or invisible characters.`);
}

/** The user of the operating system; under sudo the one who called it. */
function principalOf({ env }: World): string {
  const caller = env['SUDO_USER'];
  const isSudo = process.getuid?.() === 0 && caller !== undefined && caller !== '';
  if (!isSudo || caller.length > MAX_NAME_LENGTH || !isPrintable(caller)) return systemUser();
  return caller;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no user has.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

const newIdText = customAlphabet(ID_ALPHABET, ID_LENGTH);
/** What there are millions of begins with the time, so that new rows stand together in an index. */
const timed = new Set(['job', 'dec', 'bst']);

/** A new public id such as `tenant-…`. */
export function newId(kind: string): string {
  const time = timed.has(kind) ? timeText(Date.now()) : '';
  return `${kind}-${time}${newIdText()}`;
}

/** Enough digits of base 30 for milliseconds until the year 2593. */
const TIME_DIGITS = 9;

/** The alphabet is in the order of its characters, so later times have greater texts. */
function timeText(time: number): string {
  let text = '';
  for (let rest = time; text.length < TIME_DIGITS; rest = Math.floor(rest / ID_ALPHABET.length)) {
    text = ID_ALPHABET.charAt(rest % ID_ALPHABET.length) + text;
  }
  return text;
}

/** As W3C Trace Context has it: 32 hexadecimal digits. */
export function newTraceId(): string {
  // No secret, and needed at every start: loading crypto for it would take 2 ms.
  const word = () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return [word(), word(), word(), word()].join('');
}
