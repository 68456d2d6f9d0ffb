import type { Command } from 'commander';
import { HodeiError } from '../../domain/errors.ts';
import { sayBreak } from '../chain-words.ts';
import { Exit, FOUND_SOMETHING } from '../exit-codes.ts';
import type { BackupReport, DatabaseStatus } from '../host.ts';
import type { Listing } from '../render.ts';
import { confirmed, note, print, type Run } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count, sayList } from '../words.ts';

export function register(cli: Cli, noun: Command): void {
  addStatus(cli, noun);
  addMigrate(cli, noun);
  addBackup(cli, noun);
  addRestore(cli, noun);
}

interface Field {
  readonly name: string;
  readonly text: string;
  readonly value: string | number;
}

const fieldListing: Listing<Field> = {
  name: ({ value }) => String(value),
  columns: [
    { header: '', text: ({ name }) => name, isDim: true },
    { header: '', text: ({ text }) => text, value: ({ value }) => value },
  ],
};

function addStatus(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'status',
      summary: 'where the database is, how large, and what is in it',
      examples: ['db status', 'db status --json'],
    },
    async (run) => {
      const status = await run.host.database.status(run.flags);
      await print(run, { document: status, rows: fieldsOf(status), listing: fieldListing });
    },
  );
}

function fieldsOf(status: DatabaseStatus): Field[] {
  const { path, bytes, wal_bytes: wal, schema, schema_known: known, settings_revision } = status;
  const field = (name: string, value: string | number, text = String(value)): Field => ({
    name,
    text,
    value,
  });
  const revision = settings_revision === null ? 'none' : settings_revision;
  return [
    field('path', path),
    field('size', bytes, sayBytes(bytes)),
    field('wal', wal, sayBytes(wal)),
    field('schema', schema, schema === known ? String(schema) : `${schema}, known up to ${known}`),
    field('sqlite', status.sqlite),
    field('tenants', status.tenants),
    field('events', status.events),
    field('settings', revision, revision === 'none' ? 'none in force' : `revision ${revision}`),
  ];
}

function addMigrate(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'migrate',
      summary: "bring the database to this program's schema, or create an empty one",
      examples: ['db backup before.db && hodei db migrate'],
    },
    async (run) => {
      const { path, applied } = await run.host.database.migrate(run.flags);
      const sentence =
        applied.length === 0
          ? `Nothing to do: ${path} has the newest schema.`
          : `Applied ${count(applied.length, 'migration')} to ${path}: ${sayList(applied)}.`;
      await print(run, {
        document: { path, applied },
        rows: applied,
        listing: {
          name: (migration) => migration,
          columns: [{ header: 'APPLIED', text: (migration) => migration }],
        },
        sentences: [sentence],
      });
    },
  );
}

function addBackup(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'backup <file>',
      summary: 'write a verified copy into a new file, while everything goes on',
      examples: ['db backup /var/backups/hodei-$(date +%F).db'],
    },
    async (run, [file]) => {
      const report = await run.host.database.backup(run.flags, String(file));
      const { file: written, bytes, chain_broken_at: brokenAt, chain_broken_why: why } = report;
      const isSound = brokenAt === null && report.ledger_differences === 0;
      const verified = isSound ? ', verified' : '';
      const sentence = `Wrote ${written}: ${sayBytes(bytes)}, ${sayContents(report)}${verified}.`;
      await printReport(run, report, sentence);
      if (isSound) return;
      if (brokenAt !== null && why !== null) {
        const said = sayBreak({ sequence: brokenAt, why });
        note(run, `Here and in the copy, the chain of events is ${said}.`);
      }
      if (report.ledger_differences > 0) {
        const balances = count(report.ledger_differences, 'balance');
        note(run, `The ledger is wrong in ${balances}, here and in the copy: hodei usage verify`);
      }
      throw new Exit(FOUND_SOMETHING);
    },
  );
}

function addRestore(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'restore <file>',
      summary: 'put a backup in the place of the database, also while a server has it open',
      examples: ['db restore /var/backups/hodei-2026-11-23.db --reason "wrong bulk edit"'],
      changes: true,
      asks: true,
    },
    async (run, [backup]) => {
      const file = String(backup);
      const present = await presentContents(run);
      const where = present === undefined ? '' : ` in the place of ${present}`;
      if (!(await confirmed(run, `Restore ${file}${where}?`))) return;
      const dryRun = run.isDryRun;
      const report = await run.host.database.restore(run.flags, file, { dryRun });
      const sentence = dryRun
        ? `Would restore ${report.file} (${sayContents(report)}, verified)${where}. Nothing was changed.`
        : `Restored ${report.file}: ${sayContents(report)}.`;
      await printReport(run, report, sentence);
    },
  );
}

/** What a restore would take the place of; undefined where there is nothing that can be read. */
async function presentContents({ host, flags }: Run): Promise<string | undefined> {
  try {
    const status = await host.database.status(flags);
    return `${status.path} (${sayContents(status)})`;
  } catch (error) {
    if (error instanceof HodeiError && error.code !== 'invalid') return undefined;
    throw error;
  }
}

function sayContents({ tenants, events }: Pick<BackupReport, 'tenants' | 'events'>): string {
  return `${count(tenants, 'tenant')}, ${count(events, 'event')}`;
}

async function printReport(run: Run, report: BackupReport, sentence: string): Promise<void> {
  const { file, bytes, tenants, events } = report;
  const rows = Object.entries({ file, bytes, tenants, events }).map(([name, value]) => {
    return { name, value, text: String(value) };
  });
  const listing = { ...fieldListing, name: () => file };
  const shownRows = run.format === 'name' ? rows.slice(0, 1) : rows;
  await print(run, { document: report, rows: shownRows, listing, sentences: [sentence] });
}

const byteUnits = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size of a file as people read it: `14 MB`. */
export function sayBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < byteUnits.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 9.95 ? 0 : 1;
  return `${size.toFixed(digits)} ${byteUnits[unit]}`;
}
