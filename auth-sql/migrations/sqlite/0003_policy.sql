-- The policy, for the feature `policy`. Who writes rows by statements of their own also raises the version, in the same
-- transaction. A tenant that is empty is none: the role, or what is held, is the whole policy's.

-- The version goes up with each change of the policy; 0 is none yet. `stamp` is another text each time that a program
-- writes, to tell apart two policies of one version. `acl_order` is NULL where there are no access control lists;
-- `attributes` is the schema of conditions in JSON, or NULL.
CREATE TABLE auth_policy (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    stamp TEXT NOT NULL DEFAULT '' COLLATE BINARY,
    combining TEXT NOT NULL COLLATE BINARY,
    acl_order TEXT COLLATE BINARY,
    attributes TEXT
) STRICT;

INSERT INTO auth_policy (id, version, combining) VALUES (1, 0, 'deny-overrides');

CREATE TABLE auth_policy_permissions (
    permission TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_policy_roles (
    tenant TEXT NOT NULL COLLATE BINARY,
    role TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (tenant, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_policy_inheritance (
    tenant TEXT NOT NULL COLLATE BINARY,
    role TEXT NOT NULL COLLATE BINARY,
    parent_tenant TEXT NOT NULL COLLATE BINARY,
    parent TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (tenant, role, parent_tenant, parent),
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE,
    FOREIGN KEY (parent_tenant, parent) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_policy_inheritance_parent ON auth_policy_inheritance (parent_tenant, parent);

-- `permission` may be a wildcard; `effect` is 'permit' or 'deny'.
CREATE TABLE auth_policy_role_permissions (
    tenant TEXT NOT NULL COLLATE BINARY,
    role TEXT NOT NULL COLLATE BINARY,
    permission TEXT NOT NULL COLLATE BINARY,
    effect TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (tenant, role, permission, effect),
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- `tenant` is where a role is held, empty for everywhere; a tenant's role is held there, and says nothing here.
CREATE TABLE auth_policy_assignments (
    realm TEXT NOT NULL COLLATE BINARY,
    principal_kind TEXT NOT NULL COLLATE BINARY,
    principal_id TEXT NOT NULL COLLATE BINARY,
    tenant TEXT NOT NULL COLLATE BINARY,
    role_tenant TEXT NOT NULL COLLATE BINARY,
    role TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (realm, principal_kind, principal_id, tenant, role_tenant, role),
    FOREIGN KEY (role_tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_policy_assignments_role ON auth_policy_assignments (role_tenant, role);

-- What principals may do, or may not, without a role.
CREATE TABLE auth_policy_principal_permissions (
    realm TEXT NOT NULL COLLATE BINARY,
    principal_kind TEXT NOT NULL COLLATE BINARY,
    principal_id TEXT NOT NULL COLLATE BINARY,
    tenant TEXT NOT NULL COLLATE BINARY,
    permission TEXT NOT NULL COLLATE BINARY,
    effect TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (realm, principal_kind, principal_id, tenant, permission, effect)
) STRICT, WITHOUT ROWID;

-- Separation of duty: `kind` is 'static' or 'dynamic', `too_many` how many of the roles together are.
CREATE TABLE auth_policy_constraints (
    name TEXT NOT NULL COLLATE BINARY,
    kind TEXT NOT NULL COLLATE BINARY,
    too_many INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_policy_constraint_roles (
    name TEXT NOT NULL COLLATE BINARY,
    tenant TEXT NOT NULL COLLATE BINARY,
    role TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (name, tenant, role),
    FOREIGN KEY (name) REFERENCES auth_policy_constraints (name) ON DELETE CASCADE,
    FOREIGN KEY (tenant, role) REFERENCES auth_policy_roles (tenant, role) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_policy_constraint_roles_role ON auth_policy_constraint_roles (tenant, role);

-- Permissions of access control lists, by the kind of resource.
CREATE TABLE auth_policy_acl_permissions (
    kind TEXT NOT NULL COLLATE BINARY,
    permission TEXT NOT NULL COLLATE BINARY,
    owner_keeps INTEGER NOT NULL,
    PRIMARY KEY (kind, permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_policy_groups (
    realm TEXT NOT NULL COLLATE BINARY,
    name TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (realm, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_policy_group_members (
    realm TEXT NOT NULL COLLATE BINARY,
    name TEXT NOT NULL COLLATE BINARY,
    member_realm TEXT NOT NULL COLLATE BINARY,
    member_kind TEXT NOT NULL COLLATE BINARY,
    member_id TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (realm, name, member_realm, member_kind, member_id),
    FOREIGN KEY (realm, name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_policy_group_groups (
    realm TEXT NOT NULL COLLATE BINARY,
    name TEXT NOT NULL COLLATE BINARY,
    inner_realm TEXT NOT NULL COLLATE BINARY,
    inner_name TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (realm, name, inner_realm, inner_name),
    FOREIGN KEY (realm, name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE,
    FOREIGN KEY (inner_realm, inner_name) REFERENCES auth_policy_groups (realm, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_policy_group_groups_inner ON auth_policy_group_groups (inner_realm, inner_name);

-- An empty `id` is any resource of the kind. What is inside of nothing, or has no owner, has NULL there.
CREATE TABLE auth_policy_resources (
    tenant TEXT NOT NULL COLLATE BINARY,
    kind TEXT NOT NULL COLLATE BINARY,
    id TEXT NOT NULL COLLATE BINARY,
    parent_tenant TEXT COLLATE BINARY,
    parent_kind TEXT COLLATE BINARY,
    parent_id TEXT COLLATE BINARY,
    breaks_inheritance INTEGER NOT NULL,
    reapplies_below INTEGER NOT NULL,
    owner_realm TEXT COLLATE BINARY,
    owner_kind TEXT COLLATE BINARY,
    owner_id TEXT COLLATE BINARY,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;

-- Entries in their order, one row for each permission. `trustee` is 'everyone', 'owner', 'group' or 'principal'; a group
-- has no `trustee_kind`.
CREATE TABLE auth_policy_acl (
    tenant TEXT NOT NULL COLLATE BINARY,
    kind TEXT NOT NULL COLLATE BINARY,
    id TEXT NOT NULL COLLATE BINARY,
    place INTEGER NOT NULL,
    effect TEXT NOT NULL COLLATE BINARY,
    trustee TEXT NOT NULL COLLATE BINARY,
    trustee_realm TEXT COLLATE BINARY,
    trustee_kind TEXT COLLATE BINARY,
    trustee_id TEXT COLLATE BINARY,
    permission TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (tenant, kind, id, place),
    FOREIGN KEY (tenant, kind, id) REFERENCES auth_policy_resources (tenant, kind, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Rules with conditions, in their order. `body` is the whole rule in JSON.
CREATE TABLE auth_policy_rules (
    place INTEGER NOT NULL,
    name TEXT NOT NULL COLLATE BINARY,
    body TEXT NOT NULL,
    PRIMARY KEY (place),
    UNIQUE (name)
) STRICT
