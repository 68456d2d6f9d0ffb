import type { Migration } from '../../migrate.ts';
import { sql as tenantsAndQuotas } from './0001-tenants-and-quotas.ts';

export const migrations: readonly Migration[] = [
  { number: 1, name: 'tenants-and-quotas', sql: tenantsAndQuotas },
];
