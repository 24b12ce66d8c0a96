//! Writes the JSON objects that are signed: members one behind the other into one buffer.
//!
//! For claims that are known here. What users bring is `serde_json`'s, with all that its features may add.

use serde::Serialize;

use super::string;

/// An object being written. Who writes sees to it that no name comes twice.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Opens an object in a buffer of some size.
    pub(crate) fn object(capacity: usize) -> Self {
        let mut json = Vec::with_capacity(capacity);
        json.push(b'{');
        Self(json)
    }

    /// Goes on behind members that were written before; see [`unfinished`](Self::unfinished).
    pub(crate) fn continued(start: &[u8], capacity: usize) -> Self {
        let mut json = Vec::with_capacity(capacity);
        json.extend_from_slice(start);
        Self(json)
    }

    /// A member that is a string.
    #[inline]
    pub(crate) fn string(&mut self, name: &'static str, value: &str) {
        self.name(name);
        self.text(value);
    }

    /// A member that is an array of strings.
    pub(crate) fn strings<'a>(&mut self, name: &'static str, values: impl IntoIterator<Item = &'a str>) {
        self.name(name);
        self.0.push(b'[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            self.text(value);
        }
        self.0.push(b']');
    }

    /// A member that is an integer.
    pub(crate) fn integer(&mut self, name: &'static str, value: u64) {
        self.name(name);
        // Twenty digits are the most; two at a time, for a division is slow.
        let mut digits = [b'0'; 20];
        let (pairs, _) = digits.as_chunks_mut::<2>();
        let (mut rest, mut from) = (value, 0);
        for (index, pair) in pairs.iter_mut().enumerate().rev() {
            let low = (rest % 100) as u8;
            *pair = [b'0' | (low / 10), b'0' | (low % 10)];
            rest /= 100;
            if rest == 0 {
                from = index << 1 | usize::from(low < 10);
                break;
            }
        }
        self.0.extend_from_slice(digits.get(from..).unwrap_or_default());
    }

    /// A member of any type.
    ///
    /// # Errors
    /// That of the type's own code. Nothing written so far may then be used.
    pub(crate) fn value<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.name(name);
        serde_json::to_writer(&mut self.0, value)
    }

    /// A member that is an object: what is written next is within it, until it is closed.
    pub(crate) fn open(&mut self, name: &'static str) {
        self.name(name);
        self.0.push(b'{');
    }

    /// Closes the object that was opened last.
    pub(crate) fn close(&mut self) {
        self.0.push(b'}');
    }

    /// Members that were written and checked before, each with a comma before it. Not the first ones.
    pub(crate) fn members(&mut self, members: &[u8]) {
        self.0.extend_from_slice(members);
    }

    /// What is written so far, to go on with later.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.0
    }

    /// Closes the object.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    #[inline]
    fn separate(&mut self) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
    }

    // A name is known where it is written, so its copy is a store or two.
    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        self.separate();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'"');
        let mut rest = text.as_bytes();
        while let Some((plain, [special, behind @ ..])) = rest.split_at_checked(string::ordinary(rest)) {
            self.0.extend_from_slice(plain);
            self.escape(*special);
            rest = behind;
        }
        self.0.extend_from_slice(rest);
        self.0.push(b'"');
    }

    /// RFC 8259 section 7: the short form where there is one.
    #[cold]
    fn escape(&mut self, special: u8) {
        let short = match special {
            b'"' | b'\\' => special,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            control => {
                let digit =
                    |nibble: u8| if nibble < 10 { b'0' | nibble } else { (b'a' - 10).wrapping_add(nibble) };
                self.0.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    digit(control >> 4),
                    digit(control & 0xf),
                ]);
                return;
            }
        };
        self.0.extend_from_slice(&[b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An object with one member, written here and by `serde_json`.
    fn same(write: impl FnOnce(&mut Writer), value: impl Serialize) {
        let mut writer = Writer::object(0);
        write(&mut writer);
        let json = String::from_utf8(writer.finish()).unwrap();
        assert_eq!(json, format!(r#"{{"a":{}}}"#, serde_json::to_string(&value).unwrap()));
    }

    #[test]
    fn members_are_separated() {
        let mut writer = Writer::object(16);
        writer.string("a", "{");
        writer.members(b"");
        writer.integer("b", 1);
        writer.members(br#","c":2,"d":{}"#);
        writer.strings("e", []);
        writer.value("f", &Some(true)).unwrap();
        writer.open("g");
        writer.integer("h", 3);
        writer.integer("i", 4);
        writer.close();
        writer.open("j");
        writer.close();
        let json = String::from_utf8(writer.finish()).unwrap();
        assert_eq!(json, r#"{"a":"{","b":1,"c":2,"d":{},"e":[],"f":true,"g":{"h":3,"i":4},"j":{}}"#);
        assert_eq!(Writer::object(0).finish(), b"{}");
        for (start, json) in [("{", &br#"{"a":1}"#[..]), (r#"{"x":true"#, br#"{"x":true,"a":1}"#)] {
            let mut writer = Writer::continued(start.as_bytes(), 0);
            assert_eq!(Writer::continued(start.as_bytes(), 0).unfinished(), start.as_bytes());
            writer.integer("a", 1);
            assert_eq!(writer.finish(), json);
        }
    }

    /// A control character that is not escaped would make tokens that no verifier reads.
    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        for character in (0..0x180).filter_map(char::from_u32).chain(['\u{2028}', '\u{ffff}', '\u{1f512}']) {
            for text in
                [character.to_string(), format!("12345{character}7890"), format!("{character}{character}")]
            {
                same(|writer| writer.string("a", &text), &text);
            }
        }
    }

    #[test]
    fn every_length_of_an_integer_is_written() {
        for power in (0..20).map(|digits| 10u64.pow(digits)) {
            for value in [power - 1, power, power + 1, power.saturating_mul(9)] {
                same(|writer| writer.integer("a", value), value);
            }
        }
        same(|writer| writer.integer("a", u64::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn anything_is_written_as_serde_json_writes_it(
            text in any::<String>(),
            texts in proptest::collection::vec(any::<String>(), 0..4),
            value in any::<u64>(),
        ) {
            same(|writer| writer.string("a", &text), &text);
            same(|writer| writer.strings("a", texts.iter().map(String::as_str)), &texts);
            same(|writer| writer.integer("a", value), value);
        }
    }
}
