//! The tables, and the statements about whole rows of them.

use std::borrow::Cow;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell<'a> {
    Text(Option<Cow<'a, str>>),
    Number(i64),
    Flag(bool),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

impl From<Option<String>> for Cell<'_> {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A table with `N` columns, of which the first `key` tell its rows apart and order them.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    pub(crate) name: &'static str,
    pub(crate) columns: [&'static str; N],
    pub(crate) key: usize,
}

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident: $name:literal [$($key:ident),+] $([$($more:ident),+])?;)+) => {
        $(
            $(#[$doc])*
            pub(crate) const $table: Table<{ [$(stringify!($key),)+ $($(stringify!($more)),+)?].len() }> = Table {
                name: concat!("auth_policy_", $name),
                columns: [$(stringify!($key),)+ $($(stringify!($more)),+)?],
                key: [$(stringify!($key)),+].len(),
            };
        )+

        /// What empties the tables, the ones that refer to others first.
        pub(crate) const EMPTY: &[&str] = &tables!(@reversed [] $($name)+);
    };
    (@reversed [$($done:expr),*]) => { [$($done),*] };
    (@reversed [$($done:expr),*] $name:literal $($rest:literal)*) => {
        tables!(@reversed [concat!("DELETE FROM auth_policy_", $name) $(, $done)*] $($rest)*)
    };
}

// Each after those that it refers to.
tables! {
    PERMISSIONS: "permissions" [permission];
    ROLES: "roles" [tenant, role];
    INHERITANCE: "inheritance" [tenant, role, parent_tenant, parent];
    ROLE_PERMISSIONS: "role_permissions" [tenant, role, permission, effect];
    ASSIGNMENTS: "assignments" [realm, principal_kind, principal_id, tenant, role_tenant, role];
    PRINCIPAL_PERMISSIONS: "principal_permissions"
        [realm, principal_kind, principal_id, tenant, permission, effect];
    CONSTRAINTS: "constraints" [name] [kind, too_many];
    CONSTRAINT_ROLES: "constraint_roles" [name, tenant, role];
    ACL_PERMISSIONS: "acl_permissions" [kind, permission] [owner_keeps];
    GROUPS: "groups" [realm, name];
    GROUP_MEMBERS: "group_members" [realm, name, member_realm, member_kind, member_id];
    GROUP_GROUPS: "group_groups" [realm, name, inner_realm, inner_name];
    RESOURCES: "resources" [tenant, kind, id] [
        parent_tenant, parent_kind, parent_id, breaks_inheritance, reapplies_below, owner_realm, owner_kind, owner_id
    ];
    ACL: "acl" [tenant, kind, id, place] [effect, trustee, trustee_realm, trustee_kind, trustee_id, permission];
    RULES: "rules" [place] [name, body];
}

impl<const N: usize> Table<N> {
    /// Reads as many rows as the first parameter says, in their order.
    pub(crate) fn select(&self) -> String {
        format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT ?1",
            self.columns.join(", "),
            self.name,
            self.columns.get(..self.key).unwrap_or_default().join(", ")
        )
    }

    /// Adds some rows.
    pub(crate) fn insert(&self, rows: usize) -> String {
        let columns = self.columns.join(", ");
        let row = |row: usize| {
            let first = row.saturating_mul(N);
            let values: Vec<_> = (1..=N).map(|column| format!("?{}", first.saturating_add(column))).collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!("INSERT INTO {} ({columns}) VALUES {}", self.name, rows.join(", "))
    }

    /// Removes the rows that have these columns.
    pub(crate) fn delete(&self, columns: &[&str]) -> String {
        let equal: Vec<_> = (1..).zip(columns).map(|(n, column)| format!("{column} = ?{n}")).collect();
        format!("DELETE FROM {} WHERE {}", self.name, equal.join(" AND "))
    }
}

/// Rows to add.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    columns: usize,
    count: usize,
    /// What adds so many of them.
    insert: Vec<(usize, Cow<'static, str>)>,
    cells: Vec<Cell<'a>>,
}

impl<'a> Rows<'a> {
    /// How many rows a statement adds. Few numbers, so that few statements are prepared.
    const BATCHES: [usize; 3] = [128, 8, 1];

    /// The rows in their order, each once.
    pub(crate) fn new<const N: usize>(table: &Table<N>, mut rows: Vec<[Cell<'a>; N]>) -> Self {
        rows.sort_unstable();
        rows.dedup();
        Self {
            columns: N,
            count: rows.len(),
            insert: Self::BATCHES.iter().map(|size| (*size, table.insert(*size).into())).collect(),
            cells: rows.into_iter().flatten().collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Statements, each with its values and the number of rows that it adds.
    pub(crate) fn batches(&self) -> impl Iterator<Item = (&str, &[Cell<'a>], usize)> {
        let mut rest = self.cells.as_slice();
        std::iter::from_fn(move || {
            self.insert.iter().find_map(|(size, text)| {
                let (batch, after) = rest.split_at_checked(size.checked_mul(self.columns)?)?;
                rest = after;
                Some((&**text, batch, *size))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that is left out of a batch may be the one that forbids.
    #[test]
    fn batches_hold_every_row_once() {
        for count in [0, 1, 7, 8, 9, 127, 128, 129, 300] {
            let rows: Vec<_> = (0..count).map(|n| [Cell::Number(n % 2), Cell::Number(n)]).collect();
            let table = Table { name: "t", columns: ["a", "b"], key: 2 };
            let rows = Rows::new(&table, rows.iter().chain(&rows).cloned().collect());
            let mut cells = Vec::new();
            for (text, batch, size) in rows.batches() {
                assert!(text.ends_with(&format!("?{})", size * 2)), "{text}");
                assert_eq!(batch.len(), size * 2);
                cells.extend_from_slice(batch);
            }
            assert_eq!(cells, rows.cells);
            assert_eq!(cells.len(), usize::try_from(count).unwrap() * 2);
        }
    }

    #[test]
    fn statements_name_every_column() {
        let table = Table { name: "t", columns: ["a", "b", "c"], key: 2 };
        assert_eq!(table.select(), "SELECT a, b, c FROM t ORDER BY a, b LIMIT ?1");
        assert_eq!(table.insert(2), "INSERT INTO t (a, b, c) VALUES (?1, ?2, ?3), (?4, ?5, ?6)");
        assert_eq!(table.delete(&["a", "c"]), "DELETE FROM t WHERE a = ?1 AND c = ?2");
        assert_eq!(EMPTY.first(), Some(&"DELETE FROM auth_policy_rules"));
        assert_eq!((EMPTY.len(), EMPTY.last()), (15, Some(&"DELETE FROM auth_policy_permissions")));
    }
}
