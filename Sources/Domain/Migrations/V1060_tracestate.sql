-- What the vendors of a command's trace want passed through beside `traceparent`. Null where the request had none, and of a
-- command that a worker of the version before has made.
alter table command add column tracestate text;
