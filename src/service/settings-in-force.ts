import { unavailable, type HodeiError } from '../domain/errors.ts';
import { settingsFromDocument, type Settings, type SettingsDocument } from '../domain/settings.ts';
import type { SettingsRow, Tables } from '../store/store.ts';

/** What decides, as last applied. @throws unavailable when nothing was applied yet. */
export async function settingsInForce(tables: Tables): Promise<Settings> {
  const row = await tables.settings.current();
  if (row === undefined) throw nothingInForce();
  return settingsFromDocument(parseDocument(row));
}

export function nothingInForce(): HodeiError {
  return unavailable('No settings are in force yet.', {
    hint: 'Put them in force: hodei config apply',
  });
}

export function parseDocument(row: SettingsRow): SettingsDocument {
  return JSON.parse(row.document) as SettingsDocument;
}
