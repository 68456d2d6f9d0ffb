import * as z from 'zod';
import { budgetLevels, entryKinds, MAX_MONTHLY, onExceeded } from '../../domain/budget.ts';
import { lazy } from '../operation.ts';
import { instant, pageInput, tenantReference } from './common.ts';

const wantedPercent = 'must be more than 0 and at most 100, with at most four decimals';

const percent = lazy(() =>
  z
    .number(wantedPercent)
    .positive(wantedPercent)
    .max(100, wantedPercent)
    .refine((value) => Math.round(value * 10_000) / 10_000 === value, wantedPercent)
    .nullable(),
);

/** Fields of the answer that are let through, since what a GET answered may be edited and sent back. */
const READ_ONLY_FIELDS = [
  ...(['tenant_id', 'tenant_name', 'currency', 'month', 'ends_at', 'cost_micro'] as const),
  ...(['credits_micro', 'corrections_micro', 'spent_micro', 'committed_micro'] as const),
  ...(['left_micro', 'warn_at_micro', 'critical_at_micro', 'level'] as const),
  ...(['version', 'updated_at'] as const),
] as const;

function readOnlyFields() {
  const ignored = z.unknown().optional().describe('Read only: accepted and ignored.');
  return Object.fromEntries(READ_ONLY_FIELDS.map((field) => [field, ignored])) as Record<
    (typeof READ_ONLY_FIELDS)[number],
    typeof ignored
  >;
}

export const BudgetSetRequest = lazy(() =>
  z.strictObject({
    tenant: tenantReference(),
    monthly_micro: z
      .int()
      .min(1)
      .max(MAX_MONTHLY)
      .optional()
      .describe('What a month (UTC) may cost, in millionths of the currency.')
      .meta({ example: 500_000_000 }),
    warn_percent: percent()
      .optional()
      .describe('From which part on a warning is given; null: as the config says.'),
    critical_percent: percent().optional().describe('The same of the second one.'),
    on_exceeded: z
      .enum(onExceeded)
      .optional()
      .describe('block: what would overrun it is not admitted. warn where nothing is said.'),
    ...readOnlyFields(),
  }),
);

export const BudgetTenant = lazy(() => z.strictObject({ tenant: tenantReference() }));

export const BudgetListRequest = lazy(() => z.strictObject({ ...pageInput() }));

export const BudgetEntriesRequest = lazy(() =>
  z.strictObject({ tenant: tenantReference(), ...pageInput() }),
);

export const BudgetCreditRequest = lazy(() =>
  z.strictObject({
    tenant: tenantReference(),
    amount_micro: z
      .int()
      .min(1)
      .max(MAX_MONTHLY)
      .describe('So much of this month need not be paid, in millionths.')
      .meta({ example: 50_000_000 }),
  }),
);

export const BudgetCorrectRequest = lazy(() =>
  z.strictObject({
    tenant: tenantReference(),
    amount_micro: z
      .int()
      .min(-MAX_MONTHLY)
      .max(MAX_MONTHLY)
      .refine((amount) => amount !== 0, 'must not be 0')
      .describe('So much more was spent this month, in millionths; less where it is negative.')
      .meta({ example: -12_500_000 }),
  }),
);

const micro = lazy(() => z.int().describe('Millionths of the currency.'));

export const BudgetResponse = lazy(() =>
  z
    .strictObject({
      tenant_id: z.string(),
      tenant_name: z.string(),
      currency: z.string(),
      monthly_micro: micro(),
      warn_percent: percent().describe('Null: as the config says.'),
      critical_percent: percent().describe('Null: as the config says.'),
      on_exceeded: z.enum(onExceeded),
      month: instant().describe('When the month begins of which the following is told.'),
      ends_at: instant().describe('When it ends.'),
      cost_micro: micro().describe('What was used until now costs, as in the cost report.'),
      credits_micro: micro(),
      corrections_micro: micro().describe('What corrections add.'),
      spent_micro: micro().describe('The cost less the credits, as corrected.'),
      committed_micro: micro().describe(
        'What running jobs will cost until their leases, or the month, end.',
      ),
      left_micro: micro().describe('What is neither spent nor committed; may be negative.'),
      warn_at_micro: micro().describe('From where on a warning is given.'),
      critical_at_micro: micro(),
      level: z.enum(['ok', ...budgetLevels]).describe('What so much spent has reached.'),
      version: z.int(),
      updated_at: instant(),
    })
    .meta({ id: 'BudgetResponse' }),
);

export const BudgetEntryResponse = lazy(() =>
  z
    .strictObject({
      time: instant(),
      kind: z.enum(entryKinds),
      amount_micro: micro().describe('A credit is positive; a correction adds to what was spent.'),
      reason: z.string(),
      principal: z.string(),
    })
    .meta({ id: 'BudgetEntryResponse' }),
);
