-- What was told to have drifted, which a hello forgets: few among all.
create index instance_drifted on instance (environment_id) where drift is not null;
