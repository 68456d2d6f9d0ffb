export const sql = `
create table rate (
  id integer primary key,
  resource integer constraint rate_resource references resource (id),
  pool integer constraint rate_pool references pool (id),
  begins_at integer not null,
  price integer constraint rate_price check (price between 0 and 1000000000000)
) strict;

create index rate_begin on rate (begins_at, id);

create table former_parent (
  tenant integer not null constraint former_parent_tenant references tenant (id),
  until_at integer not null,
  parent integer constraint former_parent_parent references tenant (id),
  primary key (tenant, until_at)
) strict, without rowid;

create table usage_hour (
  begins_at integer not null,
  tenant integer not null constraint usage_hour_tenant references tenant (id),
  pool integer not null constraint usage_hour_pool references pool (id),
  resource integer not null constraint usage_hour_resource references resource (id),
  is_burst integer not null constraint usage_hour_is_burst check (is_burst in (0, 1)),
  high integer not null constraint usage_hour_high check (high between 0 and 9007199254740991),
  low integer not null constraint usage_hour_low check (low between 0 and 4294967295),
  primary key (begins_at, tenant, pool, resource, is_burst)
) strict, without rowid;

create index usage_hour_of_tenant on usage_hour (tenant, begins_at);

create table rollup (
  id integer primary key constraint rollup_id check (id = 1),
  sequence integer not null constraint rollup_sequence check (sequence >= 0),
  pruned_before integer not null
) strict;

insert into rollup (id, sequence, pruned_before) values (1, 0, 0);

create table job_segment (
  job integer not null constraint job_segment_job references job (id),
  ends_at integer not null,
  resource integer not null constraint job_segment_resource references resource (id),
  amount integer not null
    constraint job_segment_amount check (amount between 1 and 9007199254740991),
  is_burst integer not null constraint job_segment_is_burst check (is_burst in (0, 1)),
  primary key (job, ends_at, resource)
) strict, without rowid;

create index request_key_job on request_key (job);
`;
