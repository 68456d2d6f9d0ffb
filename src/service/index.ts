import { listAdvice } from './advice.ts';
import { exportAudit, verifyAudit } from './audit.ts';
import {
  correctBudget,
  creditBudget,
  getBudget,
  listBudgetEntries,
  listBudgets,
  setBudget,
  unsetBudget,
} from './budgets.ts';
import {
  approveBurstSession,
  cancelBurst,
  denyBurst,
  endBurstSession,
  getBurst,
  listBursts,
  listTenantBursts,
  requestBurstSession,
} from './bursts.ts';
import { reportCost } from './costs.ts';
import { followEvents } from './event-follow.ts';
import { listAudit } from './events.ts';
import {
  admitJob,
  cancelJob,
  checkJob,
  getJob,
  listJobs,
  releaseJob,
  renew,
  resizeJob,
} from './jobs.ts';
import { explainDecision, explainJob, explainTenant } from './explain.ts';
import { adoptJobs, batchJobs } from './job-batch.ts';
import { getMetrics } from './metrics.ts';
import type { Operation } from './operation.ts';
import { deletePolicy, listPolicies, setPolicies, testPolicy } from './policies.ts';
import {
  createPool,
  deletePool,
  getPool,
  holdPool,
  listPools,
  resumePool,
  updatePool,
} from './pools.ts';
import { listQueue, queueStatus } from './queue.ts';
import { getQuota, listQuotas, quotaHistory, setQuota, unsetQuota } from './quotas.ts';
import { listRates, setRate, unsetRate } from './rates.ts';
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
import { createToken, listTokens, revokeToken, whoami } from './tokens.ts';
import { getUsage, listUsage, repairUsage, topUsage, verifyUsage } from './usage.ts';
import { usageHistory } from './usage-history.ts';
import { pruneUsage } from './usage-prune.ts';
import { listViolations } from './violations.ts';
import { listWebhooks, testWebhook } from './webhooks.ts';

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
  getUsage,
  listUsage,
  topUsage,
  usageHistory,
  verifyUsage,
  repairUsage,
  pruneUsage,
  createPool,
  listPools,
  getPool,
  updatePool,
  deletePool,
  holdPool,
  resumePool,
  admitJob,
  checkJob,
  listJobs,
  getJob,
  releaseJob,
  renew,
  cancelJob,
  resizeJob,
  batchJobs,
  adoptJobs,
  explainJob,
  explainDecision,
  explainTenant,
  listQueue,
  queueStatus,
  listViolations,
  listPolicies,
  setPolicies,
  deletePolicy,
  testPolicy,
  requestBurstSession,
  listTenantBursts,
  listBursts,
  getBurst,
  approveBurstSession,
  denyBurst,
  cancelBurst,
  endBurstSession,
  listAdvice,
  listRates,
  setRate,
  unsetRate,
  reportCost,
  getBudget,
  setBudget,
  unsetBudget,
  creditBudget,
  correctBudget,
  listBudgetEntries,
  listBudgets,
  createToken,
  listTokens,
  revokeToken,
  whoami,
  listWebhooks,
  testWebhook,
  listAudit,
  verifyAudit,
  exportAudit,
  followEvents,
  getMetrics,
  getSettings,
  applySettings,
];
