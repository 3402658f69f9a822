-- A release asks for the rules of its application in each environment of its project, and a new rule for another one
-- that has its name.
create index auto_deploy_rule_application on auto_deploy_rule (environment_id, application);
create index auto_deploy_rule_name on auto_deploy_rule (name) where name is not null;
