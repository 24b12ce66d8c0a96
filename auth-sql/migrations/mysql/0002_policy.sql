-- The policy, for the feature `policy`. Who writes rows by statements of their own also raises the version, in the same
-- transaction. A tenant that is empty is none: the role, or what is held, is the whole policy's.
-- Every statement may be run again: none of them can be undone together with the others.

-- The version goes up with each change of the policy; 0 is none yet. `stamp` is another text each time that a program
-- writes, to tell apart two policies of one version. `acl_order` is NULL where there are no access control lists;
-- `attributes` is the schema of conditions in JSON, or NULL.
CREATE TABLE IF NOT EXISTS auth_policy (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    stamp VARBINARY(64) NOT NULL DEFAULT '',
    combining VARBINARY(32) NOT NULL,
    acl_order VARBINARY(32),
    attributes MEDIUMBLOB
) ENGINE = InnoDB;

INSERT INTO auth_policy (id, version, combining) VALUES (1, 0, 'deny-overrides') ON DUPLICATE KEY UPDATE id = id;

CREATE TABLE IF NOT EXISTS auth_policy_permissions (
    permission VARBINARY(128) NOT NULL,
    PRIMARY KEY (permission)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_policy_roles (
    tenant VARBINARY(512) NOT NULL,
    role VARBINARY(128) NOT NULL,
    PRIMARY KEY (tenant, role)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_policy_inheritance (
    tenant VARBINARY(512) NOT NULL,
    role VARBINARY(128) NOT NULL,
    parent_tenant VARBINARY(512) NOT NULL,
    parent VARBINARY(128) NOT NULL,
    PRIMARY KEY (tenant, role, parent_tenant, parent),
    KEY auth_policy_inheritance_parent (parent_tenant, parent),
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE,
    FOREIGN KEY (parent_tenant, parent) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) ENGINE = InnoDB;

-- `permission` may be a wildcard; `effect` is 'permit' or 'deny'.
CREATE TABLE IF NOT EXISTS auth_policy_role_permissions (
    tenant VARBINARY(512) NOT NULL,
    role VARBINARY(128) NOT NULL,
    permission VARBINARY(128) NOT NULL,
    effect VARBINARY(16) NOT NULL,
    PRIMARY KEY (tenant, role, permission, effect),
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) ENGINE = InnoDB;

-- `tenant` is where a role is held, empty for everywhere; a tenant's role is held there, and says nothing here.
CREATE TABLE IF NOT EXISTS auth_policy_assignments (
    realm VARBINARY(512) NOT NULL,
    principal_kind VARBINARY(16) NOT NULL,
    principal_id VARBINARY(255) NOT NULL,
    tenant VARBINARY(512) NOT NULL,
    role_tenant VARBINARY(512) NOT NULL,
    role VARBINARY(128) NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id, tenant, role_tenant, role),
    KEY auth_policy_assignments_role (role_tenant, role),
    FOREIGN KEY (role_tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) ENGINE = InnoDB;

-- What principals may do, or may not, without a role.
CREATE TABLE IF NOT EXISTS auth_policy_principal_permissions (
    realm VARBINARY(512) NOT NULL,
    principal_kind VARBINARY(16) NOT NULL,
    principal_id VARBINARY(255) NOT NULL,
    tenant VARBINARY(512) NOT NULL,
    permission VARBINARY(128) NOT NULL,
    effect VARBINARY(16) NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id, tenant, permission, effect)
) ENGINE = InnoDB;

-- Separation of duty: `kind` is 'static' or 'dynamic', `too_many` how many of the roles together are.
CREATE TABLE IF NOT EXISTS auth_policy_constraints (
    name VARBINARY(128) NOT NULL,
    kind VARBINARY(16) NOT NULL,
    too_many BIGINT NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_policy_constraint_roles (
    name VARBINARY(128) NOT NULL,
    tenant VARBINARY(512) NOT NULL,
    role VARBINARY(128) NOT NULL,
    PRIMARY KEY (name, tenant, role),
    KEY auth_policy_constraint_roles_role (tenant, role),
    FOREIGN KEY (name) REFERENCES auth_policy_constraints (name) ON DELETE CASCADE,
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) ENGINE = InnoDB;

-- Permissions of access control lists, by the kind of resource.
CREATE TABLE IF NOT EXISTS auth_policy_acl_permissions (
    kind VARBINARY(64) NOT NULL,
    permission VARBINARY(128) NOT NULL,
    owner_keeps BOOLEAN NOT NULL,
    PRIMARY KEY (kind, permission)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_policy_groups (
    realm VARBINARY(512) NOT NULL,
    name VARBINARY(128) NOT NULL,
    PRIMARY KEY (realm, name)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_policy_group_members (
    realm VARBINARY(512) NOT NULL,
    name VARBINARY(128) NOT NULL,
    member_realm VARBINARY(512) NOT NULL,
    member_kind VARBINARY(16) NOT NULL,
    member_id VARBINARY(255) NOT NULL,
    PRIMARY KEY (realm, name, member_realm, member_kind, member_id),
    FOREIGN KEY (realm, name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_policy_group_groups (
    realm VARBINARY(512) NOT NULL,
    name VARBINARY(128) NOT NULL,
    inner_realm VARBINARY(512) NOT NULL,
    inner_name VARBINARY(128) NOT NULL,
    PRIMARY KEY (realm, name, inner_realm, inner_name),
    KEY auth_policy_group_groups_inner (inner_realm, inner_name),
    FOREIGN KEY (realm, name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE,
    FOREIGN KEY (inner_realm, inner_name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE
) ENGINE = InnoDB;

-- An empty `id` is any resource of the kind. What is inside of nothing, or has no owner, has NULL there.
CREATE TABLE IF NOT EXISTS auth_policy_resources (
    tenant VARBINARY(512) NOT NULL,
    kind VARBINARY(64) NOT NULL,
    id VARBINARY(255) NOT NULL,
    parent_tenant VARBINARY(512),
    parent_kind VARBINARY(64),
    parent_id VARBINARY(255),
    breaks_inheritance BOOLEAN NOT NULL,
    reapplies_below BOOLEAN NOT NULL,
    owner_realm VARBINARY(512),
    owner_kind VARBINARY(16),
    owner_id VARBINARY(255),
    PRIMARY KEY (tenant, kind, id)
) ENGINE = InnoDB;

-- Entries in their order, one row for each permission. `trustee` is 'everyone', 'owner', 'group' or 'principal'; a group
-- has no `trustee_kind`.
CREATE TABLE IF NOT EXISTS auth_policy_acl (
    tenant VARBINARY(512) NOT NULL,
    kind VARBINARY(64) NOT NULL,
    id VARBINARY(255) NOT NULL,
    place BIGINT NOT NULL,
    effect VARBINARY(16) NOT NULL,
    trustee VARBINARY(16) NOT NULL,
    trustee_realm VARBINARY(512),
    trustee_kind VARBINARY(16),
    trustee_id VARBINARY(255),
    permission VARBINARY(128) NOT NULL,
    PRIMARY KEY (tenant, kind, id, place),
    FOREIGN KEY (tenant, kind, id) REFERENCES auth_policy_resources (tenant, kind, id) ON DELETE CASCADE
) ENGINE = InnoDB;

-- Rules with conditions, in their order. `body` is the whole rule in JSON.
CREATE TABLE IF NOT EXISTS auth_policy_rules (
    place BIGINT NOT NULL,
    name VARBINARY(128) NOT NULL,
    body MEDIUMBLOB NOT NULL,
    PRIMARY KEY (place),
    UNIQUE KEY auth_policy_rules_name (name)
) ENGINE = InnoDB
