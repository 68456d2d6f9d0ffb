import { Option, type Command } from 'commander';
import { burstStates } from '../../domain/burst.ts';
import { invalid } from '../../domain/errors.ts';
import {
  getBurst,
  listBursts,
  listTenantBursts,
  requestBurstSession,
  type BurstView,
} from '../../service/bursts.ts';
import { burstOf, withBurstFlags, type BurstFlags } from '../burst-flags.ts';
import { jobsUnder } from '../burst-jobs.ts';
import { burstFieldsOf, burstListing } from '../burst-listing.ts';
import { saysBinding, saySession } from '../burst-words.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { note, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { fieldListing } from '../tenant-words.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { addApprove } from './burst-approve.ts';
import { addCancel, addDeny, addEnd } from './burst-change.ts';

export function register(cli: Cli, noun: Command): void {
  addRequest(cli, noun);
  addApprove(cli, noun);
  addDeny(cli, noun);
  addCancel(cli, noun);
  addEnd(cli, noun);
  addList(cli, noun);
  addGet(cli, noun);
  addHistory(cli, noun);
}

function addRequest(cli: Cli, noun: Command): void {
  addVerb<BurstFlags>(
    cli,
    noun,
    {
      usage: 'request <tenant>',
      summary: 'ask for higher limits for a while; somebody else agrees to it',
      examples: [
        'burst request acme --to 140% --for 2h --reason "release week"',
        'burst request acme --to 125% --resource cpu,memory --reason "nightly builds"',
        'burst request acme --add gpu=4,cpu=8 --at 2026-12-01T08:00Z --for 4h --reason training',
        'burst request acme --to 200% --pool gpu --on-end evict --reason demo',
      ],
      changes: true,
      flags: withBurstFlags,
    },
    async (run, [tenant], flags) => {
      const now = run.host.time.now();
      const wanted = burstOf(flags, now);
      if (run.flags.reason === undefined) {
        throw invalid('What is it for? Who shall agree to it reads that.', 'Say --reason TEXT');
      }
      const burst = await run.call(requestBurstSession, { tenant: String(tenant), ...wanted });
      await printRequested(run, burst, now);
    },
  );
}

async function printRequested(run: Run, burst: BurstView, now: number): Promise<void> {
  const unchanged = run.isDryRun ? ' Nothing was changed.' : '';
  const sentences = [`${saySession(burst, now, run.isDryRun)}${unchanged}`];
  const listing = burstListing(now, run.format);
  await print(run, { document: burst, rows: [burst], listing, sentences });
  if (run.format !== 'table') return;
  for (const line of saysBinding(burst)) note(run, `Note: ${line}`);
  if (burst.state !== 'requested' || run.isDryRun) return;
  note(run, `       hodei burst approve ${burst.id}   for another person`);
}

const states = [...burstStates, 'all'] as const;

interface ListFlags extends PageFlags {
  readonly tenant?: string;
  readonly state?: (typeof states)[number];
  readonly pool?: string;
}

function addList(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'sessions that are asked for, to come or in force, and how long they last',
      examples: ['burst list', 'burst list --state requested', 'burst list --tenant acme -o name'],
      flags: (command) =>
        withPageFlags(
          command
            .option('--tenant <tenant>', 'only of this tenant and those below it')
            .addOption(
              new Option(
                '--state <state>',
                'only in this state; all: also those that are over',
              ).choices(states),
            )
            .option('--pool <pool>', 'only of limits in this pool'),
          toWholeNumber,
        ),
    },
    async (run, _, { tenant, state, pool, ...flags }) => {
      const isAny = tenant === undefined && state === undefined && pool === undefined;
      await printPages(
        run,
        flags,
        () => burstListing(run.host.time.now(), run.format),
        (page) =>
          run.call(listBursts, {
            ...page,
            ...(tenant !== undefined && { tenant }),
            ...(state !== undefined && { state }),
            ...(pool !== undefined && { pool }),
          }),
        run.terminal.isOutTerminal && isAny
          ? 'Nothing is lent, and nobody asks for it.'
          : undefined,
      );
    },
  );
}

function addHistory(cli: Cli, noun: Command): void {
  addVerb<PageFlags>(
    cli,
    noun,
    {
      usage: 'history <tenant>',
      summary: 'all sessions of a tenant, the newest first, also those that are over',
      examples: ['burst history acme', 'burst history acme --json'],
      flags: (command) => withPageFlags(command, toWholeNumber),
    },
    async (run, [tenant], flags) => {
      await printPages(
        run,
        flags,
        () => burstListing(run.host.time.now(), run.format),
        (page) => run.call(listTenantBursts, { tenant: String(tenant), ...page }),
      );
    },
  );
}

function addGet(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'get <session...>',
      summary: 'what a session lifts, until when, who agreed, who still binds, and its jobs',
      examples: ['burst get bst-4k6mpq8rtvwx', 'burst get bst-4k6mpq8rtvwx --json'],
    },
    async (run, [ids]) => {
      const wanted = ids as string[];
      const bursts = await forEach(run, wanted, (burst) => run.call(getBurst, { burst }));
      const [first] = bursts;
      if (first === undefined) return;
      const now = run.host.time.now();
      const isOne = wanted.length === 1;
      if (isOne && run.format === 'table') {
        const rows = burstFieldsOf(first, await jobsUnder(run, first.id), now);
        await print(run, { document: first, rows, listing: fieldListing });
        return;
      }
      const listing = burstListing(now, run.format);
      await print(run, { document: documentOf(isOne, bursts), rows: bursts, listing });
    },
  );
}
