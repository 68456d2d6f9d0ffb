import { Option, type Command } from 'commander';
import { reasonCodes, type ReasonCode } from '../../domain/admission.ts';
import { resourceOfWord } from '../../domain/resource.ts';
import { listViolations, type DecisionView } from '../../service/violations.ts';
import { sayNeeds, sayReasons } from '../decision-words.ts';
import { withPeriodFlags, type PeriodFlags } from '../instant.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import type { Listing } from '../render.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { sayTime } from '../words.ts';

interface ListFlags extends PageFlags, PeriodFlags {
  readonly tenant?: string;
  readonly pool?: string;
  readonly resource?: string;
  readonly code?: ReasonCode;
}

export function register(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'requests that did not fit, the newest first; what is repeated is counted',
      examples: [
        'violation list --tenant acme',
        'violation list --resource gpu --code over_quota --since 2026-11-01 --json',
      ],
      flags: withListFlags,
    },
    async (run, _, flags) => {
      const { tenant, pool, resource, code, since, until } = flags;
      await printPages(
        run,
        flags,
        () => listing,
        (page) =>
          run.call(listViolations, {
            ...page,
            ...(tenant !== undefined && { tenant }),
            ...(pool !== undefined && { pool }),
            ...(resource !== undefined && { resource }),
            ...(code !== undefined && { code }),
            ...(since !== undefined && { since }),
            ...(until !== undefined && { until }),
          }),
      );
    },
  );
}

function withListFlags(command: Command): Command {
  return withPageFlags(
    withPeriodFlags(
      command
        .option('--tenant <tenant>', 'only of this tenant; of a deleted one by its id')
        .option('--pool <pool>', 'only in this pool')
        .option(
          '--resource <name>',
          'only for want of this, such as cpu or license',
          resourceOfWord,
        )
        .addOption(new Option('--code <code>', 'only for this reason').choices(reasonCodes)),
    ),
    toWholeNumber,
  );
}

const listing: Listing<DecisionView> = {
  name: ({ id }) => id,
  columns: [
    {
      header: 'TIME',
      text: ({ last_at: last }) => sayTime(last),
      value: ({ last_at: last }) => last,
      isDim: true,
    },
    { header: 'ID', text: ({ id }) => id, isDim: true, isWhole: true },
    { header: 'TENANT', text: ({ tenant }) => tenant },
    { header: 'POOL', text: ({ pool }) => pool },
    { header: 'OUTCOME', text: ({ outcome }) => outcome },
    { header: 'TIMES', text: ({ times }) => String(times), value: ({ times }) => times },
    { header: 'ASKED FOR', text: ({ resources }) => sayNeeds(resources).join(', ') },
    { header: 'CODE', text: ({ code }) => code },
    {
      header: 'WHY',
      text: ({ tenant, violations }) => sayReasons({ tenant }, violations).join('; '),
    },
  ],
};
