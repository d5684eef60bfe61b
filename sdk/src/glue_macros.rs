//! What joins one labelled import to a handle. Each label has types of its own in the author's
//! crate, equal in shape, so this is written out there.

/// An [`Endpoint`](crate::Endpoint) that calls the bindings at `$imports::$label`.
#[doc(hidden)]
#[macro_export]
macro_rules! __endpoint {
    ($imports:ident :: $label:ident) => {{
        use $crate::__private as sdk;
        use $imports::$label as wit;

        fn cause(cause: wit::Cause) -> sdk::Cause {
            match cause {
                wit::Cause::Resolve => sdk::Cause::Resolve,
                wit::Cause::Connect => sdk::Cause::Connect,
                wit::Cause::Tls => sdk::Cause::Tls,
                wit::Cause::Timeout => sdk::Cause::Timeout,
                wit::Cause::Reset => sdk::Cause::Reset,
                wit::Cause::Malformed => sdk::Cause::Malformed,
                wit::Cause::TooLarge => sdk::Cause::TooLarge,
            }
        }

        fn pairs(
            pairs: ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
        ) -> ::std::vec::Vec<wit::Pair> {
            pairs.into_iter().map(|(name, value)| wit::Pair { name, value }).collect()
        }

        sdk::host_endpoint(|request| {
            let method = request.method;
            let sent = wit::send(&wit::Request {
                method: match method {
                    sdk::Method::Get => wit::Method::Get,
                    sdk::Method::Head => wit::Method::Head,
                    sdk::Method::Options => wit::Method::Options,
                    sdk::Method::Post => wit::Method::Post,
                    sdk::Method::Put => wit::Method::Put,
                    sdk::Method::Patch => wit::Method::Patch,
                    sdk::Method::Delete => wit::Method::Delete,
                },
                path: request.path,
                query: pairs(request.query),
                headers: pairs(request.headers),
                body: request.body,
                operation: request.operation,
            });
            match sent {
                Ok(response) => {
                    let headers = response.headers.into_iter().map(|pair| (pair.name, pair.value)).collect();
                    Ok(sdk::response(method, response.status, headers, response.body))
                }
                Err(wit::Failure::Refused(wit::Refusal { rule, message })) => {
                    Err(sdk::CallError::Refused { rule, message })
                }
                Err(wit::Failure::NotApplied(why)) => Err(sdk::CallError::NotApplied(cause(why))),
                Err(wit::Failure::Unknown(why)) => Err(sdk::CallError::Unknown(cause(why))),
            }
        })
    }};
}

/// A [`Signer`](crate::Signer) that calls the bindings at `$imports::$label`.
#[doc(hidden)]
#[macro_export]
macro_rules! __signer {
    ($imports:ident :: $label:ident) => {{
        use $crate::__private as sdk;
        use $imports::$label as wit;

        sdk::host_signer(|message| match wit::sign(message) {
            Ok(wit::Signature { algorithm, key_version, bytes }) => {
                let algorithm = match algorithm {
                    wit::Algorithm::HmacSha256 => sdk::Algorithm::HmacSha256,
                    wit::Algorithm::Ed25519 => sdk::Algorithm::Ed25519,
                };
                Ok(sdk::signature(algorithm, key_version, bytes))
            }
            Err(rule) => Err(sdk::refused(rule)),
        })
    }};
}

/// A [`Secret`](crate::Secret) that calls the bindings at `$imports::$label`.
#[doc(hidden)]
#[macro_export]
macro_rules! __secret {
    ($imports:ident :: $label:ident) => {{
        use $crate::__private as sdk;

        sdk::host_secret(|| match $imports::$label::reveal() {
            Ok(revealed) => Ok(sdk::revealed(revealed.version, revealed.value)),
            Err(rule) => Err(sdk::refused(rule)),
        })
    }};
}

/// A [`Clock`](crate::Clock) that calls the bindings at `$imports::$label`.
#[doc(hidden)]
#[macro_export]
macro_rules! __clock {
    ($imports:ident :: $label:ident) => {
        $crate::__private::host_clock($imports::$label::now)
    };
}

/// A [`Random`](crate::Random) that calls the bindings at `$imports::$label`.
#[doc(hidden)]
#[macro_export]
macro_rules! __random {
    ($imports:ident :: $label:ident) => {
        $crate::__private::host_random($imports::$label::bytes)
    };
}
