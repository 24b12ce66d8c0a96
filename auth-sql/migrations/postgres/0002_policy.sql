-- The policy, for the feature `policy`. Who writes rows by statements of their own also raises the version, in the same
-- transaction. A tenant that is empty is none: the role, or what is held, is the whole policy's.

-- The version goes up with each change of the policy; 0 is none yet. `stamp` is another text each time that a program
-- writes, to tell apart two policies of one version. `acl_order` is NULL where there are no access control lists;
-- `attributes` is the schema of conditions in JSON, or NULL.
CREATE TABLE auth_policy (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    stamp TEXT COLLATE "C" NOT NULL DEFAULT '',
    combining TEXT COLLATE "C" NOT NULL,
    acl_order TEXT COLLATE "C",
    attributes TEXT
);

INSERT INTO auth_policy (id, version, combining) VALUES (1, 0, 'deny-overrides');

CREATE TABLE auth_policy_permissions (
    permission TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (permission)
);

CREATE TABLE auth_policy_roles (
    tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, role)
);

CREATE TABLE auth_policy_inheritance (
    tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    parent_tenant TEXT COLLATE "C" NOT NULL,
    parent TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, role, parent_tenant, parent),
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE,
    FOREIGN KEY (parent_tenant, parent) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
);

CREATE INDEX auth_policy_inheritance_parent ON auth_policy_inheritance (parent_tenant, parent);

-- `permission` may be a wildcard; `effect` is 'permit' or 'deny'.
CREATE TABLE auth_policy_role_permissions (
    tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    permission TEXT COLLATE "C" NOT NULL,
    effect TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, role, permission, effect),
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
);

-- `tenant` is where a role is held, empty for everywhere; a tenant's role is held there, and says nothing here.
CREATE TABLE auth_policy_assignments (
    realm TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    role_tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id, tenant, role_tenant, role),
    FOREIGN KEY (role_tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
);

CREATE INDEX auth_policy_assignments_role ON auth_policy_assignments (role_tenant, role);

-- What principals may do, or may not, without a role.
CREATE TABLE auth_policy_principal_permissions (
    realm TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    permission TEXT COLLATE "C" NOT NULL,
    effect TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id, tenant, permission, effect)
);

-- Separation of duty: `kind` is 'static' or 'dynamic', `too_many` how many of the roles together are.
CREATE TABLE auth_policy_constraints (
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    too_many BIGINT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE auth_policy_constraint_roles (
    name TEXT COLLATE "C" NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (name, tenant, role),
    FOREIGN KEY (name) REFERENCES auth_policy_constraints (name) ON DELETE CASCADE,
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
);

CREATE INDEX auth_policy_constraint_roles_role ON auth_policy_constraint_roles (tenant, role);

-- Permissions of access control lists, by the kind of resource.
CREATE TABLE auth_policy_acl_permissions (
    kind TEXT COLLATE "C" NOT NULL,
    permission TEXT COLLATE "C" NOT NULL,
    owner_keeps BOOLEAN NOT NULL,
    PRIMARY KEY (kind, permission)
);

CREATE TABLE auth_policy_groups (
    realm TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, name)
);

CREATE TABLE auth_policy_group_members (
    realm TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    member_realm TEXT COLLATE "C" NOT NULL,
    member_kind TEXT COLLATE "C" NOT NULL,
    member_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, name, member_realm, member_kind, member_id),
    FOREIGN KEY (realm, name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE
);

CREATE TABLE auth_policy_group_groups (
    realm TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    inner_realm TEXT COLLATE "C" NOT NULL,
    inner_name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, name, inner_realm, inner_name),
    FOREIGN KEY (realm, name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE,
    FOREIGN KEY (inner_realm, inner_name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE
);

CREATE INDEX auth_policy_group_groups_inner ON auth_policy_group_groups (inner_realm, inner_name);

-- An empty `id` is any resource of the kind. What is inside of nothing, or has no owner, has NULL there.
CREATE TABLE auth_policy_resources (
    tenant TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    parent_tenant TEXT COLLATE "C",
    parent_kind TEXT COLLATE "C",
    parent_id TEXT COLLATE "C",
    breaks_inheritance BOOLEAN NOT NULL,
    reapplies_below BOOLEAN NOT NULL,
    owner_realm TEXT COLLATE "C",
    owner_kind TEXT COLLATE "C",
    owner_id TEXT COLLATE "C",
    PRIMARY KEY (tenant, kind, id)
);

-- Entries in their order, one row for each permission. `trustee` is 'everyone', 'owner', 'group' or 'principal'; a group
-- has no `trustee_kind`.
CREATE TABLE auth_policy_acl (
    tenant TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    effect TEXT COLLATE "C" NOT NULL,
    trustee TEXT COLLATE "C" NOT NULL,
    trustee_realm TEXT COLLATE "C",
    trustee_kind TEXT COLLATE "C",
    trustee_id TEXT COLLATE "C",
    permission TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, kind, id, place),
    FOREIGN KEY (tenant, kind, id) REFERENCES auth_policy_resources (tenant, kind, id) ON DELETE CASCADE
);

-- Rules with conditions, in their order. `body` is the whole rule in JSON.
CREATE TABLE auth_policy_rules (
    place BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (place),
    UNIQUE (name)
)
