import { tenantExample } from './examples.ts';

export const tokenExample = {
  id: 'token-9m2x7q4wzk3f',
  name: 'ci-runner',
  owner: 'ci-runner',
  role: 'agent' as const,
  tenant: tenantExample.name,
  tenant_id: tenantExample.id,
  state: 'active' as const,
  created_at: '2026-11-23T09:00:00.000Z',
  created_by: 'ana',
  expires_at: '2027-02-21T09:00:00.000Z',
  revoked_at: null,
  last_used_at: '2026-11-23T09:31:00.000Z',
};

/** No secret of anything: its digits are all the same. */
export const createdTokenExample = {
  ...tokenExample,
  last_used_at: null,
  secret: `hod_9m2x7q4wzk3f_${'0'.repeat(64)}`,
};

export const whoamiExample = {
  principal: tokenExample.owner,
  role: tokenExample.role,
  tenant: tokenExample.tenant,
  tenant_id: tokenExample.tenant_id,
  token: { id: tokenExample.id, name: tokenExample.name, expires_at: tokenExample.expires_at },
};
