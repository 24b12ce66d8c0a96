//! Rules about several permissions at once.

use std::collections::HashMap;

use auth_core::Action;

use crate::{
    error::{Counted, PolicyError},
    names::Names,
    rows::Rows,
    sets::Rule,
};

/// Stands for one segment.
const ONE: &str = "*";
/// Stands for one or more segments, at the end.
const REST: &str = "**";

/// Names of permissions by their segments, which are parted by dots: `*` is exactly one segment, whichever it
/// is, and a last `**` is one or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pattern(Box<str>);

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let rest = match text.strip_suffix(REST) {
            Some("") => return Some(Self(text.into())),
            Some(rest) => rest.strip_suffix('.')?,
            None => text,
        };
        // All other segments are stars or what a name may be made of.
        let is_segment = |segment: &str| segment == ONE || Action::parse(segment).is_ok();
        (text.len() <= Action::MAX_LEN && rest.split('.').all(is_segment)).then(|| Self(text.into()))
    }

    fn matches(&self, name: &str) -> bool {
        let mut segments = name.split('.');
        for wanted in self.0.split('.') {
            match segments.next() {
                Some(_) if wanted == REST => return true,
                Some(segment) if wanted == ONE || wanted == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }

    /// The permissions that it stands for, at least one.
    fn named(&self, permissions: &Names) -> Result<Vec<u32>, PolicyError> {
        let is_named = |permission: &u32| permissions.get(*permission).is_some_and(|name| self.matches(name));
        let named: Vec<u32> =
            (0..u32::try_from(permissions.len()).unwrap_or(u32::MAX)).filter(is_named).collect();
        if named.is_empty() { Err(PolicyError::UnmatchedPattern(self.0.to_string())) } else { Ok(named) }
    }
}

/// Whether there are names that both patterns stand for, declared or not.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(REST), Some(_)) | (Some(_), Some(REST)) => return true,
            (Some(one), Some(other)) if one == ONE || other == ONE || one == other => {}
            _ => return false,
        }
    }
}

/// The patterns of a policy. In rules they are numbered on from the permissions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns {
    list: Vec<Option<Pattern>>,
    numbers: HashMap<Pattern, u32>,
    /// Places in the list that are free, the lowest last.
    free: Vec<u32>,
}

impl Patterns {
    /// The most distinct ones. Each is compared with every permission.
    pub(crate) const MAX: usize = 1 << 12;
    /// Numbers from here on are patterns.
    const BASE: u32 = 1 << 20;

    /// The number of a pattern, or `None` if `text` has no star and so is none.
    pub(crate) fn number(&mut self, text: &str) -> Result<Option<u32>, PolicyError> {
        if !text.contains(ONE) {
            return Ok(None);
        }
        let pattern = Pattern::parse(text).ok_or(PolicyError::Pattern)?;
        if let Some(known) = self.numbers.get(&pattern) {
            return Ok(Some(known | Self::BASE));
        }
        if self.numbers.len() >= Self::MAX {
            return Err(PolicyError::TooMany { what: Counted::Patterns, max: Self::MAX });
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.list.push(None);
            u32::try_from(self.list.len()).unwrap_or(u32::MAX).saturating_sub(1)
        });
        if let Some(place) = self.list.get_mut(at as usize) {
            *place = Some(pattern.clone());
        }
        self.numbers.insert(pattern, at);
        Ok(Some(at | Self::BASE))
    }

    /// Forgets all that are not among `used`, the numbers of permissions and patterns.
    pub(crate) fn keep(&mut self, used: &[u32]) {
        let mut kept = vec![false; self.list.len()];
        for number in used.iter().filter(|number| Self::is_pattern(**number)) {
            if let Some(kept) = kept.get_mut((number & !Self::BASE) as usize) {
                *kept = true;
            }
        }
        let is_kept = |at: u32| kept.get(at as usize) == Some(&true);
        self.numbers.retain(|_, at| is_kept(*at));
        self.free.clear();
        for (at, place) in (0_u32..).zip(&mut self.list).filter(|(at, _)| !is_kept(*at)) {
            *place = None;
            self.free.push(at);
        }
        self.free.reverse();
    }

    /// A pattern as it is written.
    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        self.at(number).map(|pattern| &*pattern.0)
    }

    /// Whether a rule's number is a pattern's, and not a permission's.
    pub(crate) const fn is_pattern(number: u32) -> bool {
        number >= Self::BASE
    }

    /// The permissions of each pattern.
    ///
    /// # Errors
    /// [`PolicyError::UnmatchedPattern`]: most likely a typing error, and one in a rule that forbids would
    /// forbid nothing.
    pub(crate) fn expand(&self, permissions: &Names) -> Result<Expanded, PolicyError> {
        let mut rows = Rows::with_capacity(self.list.len(), 0);
        for pattern in &self.list {
            match pattern {
                Some(pattern) => rows.push(&pattern.named(permissions)?),
                None => rows.push(&[]),
            }
        }
        Ok(Expanded(rows))
    }

    fn at(&self, number: u32) -> Option<&Pattern> {
        self.list.get((number & !Self::BASE) as usize)?.as_ref()
    }
}

/// What patterns stand for, each found when it is first asked for: as long as no permission is declared, whatever numbers
/// patterns have meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Meanings(HashMap<Pattern, Box<[u32]>>);

impl Meanings {
    /// The permissions that a pattern stands for.
    ///
    /// # Errors
    /// [`PolicyError::UnmatchedPattern`].
    pub(crate) fn of(
        &mut self,
        number: u32,
        patterns: &Patterns,
        permissions: &Names,
    ) -> Result<&[u32], PolicyError> {
        let Some(pattern) = patterns.at(number) else { return Ok(&[]) };
        if !self.0.contains_key(pattern) {
            self.0.insert(pattern.clone(), pattern.named(permissions)?.into());
        }
        Ok(self.0.get(pattern).map_or(&[], |meant| meant))
    }
}

/// What each pattern stands for.
#[derive(Debug)]
pub(crate) struct Expanded(Rows);

impl Expanded {
    /// The permissions that a pattern stands for.
    pub(crate) fn meaning(&self, pattern: u32) -> &[u32] {
        self.0.row(pattern & !Patterns::BASE)
    }

    /// Puts permissions in the place of patterns, in pairs of whose rule it is and the packed rule.
    pub(crate) fn apply(&self, pairs: Vec<(u32, u32)>, max: usize) -> Result<Vec<(u32, u32)>, PolicyError> {
        if self.0.len() == 0 {
            return Ok(pairs);
        }
        let mut all = Vec::with_capacity(pairs.len());
        for (whose, packed) in pairs {
            let Rule { permission, denies } = Rule::unpack(packed);
            if !Patterns::is_pattern(permission) {
                all.push((whose, packed));
                continue;
            }
            let meant = self.meaning(permission);
            all.extend(
                meant.iter().map(|permission| (whose, Rule { permission: *permission, denies }.pack())),
            );
            if all.len() > max {
                return Err(PolicyError::TooMany { what: Counted::Rules, max });
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By whole segments, so that no prefix collides, and exactly as many as
    /// there are stars.
    #[test]
    fn a_star_is_exactly_one_segment() {
        let cases = [
            ("invoices.*", "invoices.read", true),
            ("invoices.*", "invoices", false),
            ("invoices.*", "invoices.lines.read", false),
            ("invoices.*", "invoices2.read", false),
            ("invoices.*", "Invoices.read", false),
            ("*.read", "invoices.read", true),
            ("*.read", "invoices.lines.read", false),
            ("*.*", "invoices.read", true),
            ("*", "invoices", true),
            ("*", "invoices.read", false),
            ("invoices.**", "invoices.read", true),
            ("invoices.**", "invoices.lines.read", true),
            ("invoices.**", "invoices", false),
            ("invoices.*.**", "invoices.read", false),
            ("**", "invoices", true),
            ("**", "a.b.c", true),
            ("pods.*", "pods/status.read", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
    }

    /// Each is compared with every permission, which many changes must not do anew.
    #[test]
    fn a_wildcard_is_looked_up_once() {
        let mut permissions = Names::new();
        permissions.push("doc.read");
        permissions.push("doc.write");
        let (mut patterns, mut meanings) = (Patterns::default(), Meanings::default());
        let number = patterns.number("doc.*").unwrap().unwrap();
        assert_eq!(meanings.of(number, &patterns, &permissions), Ok(&[0, 1][..]));
        // It would mean more, if it were looked up again.
        permissions.push("doc.print");
        assert_eq!(meanings.of(number, &patterns, &permissions), Ok(&[0, 1][..]));
        // Its number is another's by now.
        patterns.keep(&[]);
        assert_eq!(patterns.number("*.read").unwrap(), Some(number));
        assert_eq!(meanings.of(number, &patterns, &permissions), Ok(&[0][..]));
        let unmatched = patterns.number("mail.*").unwrap().unwrap();
        assert!(meanings.of(unmatched, &patterns, &permissions).is_err());
    }

    #[test]
    fn patterns_overlap_if_some_name_is_of_both() {
        let cases = [
            ("docs.**", "*.delete", true),
            ("docs.**", "docs.old.*", true),
            ("docs.*", "docs.old.*", false),
            ("docs.*", "mail.*", false),
            ("docs.**", "*", false),
            ("**", "*", true),
            ("*.read", "*.delete", false),
            ("*.read", "docs.*", true),
            ("docs.*.**", "docs.*", false),
            ("docs.read", "docs.*", true),
        ];
        for (one, other, expected) in cases {
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        }
    }

    /// What other systems read as a prefix is refused, not read in another way.
    #[test]
    fn a_star_stands_alone_in_its_segment() {
        for bad in [
            "a*", "*a", "doc:*", "/foo/*", "***", "**.read", "a.**.b", "a..*", ".*", "*.", "a.*b", "é.*",
            "* ",
        ] {
            assert_eq!(Pattern::parse(bad), None, "{bad}");
        }
        assert_eq!(Pattern::parse(&format!("{}.*", "a".repeat(200))), None);
    }
}
