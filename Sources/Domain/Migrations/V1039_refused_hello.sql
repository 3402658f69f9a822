-- When a hello of the cluster was refused last, while agents are in conflict over it: the conflict is over when the
-- present one goes on and nobody was refused for a while. Null where there is no conflict, and where a worker of a
-- version before has refused the hello: then the while begins with the next word of the present one.
alter table cluster add column hello_refused_at timestamptz;
