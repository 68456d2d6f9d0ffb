import type { BudgetEntryView, BudgetView } from './budget-view.ts';
import { tenantExample } from './examples.ts';

export const budgetExample: BudgetView = {
  tenant_id: tenantExample.id,
  tenant_name: 'acme',
  currency: 'USD',
  monthly_micro: 500_000_000,
  warn_percent: null,
  critical_percent: 95,
  on_exceeded: 'block',
  month: '2026-11-01T00:00:00.000Z',
  ends_at: '2026-12-01T00:00:00.000Z',
  cost_micro: 462_700_000,
  credits_micro: 50_000_000,
  corrections_micro: -12_500_000,
  spent_micro: 400_200_000,
  committed_micro: 31_000_000,
  left_micro: 68_800_000,
  warn_at_micro: 400_000_000,
  critical_at_micro: 475_000_000,
  level: 'warning',
  version: 1,
  updated_at: '2026-11-23T09:30:00.000Z',
};

export const budgetEntryExample: BudgetEntryView = {
  time: '2026-11-23T09:30:00.000Z',
  kind: 'credit',
  amount_micro: 50_000_000,
  reason: 'the outage of Friday',
  principal: 'ana',
};
