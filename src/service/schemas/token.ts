import * as z from 'zod';
import { roles } from '../../domain/role.ts';
import { tokenNameProblem } from '../../domain/token.ts';
import { lazy } from '../operation.ts';
import { freeText, instant, tenantReference } from './common.ts';

/** A century: whoever means longer means for ever. */
const MAX_TTL_SECONDS = 100 * 365 * 24 * 60 * 60;

export const role = lazy(() => z.enum(roles).describe('What it is there for.'));

export const CreateTokenRequest = lazy(() =>
  z.strictObject({
    name: z
      .string()
      .superRefine((name, check) => {
        const problem = tokenNameProblem(name);
        if (problem !== undefined) check.addIssue({ code: 'custom', message: problem });
      })
      .describe('How it is named: unique among those that are not revoked.'),
    role: role(),
    owner: freeText(100)
      .min(1)
      .optional()
      .describe(
        'Who acts with it: the principal of all that is done; the name, if nothing is said.',
      ),
    tenant: tenantReference()
      .optional()
      .describe(
        'Beyond this tenant and those below it, it sees nothing; without, it sees everything.',
      ),
    ttl_seconds: z
      .int()
      .min(1)
      .max(MAX_TTL_SECONDS)
      .optional()
      .describe('It expires so long from now; without, never.'),
  }),
);

const fields = lazy(() => ({
  id: z.string(),
  name: z.string(),
  owner: z.string().describe('The principal of all that is done with it.'),
  role: role(),
  tenant: z.string().nullable().describe('Name of the tenant that it is bound to; null: to none.'),
  tenant_id: z.string().nullable(),
  state: z.enum(['active', 'expired', 'revoked']),
  created_at: instant(),
  created_by: z.string(),
  expires_at: instant().nullable().describe('Null: never.'),
  revoked_at: instant().nullable(),
  last_used_at: instant().nullable().describe('Give or take a minute; null: not yet.'),
}));

export const TokenResponse = lazy(() => z.strictObject(fields()).meta({ id: 'TokenResponse' }));

export const CreatedTokenResponse = lazy(() =>
  z
    .strictObject({
      ...fields(),
      secret: z
        .string()
        .nullable()
        .describe('What proves it, told this once: it is kept nowhere. Null in a dry run.'),
    })
    .meta({ id: 'CreatedTokenResponse' }),
);

export const WhoamiResponse = lazy(() =>
  z
    .strictObject({
      principal: z.string().describe('Who acts.'),
      role: role(),
      tenant: z.string().nullable().describe('The tenant you are bound to; null: to none.'),
      tenant_id: z.string().nullable(),
      token: z
        .strictObject({ id: z.string(), name: z.string(), expires_at: instant().nullable() })
        .nullable()
        .describe('Null where nobody asks for one.'),
    })
    .meta({ id: 'WhoamiResponse' }),
);
