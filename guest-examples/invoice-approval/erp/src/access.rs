//! The bearer token.

use crate::files::{Audience, Folder};
use crate::reply::Refusal;
use aws_lc_rs::{constant_time, rand};
use axum::http::{HeaderMap, StatusCode, header};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

/// The token's file name in the data folder.
pub(crate) const TOKEN: &str = "token";
/// The rule that the system's generator gives random bytes.
const RANDOM: Rule = Rule::new("erp-random");
/// Bytes of randomness in a token: as many as a 256-bit key.
const TOKEN_BYTES: usize = 32;

/// The one token that opens the API. Not shown by `Debug`.
pub(crate) struct Token(String);

/// The request carried the token. Only [`Token::check`] makes one.
#[derive(Debug)]
pub(crate) struct Authenticated(());

impl Token {
    /// Reads the token, or makes it at the first start.
    pub(crate) fn obtain(folder: &Folder) -> Result<Self, Fault> {
        if let Some(text) = folder.read(TOKEN, Audience::Private)?
            && !text.trim().is_empty()
        {
            return Ok(Self(text.trim().to_owned()));
        }
        let mut bytes = [0; TOKEN_BYTES];
        rand::fill(&mut bytes).map_err(|_| {
            Fault::new(Class::Unavailable, Owner::Operator, RANDOM).says("the system gives no random bytes")
        })?;
        let token = hex::encode(bytes);
        folder.write(TOKEN, Audience::Private, &token)?;
        Ok(Self(token))
    }

    /// The token, for the one who starts the service.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time what the request brought. Its length is no secret.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Authenticated, Refusal> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let offered = match (values.next(), values.next()) {
            (Some(one), None) => one.as_bytes(),
            (None | Some(_), _) => &[],
        };
        let (scheme, token) = offered.split_at_checked("Bearer ".len()).unwrap_or((&[], &[]));
        let same = constant_time::verify_slices_are_equal(token, self.0.as_bytes());
        match (scheme.eq_ignore_ascii_case(b"Bearer "), same) {
            (true, Ok(())) => Ok(Authenticated(())),
            (true | false, _) => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send `Authorization: Bearer` with the token of this service",
            )),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
