import { listAudit } from './events.ts';
import type { Operation } from './operation.ts';
import { getQuota, listQuotas, quotaHistory, setQuota, unsetQuota } from './quotas.ts';
import { applySettings, getSettings } from './settings.ts';
import {
  createTenant,
  deleteTenant,
  getTenant,
  listTenants,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from './tenants.ts';

/** Everything hodei can do, in the order of the documentation. */
export const operations: readonly Operation[] = [
  createTenant,
  listTenants,
  getTenant,
  updateTenant,
  deleteTenant,
  suspendTenant,
  resumeTenant,
  getQuota,
  setQuota,
  unsetQuota,
  listQuotas,
  quotaHistory,
  listAudit,
  getSettings,
  applySettings,
];
