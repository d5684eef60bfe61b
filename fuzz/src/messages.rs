//! What a worker really says, as seeds of the target `protocol`: encoded by the code that a worker
//! encodes it with, so that they stay messages when the protocol changes.
#![allow(clippy::unwrap_used, reason = "these messages are sound")]

use stepward_sandbox::StepErrorKind;
use stepward_seam::{Label, LimitName, LogLevel, Method, Pair};
use stepward_worker::lockdown::Promises;
use stepward_worker::protocol::{
    Bytes, Call, Ended, GuestEnd, Hello, Overrun, PROTOCOL, Request, Up, encode,
};

/// The seeds with their names: each kind of message alone, and a whole conversation in small pieces.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let messages = messages();
    let most = messages.iter().map(|(_, message)| encode(message, vec![]).unwrap().len()).max().unwrap();
    let head = |sizes: &[u8]| {
        let (most, count) = (u32::try_from(most).unwrap(), u8::try_from(sizes.len()).unwrap());
        [&most.to_le_bytes(), [count].as_slice(), sizes].concat()
    };
    let mut seeds: Vec<_> = messages
        .iter()
        .map(|(name, message)| (format!("real-{name}"), encode(message, head(&[])).unwrap()))
        .collect();
    let all = messages.iter().fold(head(&[0, 6, 254]), |out, (_, message)| encode(message, out).unwrap());
    seeds.push(("real-conversation".to_owned(), all));
    seeds
}

fn messages() -> Vec<(&'static str, Up)> {
    let label = |text| Label::new(text).unwrap();
    let call = |call| Up::Call { run: 7, call };
    let ended = |end| {
        Up::Ended(Ended { run: 7, end, fuel: 31_250, peak_memory_bytes: 1_114_112, table_elements: 12 })
    };
    let pair = |name: &str, value: &str| Pair { name: name.to_owned(), value: value.to_owned() };
    let request = Request {
        method: Method::Post,
        path: vec!["invoices".to_owned(), "4711".to_owned()],
        query: vec![pair("dry", "false")],
        headers: vec![pair("accept", "application/json"), pair("content-type", "application/json")],
        body: Some(Bytes(b"{\"amount\": \"17.20\"}".to_vec())),
        operation: Some("post-invoice-4711".to_owned()),
    };
    let promises: Promises =
        toml::from_str("seccomp = \"held\"\ncapabilities.missing = \"the kernel is too old\"").unwrap();
    let overrun = Overrun {
        limit: LimitName::LogLines,
        host_calls: 3,
        bytes_out: 120,
        log_lines: 101,
        log_bytes: 4_096,
        output_bytes: 0,
    };
    let errored = GuestEnd::Errored {
        kind: StepErrorKind::Permanent,
        code: "supplier-unknown".to_owned(),
        message: "no supplier 88".to_owned(),
    };
    let refused = GuestEnd::Refused {
        rule: "engine-room".to_owned(),
        owner: "operator".to_owned(),
        message: "no memory is left".to_owned(),
    };
    let aborted =
        GuestEnd::Aborted { place: "src/lib.rs:12:5".to_owned(), message: "index out of bounds".to_owned() };
    vec![
        ("hello", Up::Hello(Hello { protocol: PROTOCOL, engine: [0x5a; 32], promises })),
        ("call-http", call(Call::Http { endpoint: label("erp"), request })),
        ("call-sign", call(Call::Sign { signer: label("payment-signing"), message: Bytes(vec![1, 2, 3]) })),
        ("call-reveal", call(Call::Reveal { secret: label("legacy-token") })),
        ("call-now", call(Call::Now { clock: label("wall") })),
        ("call-random", call(Call::Random { random: label("dice"), count: 32 })),
        ("call-log", call(Call::Log { level: LogLevel::Warn, message: "slow".to_owned() })),
        ("ended-returned", ended(GuestEnd::Returned("{\"posted\": true}".to_owned()))),
        ("ended-errored", ended(errored)),
        ("ended-aborted", ended(aborted)),
        ("ended-trapped", ended(GuestEnd::Trapped("wasm trap: unreachable".to_owned()))),
        ("ended-limit", ended(GuestEnd::Limit(LimitName::MemoryBytes))),
        ("ended-overrun", ended(GuestEnd::Overrun(overrun))),
        ("ended-stopped", ended(GuestEnd::Stopped)),
        ("ended-refused", ended(refused)),
        ("ended-not-loaded", ended(GuestEnd::NotLoaded("the code is not of this engine".to_owned()))),
        ("compiled", Up::Compiled(vec![0x7f, b'E', b'L', b'F'])),
        ("not-compiled", Up::NotCompiled("too many targets".to_owned())),
    ]
}
