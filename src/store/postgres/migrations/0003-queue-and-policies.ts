export const sql = `
create table waiting (
  job bigint primary key constraint waiting_job references job (id),
  pool bigint not null constraint waiting_pool references pool (id),
  tenant bigint not null constraint waiting_tenant references tenant (id),
  priority bigint not null,
  scope bigint not null constraint waiting_scope references scope (id),
  resource bigint not null constraint waiting_resource references resource (id),
  amount bigint not null
    constraint waiting_amount check (amount between -1 and 9007199254740991),
  is_shared bigint not null constraint waiting_is_shared check (is_shared in (0, 1)),
  look_at bigint
);

insert into waiting (job, pool, tenant, priority, scope, resource, amount, is_shared)
select id, pool, tenant, priority, blocked_scope, blocked_resource, 0, 0
from job where state = 'queued' and blocked_scope > 0;

create index waiting_room on waiting (scope, resource, amount, pool, tenant, priority, job);
create index waiting_line on waiting (pool, tenant, priority desc, job);
create index waiting_age on waiting (pool, job);
create index waiting_shared on waiting (pool, job) where is_shared = 1;
create index waiting_look on waiting (look_at, job) where look_at is not null;

create table queue (
  pool bigint primary key constraint queue_pool references pool (id),
  waiting bigint not null constraint queue_waiting check (waiting >= 0)
);

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
  pool bigint not null constraint reservation_pool references pool (id),
  scope bigint not null constraint reservation_scope references scope (id),
  resource bigint not null constraint reservation_resource references resource (id),
  job bigint not null constraint reservation_job references job (id),
  amount bigint not null
    constraint reservation_amount check (amount between 1 and 9007199254740991),
  primary key (pool, scope, resource)
);

create table recent_use (
  scope bigint not null constraint recent_use_scope references scope (id),
  resource bigint not null constraint recent_use_resource references resource (id),
  amount double precision not null constraint recent_use_amount check (amount >= 0),
  measured_at bigint not null,
  primary key (scope, resource)
);

create table policy_revision (
  revision bigint primary key,
  applied_at bigint not null,
  document text collate "C" not null
);

alter table pool add column held_until bigint;
alter table pool add column held_reason text collate "C";
create index pool_held_until on pool (held_until) where held_until is not null;
`;
