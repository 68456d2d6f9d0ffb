export const sql = `
create table quota_notice (
  scope integer not null constraint quota_notice_scope references scope (id),
  resource integer not null constraint quota_notice_resource references resource (id),
  level text not null
    constraint quota_notice_level check (level in ('warning', 'critical')),
  primary key (scope, resource)
) strict, without rowid;
`;
