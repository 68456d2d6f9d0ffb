import type { ChainBreak, ChainPlace } from '../service/event-log.ts';

/** Where a chain of events is broken, and why: `broken at number 3: there is no event 3`. */
export function sayBreak(found: ChainBreak): string {
  return `broken at number ${sayNumber(found.sequence)}: ${sayWhy(found)}`;
}

export function sayWhy({ sequence, why }: ChainBreak): string {
  const number = sayNumber(sequence);
  switch (why) {
    case 'changed':
      return `event ${number} was changed after it was written`;
    case 'missing':
      return `there is no event ${number}`;
    case 'repeated':
      return sequence < 1
        ? 'an event stands before the first one'
        : `there is more than one event ${number}`;
    case 'unlinked':
      return `event ${number} was not written behind the event ${sayNumber(sequence - 1)} that there is`;
  }
}

export function sayNumber(sequence: number): string {
  return sequence.toLocaleString('en-US');
}

/** `18220 3f2a…`: what to note elsewhere, so that nobody can write another history up to there. */
export function sayHead({ sequence, hash }: ChainPlace): string {
  return `${sequence} ${hash}`;
}
