export const sql = `
create table budget (
  tenant integer primary key constraint budget_tenant references tenant (id),
  monthly integer not null constraint budget_monthly check (monthly between 1 and 1000000000000000),
  warning integer constraint budget_warning check (warning between 1 and 1000000),
  critical integer constraint budget_critical check (critical between 1 and 1000000),
  on_exceeded text not null constraint budget_on_exceeded check (on_exceeded in ('warn', 'block')),
  level integer not null constraint budget_level check (level between 0 and 3),
  level_month integer not null,
  version integer not null constraint budget_version check (version >= 1),
  updated_at integer not null
) strict;

create table budget_entry (
  id integer primary key,
  tenant integer not null constraint budget_entry_tenant references tenant (id),
  time integer not null,
  kind text not null constraint budget_entry_kind check (kind in ('credit', 'correction')),
  amount integer not null
    constraint budget_entry_amount check (amount between -1000000000000000 and 1000000000000000),
  reason text not null,
  principal text not null
) strict;

create index budget_entry_time on budget_entry (tenant, time, id);
create index budget_entry_id on budget_entry (tenant, id);

create table budget_use (
  tenant integer primary key constraint budget_use_tenant references tenant (id),
  month integer not null,
  total text not null,
  look_at integer not null
) strict;

create index budget_use_look on budget_use (look_at, tenant);
`;
