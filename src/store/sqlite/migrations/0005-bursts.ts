export const sql = `
create table burst (
  id integer primary key,
  public_id text not null constraint burst_public_id unique,
  tenant integer not null constraint burst_tenant references tenant (id),
  pool integer constraint burst_pool references pool (id),
  state text not null constraint burst_state check (state in
    ('requested', 'approved', 'active', 'ended', 'denied', 'cancelled', 'lapsed')),
  percentage integer constraint burst_percentage check (percentage between 100 and 100000),
  duration_seconds integer not null constraint burst_duration check (duration_seconds >= 1),
  starts_at integer,
  ends_at integer,
  on_end text not null constraint burst_on_end check (on_end in ('keep', 'evict')),
  reason text not null,
  automatic integer not null constraint burst_automatic check (automatic in (0, 1)),
  approvals_required integer not null
    constraint burst_approvals_required check (approvals_required >= 0),
  requested_at integer not null,
  requested_by text not null,
  lapses_at integer not null,
  decided_at integer,
  decided_by text,
  decided_reason text,
  ended_at integer,
  notice_at integer,
  due_at integer,
  evicting integer not null constraint burst_evicting check (evicting in (0, 1)),
  version integer not null constraint burst_version check (version >= 1)
) strict;

create index burst_of_tenant on burst (tenant, id);
create index burst_due on burst (due_at, id) where due_at is not null;
create index burst_living on burst (state, id) where state in ('requested', 'approved', 'active');

create table burst_lift (
  burst integer not null constraint burst_lift_burst references burst (id),
  resource integer not null constraint burst_lift_resource references resource (id),
  amount integer constraint burst_lift_amount check (amount between 1 and 9007199254740991),
  primary key (burst, resource)
) strict, without rowid;

create table burst_approval (
  burst integer not null constraint burst_approval_burst references burst (id),
  principal text not null,
  approved_at integer not null,
  primary key (burst, principal)
) strict, without rowid;

create table burst_job (
  burst integer not null constraint burst_job_burst references burst (id),
  job integer not null constraint burst_job_job references job (id),
  primary key (burst, job)
) strict, without rowid;

create index burst_of_job on burst_job (job);

alter table job add column burst integer constraint job_burst references burst (id);
alter table violation add column base integer
  constraint violation_base check (base between 0 and 9007199254740991);
`;
