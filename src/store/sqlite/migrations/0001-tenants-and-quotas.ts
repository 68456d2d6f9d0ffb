export const sql = `
create table settings_revision (
  revision integer primary key,
  applied_at integer not null,
  document text not null
) strict;

create table resource (
  id integer primary key,
  name text not null constraint resource_name unique,
  unit text not null,
  default_limit integer
    constraint resource_default_limit check (default_limit between 0 and 9007199254740991),
  position integer not null,
  retired integer not null default 0 constraint resource_retired check (retired in (0, 1))
) strict;

create table tenant (
  id integer primary key,
  public_id text not null constraint tenant_public_id unique,
  name text not null,
  email text not null,
  parent integer constraint tenant_parent references tenant (id),
  weight integer not null constraint tenant_weight check (weight between 1 and 1000000),
  status text not null constraint tenant_status check (status in ('active', 'suspended')),
  version integer not null constraint tenant_version check (version >= 1),
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict;

create unique index tenant_name on tenant (name) where deleted_at is null;
create index tenant_living on tenant (id) where deleted_at is null;
create index tenant_children on tenant (parent, name) where deleted_at is null;

create table tenant_label (
  tenant integer not null constraint tenant_label_tenant references tenant (id),
  label_key text not null,
  label_value text not null,
  primary key (tenant, label_key)
) strict, without rowid;

create index tenant_label_value on tenant_label (label_key, label_value, tenant);

create table scope (
  id integer primary key,
  tenant integer not null constraint scope_tenant references tenant (id),
  version integer not null constraint scope_version check (version >= 1),
  updated_at integer not null
) strict;

create unique index scope_of_tenant on scope (tenant);

create table quota (
  scope integer not null constraint quota_scope references scope (id),
  resource integer not null constraint quota_resource references resource (id),
  ceiling integer constraint quota_ceiling check (ceiling between 0 and 9007199254740991),
  primary key (scope, resource)
) strict, without rowid;

create table balance (
  scope integer not null constraint balance_scope references scope (id),
  resource integer not null constraint balance_resource references resource (id),
  used integer not null constraint balance_used check (used between 0 and 9007199254740991),
  primary key (scope, resource)
) strict, without rowid;

create table event (
  sequence integer primary key constraint event_sequence check (sequence >= 1),
  time integer not null,
  principal text not null,
  acting_as text,
  operation text not null,
  tenant text,
  object text not null,
  reason text,
  before_state text,
  after_state text,
  trace_id text not null,
  previous_hash text not null,
  hash text not null
) strict;

create index event_tenant on event (tenant, sequence);
create index event_principal on event (principal, sequence);
`;
