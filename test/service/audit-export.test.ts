import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { exportAudit, pieceOf, verifyAudit } from '../../src/service/audit.ts';
import { compareWithFile } from '../../src/service/audit-comparison.ts';
import { auditFileWriter, isFault, readAuditFile, rowOf } from '../../src/service/audit-file.ts';
import { followChain } from '../../src/service/event-chain.ts';
import { chainStart, hashOf, recordEvent } from '../../src/service/event-log.ts';
import { listAudit } from '../../src/service/events.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, TRACE_ID } from '../helpers/service.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('the proof of the audit ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const fill = async (limits: number) => {
    await makeTenant(call, 'acme');
    for (let gpu = 1; gpu <= limits; gpu++) {
      hodei.clock.advance(60_000);
      await call(setQuota, { tenant: 'acme', gpu });
    }
  };

  it('is followed piece by piece, each from where the one before ended', async () => {
    await fill(8);
    const seen: number[] = [];
    const { last, broken } = await followChain(async ({ sequence, hash }) => {
      const behind = sequence === 0 ? {} : { after: sequence, hash };
      const piece = pieceOf(await call(verifyAudit, { ...behind, limit: 4 }));
      seen.push(piece.checked);
      return piece;
    });
    expect({ seen, broken }).toEqual({ seen: [4, 4, 2], broken: undefined });
    const head = (await hodei.events()).at(-1);
    expect(last).toEqual({ sequence: 10, hash: head?.hash });
    expect(await call(verifyAudit, {})).toEqual({
      ...{ checked: 10, last, head: last, broken_at: null, why: null, is_last: true },
    });
  });

  it('ends at the head of its beginning, however fast events come', async () => {
    await fill(3);
    let pieces = 0;
    const { last } = await followChain(async ({ sequence, hash }) => {
      const behind = sequence === 0 ? {} : { after: sequence, hash };
      const piece = pieceOf(await call(verifyAudit, { ...behind, limit: 2 }));
      pieces += 1;
      for (const gpu of [1, 2, 3]) await call(setQuota, { tenant: 'acme', gpu: gpu + 10 * pieces });
      return piece;
    });
    expect({ pieces, last: last.sequence }).toEqual({ pieces: 3, last: 6 });
  });

  it('begins again where another history takes the place of the one that was followed', async () => {
    await fill(6);
    let pieces = 0;
    const { broken, last } = await followChain(async ({ sequence, hash }) => {
      pieces += 1;
      if (pieces === 2)
        onFile(hodei.path, (file) => file.exec('delete from event where sequence > 2'));
      const behind = sequence === 0 ? {} : { after: sequence, hash };
      return pieceOf(await call(verifyAudit, { ...behind, limit: 3 }));
    });
    expect({ broken, last: last.sequence }).toEqual({ broken: undefined, last: 2 });
  });

  it('is refused a place of which only a half is named', async () => {
    for (const input of [{ after: 3 }, { hash: 'a'.repeat(64) }]) {
      const { code, message } = await refusal(call(verifyAudit, input));
      expect([code, message]).toEqual(['invalid', 'after and hash belong together.']);
    }
    const { message } = await refusal(call(verifyAudit, { after: 1, hash: 'x' }));
    expect(message).toBe('hash: must be 64 hexadecimal digits');
  });

  it('exports page by page, up to the head of its beginning', async () => {
    await fill(5);
    const [first] = (await call(listAudit, {})).items;
    const seen: number[] = [];
    const heads = new Set<string>();
    for await (const page of everyPage((next) =>
      call(exportAudit, Object.keys(next).length === 0 ? { limit: 3 } : { ...next, limit: 3 }),
    )) {
      expect(page.from.sequence).toBe(seen.at(-1) ?? 0);
      seen.push(...page.items.map(({ sequence }) => sequence));
      heads.add(JSON.stringify(page.head));
      await call(setQuota, { tenant: 'acme', gpu: 10 + seen.length });
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect([...heads]).toEqual([JSON.stringify({ sequence: 7, hash: first?.hash })]);
  });

  it('exports what was between two times, and leaves none out where a clock went back', async () => {
    await fill(3);
    hodei.clock.advance(-600_000);
    await call(setQuota, { tenant: 'acme', gpu: 7 });
    hodei.clock.advance(700_000);
    await call(setQuota, { tenant: 'acme', gpu: 8 });
    const between = async (input: { since?: string; until?: string }) => {
      const { from, items } = await call(exportAudit, input);
      return [from.sequence, ...items.map(({ sequence }) => sequence)];
    };
    expect(await between({ since: '2026-11-23T09:02:00Z' })).toEqual([3, 4, 5, 6, 7]);
    expect(await between({ until: '2026-11-23T09:01:30Z' })).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await between({ since: '2026-11-24T00:00:00Z' })).toEqual([7]);
    expect(await between({ until: '2026-11-22T00:00:00Z' })).toEqual([0]);
    const { from } = await call(exportAudit, { since: '2026-11-23T09:02:00Z' });
    expect(from.hash).toBe((await hodei.events())[2]?.hash);
  });

  it('is not gone on with where another history has taken its place', async () => {
    await fill(5);
    const { next_cursor } = await call(exportAudit, { limit: 3 });
    onFile(hodei.path, (file) => file.exec(`update event set hash = 'x' where sequence = 3`));
    const refused = await refusal(call(exportAudit, { cursor: next_cursor ?? '' }));
    expect([refused.code, refused.message]).toEqual([
      'gone',
      'Event 3 is not there any more as it was exported.',
    ]);
    const both = { cursor: next_cursor ?? '', since: '2026-11-22T00:00:00Z' };
    expect((await refusal(call(exportAudit, both))).message).toBe(
      'The cursor knows since and until: leave them out.',
    );
  });

  it('says so where an event cannot be read at all', async () => {
    await fill(2);
    onFile(hodei.path, (file) =>
      file.exec(`update event set after_state = '{' where sequence = 3`),
    );
    for (const asked of [call(exportAudit, {}), call(listAudit, {})]) {
      const { code, message, hint } = await refusal(asked);
      expect([code, message]).toEqual(['database', 'Database error: event 3 cannot be read']);
      expect(hint).toBe('Something other than hodei changed it: hodei audit verify');
    }
    expect(await call(verifyAudit, {})).toMatchObject({ broken_at: 3, why: 'changed' });
  });

  it('of no change that is recorded nearly by that name is told of', async () => {
    const wrong = await refusal(call(listAudit, { operation: 'quota.sett' }));
    expect([wrong.code, wrong.hint]).toEqual(['invalid', 'Did you mean quota.set?']);
    const other = await refusal(call(listAudit, { operation: 'policy.withdrawn' }));
    expect(other.hint).toBe('There are: policy.set, policy.delete.');
  });
});

/** Everything that JSON can say, with keys that JavaScript orders by itself, and text of any kind. */
const halves = fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\u202e', '\u2028', 'a') });
const state = fc.dictionary(
  fc.oneof(fc.string({ unit: 'binary' }), fc.integer().map(String), fc.constantFrom('10', '9', '')),
  fc.oneof(fc.jsonValue({ stringUnit: 'binary' }), halves, fc.dictionary(halves, halves)),
  { noNullPrototype: true },
);

type RecordedChange = Pick<Parameters<typeof recordEvent>[1], 'object' | 'before' | 'after'>;

describe('an exported event', () => {
  it('has all that its hash was computed of, whatever was recorded', async () => {
    const hodei = await testService();
    const text = fc.string({ unit: 'binary' });
    const change = fc.record({ object: text, before: fc.option(state), after: fc.option(state) });
    const write = (changes: readonly RecordedChange[]) =>
      hodei.store.transaction(async ({ tables }) => {
        const caller = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
        for (const each of changes) {
          const by = { tables, caller, now: hodei.clock.now() };
          await recordEvent(by, { operation: 'config.apply', tenant: null, ...each });
        }
      });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
        const from = (await hodei.store.read((tables) => tables.events.head())) ?? chainStart;
        await write(changes);
        const stored = (await hodei.events()).slice(-changes.length);
        for await (const { items } of everyPage((next) => hodei.call(exportAudit, next))) {
          for (const [i, item] of items.slice(-changes.length).entries()) {
            const sent = JSON.parse(JSON.stringify(item)) as typeof item;
            const before = stored[i - 1]?.hash ?? from.hash;
            const row = rowOf(sent, before);
            expect([row.before, row.after]).toEqual([stored[i]?.before, stored[i]?.after]);
            expect(hashOf(row)).toBe(item.hash);
          }
        }
        expect(isFault(await readAuditFile(written(hodei.call), 'it'))).toBe(false);
        onFile(hodei.path, (file) => file.exec('delete from event where sequence > 1'));
      }),
      { numRuns: 150 },
    );
    await hodei.close();
  }, 60_000);
});

async function* written(call: Awaited<ReturnType<typeof testService>>['call']) {
  const { from, items, head } = await call(exportAudit, {});
  const writer = auditFileWriter(from, { place: 'here', exportedAt: 0 });
  yield writer.start();
  for (const item of items) yield writer.event(item);
  yield writer.end(head);
}

describe('the comparison with an export', () => {
  it('finds where two histories begin to differ with few questions', async () => {
    const place = (sequence: number, hash = 'a') => ({ sequence, hash });
    const marks = Array.from({ length: 1_000 }, (_, i) => place((i + 1) * 10));
    const file = { from: chainStart, last: place(10_000), events: 10_000, head: place(10_000) };
    for (const end of [0, 7, 10, 4_711, 9_999]) {
      let probes = 0;
      const probe = async ({ sequence }: { sequence: number }) => {
        probes += 1;
        return sequence <= end ? ('same' as const) : ('other' as const);
      };
      const found = await compareWithFile(probe, { ...file, marks, place: '', exportedAt: '' });
      const agreed = Math.floor(end / 10) * 10;
      expect(found).toEqual({ why: 'other', agreed, differs: agreed + 10 });
      expect(probes).toBeLessThan(16);
    }
  });
});
