-- When the database was put back and recovered last: what was asked for before that may be consumed once more.
alter table installation add column recovered_at timestamptz;
