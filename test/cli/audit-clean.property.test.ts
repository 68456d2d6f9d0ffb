import fc from 'fast-check';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { defaultSettings } from '../../src/domain/settings.ts';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal } from '../../src/service/call.ts';
import { pieceOf, verifyAudit } from '../../src/service/audit.ts';
import { followChain } from '../../src/service/event-chain.ts';
import { admitJob, releaseJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { createTenant, deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { newCliHome } from '../helpers/cli.ts';
import { stoppedClock } from '../helpers/clock.ts';
import { countingIds } from '../helpers/ids.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';

const home = newCliHome();
afterAll(() => home.remove());
const path = join(home.folder, 'hodei.db');
const backup = join(home.folder, 'backup.db');
const exported = join(home.folder, 'audit.ndjson');

const tenant = fc.constantFrom('a', 'b', 'c');
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), tenant }),
  fc.record({
    do: fc.constant('label' as const),
    tenant,
    key: fc.constantFrom('7', '10', 'x'),
    text,
  }),
  fc.record({ do: fc.constant('set' as const), tenant, gpu: fc.nat(9), reason: text }),
  fc.record({ do: fc.constant('admit' as const), tenant, cpu: fc.nat(9_000) }),
  fc.record({
    do: fc.constantFrom('release' as const, 'delete' as const, 'reopen' as const),
    tenant,
  }),
  fc.record({ do: fc.constant('time' as const), by: fc.integer({ min: -100_000, max: 400_000 }) }),
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A file that is opened again and again, and what can be done with it. */
function history() {
  const clock = stoppedClock();
  const environment = { now: clock.now, newId: countingIds().newId };
  const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
  const open = () => openSqliteStore({ path, create: true, now: clock.now });
  let store = open();
  const call =
    (reason?: string): Call =>
    (...asked) =>
      callAs(callLocal(store, environment), { ...ana, reason })(...asked);
  const act = async (each: Step): Promise<unknown> => {
    switch (each.do) {
      case 'create':
        return call()(createTenant, { name: each.tenant, email: 'ops@acme.example' });
      case 'label':
        return call()(updateTenant, { tenant: each.tenant, labels: { [each.key]: each.text } });
      case 'set':
        return call(each.reason)(setQuota, { tenant: each.tenant, gpu: each.gpu });
      case 'admit':
        return call()(admitJob, { tenant: each.tenant, cpu_m: each.cpu, job_id: 'j' });
      case 'release':
        return call()(releaseJob, { job: `${each.tenant}:j` });
      case 'delete':
        return call()(deleteTenant, { tenant: each.tenant, cascade: true });
      case 'reopen':
        await store.close();
        return (store = open());
      case 'time':
        clock.advance(each.by);
        return undefined;
    }
  };
  return {
    begin: () => beginSettings(store, environment, ana, defaultSettings),
    // What is refused leaves no event.
    act: (each: Step) => act(each).catch(() => undefined),
    call: call(),
    close: () => store.close(),
  };
}

async function verify(...more: string[]) {
  const { out, err, code } = await home.run(['audit', 'verify', '--db', path, ...more]);
  return { out, err, code };
}

it('whatever was done, the chain is found whole, and so it is after backup and restore', async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 9 }), async (taken, limit) => {
      for (const file of [path, `${path}-wal`, `${path}-shm`, backup])
        rmSync(file, { force: true });
      const hodei = history();
      await hodei.begin();
      for (const each of taken) await hodei.act(each);
      const { broken } = await followChain(async ({ sequence, hash }) => {
        const behind = sequence === 0 ? {} : { after: sequence, hash };
        return pieceOf(await hodei.call(verifyAudit, { ...behind, limit }));
      });
      expect(broken).toBeUndefined();
      const { out } = await home.run(['audit', 'export', '--db', path]);
      writeFileSync(exported, `${out.replaceAll('~/', `${home.folder}/`)}\n`);
      await home.run(['db', 'backup', backup, '--db', path]);
      await hodei.act({ do: 'create', tenant: 'c' });
      await hodei.close();
      expect(await verify('--file', exported)).toMatchObject({ code: 0, err: '' });
      expect((await home.run(['db', 'restore', backup, '--yes', '--db', path])).code).toBe(0);
      expect(await verify('--file', exported)).toMatchObject({ code: 0, err: '' });
    }),
    { numRuns: 40, interruptAfterTimeLimit: 25_000 },
  );
}, 60_000);
