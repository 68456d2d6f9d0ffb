import { unavailable, type HodeiError } from '../domain/errors.ts';
import { settingsFromDocument, type Settings, type SettingsInput } from '../domain/settings.ts';
import type { RevisionRow, Tables } from '../store/store.ts';

/** The last text that was read, and what it says: a text never comes to mean anything else. */
let last: { readonly text: string; readonly settings: Settings } | undefined;

/** What decides, as last applied. @throws unavailable when nothing was applied yet. */
export async function settingsInForce(tables: Tables): Promise<Settings> {
  const row = await tables.settings.current();
  if (row === undefined) throw nothingInForce();
  if (last?.text !== row.document) last = { text: row.document, settings: settingsOf(row) };
  return last.settings;
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
