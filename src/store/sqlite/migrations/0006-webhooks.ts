export const sql = `
create table webhook (
  id integer primary key,
  name text not null constraint webhook_name unique,
  url text not null,
  kinds text not null,
  sequence integer not null constraint webhook_sequence check (sequence >= 0),
  failures integer not null constraint webhook_failures check (failures >= 0),
  last_error text,
  last_attempt_at integer,
  last_attempt_ms integer,
  next_attempt_at integer,
  delivered_at integer,
  delivered_sequence integer,
  created_at integer not null
) strict;
`;
