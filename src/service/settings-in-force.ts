import { unavailable, type HodeiError } from '../domain/errors.ts';
import { settingsFromDocument, type Settings, type SettingsInput } from '../domain/settings.ts';
import type { RevisionRow, Tables } from '../store/store.ts';

/** The last row that was read, as it was promised, and what its text says. */
let last:
  | { readonly row: Promise<RevisionRow | undefined>; readonly settings: Promise<Settings> }
  | undefined;

/** What the last text says: a text never comes to mean anything else. */
let read: { readonly text: string; readonly settings: Settings } | undefined;

/** What decides, as last applied. @throws unavailable when nothing was applied yet. */
export function settingsInForce(tables: Tables): Promise<Settings> {
  const row = tables.settings.current();
  if (row !== last?.row) last = { row, settings: row.then(settingsIn) };
  return last.settings;
}

function settingsIn(row: RevisionRow | undefined): Settings {
  if (row === undefined) throw nothingInForce();
  if (read?.text !== row.document) read = { text: row.document, settings: settingsOf(row) };
  return read.settings;
}

export function nothingInForce(): HodeiError {
  return unavailable('No settings are in force yet.', {
    hint: 'Put them in force: hodei config apply',
  });
}

/** The settings of a revision; one from a time with fewer keys has the defaults of the others. */
export function settingsOf(row: RevisionRow): Settings {
  return settingsFromDocument(JSON.parse(row.document) as SettingsInput);
}
