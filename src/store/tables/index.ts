import type { Tables } from '../store.ts';
import { balanceTable } from './balances.ts';
import { budgetEntryTable, budgetTable, budgetUseTable } from './budgets.ts';
import { burstTable } from './bursts.ts';
import { clockTable } from './clock.ts';
import type { Database } from './database.ts';
import { decisionTable } from './decisions.ts';
import { eventTable } from './events.ts';
import { formerParentTable } from './former-parents.ts';
import { jobUseTable } from './job-uses.ts';
import { jobTable } from './jobs.ts';
import { poolTable } from './pools.ts';
import { quotaNoticeTable } from './quota-notices.ts';
import { quotaTable } from './quotas.ts';
import { rateTable } from './rates.ts';
import { recentUseTable } from './recent-use.ts';
import { requestKeyTable } from './request-keys.ts';
import { reservationTable } from './reservations.ts';
import { resourceTable } from './resources.ts';
import { revisionTable } from './revisions.ts';
import { rollupTable } from './rollup.ts';
import { scopeTable } from './scopes.ts';
import { tenantTable } from './tenants.ts';
import { tokenTable } from './tokens.ts';
import { usageHourTable } from './usage-hours.ts';
import { waitingTable } from './waiting.ts';
import { wakeupTable } from './wakeups.ts';
import { webhookTable } from './webhooks.ts';

/** Every table, on one connection. */
export function tablesOf(database: Database): Tables {
  return {
    tenants: tenantTable(database),
    resources: resourceTable(database),
    pools: poolTable(database),
    scopes: scopeTable(database),
    quotas: quotaTable(database),
    balances: balanceTable(database),
    quotaNotices: quotaNoticeTable(database),
    jobs: jobTable(database),
    decisions: decisionTable(database),
    requestKeys: requestKeyTable(database),
    waiting: waitingTable(database),
    wakeups: wakeupTable(database),
    reservations: reservationTable(database),
    recentUse: recentUseTable(database),
    clock: clockTable(database),
    events: eventTable(database),
    settings: revisionTable(database, 'settings_revision'),
    policies: revisionTable(database, 'policy_revision'),
    tokens: tokenTable(database),
    bursts: burstTable(database),
    webhooks: webhookTable(database),
    rates: rateTable(database),
    formerParents: formerParentTable(database),
    usageHours: usageHourTable(database),
    rollup: rollupTable(database),
    jobUses: jobUseTable(database),
    budgets: budgetTable(database),
    budgetEntries: budgetEntryTable(database),
    budgetUses: budgetUseTable(database),
  };
}
