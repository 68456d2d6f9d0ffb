import type { Command } from 'commander';
import { listAudit } from '../../service/events.ts';
import { auditListing } from '../event-words.ts';
import { withPeriodFlags, type PeriodFlags } from '../instant.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { addExport } from './audit-export.ts';
import { addVerify } from './audit-verify.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';

interface ListFlags extends PageFlags, PeriodFlags {
  readonly tenant?: string;
  readonly principal?: string;
  readonly operation?: string;
}

export function register(cli: Cli, noun: Command): void {
  addList(cli, noun);
  addVerify(cli, noun);
  addExport(cli, noun);
}

function addList(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'who changed what, when and why, the newest first',
      examples: [
        'audit list --tenant acme',
        'audit list --principal ana --since 2026-11-01 --json',
      ],
      flags: (command) =>
        withPageFlags(
          withPeriodFlags(
            command
              .option('--tenant <tenant>', 'only changes of this tenant; a deleted one by its id')
              .option('--principal <name>', 'only changes by this user')
              .option('--operation <name>', 'only one kind of change, such as quota.set'),
          ),
          toWholeNumber,
        ),
    },
    async (run, _, flags) => {
      const { tenant, principal, operation, since, until } = flags;
      await printPages(
        run,
        flags,
        () => auditListing,
        (page) =>
          run.call(listAudit, {
            ...page,
            ...(tenant !== undefined && { tenant }),
            ...(principal !== undefined && { principal }),
            ...(operation !== undefined && { operation }),
            ...(since !== undefined && { since }),
            ...(until !== undefined && { until }),
          }),
        principal === undefined ? undefined : `Nothing by ${principal} is found.`,
      );
    },
  );
}
