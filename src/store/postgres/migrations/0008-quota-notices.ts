export const sql = `
create table quota_notice (
  scope bigint not null constraint quota_notice_scope references scope (id),
  resource bigint not null constraint quota_notice_resource references resource (id),
  level text collate "C" not null
    constraint quota_notice_level check (level in ('warning', 'critical')),
  primary key (scope, resource)
);
`;
