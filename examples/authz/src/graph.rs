//! Roles and what they inherit, drawn.

use std::{collections::HashMap, fmt::Write as _};

use auth_rbac::{RoleKey, document::PolicyDocument};
use clap::ValueEnum;

/// For whom to draw.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// <https://mermaid.js.org>
    Mermaid,
    /// <https://graphviz.org>
    Dot,
}

/// An arrow goes from each role to what it inherits.
pub(crate) fn draw(document: &PolicyDocument, format: Format) -> String {
    let roles: Vec<RoleKey> = document.roles.iter().map(auth_rbac::document::Role::key).collect();
    let numbers: HashMap<&RoleKey, usize> =
        roles.iter().enumerate().map(|(number, role)| (role, number)).collect();
    let edges = document
        .roles
        .iter()
        .enumerate()
        .flat_map(|(from, role)| role.inherits.iter().map(move |to| (from, to)))
        .filter_map(|(from, to)| Some((from, *numbers.get(to)?)));
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = match format {
        Format::Mermaid => write_mermaid(&mut text, &roles, edges),
        Format::Dot => write_dot(&mut text, &roles, edges),
    };
    text
}

fn write_mermaid(
    text: &mut String,
    roles: &[RoleKey],
    edges: impl Iterator<Item = (usize, usize)>,
) -> std::fmt::Result {
    writeln!(text, "flowchart BT")?;
    for (n, role) in roles.iter().enumerate() {
        let name = role.to_string().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        writeln!(text, "    r{n}[\"{name}\"]")?;
    }
    for (from, to) in edges {
        writeln!(text, "    r{from} --> r{to}")?;
    }
    Ok(())
}

fn write_dot(
    text: &mut String,
    roles: &[RoleKey],
    edges: impl Iterator<Item = (usize, usize)>,
) -> std::fmt::Result {
    writeln!(text, "digraph roles {{\n    rankdir = BT;")?;
    for (n, role) in roles.iter().enumerate() {
        let name = role.to_string().replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(text, "    r{n} [label = \"{name}\"];")?;
    }
    for (from, to) in edges {
        writeln!(text, "    r{from} -> r{to};")?;
    }
    writeln!(text, "}}")
}
