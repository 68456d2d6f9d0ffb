export const sql = `
create table waiting (
  job integer primary key constraint waiting_job references job (id),
  pool integer not null constraint waiting_pool references pool (id),
  tenant integer not null constraint waiting_tenant references tenant (id),
  priority integer not null,
  scope integer not null constraint waiting_scope references scope (id),
  resource integer not null constraint waiting_resource references resource (id),
  amount integer not null
    constraint waiting_amount check (amount between -1 and 9007199254740991),
  is_shared integer not null constraint waiting_is_shared check (is_shared in (0, 1)),
  look_at integer
) strict;

insert into waiting (job, pool, tenant, priority, scope, resource, amount, is_shared)
select id, pool, tenant, priority, blocked_scope, blocked_resource, 0, 0
from job where state = 'queued' and blocked_scope > 0;

create index waiting_room on waiting (scope, resource, amount, pool, tenant, priority, job);
create index waiting_line on waiting (pool, tenant, priority desc, job);
create index waiting_age on waiting (pool, job);
create index waiting_shared on waiting (pool, job) where is_shared = 1;
create index waiting_look on waiting (look_at, job) where look_at is not null;

create table queue (
  pool integer primary key constraint queue_pool references pool (id),
  waiting integer not null constraint queue_waiting check (waiting >= 0)
) strict;

insert into queue (pool, waiting) select pool, count(*) from waiting group by pool;

delete from wakeup;
insert into wakeup (scope, resource, after_job) select distinct scope, resource, 0 from waiting;
alter table wakeup drop column after_job;

drop index job_blocked;
alter table job drop column blocked_scope;
alter table job drop column blocked_resource;
alter table job drop constraint job_mark;
alter table job add constraint job_mark
  check (mark is null or mark in ('adopted', 'promoted', 'override'));

create table reservation (
  pool integer not null constraint reservation_pool references pool (id),
  scope integer not null constraint reservation_scope references scope (id),
  resource integer not null constraint reservation_resource references resource (id),
  job integer not null constraint reservation_job references job (id),
  amount integer not null
    constraint reservation_amount check (amount between 1 and 9007199254740991),
  primary key (pool, scope, resource)
) strict, without rowid;

create table recent_use (
  scope integer not null constraint recent_use_scope references scope (id),
  resource integer not null constraint recent_use_resource references resource (id),
  amount real not null constraint recent_use_amount check (amount >= 0),
  measured_at integer not null,
  primary key (scope, resource)
) strict, without rowid;

create table policy_revision (
  revision integer primary key,
  applied_at integer not null,
  document text not null
) strict;

alter table pool add column held_until integer;
alter table pool add column held_reason text;
create index pool_held_until on pool (held_until) where held_until is not null;
`;
