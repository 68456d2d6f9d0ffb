export const sql = `
create table pool (
  id integer primary key,
  name text not null,
  title text not null,
  type text not null constraint pool_type check (type in ('static', 'dynamic')),
  status text not null constraint pool_status check (status in ('active', 'held')),
  provider text,
  min_size integer not null constraint pool_min_size check (min_size between 0 and 1000000),
  max_size integer not null constraint pool_max_size check (max_size between 0 and 1000000),
  size integer not null,
  max_jobs integer constraint pool_max_jobs check (max_jobs between 0 and 9007199254740991),
  max_jobs_per_tenant integer
    constraint pool_max_jobs_per_tenant check (max_jobs_per_tenant between 0 and 9007199254740991),
  source text not null constraint pool_source check (source in ('built_in', 'config', 'operator')),
  version integer not null constraint pool_version check (version >= 1),
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer,
  constraint pool_size check (min_size <= size and size <= max_size)
) strict;

create unique index pool_name on pool (name) where deleted_at is null;

insert into pool (name, title, type, status, min_size, max_size, size, source, version,
  created_at, updated_at)
select 'default', 'default', 'static', 'active', 1, 1, 1, 'built_in', 1,
  max(applied_at), max(applied_at)
from settings_revision
having count(*) > 0;

create table pool_resource (
  pool integer not null constraint pool_resource_pool references pool (id),
  resource integer not null constraint pool_resource_resource references resource (id),
  per_worker integer not null
    constraint pool_resource_per_worker check (per_worker between 0 and 9007199254740991),
  primary key (pool, resource)
) strict, without rowid;

alter table scope alter column tenant drop not null;
alter table scope add column pool integer constraint scope_pool references pool (id);
alter table scope add constraint scope_subject check (tenant is not null or pool is not null);
drop index scope_of_tenant;
create unique index scope_of_tenant on scope (tenant) where pool is null;
create unique index scope_of_pool on scope (pool) where tenant is null;
create unique index scope_of_tenant_in_pool on scope (tenant, pool);

create table decision (
  id integer primary key,
  public_id text not null constraint decision_public_id unique,
  outcome text not null constraint decision_outcome check (outcome in ('queued', 'rejected')),
  code text not null,
  retryable integer not null constraint decision_retryable check (retryable in (0, 1)),
  decided_by text not null,
  tenant integer not null constraint decision_tenant references tenant (id),
  pool integer not null constraint decision_pool references pool (id),
  principal text not null,
  request text not null,
  likeness text not null,
  times integer not null constraint decision_times check (times >= 1),
  first_at integer not null,
  last_at integer not null
) strict;

create index decision_like on decision (likeness, first_at);
create index decision_of_tenant on decision (tenant, id);

create table violation (
  decision integer not null constraint violation_decision references decision (id),
  position integer not null,
  tenant integer constraint violation_tenant references tenant (id),
  pool integer constraint violation_pool references pool (id),
  resource integer constraint violation_resource references resource (id),
  ceiling integer constraint violation_ceiling check (ceiling between 0 and 9007199254740991),
  used integer constraint violation_used check (used between 0 and 9007199254740991),
  requested integer constraint violation_requested check (requested between 0 and 9007199254740991),
  over_by integer constraint violation_over_by check (over_by between 0 and 9007199254740991),
  code text not null,
  primary key (decision, position)
) strict, without rowid;

create index violation_code on violation (code, decision);
create index violation_resource_code on violation (resource, decision);

create table job (
  id integer primary key,
  public_id text not null constraint job_public_id unique,
  tenant integer not null constraint job_tenant references tenant (id),
  pool integer not null constraint job_pool references pool (id),
  job_id text,
  state text not null constraint job_state
    check (state in ('queued', 'admitted', 'released', 'expired', 'evicted', 'cancelled')),
  priority integer not null,
  labels text not null,
  ttl_seconds integer constraint job_ttl check (ttl_seconds >= 1),
  queue_ttl_seconds integer not null constraint job_queue_ttl check (queue_ttl_seconds >= 1),
  due_at integer,
  requested_at integer not null,
  admitted_at integer,
  ended_at integer,
  mark text constraint job_mark check (mark in ('adopted', 'promoted')),
  claim_due integer not null constraint job_claim_due check (claim_due in (0, 1)),
  request_hash text not null,
  decision integer constraint job_decision references decision (id),
  version integer not null constraint job_version check (version >= 1),
  blocked_scope integer constraint job_blocked_scope references scope (id),
  blocked_resource integer constraint job_blocked_resource references resource (id)
) strict;

create index job_by_job_id on job (tenant, job_id, id) where job_id is not null;
create index job_of_tenant on job (tenant, state, id);
create index job_in_pool on job (pool, state, id);
create index job_living on job (id) where state in ('queued', 'admitted');
create index job_due on job (due_at, id) where due_at is not null;
create index job_blocked on job (blocked_scope, blocked_resource, id) where state = 'queued';

create table job_resource (
  job integer not null constraint job_resource_job references job (id),
  resource integer not null constraint job_resource_resource references resource (id),
  amount integer not null
    constraint job_resource_amount check (amount between 1 and 9007199254740991),
  primary key (job, resource)
) strict, without rowid;

create table request_key (
  principal text not null,
  request_key text not null,
  request_hash text not null,
  job integer not null constraint request_key_job references job (id),
  created_at integer not null,
  primary key (principal, request_key)
) strict, without rowid;

create index request_key_age on request_key (created_at);

create table wakeup (
  scope integer not null constraint wakeup_scope references scope (id),
  resource integer not null constraint wakeup_resource references resource (id),
  after_job integer not null,
  primary key (scope, resource)
) strict, without rowid;

create table clock (
  id integer primary key constraint clock_id check (id = 1),
  boot text not null,
  offset_ms integer not null
) strict;
`;
