import type { Command } from 'commander';
import type { SettingsChange } from '../../domain/settings-diff.ts';
import { unavailable } from '../../domain/errors.ts';
import { renderDocument, type Listing } from '../render.ts';
import { note, print } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count } from '../words.ts';

export function register(cli: Cli, noun: Command): void {
  addInit(cli, noun);
  addShow(cli, noun);
  addValidate(cli, noun);
  addApply(cli, noun);
}

function addInit(cli: Cli, noun: Command): void {
  addVerb<{ file?: string }>(
    cli,
    noun,
    {
      usage: 'init',
      summary: 'write a config file to begin with: every key, its default and what it does',
      examples: [
        'config init',
        'config init --file /etc/hodei/config.yaml',
        'config init --file -',
      ],
      flags: (command) => command.option('--file <path>', 'where to write it; - is the output'),
    },
    async (run, _, { file }) => {
      const { text, defaultPath } = await run.host.config.example();
      if (file === '-') {
        run.terminal.out(text.trimEnd());
        return;
      }
      const path = file ?? run.flags.config ?? defaultPath;
      await run.host.config.write(path, text);
      await print(run, {
        document: { path },
        rows: [path],
        listing: pathListing,
        sentences: [`Wrote ${path}. Edit it, then put it in force: hodei config apply`],
      });
    },
  );
}

const pathListing: Listing<string> = {
  name: (path) => path,
  columns: [{ header: 'PATH', text: (path) => path }],
};

function addShow(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'show',
      summary: 'what the config file says, defaults included',
      examples: ['config show', 'config show --json'],
    },
    async (run) => {
      const { path, document } = await run.host.config.load(run.flags);
      note(
        run,
        path === undefined ? 'There is no config file: these are the defaults.' : `From ${path}:`,
      );
      if (run.format === 'table') run.terminal.out(await renderDocument('yaml', document));
      else await print(run, { document, rows: leavesOf(document), listing: leafListing });
    },
  );
}

interface Leaf {
  readonly key: string;
  readonly value: string | number;
}

const leafListing: Listing<Leaf> = {
  name: ({ key }) => key,
  columns: [
    { header: 'KEY', text: ({ key }) => key },
    { header: 'VALUE', text: ({ value }) => String(value), value: ({ value }) => value },
  ],
};

function leavesOf(value: unknown, key = ''): Leaf[] {
  if (typeof value === 'number') return [{ key, value }];
  if (typeof value !== 'object' || value === null) return [{ key, value: String(value) }];
  return Object.entries(value).flatMap(([name, inner]) => {
    const part = Array.isArray(value) ? `[${name}]` : `.${name}`;
    return leavesOf(inner, `${key}${part}`.replace(/^\./, ''));
  });
}

function addValidate(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'validate [file]',
      summary: 'check a config file, and say what is wrong in which line',
      examples: ['config validate', 'config validate ./config.yaml'],
    },
    async (run, [file]) => {
      const named = typeof file === 'string' ? { config: file } : {};
      const { path } = await run.host.config.load({ ...run.flags, ...named });
      const sentence =
        path === undefined ? 'There is no config file: the defaults hold.' : `${path} is valid.`;
      await print(run, {
        document: { path: path ?? null, valid: true },
        rows: path === undefined ? [] : [path],
        listing: pathListing,
        sentences: [sentence],
      });
    },
  );
}

function addApply(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'apply',
      summary: 'put the config file in force, for every process that uses the database',
      examples: ['config apply --dry-run', 'config apply --reason "licenses for the new cluster"'],
      changes: true,
      isVersioned: true,
    },
    async (run) => {
      const { path, settings } = await run.host.config.load(run.flags);
      if (path === undefined) throw noFile();
      run.allowCreation();
      run.expectDrift();
      const { applySettings } = await import('../../service/settings.ts');
      const applied = await run.call(applySettings, settings);
      await print(run, {
        document: applied,
        rows: applied.changes,
        listing: changeListing,
        sentences: sayApplied(applied, run.isDryRun),
      });
      if (run.format !== 'table') return;
      for (const left of applied.retired) note(run, sayRetired(left));
    },
  );
}

function noFile() {
  return unavailable('There is no config file to put in force.', {
    hint: 'Write one with hodei config init, or name one with --config.',
  });
}

const changeListing: Listing<SettingsChange> = {
  name: ({ key }) => key,
  columns: [
    { header: 'KEY', text: ({ key }) => key },
    { header: 'BEFORE', text: ({ before }) => sayValue(before) },
    { header: 'AFTER', text: ({ after }) => sayValue(after) },
  ],
};

function sayRetired({ resource, limits }: { resource: string; limits: number }): string {
  const whose = limits === 1 ? 'the limit of 1 tenant' : `the limits of ${count(limits, 'tenant')}`;
  return `Note: ${resource} leaves the catalogue; ${whose} on it will hold again if it comes back.`;
}

interface Applied {
  readonly revision: number;
  readonly changes: readonly SettingsChange[];
}

function sayApplied({ revision, changes }: Applied, isDryRun: boolean): string[] {
  if (changes.length === 0) return [`Nothing to change: revision ${revision} is in force.`];
  const lines = changes.map(sayChange);
  if (!isDryRun) {
    return [...lines, `In force as revision ${revision} (${count(changes.length, 'change')}).`];
  }
  return ['Would change:', ...lines.map((line) => `  ${line}`), 'Nothing was changed.'];
}

/** `resources.license.default_limit: 0 → 2` */
export function sayChange({ key, before, after }: SettingsChange): string {
  return `${key}: ${sayValue(before)} → ${sayValue(after)}`;
}

function sayValue(value: unknown): string {
  if (value === undefined) return '(none)';
  if (value === null) return 'unlimited';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
