import { splitAmount } from '../domain/quantity.ts';
import { sayNeed, type Units } from './decision-words.ts';
import type { Explanation, Fact } from './story.ts';
import { count, isSameUnit } from './words.ts';

type Line = NonNullable<Explanation['line']>;
type Level = Line['levels'][number];
type Rival = Level['ahead'][number];

/** Enough digits for all that shares are told apart by. */
const MOST_DIGITS = 9;

/** Shares with as few digits as tell them apart, two at least: `0.11`. */
export function sayShares(shares: readonly number[]): string[] {
  const different = new Set(shares).size;
  for (let digits = 2; ; digits++) {
    const texts = shares.map((share) =>
      share.toLocaleString('en-US', { maximumSignificantDigits: digits }),
    );
    if (digits === MOST_DIGITS || new Set(texts).size === different) return texts;
  }
}

/** `11 of 100 cores` */
export function sayDominant(dominant: NonNullable<Level['dominant']>, units: Units): string {
  const { resource, used, capacity } = dominant;
  const named = { name: resource, unit: units[resource] ?? 'count' };
  const { unit } = splitAmount(capacity, named);
  // What counts of the past is no whole number.
  const { number, unit: own } = splitAmount(Math.round(used), named, unit || undefined);
  const amount = own === '' || isSameUnit(own, unit) ? number : `${number} ${own}`;
  return `${amount} of ${sayNeed(resource, capacity, units)}`;
}

/** How a waiting job has come to its place, level by level. */
export function sayLine({ line, tenant, units }: Explanation): Fact[] {
  if (line === null) return [];
  const levels = line.levels.map((level) => ({
    value: `${level.under === null ? '' : `in ${level.under}: `}${sayLevel(level)}`,
    aside: sayStanding(level, units),
  }));
  const own = line.own_ahead ?? 0;
  const facts = [
    ...levels,
    ...(line.waiting > 1 ? sayStrategy(line) : []),
    ...(own > 0 ? [{ value: `${count(own, 'job')} of ${tenant} itself before it` }] : []),
  ];
  const kept = { label: 'kept for it', value: 'room, since it has waited too long' };
  return [
    ...facts.map((fact, i) => ({ ...fact, label: i === 0 ? 'next in line' : '' })),
    ...(line.reserved ? [kept] : []),
  ];
}

function sayStrategy({ strategy, waiting }: Line): Pick<Fact, 'value' | 'aside'>[] {
  if (strategy === 'weighted_fair') return [];
  const order = strategy === 'fifo' ? 'the oldest' : 'the highest priority, then the oldest';
  return [{ value: order, aside: `of ${waiting.toLocaleString('en-US')} that wait` }];
}

/** `beta (share 0.11) before acme (share 0.18)` */
function sayLevel({ rank, of, ahead, ...rival }: Level): string {
  const shares = sayShares([...ahead, rival].map(({ share }) => share));
  const say = (each: Rival, i: number) => {
    const isOlder = each.share === rival.share && i < ahead.length;
    const name = each.is_own ? `${each.tenant} itself` : each.tenant;
    return `${name} (share ${shares[i] ?? ''}${isOlder ? ', older' : ''})`;
  };
  const asked = say(rival, ahead.length);
  if (rank === 1) return `${asked} first of ${of.toLocaleString('en-US')}`;
  const others = rank - 1 - ahead.length;
  const more = others === 0 ? '' : `${count(others, 'other')}, then `;
  return `${more}${ahead.map(say).join(', ')} before ${asked}`;
}

/** `acme has 18 of 100 cores, at weight 3` */
function sayStanding({ tenant, is_own: isOwn, dominant, weight }: Level, units: Units): string {
  if (dominant === null) return '';
  const name = isOwn ? `${tenant} itself` : tenant;
  const heavy = weight === 1 ? '' : `, at weight ${weight.toLocaleString('en-US')}`;
  return `${name} has ${sayDominant(dominant, units)}${heavy}`;
}

/** What would bring it further in the line, where that is what it waits for. */
export function sayMoves({ line, now, tenant }: Explanation): string[] {
  if (line === null || now === null || now.outcome === 'admitted') return [];
  // Where its own limits stop it, nobody's share does.
  const isShared = now.violations.some(({ scope }) => scope.tenant !== tenant);
  const ways = line.moves.flatMap((move) => {
    if (move.kind === 'weight' && isShared) {
      return [`hodei tenant update ${move.tenant} --weight ${move.to}`];
    }
    return move.kind === 'priority' ? [`a priority of ${move.to.toLocaleString('en-US')}`] : [];
  });
  if (ways.length === 0) return [];
  return ['Its turn comes sooner with', ...ways.map((way) => `       ${way}`)];
}
