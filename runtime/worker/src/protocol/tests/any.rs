//! Messages of every kind, as proptest makes them.

use crate::lockdown::{Ceilings, Promise, Promises};
use crate::protocol::{
    Answer, Compile, Down, Ended, GuestEnd, Hello, Imported, Load, Overrun, Run, Start, StartKind, Up, encode,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt;
use stepward_sandbox::{Import, StepErrorKind};
use stepward_seam::{
    Algorithm, Body, Cause, HostCall, HostReply, HttpFailure, HttpRequest, HttpResponse, Interface, Label,
    LimitName, LogLevel, Method, Pair, Refusal, Revealed, SecretBytes, Signature,
};

fn text() -> impl Strategy<Value = String> {
    ".{0,40}"
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

pub(super) fn label() -> impl Strategy<Value = Label> {
    "[a-z][a-z0-9]{0,20}(-[a-z][a-z0-9]{0,10}){0,3}".prop_map(|text| Label::new(&text).unwrap())
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    vec((text(), text()).prop_map(|(name, value)| Pair { name, value }), 0..5)
}

fn request() -> impl Strategy<Value = HttpRequest> {
    use Method::{Delete, Get, Head, Options, Patch, Post, Put};
    let method = select(vec![Get, Head, Options, Post, Put, Patch, Delete]);
    let body = proptest::option::of(bytes().prop_map(Body));
    let operation = proptest::option::of(text());
    (method, vec(text(), 0..5), pairs(), pairs(), body, operation).prop_map(
        |(method, path, query, headers, body, operation)| HttpRequest {
            method,
            path,
            query,
            headers,
            body,
            operation,
        },
    )
}

/// A call of every kind.
pub(super) fn call() -> impl Strategy<Value = HostCall> {
    use LogLevel::{Debug, Error, Info, Trace, Warn};
    prop_oneof![
        (label(), request()).prop_map(|(endpoint, request)| HostCall::Http { endpoint, request }),
        (label(), bytes()).prop_map(|(signer, message)| HostCall::Sign { signer, message: Body(message) }),
        label().prop_map(|secret| HostCall::Reveal { secret }),
        label().prop_map(|clock| HostCall::Now { clock }),
        (label(), any::<u32>()).prop_map(|(random, count)| HostCall::Random { random, count }),
        (select(vec![Trace, Debug, Info, Warn, Error]), text())
            .prop_map(|(level, message)| HostCall::Log { level, message }),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    (text(), text()).prop_map(|(rule, message)| Refusal { rule, message })
}

fn failure() -> impl Strategy<Value = HttpFailure> {
    use Cause::{Connect, Malformed, Reset, Resolve, Timeout, Tls, TooLarge};
    let cause = || select(vec![Resolve, Connect, Tls, Timeout, Reset, Malformed, TooLarge]);
    prop_oneof![
        refusal().prop_map(HttpFailure::Refused),
        cause().prop_map(HttpFailure::NotApplied),
        cause().prop_map(HttpFailure::Unknown),
    ]
}

fn response() -> impl Strategy<Value = HttpResponse> {
    (any::<u16>(), pairs(), bytes()).prop_map(|(status, headers, body)| HttpResponse {
        status,
        headers,
        body: Body(body),
    })
}

fn signature() -> impl Strategy<Value = Signature> {
    (select(vec![Algorithm::HmacSha256, Algorithm::Ed25519]), text(), bytes())
        .prop_map(|(algorithm, key_version, bytes)| Signature { algorithm, key_version, bytes: Body(bytes) })
}

fn revealed() -> impl Strategy<Value = Revealed> {
    (text(), text(), text(), proptest::option::of(bytes())).prop_map(|(name, version, fingerprint, value)| {
        Revealed { name, version, fingerprint, value: value.map(SecretBytes::new) }
    })
}

/// A reply of every kind.
pub(super) fn reply() -> impl Strategy<Value = HostReply> {
    prop_oneof![
        response().prop_map(|response| HostReply::Http(Ok(response))),
        failure().prop_map(|failure| HostReply::Http(Err(failure))),
        signature().prop_map(|signature| HostReply::Sign(Ok(signature))),
        refusal().prop_map(|refusal| HostReply::Sign(Err(refusal))),
        revealed().prop_map(|revealed| HostReply::Reveal(Ok(revealed))),
        refusal().prop_map(|refusal| HostReply::Reveal(Err(refusal))),
        any::<u64>().prop_map(HostReply::Now),
        bytes().prop_map(|bytes| HostReply::Random(Body(bytes))),
        Just(()).prop_map(|()| HostReply::Log),
    ]
}

/// A message of a parent, for a test that fails: these types hold secrets and show nothing of
/// themselves, so its bytes are shown.
pub(super) struct Said(pub(super) Down);

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", encode(&self.0, Vec::new()))
    }
}

fn start() -> impl Strategy<Value = Said> {
    let runner = proptest::option::of((any::<u32>(), any::<[u8; 32]>()));
    (runner, any::<u64>(), any::<u64>()).prop_map(|(runner, memory_bytes, cpu_seconds)| {
        let kind = match runner {
            None => StartKind::Compiler,
            Some((concurrency, key)) => StartKind::Runner { concurrency, key },
        };
        Said(Down::Start(Start { kind, ceilings: Ceilings { memory_bytes, cpu_seconds } }))
    })
}

fn load() -> impl Strategy<Value = Said> {
    use Interface::{Clock, HttpEndpoint, Random, Secret, Signer};
    let interface = select(vec![HttpEndpoint, Signer, Secret, Clock, Random]);
    let imports = vec(proptest::option::of((label(), interface)), 0..5);
    (any::<u32>(), any::<[u8; 32]>(), imports, bytes()).prop_map(|(code, component, imports, sealed)| {
        let import = |import: Option<_>| {
            let import = import.map_or_else(Import::log, |(label, kind)| Import::granted(label, kind));
            Imported::from(&import)
        };
        let imports = imports.into_iter().map(import).collect();
        Said(Down::Load(Load { code, component, imports, sealed }))
    })
}

fn run() -> impl Strategy<Value = Said> {
    (any::<u64>(), any::<u32>(), vec(any::<u64>(), 0..20), text())
        .prop_map(|(run, code, limits, input)| Said(Down::Run(Run { run, code, limits, input })))
}

/// Every message of a parent.
pub(super) fn down() -> impl Strategy<Value = Said> {
    let answer = (any::<u64>(), proptest::option::of(reply())).prop_map(|(run, reply)| {
        let answer = reply.map_or(Answer::Stop, |reply| Answer::of(&reply));
        Said(Down::Answer { run, answer })
    });
    prop_oneof![
        start(),
        bytes().prop_map(|component| Said(Down::Compile(Compile { component }))),
        load(),
        run(),
        answer,
        any::<u64>().prop_map(|run| Said(Down::Cancel { run })),
    ]
}

fn hello() -> impl Strategy<Value = Hello> {
    let notes = vec((select(Promise::ALL), proptest::option::of(text())), 0..10);
    (any::<u32>(), any::<[u8; 32]>(), notes).prop_map(|(protocol, engine, notes)| {
        let mut promises = Promises::missing("not tried");
        for (promise, missing) in notes {
            promises.note(promise, missing.map_or(Ok(()), Err));
        }
        Hello { protocol, engine, promises }
    })
}

fn overrun() -> impl Strategy<Value = Overrun> {
    (select(LimitName::ALL), any::<[u64; 5]>()).prop_map(
        |(limit, [host_calls, bytes_out, log_lines, log_bytes, output_bytes])| Overrun {
            limit,
            host_calls,
            bytes_out,
            log_lines,
            log_bytes,
            output_bytes,
        },
    )
}

fn guest_end() -> impl Strategy<Value = GuestEnd> {
    let kind = select(vec![StepErrorKind::Retryable, StepErrorKind::Permanent]);
    prop_oneof![
        text().prop_map(GuestEnd::Returned),
        (kind, text(), text()).prop_map(|(kind, code, message)| GuestEnd::Errored { kind, code, message }),
        (text(), text()).prop_map(|(place, message)| GuestEnd::Aborted { place, message }),
        text().prop_map(GuestEnd::Trapped),
        select(LimitName::ALL).prop_map(GuestEnd::Limit),
        Just(()).prop_map(|()| GuestEnd::Stopped),
        (text(), text(), text()).prop_map(|(rule, owner, message)| GuestEnd::Refused {
            rule,
            owner,
            message
        }),
        text().prop_map(GuestEnd::NotLoaded),
        overrun().prop_map(GuestEnd::Overrun),
    ]
}

/// Every message of a worker.
pub(super) fn up() -> impl Strategy<Value = Up> {
    let ended = (any::<u64>(), guest_end(), any::<[u64; 3]>()).prop_map(
        |(run, end, [fuel, peak_memory_bytes, table_elements])| Ended {
            run,
            end,
            fuel,
            peak_memory_bytes,
            table_elements,
        },
    );
    prop_oneof![
        hello().prop_map(Up::Hello),
        bytes().prop_map(Up::Compiled),
        text().prop_map(Up::NotCompiled),
        (any::<u64>(), call()).prop_map(|(run, call)| Up::Call { run, call: call.into() }),
        ended.prop_map(Up::Ended),
    ]
}
