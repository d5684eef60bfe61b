//! Credentials, made ready once and injected after the last thing that a guest controls.

use crate::{encode, environment::Form, guard::GuardBuilder};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Label, SecretBytes};
use zeroize::Zeroizing;

/// The secret's bytes cannot stand where the binding wants them.
const CREDENTIAL_FORM: Rule = Rule::new("credential-form");

/// Largest credential as it goes out, in bytes: twice what common servers take as a header or a
/// request line. With the most that a step can ask for beside it, it is far below what a URI can
/// hold, so that no request of a step ever fails on the length of a secret that it must not learn.
const CREDENTIAL_BYTES: usize = 16 << 10;

/// A credential that is ready to be injected.
pub(crate) enum Credential {
    /// A header, marked as sensitive.
    Header(HeaderName, HeaderValue),
    /// `name=value`, encoded.
    Query(Zeroizing<String>),
}

impl Credential {
    /// Makes the credential ready and tells the guard what to look for.
    ///
    /// # Errors
    /// When the secret does not fit its form, is too short or too long.
    pub(crate) fn ready(
        form: &Form,
        name: &Label,
        secret: &SecretBytes,
        guard: &mut GuardBuilder,
    ) -> Result<Self, Fault> {
        let refused = |says: &str, hint: &str| {
            Fault::new(Class::Refused, Owner::Operator, CREDENTIAL_FORM)
                .at(format_args!("secret {name}"))
                .says(format_args!("the secret {name:?} {says}"))
                .hint(hint)
        };
        guard.add(name, secret.expose())?;
        let plain = || {
            let text = std::str::from_utf8(secret.expose()).ok();
            text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(|| {
                refused(
                    "holds bytes that cannot stand in a header: spaces, control characters or no ASCII",
                    "store the token alone, without quotes, spaces or line breaks",
                )
            })
        };
        let credential = match form {
            Form::Bearer => {
                Self::header(AUTHORIZATION, &Zeroizing::new(format!("Bearer {}", plain()?)), refused)?
            }
            Form::Basic => {
                let Some(colon) = secret.expose().iter().position(|byte| *byte == b':') else {
                    return Err(refused("has no colon", "store `user:password`"));
                };
                guard.add(name, secret.expose().get(colon + 1..).unwrap_or_default())?;
                let encoded = Zeroizing::new(STANDARD.encode(secret.expose()));
                Self::header(AUTHORIZATION, &Zeroizing::new(format!("Basic {}", *encoded)), refused)?
            }
            Form::Header(header) => Self::header(header.clone(), plain()?, refused)?,
            Form::Query(parameter) => {
                let mut pair = Zeroizing::new(String::new());
                encode::push(&mut pair, parameter.as_bytes());
                pair.push('=');
                encode::push(&mut pair, secret.expose());
                Self::Query(pair)
            }
        };
        let bytes = match &credential {
            Self::Header(_, value) => value.len(),
            Self::Query(pair) => pair.len(),
        };
        if bytes > CREDENTIAL_BYTES {
            return Err(refused(
                &format!("goes out as more than {CREDENTIAL_BYTES} bytes, which servers do not take"),
                "store the token alone",
            ));
        }
        Ok(credential)
    }

    fn header(name: HeaderName, value: &str, refused: impl Fn(&str, &str) -> Fault) -> Result<Self, Fault> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| refused("cannot stand in a header", "store the token alone, without line breaks"))?;
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }

    /// Adds the credential to a request that is otherwise complete. What a guest could have put in
    /// the same place has been refused before; if not, the host's value replaces it.
    pub(crate) fn inject(&self, headers: &mut HeaderMap, path_and_query: &mut String) {
        match self {
            Self::Header(name, value) => drop(headers.insert(name.clone(), value.clone())),
            Self::Query(pair) => {
                path_and_query.push(if path_and_query.contains('?') { '&' } else { '?' });
                path_and_query.push_str(pair);
            }
        }
    }
}

/// Where it goes, and never what it is.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name, _) => write!(f, "Credential(header {name})"),
            Self::Query(_) => f.write_str("Credential(query)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Credential;
    use crate::{environment::Form, guard::GuardBuilder};
    use http::{HeaderMap, HeaderName};
    use stepward_seam::{Label, SecretBytes};

    fn ready(form: &Form, secret: &[u8]) -> Result<Credential, stepward_fault::Fault> {
        let name = Label::new("token").unwrap();
        Credential::ready(form, &name, &SecretBytes::new(secret.to_vec()), &mut GuardBuilder::default())
    }

    fn injected(credential: &Credential, target: &str) -> (HeaderMap, String) {
        let (mut headers, mut target) = (HeaderMap::new(), target.to_owned());
        credential.inject(&mut headers, &mut target);
        (headers, target)
    }

    #[test]
    fn each_form_stands_in_its_place() {
        let (headers, _) = injected(&ready(&Form::Bearer, b"0123456789").unwrap(), "/a");
        assert_eq!(headers["authorization"], "Bearer 0123456789");
        assert!(headers["authorization"].is_sensitive());
        // The example of RFC 7617, section 2.
        let (headers, _) = injected(&ready(&Form::Basic, b"Aladdin:open sesame").unwrap(), "/a");
        assert_eq!(headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let own = Form::Header(HeaderName::from_static("x-api-key"));
        assert_eq!(injected(&ready(&own, b"0123456789").unwrap(), "/a").0["x-api-key"], "0123456789");
        let query = ready(&Form::Query("the key".into()), b"01&2=3#4/ 89").unwrap();
        assert_eq!(injected(&query, "/a").1, "/a?the%20key=01%262%3D3%234%2F%2089");
        assert_eq!(injected(&query, "/a?b=c").1, "/a?b=c&the%20key=01%262%3D3%234%2F%2089");
    }

    #[test]
    fn secrets_that_do_not_fit_are_refused_without_being_quoted() {
        let own = Form::Header(HeaderName::from_static("x-api-key"));
        for (form, secret) in [
            (&Form::Bearer, &b"with\nnewline"[..]),
            (&own, b"with space in it"),
            (&Form::Bearer, b"\xff\xfe345678"),
            (&Form::Basic, b"no-colon-here"),
            (&Form::Basic, b"user:pass777"),
            (&Form::Bearer, b"tok-777"),
        ] {
            let fault = format!("{:?}", ready(form, secret).unwrap_err());
            assert!(!fault.contains(&*String::from_utf8_lossy(secret)), "{fault}");
        }
    }

    #[test]
    fn debug_shows_no_byte_of_it() {
        for form in [Form::Bearer, Form::Query("key".into())] {
            let credential = ready(&form, b"0123456789").unwrap();
            assert!(!format!("{credential:?}").contains("0123"));
            assert!(!format!("{:?}", injected(&credential, "/").0).contains("0123"));
        }
    }
}
