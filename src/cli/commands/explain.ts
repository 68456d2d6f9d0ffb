import { scopeText } from '../../domain/ceiling.ts';
import type { Command } from 'commander';
import { explainDecision, explainJob, explainTenant } from '../../service/explain.ts';
import { tenantStoryOf } from '../explain-tenant-words.ts';
import { storyOf } from '../explain-words.ts';
import type { Listing } from '../render.ts';
import { print, type Run } from '../run.ts';
import type { Fact, Story } from '../story.ts';
import { shown } from '../terminal.ts';
import { asVerb, type Cli } from '../verb.ts';

export function register(cli: Cli, command: Command): void {
  command.argument('<job|decision|tenant>', 'job-…, <tenant>:<key>, dec-…, or a tenant');
  asVerb(
    cli,
    command,
    { examples: ['explain acme:build-814', 'explain dec-01k3f7q2m4xwzc8mbh', 'explain acme'] },
    async (run, [reference]) => explain(run, String(reference)),
  );
}

/** What a word stands for shows in its form. */
async function explain(run: Run, reference: string): Promise<void> {
  const now = run.host.time.now();
  const isDecision = reference.startsWith('dec-');
  if (isDecision || reference.startsWith('job-') || reference.includes(':')) {
    const explanation = isDecision
      ? await run.call(explainDecision, { decision: reference })
      : await run.call(explainJob, { job: reference });
    const rows = explanation.now?.checks ?? [];
    return tell(run, { explanation, rows, listing: checks, story: storyOf(explanation, now) });
  }
  const explanation = await run.call(explainTenant, { tenant: reference });
  const { causes: rows } = explanation;
  await tell(run, { explanation, rows, listing: causes, story: tenantStoryOf(explanation, now) });
}

interface Told<Row> {
  readonly explanation: unknown;
  readonly rows: readonly Row[];
  readonly listing: Listing<Row>;
  readonly story: Story;
}

async function tell<Row>(run: Run, { explanation, rows, listing, story }: Told<Row>) {
  if (run.format !== 'table') {
    await print(run, { document: explanation, rows, listing });
    return;
  }
  const { out, outColour } = run.terminal;
  out(shown(story.answer));
  const groups = story.facts.filter((facts) => facts.length > 0);
  const widths = widthsOf(groups.flat());
  for (const facts of groups) {
    out('');
    for (const { label, value, aside = '' } of facts) {
      const left = outColour.dim(shown(label).padEnd(widths.label));
      const right = aside === '' ? shown(value) : shown(value).padEnd(widths.value);
      out(`  ${left}   ${right}   ${outColour.dim(shown(aside))}`.trimEnd());
    }
  }
  if (story.wayOut.length > 0) out('');
  for (const line of story.wayOut) out(shown(line));
}

/** Values that have nothing beside them may be as long as they like. */
function widthsOf(facts: readonly Fact[]) {
  const longest = (texts: readonly string[]) =>
    Math.max(0, ...texts.map((text) => shown(text).length));
  const withAside = facts.filter(({ aside = '' }) => aside !== '');
  return {
    label: longest(facts.map(({ label }) => label)),
    value: longest(withAside.map(({ value }) => value)),
  };
}

interface Place {
  readonly scope: { readonly tenant: string | null; readonly pool: string | null };
  readonly resource: string;
  readonly limit: number | null;
  readonly used: number;
  readonly requested: number;
}

const places: Listing<Place> = {
  name: ({ scope }) => scopeText(scope),
  columns: [
    {
      header: 'TENANT',
      text: ({ scope }) => scope.tenant ?? '-',
      value: ({ scope }) => scope.tenant ?? '',
    },
    {
      header: 'POOL',
      text: ({ scope }) => scope.pool ?? '-',
      value: ({ scope }) => scope.pool ?? '',
    },
    { header: 'RESOURCE', text: ({ resource }) => resource },
    {
      header: 'LIMIT',
      text: ({ limit }) => String(limit ?? 'unlimited'),
      value: ({ limit }) => limit ?? 'unlimited',
    },
    { header: 'USED', text: ({ used }) => String(used), value: ({ used }) => used },
    {
      header: 'REQUESTED',
      text: ({ requested }) => String(requested),
      value: ({ requested }) => requested,
    },
  ],
};

const checks: Listing<Place & { readonly over_by: number }> = {
  ...places,
  columns: [
    ...places.columns,
    {
      header: 'OVER BY',
      text: ({ over_by: over }) => String(over),
      value: ({ over_by: over }) => over,
    },
  ],
};

const causes: Listing<Place & { readonly jobs: number }> = {
  ...places,
  columns: [
    ...places.columns,
    { header: 'JOBS', text: ({ jobs }) => String(jobs), value: ({ jobs }) => jobs },
  ],
};
