//! The values of attributes that decided.

use auth_rbac::{Because, Explanation};

/// What rules have compared, a line for each attribute of each rule.
pub(crate) fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = Vec::new();
    add(explanation, &mut lines);
    lines
}

fn add(explanation: &Explanation, lines: &mut Vec<String>) {
    match explanation.because() {
        Because::Combined { parts, .. } => parts.iter().for_each(|part| add(part, lines)),
        Because::Rules(rules) => {
            for rule in rules.rules() {
                for compared in rule.clauses().iter().flat_map(|clause| clause.compared()) {
                    let value = match compared.expose_text() {
                        Some(value) => format!("= {value}"),
                        None if compared.is_missing() => "is missing".to_owned(),
                        None => "is not of its type".to_owned(),
                    };
                    let line = format!("rule {}: {} {value}", rule.name(), compared.attribute());
                    if !lines.contains(&line) {
                        lines.push(line);
                    }
                }
            }
        }
        _ => {}
    }
}
