import { afterEach, describe, expect, it, vi } from 'vitest';
import { endFrom } from '../../src/cli/instant.ts';
import { HodeiError } from '../../src/domain/errors.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What is typed at a time at a place, as UTC; or why it is refused. */
function typed(text: string, now: string, zone = 'Europe/Berlin'): string {
  vi.stubEnv('TZ', zone);
  try {
    return endFrom(text, Date.parse(now)).replace(':00.000Z', 'Z');
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return `${error.message} ${error.hint ?? ''}`;
  }
}

const MORNING = '2026-11-24T07:00:00Z';

describe('the end of something as it is typed', () => {
  it.each([
    ['18:00', '2026-11-24T17:00Z'],
    ['8:01', '2026-11-24T07:01Z'],
    ['08:00', '2026-11-25T07:00Z'],
    ['7:30', '2026-11-25T06:30Z'],
    ['0:00', '2026-11-24T23:00Z'],
    ['2026-11-30', '2026-11-29T23:00Z'],
    ['2026-11-30T08:00', '2026-11-30T07:00Z'],
    ['2026-11-30 08:00', '2026-11-30T07:00Z'],
    ['2026-11-30T08:00Z', '2026-11-30T08:00Z'],
    ['2026-11-30T08:00-05:00', '2026-11-30T13:00Z'],
    ['2h', '2026-11-24T09:00Z'],
    ['1h30m', '2026-11-24T08:30Z'],
    ['7d', '2026-12-01T07:00Z'],
  ])('is read: %s', (text, end) => {
    expect(typed(text, MORNING)).toBe(end);
  });

  it.each([
    ['in the night in which clocks are set back', '02:30', '2026-10-25T00:10:00Z', '00:30'],
    ['between the two that there are of it', '02:30', '2026-10-25T00:40:00Z', '01:30'],
    ['over the hour that is left out', '02:30', '2026-03-29T00:00:00Z', '01:30'],
  ])('of the clock on the wall is found %s', (_, text, now, time) => {
    expect(typed(text, now)).toBe(`${now.slice(0, 10)}T${time}Z`);
  });

  it('of the clock on the wall is that of tomorrow where tomorrow is longer or shorter', () => {
    expect(typed('18:00', '2026-10-24T17:00:00Z')).toBe('2026-10-25T17:00Z');
    expect(typed('18:00', '2026-03-28T18:00:00Z')).toBe('2026-03-29T16:00Z');
    expect(typed('01:45', '2026-04-04T14:50:00Z', 'Australia/Lord_Howe')).toBe('2026-04-04T15:15Z');
  });

  const hint = 'Say when it ends: 18:00, 2026-11-24T08:00, or 2h from now.';

  it.each([
    ...['', 'noon', '6pm', '18', '24:00', '18:60', '-2h', '2026-11-31', '2026-13-01T08:00'],
    ...['9999-12-31T23:00', '999999999d'],
  ])('is refused where it is none: %j', (text) => {
    expect(typed(text, MORNING)).toBe(`"${text}" is no time to come. ${hint}`);
  });

  it('is refused where it has passed, with the time that it is', () => {
    expect(typed('2026-11-24', MORNING)).toBe(
      `2026-11-24 is over: it is 2026-11-24 08:00 now. ${hint}`,
    );
    expect(typed('2026-11-24T08:00', MORNING)).toContain('is over');
    expect(typed('0s', MORNING)).toBe('0s is no time at all. The shortest is 1s.');
    expect(typed('2h3', MORNING)).toContain('is no duration');
  });

  it('shows nothing that a terminal would obey', () => {
    expect(typed('\u001b[2J', MORNING)).not.toContain('\u001b');
  });
});
