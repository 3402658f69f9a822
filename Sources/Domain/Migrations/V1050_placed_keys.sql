-- By what the Kubernetes objects are found that an environment's object has placed, whatever else the environment
-- holds: environment, kind and name of each.
create function placed_keys(environment bigint, placed jsonb) returns text[] immutable parallel safe language sql
    return (select coalesce(array_agg(environment::text || '/' || (o ->> 'kind') || '/' || (o ->> 'name')), '{}')
        from jsonb_array_elements(placed) o);

-- Without a list of what is still to be put in, which each look would read as well.
create index environment_object_placed on environment_object using gin (placed_keys(environment_id, placed))
    with (fastupdate = off) where state <> 'deleted';
