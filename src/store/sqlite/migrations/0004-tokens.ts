export const sql = `
create table token (
  id integer primary key,
  public_id text not null constraint token_public_id unique,
  name text not null,
  owner text not null,
  role text not null
    constraint token_role check (role in ('admin', 'operator', 'approver', 'viewer', 'agent')),
  tenant integer constraint token_tenant references tenant (id),
  secret_hash text not null constraint token_secret_hash check (length(secret_hash) = 64),
  created_at integer not null,
  created_by text not null,
  expires_at integer,
  revoked_at integer,
  used_at integer
) strict;

create unique index token_name on token (name) where revoked_at is null;
`;
