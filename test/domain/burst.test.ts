import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  burstDay,
  burstEvents,
  burstRefusal,
  burstStateAsOf,
  burstStates,
  burstTransition,
  isSamePerson,
  isWithinPercentage,
  lifted,
  MAX_PERCENTAGE,
  nextMomentOf,
  noticeMoment,
  percentageFor,
  type BurstBounds,
  type BurstEvent,
  type BurstState,
  type BurstTimes,
  type BurstTransition,
  type Lift,
  type Period,
} from '../../src/domain/burst.ts';
import type { Limit } from '../../src/domain/quota.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

const MINUTE = 60_000;

/** What every event does to a session in every state, one column for each event. */
const table: Record<BurstState, BurstTransition[]> = {
  // approve, begin, deny, cancel, end, lapse
  requested: ['approved', 'refused', 'denied', 'cancelled', 'refused', 'lapsed'],
  approved: ['refused', 'active', 'refused', 'cancelled', 'refused', 'refused'],
  active: ['refused', 'refused', 'refused', 'refused', 'ended', 'refused'],
  ended: ['refused', 'refused', 'refused', 'refused', 'unchanged', 'refused'],
  denied: ['refused', 'refused', 'unchanged', 'refused', 'refused', 'refused'],
  cancelled: ['refused', 'refused', 'refused', 'unchanged', 'refused', 'refused'],
  lapsed: ['refused', 'refused', 'refused', 'refused', 'refused', 'refused'],
};

const cells = burstStates.flatMap((state) =>
  burstEvents.map((event, i): [BurstState, BurstEvent, BurstTransition | undefined] => [
    state,
    event,
    table[state][i],
  ]),
);

describe('a session', () => {
  it('has seven states and six events, and nothing of them is left out here', () => {
    expect(cells).toHaveLength(42);
  });

  it.each(cells)('that is %s and shall %s: %s', (state, event, to) => {
    expect(burstTransition(state, event)).toBe(to);
  });

  it('that is over never begins', () => {
    for (const state of ['ended', 'denied', 'cancelled', 'lapsed'] as const) {
      for (const event of burstEvents) {
        expect(['unchanged', 'refused']).toContain(burstTransition(state, event));
      }
    }
  });

  const times = { startsAt: 100, endsAt: 200, lapsesAt: 150, noticeAt: null };

  it.each<[BurstState, number, BurstState]>([
    ['requested', 149, 'requested'],
    ['requested', 150, 'lapsed'],
    ['requested', 250, 'lapsed'],
    ['approved', 99, 'approved'],
    ['approved', 100, 'active'],
    ['approved', 199, 'active'],
    ['approved', 200, 'ended'],
    ['approved', 201, 'ended'],
    ['active', 99, 'active'],
    ['active', 199, 'active'],
    ['active', 200, 'ended'],
    ['ended', 0, 'ended'],
    ['denied', 1_000, 'denied'],
    ['cancelled', 1_000, 'cancelled'],
    ['lapsed', 0, 'lapsed'],
  ])('that is written as %s is at %j %s', (state, now, asOf) => {
    expect(burstStateAsOf({ ...times, state }, now)).toBe(asOf);
  });

  it('of which it is not known when it begins, is what is written', () => {
    const open: BurstTimes = { ...times, state: 'requested', startsAt: null, endsAt: null };
    expect(burstStateAsOf(open, 149)).toBe('requested');
    expect(burstStateAsOf({ ...open, state: 'approved' }, 1_000)).toBe('approved');
  });

  it.each<[BurstState, Partial<BurstTimes>, number | null]>([
    ['requested', {}, 150],
    ['requested', { startsAt: null, endsAt: null }, 150],
    ['approved', {}, 100],
    ['approved', { noticeAt: 190 }, 100],
    ['active', {}, 200],
    ['active', { noticeAt: 190 }, 190],
    ['ended', { noticeAt: 190 }, null],
    ['denied', {}, null],
    ['cancelled', {}, null],
    ['lapsed', {}, null],
  ])('that is %s with %j comes next to something at %j', (state, more, moment) => {
    expect(nextMomentOf({ ...times, ...more, state })).toBe(moment);
  });

  it('changes by itself exactly at its next moments, and at no other', () => {
    const moment = fc.option(fc.nat({ max: 20 }), { nil: null });
    const any = fc.record({
      state: fc.constantFrom(...burstStates),
      startsAt: fc.nat({ max: 20 }),
      length: fc.integer({ min: 1, max: 20 }),
      lapsesAt: fc.nat({ max: 20 }),
      noticeAt: moment,
    });
    fc.assert(
      fc.property(any, fc.nat({ max: 50 }), ({ length, ...burst }, now) => {
        const session: BurstTimes = { ...burst, endsAt: burst.startsAt + length };
        const next = nextMomentOf({ ...session, noticeAt: null });
        const changes = burstStateAsOf(session, now) !== session.state;
        expect(changes).toBe(next !== null && next <= now);
      }),
    );
  });

  it.each<[minutes: number, length: number, moment: number | null]>([
    [0, 60 * MINUTE, null],
    [10, 60 * MINUTE, 50 * MINUTE],
    [10, 10 * MINUTE + 1, 1],
    [10, 10 * MINUTE, null],
    [10, MINUTE, null],
  ])('%j min before its end, where it lasts %j ms, is announced at %j', (minutes, length, at) => {
    expect(noticeMoment({ startsAt: 0, endsAt: length }, minutes)).toBe(at);
  });
});

const amount = fc.oneof(
  fc.nat({ max: 1_000 }),
  fc.integer({ min: MAX_AMOUNT - 1_000, max: MAX_AMOUNT }),
  fc.maxSafeNat(),
);
const percentage = fc.oneof(
  fc.integer({ min: 100, max: 300 }),
  fc.integer({ min: 100, max: MAX_PERCENTAGE }),
);

describe('a limit that is lifted', () => {
  it.each<[Limit, Lift, Limit]>([
    [4000, { percentage: 140 }, 5600],
    [4000, { percentage: 100 }, 4000],
    // Rounded down.
    [3, { percentage: 133 }, 3],
    [3, { percentage: 134 }, 4],
    [1, { percentage: 199 }, 1],
    [1, { percentage: 200 }, 2],
    [8191, { percentage: 150 }, 12_286],
    [0, { percentage: MAX_PERCENTAGE }, 0],
    [null, { percentage: 140 }, null],
    [null, { add: 5 }, null],
    [0, { add: 4 }, 4],
    [10, { add: 1 }, 11],
    // Never less, whatever is written.
    [10, { percentage: 50 }, 10],
    // A float would round these.
    [9_007_199_254_740_881, { percentage: 100 }, 9_007_199_254_740_881],
    [6_004_799_503_160_661, { percentage: 150 }, MAX_AMOUNT],
    [6_004_799_503_160_659, { percentage: 150 }, 9_007_199_254_740_988],
    [MAX_AMOUNT, { percentage: 101 }, MAX_AMOUNT],
    [MAX_AMOUNT, { add: 1 }, MAX_AMOUNT],
    [MAX_AMOUNT - 1, { add: 1 }, MAX_AMOUNT],
    [1, { add: MAX_AMOUNT }, MAX_AMOUNT],
  ])('from %j by %j is %j', (limit, lift, to) => {
    expect(lifted(limit, lift)).toBe(to);
  });

  it('is the largest whole amount that is so many per cent of it at most', () => {
    fc.assert(
      fc.property(amount, percentage, (limit, per) => {
        const to = BigInt(lifted(limit, { percentage: per }) ?? -1);
        expect(to * 100n <= BigInt(limit) * BigInt(per)).toBe(true);
        const isNextTooMuch = (to + 1n) * 100n > BigInt(limit) * BigInt(per);
        expect(isNextTooMuch || to === BigInt(MAX_AMOUNT)).toBe(true);
        expect(to >= BigInt(limit)).toBe(true);
      }),
    );
  });

  it.each<[Limit, Lift, number, boolean]>([
    [4000, { percentage: 150 }, 150, true],
    [4000, { percentage: 151 }, 150, false],
    [0, { percentage: 150 }, 150, true],
    [4000, { add: 2000 }, 150, true],
    [4000, { add: 2001 }, 150, false],
    [4001, { add: 2000 }, 150, true],
    [4001, { add: 2001 }, 150, false],
    [0, { add: 1 }, MAX_PERCENTAGE, false],
    [null, { add: MAX_AMOUNT }, 100, true],
    [MAX_AMOUNT, { add: MAX_AMOUNT }, 200, true],
    [MAX_AMOUNT, { add: MAX_AMOUNT }, 199, false],
    [9_007_199_254_740_881, { add: 1 }, 100, false],
  ])('from %j by %j is within %j %%: %j', (limit, lift, most, isWithin) => {
    expect(isWithinPercentage(limit, lift, most)).toBe(isWithin);
  });

  it('reaches what is wanted with the least per cent that does, and with none less', () => {
    fc.assert(
      fc.property(amount, amount, (limit, wanted) => {
        const least = percentageFor(limit, wanted);
        const reaches = (per: number) =>
          BigInt(limit) * BigInt(per) >= BigInt(wanted) * 100n && limit > 0;
        if (least === undefined) expect(reaches(MAX_PERCENTAGE)).toBe(false);
        else expect([reaches(least), least > 0 && reaches(least - 1)]).toEqual([true, false]);
      }),
    );
  });
});

const free: BurstBounds = { cooldownMinutes: 0, mostAtOnce: null, mostPerDay: null };

function at(startsAt: number, endsAt: number): Period {
  return { startsAt: startsAt * MINUTE, endsAt: endsAt * MINUTE };
}

describe('between two sessions of a tenant', () => {
  const bounds = { ...free, cooldownMinutes: 15 };
  const other = at(100, 160);

  it.each<[string, Period, number | undefined]>([
    ['ends a cooldown before', at(25, 85), undefined],
    ['ends too late before', { startsAt: 0, endsAt: 85 * MINUTE + 1 }, 175],
    ['overlaps', at(90, 110), 175],
    ['is within', at(110, 120), 175],
    ['begins too early after', { startsAt: 175 * MINUTE - 1, endsAt: 200 * MINUTE }, 175],
    ['begins a cooldown after', at(175, 200), undefined],
  ])('one that %s: the next can begin at %j', (_, wanted, minute) => {
    const refusal = burstRefusal(wanted, [other], [other], bounds);
    if (minute === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toEqual({ bound: 'cooldown', other, earliest: minute * MINUTE });
  });

  it('there is no cooldown of 0: they may overlap', () => {
    expect(burstRefusal(at(90, 110), [other], [other], free)).toBeUndefined();
  });

  it('there is none with those of others', () => {
    expect(burstRefusal(at(90, 110), [], [other], bounds)).toBeUndefined();
  });

  it('the moment that is named is the first one from then on at which it can begin', () => {
    const some = fc.array(
      fc.tuple(fc.nat({ max: 40 }), fc.integer({ min: 1, max: 12 })).map(([start, length]) => {
        return at(start, start + length);
      }),
      { maxLength: 6 },
    );
    const few = { ...free, cooldownMinutes: 3 };
    fc.assert(
      fc.property(
        some,
        fc.nat({ max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        (of, start, length) => {
          const refusal = burstRefusal(at(start, start + length), of, [], few);
          if (refusal === undefined) return;
          const fits = (minute: number) =>
            burstRefusal(at(minute, minute + length), of, [], few) === undefined;
          const first = Array.from({ length: 100 }, (_, i) => start + i).find(fits);
          expect(refusal).toMatchObject({ bound: 'cooldown', earliest: Number(first) * MINUTE });
        },
      ),
    );
  });
});

describe('in a day', () => {
  const bounds = { ...free, mostPerDay: 2 };
  const begins = (text: string) => ({
    startsAt: Date.parse(text),
    endsAt: Date.parse(text) + MINUTE,
  });
  const refused = (wanted: string, ...of: string[]) =>
    burstRefusal(begins(wanted), of.map(begins), [], bounds);

  it.each([
    ['2026-11-24T00:00:00.000Z', '2026-11-23T00:00:00.000Z', '2026-11-23T23:59:59.999Z'],
    // Europe/Madrid turns its clocks back at 01:00 UTC, and forward then.
    ['2026-10-26T00:00:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'],
    ['2026-03-28T23:59:59.999Z', '2026-03-29T00:59:00.000Z', '2026-03-29T01:00:00.000Z'],
    // America/New_York at 06:00 and 07:00 UTC.
    ['2026-11-02T00:00:00.000Z', '2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z'],
    ['2026-03-09T00:00:00.000Z', '2026-03-08T06:59:00.000Z', '2026-03-08T07:00:00.000Z'],
  ])('%s is another one than that of %s and %s, which are one of 24 hours', (next, a, b) => {
    expect(refused(next, a, b)).toBeUndefined();
    expect(refused(b, a, b)).toEqual({ bound: 'per_day', day: a.slice(0, 10), sessions: 2 });
    expect(refused(b, a, next)).toBeUndefined();
  });

  it('counts in UTC, so that an offset makes no other day of it', () => {
    expect(burstDay(Date.parse('2026-10-25T01:30:00+02:00'))).toBe('2026-10-24');
    expect(burstDay(Date.parse('2026-11-01T23:30:00-05:00'))).toBe('2026-11-02');
  });

  it('of which none are allowed, there is none; without a bound, any number', () => {
    const none = { ...free, mostPerDay: 0 };
    const wanted = begins('2026-11-23T09:00:00Z');
    expect(burstRefusal(wanted, [], [], none)).toMatchObject({ bound: 'per_day', sessions: 0 });
    expect(burstRefusal(wanted, Array(50).fill(wanted), [], free)).toBeUndefined();
  });
});

describe('the most at once', () => {
  const period = fc
    .tuple(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 8 }))
    .map(([startsAt, length]): Period => ({ startsAt, endsAt: startsAt + length }));

  it('are at no moment exceeded, and nothing is refused that would not', () => {
    fc.assert(
      fc.property(
        period,
        fc.array(period, { maxLength: 8 }),
        fc.nat({ max: 4 }),
        (wanted, all, most) => {
          const moments = Array.from({ length: 25 }, (_, moment) => moment).filter(
            (moment) => wanted.startsAt <= moment && moment < wanted.endsAt,
          );
          const counts = moments.map(
            (moment) =>
              all.filter(({ startsAt, endsAt }) => startsAt <= moment && moment < endsAt).length,
          );
          const refusal = burstRefusal(wanted, [], all, { ...free, mostAtOnce: most });
          const sessions = Math.max(...counts);
          expect(refusal).toEqual(sessions + 1 > most ? { bound: 'at_once', sessions } : undefined);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('may be any number where no bound is set', () => {
    const same = at(0, 10);
    expect(burstRefusal(same, [], Array(200).fill(same), free)).toBeUndefined();
  });
});

describe('two names are of one person', () => {
  it.each([
    ['in other capitals', 'Ana.Núñez@example.com', 'ANA.NÚÑEZ@EXAMPLE.COM'],
    ['in letters of full width', 'ana', 'ａｎａ'],
    ['with marks written apart', 'Jos\u00e9', 'Jose\u0301'],
    ['with ligatures', 'ﬁona', 'fiona'],
    ['with spaces around', ' ana\u00a0', 'ana'],
    ['with a sharp s in capitals', 'straße', 'STRASSE'],
    ['with a capital sharp s', 'GROẞ', 'gross'],
    ['with a sigma at the end', 'νίκος', 'ΝΊΚΟΣ'],
    ['with a long s', 'ſam', 'sam'],
    // Its capital is I, as that of i is: who could take the one for the other, is not asked twice.
    ['with a dotless i', 'ılker', 'ilker'],
    ['with a dotless i in capitals', 'ılker', 'ILKER'],
  ])('%s', (_, a, b) => {
    expect([isSamePerson(a, b), isSamePerson(b, a)]).toEqual([true, true]);
  });

  it.each([
    ['another mark', 'jose', 'josé'],
    ['a space within', 'an a', 'ana'],
    ['letters of another alphabet', 'ana', 'аnа'],
    // The capital of i in Turkish alone; everywhere else it is another letter.
    ['a capital i with a dot', 'İlker', 'ilker'],
    ['other letters', 'ana', 'ben'],
  ])('and of two with %s', (_, a, b) => {
    expect(isSamePerson(a, b)).toBe(false);
  });

  it('whatever letter is written in capitals, small, or in another form', () => {
    const different: string[] = [];
    for (let point = 0; point < 0x30000; point++) {
      if (point >= 0xd800 && point < 0xe000) continue;
      const name = `a${String.fromCodePoint(point)}b`;
      const others = [name.toUpperCase(), name.toLowerCase(), name.normalize('NFKD')];
      if (others.some((other) => !isSamePerson(name, other))) different.push(name);
    }
    expect(different).toEqual([]);
  });
});
