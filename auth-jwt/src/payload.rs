//! One pass over the payload: registered claims to us, everything to the user's type.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, Visitor},
    forward_to_deserialize_any,
};

use crate::{
    VerifyError,
    json::{
        JsonError, JsonKind, JsonStr, Mark, Members, Name, Reader,
        de::{Fault, Scalar},
    },
    own_claims::OwnClaimsError,
    registered::{Claim, Registered},
};

/// Reads a payload: strict JSON, with registered claims of the right types. No policy was applied yet.
///
/// That the user's type does not fit is the inner result: a token which is expired *and* does not fit is to be
/// called expired.
pub(crate) fn read<'a, C: Deserialize<'a>>(
    text: &'a str,
    registered: &mut Registered<'a>,
) -> Result<Result<C, OwnClaimsError>, VerifyError> {
    match read_once(text, registered) {
        Ok(own) => Ok(Ok(own)),
        Err((Fault::Own(problem), claim)) => {
            // The user's type gave up midway. What the token itself says has precedence.
            *registered = Registered::default();
            match read_once::<()>(text, registered) {
                Ok(()) => Ok(Err(OwnClaimsError::new(problem, claim))),
                Err((fault, _)) => Err(refusal(fault)),
            }
        }
        Err((fault, _)) => Err(refusal(fault)),
    }
}

fn refusal(fault: Fault) -> VerifyError {
    match fault {
        Fault::Json(error) => error.into(),
        Fault::Registered(wrong) => wrong.into(),
        Fault::Own(problem) => OwnClaimsError::new(problem, None).into(),
    }
}

/// One pass. A fault of the user's type comes with the claim it was found in.
#[inline]
fn read_once<'a, C: Deserialize<'a>>(
    text: &'a str,
    registered: &mut Registered<'a>,
) -> Result<C, (Fault, Option<&'static str>)> {
    let mut claims = Claims {
        reader: Reader::payload(text),
        seen: Members::default(),
        registered,
        replayed: 0,
        replay: None,
        value: None,
        fields: &[],
        name: JsonStr::default(),
        done: false,
        fault: None,
    };
    claims.read().map_err(|fault| (fault, claims.found_in()))
}

/// The members of the payload, as the user's type sees them.
///
/// A type sees the registered claims as well if it asks for them by name, or if it takes any name.
struct Claims<'r, 'a> {
    reader: Reader<'a>,
    seen: Members<'a>,
    registered: &'r mut Registered<'a>,
    /// The registered claims that the type asks for.
    replayed: u32,
    /// What the type calls its fields, if it is a struct.
    fields: &'static [&'static str],
    /// The value of such a claim, if it is a string or a number: it was read, and is the next value.
    replay: Option<Scalar<'a>>,
    /// The member that the type was told of last, and where its value begins.
    name: JsonStr<'a>,
    value: Option<Mark>,
    done: bool,
    /// A fault of the token. Kept, for the type's own code may swallow errors.
    fault: Option<Fault>,
}

impl<'a> Claims<'_, 'a> {
    fn read<C: Deserialize<'a>>(&mut self) -> Result<C, Fault> {
        if self.reader.kind()? != JsonKind::Object {
            return Err(JsonError::NotAnObject.into());
        }
        let start = self.reader.mark();
        self.reader.open_object()?;
        let own = C::deserialize(&mut *self)?;
        // What the type has left over, and the end.
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        while self.next()?.is_some() {}
        if !self.reader.is_level(start) {
            return Err(self.reader.syntax().into());
        }
        self.reader.end()?;
        Ok(own)
    }

    /// Reads up to and including the next name that is the type's.
    #[inline(always)]
    fn next(&mut self) -> Result<Option<JsonStr<'a>>, Fault> {
        if self.done {
            return Ok(None);
        }
        // Whatever the type's code made of the last value, it is read over now.
        if let Some(mark) = self.value {
            self.reader.settle(mark)?;
        }
        self.replay = None;
        while let Some(name) = self.reader.next_name(&mut self.seen)? {
            let claim = Claim::of(name);
            let is_replayed = claim.is_some_and(|claim| claim.bit() & self.replayed != 0);
            let mark = self.reader.mark();
            if let Some(claim) = claim {
                let scalar = self.registered.read(claim, &mut self.reader)?;
                if !is_replayed {
                    continue;
                }
                // Read as the standard has it, then handed on, or read again as the type has it.
                if scalar.is_none() {
                    self.reader.rewind(mark);
                }
                self.replay = scalar;
            }
            self.value = Some(mark);
            return Ok(Some(name));
        }
        self.done = true;
        Ok(None)
    }

    /// The value that comes next. Apart, so that what is replayed takes few words in the type's code.
    #[inline(never)]
    fn read_value<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut self.reader)
    }

    /// The type's field in whose value it gave up.
    fn found_in(&self) -> Option<&'static str> {
        self.fields.iter().copied().find(|field| !self.done && self.name.is(field))
    }

    fn visit<V: Visitor<'a>>(
        &mut self,
        replayed: u32,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.replayed = replayed;
        self.fields = fields;
        visitor.visit_map(self)
    }
}

impl<'a> MapAccess<'a> for &mut Claims<'_, 'a> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.next() {
            Ok(Some(name)) => {
                self.name = name;
                Ok(Some(seed.deserialize(Name(name))?))
            }
            Ok(None) => Ok(None),
            Err(fault) => {
                self.fault = Some(fault);
                Err(fault)
            }
        }
    }

    // What the type's code yields is not looked at here, and what is replayed is lent: a copy of either waits until
    // the processor has put away what it is made of, which cost a fifth of a whole verification.
    #[inline(always)]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match &self.replay {
            Some(scalar) => seed.deserialize(scalar),
            None => self.read_value(seed),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Claims<'_, 'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit(u32::MAX, &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let asked = fields.iter().filter_map(|field| Claim::named(field));
        self.visit(asked.fold(0, |set, claim| set | claim.bit()), fields, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// `()`: no own claims are wanted.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple
        tuple_struct map enum identifier
    }
}

#[cfg(test)]
mod tests;
