import type { Tables } from '../store.ts';
import { balanceTable } from './balances.ts';
import { settingsTable } from './settings.ts';
import type { Database } from './database.ts';
import { eventTable } from './events.ts';
import { quotaTable } from './quotas.ts';
import { resourceTable } from './resources.ts';
import { tenantTable } from './tenants.ts';

/** Every table, on one connection. */
export function tablesOf(database: Database): Tables {
  return {
    tenants: tenantTable(database),
    resources: resourceTable(database),
    quotas: quotaTable(database),
    balances: balanceTable(database),
    events: eventTable(database),
    settings: settingsTable(database),
  };
}
