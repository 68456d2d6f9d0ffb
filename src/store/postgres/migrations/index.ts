import type { Migration } from '../../migrate.ts';
import { sql as tenantsAndQuotas } from './0001-tenants-and-quotas.ts';
import { sql as poolsAndJobs } from './0002-pools-and-jobs.ts';
import { sql as queueAndPolicies } from './0003-queue-and-policies.ts';
import { sql as tokens } from './0004-tokens.ts';
import { sql as bursts } from './0005-bursts.ts';
import { sql as webhooks } from './0006-webhooks.ts';
import { sql as cost } from './0007-cost.ts';
import { sql as quotaNotices } from './0008-quota-notices.ts';
import { sql as budgets } from './0009-budgets.ts';

export const migrations: readonly Migration[] = [
  { number: 1, name: 'tenants-and-quotas', sql: tenantsAndQuotas },
  { number: 2, name: 'pools-and-jobs', sql: poolsAndJobs },
  { number: 3, name: 'queue-and-policies', sql: queueAndPolicies },
  { number: 4, name: 'tokens', sql: tokens },
  { number: 5, name: 'bursts', sql: bursts },
  { number: 6, name: 'webhooks', sql: webhooks },
  { number: 7, name: 'cost', sql: cost },
  { number: 8, name: 'quota-notices', sql: quotaNotices },
  { number: 9, name: 'budgets', sql: budgets },
];
