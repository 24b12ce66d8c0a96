//! From members to keys, with all that the format demands.

use auth_core::Secret;
use zeroize::Zeroizing;

use super::{JwkError, Material, Operations, fields::Fields};
use crate::{
    Algorithm, KeyError, KeyId,
    json::{JsonKind, JsonStr, Reader},
    key::{Curve, PrivateMaterial, PublicMaterial, RsaPrivate, check_secret},
};

/// What an RSA key serves for, if it does not say.
const RSA: &[Algorithm] = &[
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];
/// What a secret serves for that is long enough for all of them, if it does not say.
const HMAC: &[Algorithm] = &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];

/// The name of the key, if it says one.
pub(crate) fn id(fields: &Fields<'_>) -> Result<Option<KeyId>, JwkError> {
    let Some(kid) = fields.string("kid")? else { return Ok(None) };
    KeyId::new(&kid.text()).map(Some).map_err(|_| JwkError::KeyId)
}

/// What it may be used for: `use` and `key_ops`, and whether they agree (RFC 7517 sections 4.2 and 4.3).
pub(super) fn operations(fields: &Fields<'_>) -> Result<Operations, JwkError> {
    if let Some(usage) = fields.string("use")?
        && !usage.is("sig")
    {
        return Err(JwkError::NotForSignatures);
    }
    let Some(json) = fields.other("key_ops")? else { return Ok(Operations { sign: true, verify: true }) };
    let mut reader = Reader::key(json);
    if reader.kind()? != JsonKind::Array {
        return Err(JwkError::WrongType { member: "key_ops" });
    }
    reader.open_array()?;
    let mut seen: Vec<JsonStr<'_>> = Vec::new();
    let mut first = true;
    while reader.next_element(&mut first)? {
        if reader.kind()? != JsonKind::String {
            return Err(JwkError::WrongType { member: "key_ops" });
        }
        let operation = reader.string()?;
        // There are eight, and each comes once.
        if seen.len() >= 16 || seen.iter().any(|other| other.same(operation)) {
            return Err(JwkError::KeyOps);
        }
        seen.push(operation);
    }
    let has = |name: &str| seen.iter().any(|operation| operation.is(name));
    let allowed = Operations { sign: has("sign"), verify: has("verify") };
    if !allowed.sign && !allowed.verify {
        return Err(JwkError::NotForSignatures);
    }
    let others = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"];
    if others.into_iter().any(has) { Err(JwkError::KeyOps) } else { Ok(allowed) }
}

/// The key itself, and the algorithms that it serves for.
pub(super) fn material(fields: &Fields<'_>) -> Result<(Material, &'static [Algorithm]), JwkError> {
    let kty = fields.required("kty")?;
    if kty.is("EC") {
        own(fields, &["d"])?;
        let curve = ec_curve(fields.required("crv")?)?;
        let algorithms = narrowed(fields, only(curve.algorithm()))?;
        Ok((ec(fields, curve)?, algorithms))
    } else if kty.is("OKP") {
        own(fields, &["d"])?;
        // X25519 and X448 do not sign, and Ed448 is not supported.
        if !fields.required("crv")?.is("Ed25519") {
            return Err(JwkError::Curve);
        }
        let algorithms = narrowed(fields, only(Algorithm::EdDsa))?;
        Ok((ed25519(fields)?, algorithms))
    } else if kty.is("RSA") {
        own(fields, &["d", "p", "q", "dp", "dq", "qi", "oth"])?;
        let algorithms = narrowed(fields, RSA)?;
        Ok((rsa(fields)?, algorithms))
    } else if kty.is("oct") {
        own(fields, &["k"])?;
        let algorithms = narrowed(fields, HMAC)?;
        hmac(fields, algorithms)
    } else {
        Err(JwkError::KeyType)
    }
}

/// Refuses private members of other types: nobody makes such a key, and whoever it is made of would be
/// published with it.
fn own(fields: &Fields<'_>, own: &[&str]) -> Result<(), JwkError> {
    match fields.foreign_private(own) {
        Some(member) => Err(JwkError::Unexpected { member }),
        None => Ok(()),
    }
}

/// Those of the algorithms that `alg` leaves.
fn narrowed(fields: &Fields<'_>, fitting: &'static [Algorithm]) -> Result<&'static [Algorithm], JwkError> {
    let Some(alg) = fields.string("alg")? else { return Ok(fitting) };
    let position = fitting.iter().position(|algorithm| algorithm.is(alg)).ok_or(JwkError::Algorithm)?;
    Ok(fitting.get(position..=position).unwrap_or_default())
}

/// The algorithm alone, as a slice.
fn only(algorithm: Algorithm) -> &'static [Algorithm] {
    let position = Algorithm::ALL.iter().position(|other| *other == algorithm);
    position.and_then(|position| Algorithm::ALL.get(position..=position)).unwrap_or_default()
}

fn ec_curve(crv: JsonStr<'_>) -> Result<Curve, JwkError> {
    [Curve::P256, Curve::P384, Curve::P521]
        .into_iter()
        .find(|curve| crv.is(curve.name()))
        .ok_or(JwkError::Curve)
}

/// RFC 7518 section 6.2: coordinates and scalar have the curve's full width.
fn ec(fields: &Fields<'_>, curve: Curve) -> Result<Material, JwkError> {
    let point = [vec![0x04], fields.exact("x", curve.len())?, fields.exact("y", curve.len())?].concat();
    let public = PublicMaterial::Ec { curve, point };
    if !fields.has("d") {
        return Ok(Material::Public(public));
    }
    let scalar = fields.secret_exact("d", curve.len())?;
    let private = PrivateMaterial::Ec { curve, scalar, public: Some(public.clone()) };
    Ok(Material::Private(private, public))
}

/// RFC 8037 section 2.
fn ed25519(fields: &Fields<'_>) -> Result<Material, JwkError> {
    let x = fields.exact("x", 32)?;
    let public = PublicMaterial::Ed25519(x.try_into().map_err(|_| JwkError::Length { member: "x" })?);
    if !fields.has("d") {
        return Ok(Material::Public(public));
    }
    let d = fields.secret_exact("d", 32)?;
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(&d);
    let private = PrivateMaterial::Ed25519 { seed, public: Some(public.clone()) };
    Ok(Material::Private(private, public))
}

/// RFC 7518 section 6.3. All numbers of the private key, because computing them takes its time and its traces.
fn rsa(fields: &Fields<'_>) -> Result<Material, JwkError> {
    let (modulus, exponent) = (fields.number("n")?, fields.number("e")?);
    let public = PublicMaterial::Rsa { modulus: modulus.clone(), exponent: exponent.clone() };
    if !fields.is_private() {
        return Ok(Material::Public(public));
    }
    if fields.has("oth") {
        return Err(JwkError::MultiPrime);
    }
    let private = RsaPrivate {
        modulus,
        exponent,
        d: fields.secret_number("d")?,
        p: fields.secret_number("p")?,
        q: fields.secret_number("q")?,
        dp: fields.secret_number("dp")?,
        dq: fields.secret_number("dq")?,
        qi: fields.secret_number("qi")?,
    };
    private.check_shape()?;
    Ok(Material::Private(PrivateMaterial::Rsa(Box::new(private)), public))
}

/// RFC 7518 section 6.4. As many of the algorithms as the secret is long enough for.
fn hmac(
    fields: &Fields<'_>,
    algorithms: &'static [Algorithm],
) -> Result<(Material, &'static [Algorithm]), JwkError> {
    let bytes = fields.secret("k")?;
    let fitting = match algorithms {
        // Named: then it must be long enough for that one.
        [only] => {
            check_secret(&bytes, min_len(*only))?;
            algorithms
        }
        _ => {
            check_secret(&bytes, min_len(Algorithm::Hs256))?;
            let fitting =
                algorithms.iter().take_while(|algorithm| min_len(**algorithm) <= bytes.len()).count();
            algorithms.get(..fitting).unwrap_or_default()
        }
    };
    Ok((Material::Secret(Secret::new(bytes.to_vec())), fitting))
}

/// RFC 7518 section 3.2: as many bytes as the hash.
fn min_len(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Hs384 => 48,
        Algorithm::Hs512 => 64,
        _ => 32,
    }
}

impl RsaPrivate {
    /// What can be seen of the numbers without computing with them: their lengths, and that all that must be
    /// odd is. Whether they belong together is for the backend to say.
    pub(crate) fn check_shape(&self) -> Result<(), KeyError> {
        let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let primes = self.p.len().saturating_add(self.q.len());
        let lengths = [
            primes == self.modulus.len() || primes == self.modulus.len().saturating_add(1),
            self.d.len() <= self.modulus.len(),
            self.dp.len() <= self.p.len(),
            self.dq.len() <= self.q.len(),
            self.qi.len() <= self.p.len(),
        ];
        let numbers = [&self.modulus, &self.exponent, &*self.d, &*self.p, &*self.q];
        let fits = lengths.iter().all(|fits| *fits) && numbers.into_iter().all(|number| odd(number));
        if fits { Ok(()) } else { Err(KeyError::Rsa) }
    }
}
