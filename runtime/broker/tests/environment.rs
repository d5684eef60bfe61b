//! The environment file: what is read, and what each mistake is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use proptest::prelude::*;
use stepward_broker::{Demand, Environment, Isolation, WhenUnreachable};
use stepward_seam::{Grants, Label, LimitName};

const GOOD: &str = r#"name = "dev"

[endpoints.erp]
url = "https://erp.localhost:8443/api/"
methods = ["GET", "POST"]
paths = ["/suppliers/*", "/payments"]
roots = ["trust/erp.pem"]
networks = ["loopback"]
credential = { secret = "erp-token", as = "bearer" }
idempotency-header = "Idempotency-Key"
idempotent = true
timeouts = { connect-ms = 1000, handshake-ms = 1000, first-byte-ms = 2000, total-ms = 3000 }
caps = { request-body-bytes = 1000, response-body-bytes = 1000, response-headers = 10, response-header-bytes = 1000 }

[signers.payment-signing]
algorithm = "ed25519"
secret = "payment-key"

[secrets.erp-token]
version = "1"
[secrets.payment-key]
version = "2026-01"
[secrets.webhook]
version = "3"

[reveal]
secrets = ["webhook"]

[networks.loopback]
cidrs = ["127.0.0.0/8", "::1/128"]

[resolver]
servers = ["127.0.0.1:53", "[::1]:53"]

[ceilings]
fuel = 2000000000
"#;

/// What an environment with witnesses has besides.
const WITNESSES: &str = r#"
[witness-policy]
quorum = 1
unreachable = "stop"
[witnesses.north]
url = "https://witness.example/some/prefix/"
key = "witness.example/north+ab12cd34+BA=="
roots = ["trust/witness.pem"]
networks = ["loopback"]
[witnesses.south]
url = "https://south.example:8443"
key = "south.example+00000000+BA=="
roots = ["trust/south.pem"]
timeouts = { total-ms = 500 }
"#;

fn parse(text: &str) -> Result<Environment, stepward_fault::Fault> {
    Environment::parse(text, "environments/dev/environment.toml")
}

fn grants(json: &str) -> Grants {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_whole_file_is_read() {
    let environment = parse(GOOD).unwrap();
    assert_eq!(environment.name().as_str(), "dev");
    assert_eq!(environment.resolver().len(), 2);
    assert_eq!(environment.ceilings().get(LimitName::Fuel), 2_000_000_000);
    assert_eq!(environment.ceilings().get(LimitName::HostCalls), LimitName::HostCalls.most());
    assert!(environment.warnings().is_empty(), "{:?}", environment.warnings());
    let erp = Label::new("erp").unwrap();
    assert_eq!(environment.origin(&erp).unwrap(), "https://erp.localhost:8443/api");
    assert_eq!(environment.endpoints().collect::<Vec<_>>(), [&erp]);
    assert!(parse("name = \"empty\"").is_ok());
}

#[test]
fn worker_processes_promise_everything_unless_the_file_says_less() {
    for silent in ["name = \"a\"", "name = \"a\"\n[workers]", "name = \"a\"\n[workers]\nrequire = \"all\""] {
        let workers = parse(silent).unwrap().workers().clone();
        assert_eq!((workers.demand(), workers.isolation()), (&Demand::All, Isolation::Bundle), "{silent}");
        assert_eq!((workers.memory_bytes(), workers.runs_per_worker()), (None, None));
    }
    let text = "name = \"a\"\n[workers]\nisolation = \"run\"\nrequire = [\"seccomp\", \"no-such\"]\n\
                memory-bytes = 268_435_456\nruns-per-worker = 1";
    let workers = parse(text).unwrap().workers().clone();
    let Demand::These(demanded) = workers.demand() else { panic!("{workers:?}") };
    let named = demanded.iter().map(|one| (one.name().as_str(), one.place())).collect::<Vec<_>>();
    let place = |column: u32| format!("environments/dev/environment.toml:4:{column}");
    assert_eq!(named, [("seccomp", place(12).as_str()), ("no-such", place(23).as_str())]);
    assert_eq!(workers.isolation(), Isolation::Run);
    assert_eq!(
        (workers.memory_bytes(), workers.runs_per_worker().map(std::num::NonZero::get)),
        (Some(256 << 20), Some(1))
    );
    assert_eq!(
        parse("name = \"a\"\n[workers]\nrequire = []").unwrap().workers().demand(),
        &Demand::These(vec![])
    );
}

/// A text of the file, what replaces it, and the rule and the place that must be told.
const MISTAKES: &[(&str, &str, &str, &str, &str)] = &[
    // Unknown keys, everywhere.
    (
        "name =",
        "nmae = 1\nname =",
        "environment-syntax",
        ":1:1",
        "unknown field `nmae`, expected one of `name`",
    ),
    ("idempotent =", "idempotant =", "environment-syntax", ":11:1", "`idempotent`"),
    ("connect-ms", "conect-ms", "environment-syntax", ":12:14", "`connect-ms`"),
    ("response-headers", "headers", "environment-syntax", ":13:65", "`response-headers`"),
    (
        "as = \"bearer\"",
        "as = \"bearer\", user = \"x\"",
        "environment-syntax",
        ":9:53",
        "unknown field `user`",
    ),
    ("algorithm =", "alg = 1\nalgorithm =", "environment-syntax", ":16:1", "`algorithm`"),
    ("[reveal]", "[reveal]\nall = true", "environment-syntax", ":27:1", "`secrets`"),
    ("[resolver]", "[resolver]\ntcp = true", "environment-syntax", ":33:1", "`servers`"),
    ("cidrs =", "cidr = 1\ncidrs =", "environment-syntax", ":30:1", "`cidrs`"),
    (
        "version = \"3\"",
        "version = \"3\"\nvalue = \"x\"",
        "environment-syntax",
        ":25:1",
        "unknown field `value`",
    ),
    ("fuel =", "feul =", "environment-syntax", ":36:1", "`fuel`"),
    ("[ceilings]", "[celings]", "environment-syntax", ":35:2", "`ceilings`"),
    (
        "[ceilings]",
        "[workers]\nrequires = []\n[ceilings]",
        "environment-syntax",
        ":36:1",
        "`runs-per-worker`",
    ),
    // Worker processes.
    ("[ceilings]", "[workers]\nisolation = \"none\"\n[ceilings]", "environment-syntax", ":36:13", "`bundle`"),
    (
        "[ceilings]",
        "[workers]\nrequire = \"some\"\n[ceilings]",
        "environment-syntax",
        ":36:11",
        "a list of promises",
    ),
    (
        "[ceilings]",
        "[workers]\nrequire = true\n[ceilings]",
        "environment-syntax",
        ":36:11",
        "a list of promises",
    ),
    (
        "[ceilings]",
        "[workers]\nrequire = [\"Seccomp\"]\n[ceilings]",
        "environment-syntax",
        ":36:11",
        "lower-case",
    ),
    (
        "[ceilings]",
        "[workers]\nrequire = [\"seccomp\", \"seccomp\"]\n[ceilings]",
        "environment-list",
        ":36:23",
        "twice",
    ),
    (
        "[ceilings]",
        "[workers]\nmemory-bytes = 1000\n[ceilings]",
        "environment-number",
        ":36:16",
        "out of bounds",
    ),
    (
        "[ceilings]",
        "[workers]\nruns-per-worker = 0\n[ceilings]",
        "environment-number",
        ":36:19",
        "out of bounds",
    ),
    (
        "[ceilings]",
        "[workers]\nruns-per-worker = 1_000_001\n[ceilings]",
        "environment-number",
        ":36:19",
        "out of bounds",
    ),
    // Values of the wrong kind.
    ("\"GET\"", "\"get\"", "environment-syntax", ":5:12", "`GET`"),
    ("\"bearer\"", "\"digest\"", "environment-syntax", ":9:43", "`basic`"),
    ("\"ed25519\"", "\"rsa\"", "environment-syntax", ":16:13", "`hmac-sha256`"),
    ("[endpoints.erp]", "[endpoints.Erp]", "environment-syntax", ":3:12", "lower-case"),
    ("\"/payments\"", "\"payments\"", "environment-syntax", ":6:9", "starts with `/`"),
    ("\"/payments\"", "\"/../etc\"", "environment-syntax", ":6:9", "segment"),
    ("name = \"dev\"", "name = \"dev", "environment-syntax", ":1:", ""),
    // URLs.
    ("https://erp.localhost:8443/api/", "http://erp.localhost/", "environment-url", ":4:7", "https"),
    ("https://erp", "https://user:pw@erp", "environment-url", ":4:7", "user information"),
    ("/api/", "/api?x=1", "environment-url", ":4:7", "query"),
    ("/api/", "/api#x", "environment-url", ":4:7", "fragment"),
    ("/api/", "/api/../x", "environment-url", ":4:7", "dot segment"),
    ("/api/", "/api\\\\x", "environment-url", ":4:7", "backslash"),
    ("/api/", "/a//b", "environment-url", ":4:7", "empty"),
    ("erp.localhost", "erp localhost", "environment-url", ":4:7", "space"),
    // Lists, roots, networks, servers.
    ("[\"GET\", \"POST\"]", "[]", "environment-list", ":5:11", "`methods` has no entry"),
    ("[\"GET\", \"POST\"]", "[\"GET\", \"GET\"]", "environment-list", ":5:11", "twice"),
    ("[\"trust/erp.pem\"]", "[]", "environment-list", ":7:9", "`roots` has no entry"),
    ("trust/erp.pem", "../erp.pem", "environment-root-name", ":7:9", "folder"),
    ("trust/erp.pem", "/etc/ssl/cert.pem", "environment-root-name", ":7:9", "folder"),
    ("127.0.0.0/8", "0.0.0.0/0", "environment-network", ":30:10", "so wide"),
    ("127.0.0.0/8", "127.0.0.1/8", "environment-network", ":30:10", "127.0.0.0/8"),
    ("127.0.0.0/8", "loopback", "environment-network", ":30:10", "no range"),
    ("[\"127.0.0.0/8\", \"::1/128\"]", "[]", "environment-network", ":29:1", "no ranges"),
    ("127.0.0.1:53", "127.0.0.1", "environment-resolver", ":33:12", "127.0.0.1:53"),
    // Names that nothing declares.
    ("[\"loopback\"]", "[\"lopback\"]", "environment-undeclared", ":8:13", "[networks.lopback]"),
    ("secret = \"erp-token\"", "secret = \"erp\"", "environment-undeclared", ":9:25", "[secrets.erp]"),
    ("secret = \"payment-key\"", "secret = \"pay\"", "environment-undeclared", ":17:10", "[secrets.pay]"),
    ("[\"webhook\"]", "[\"hook\"]", "environment-undeclared", ":27:12", "[secrets.hook]"),
    // One secret, two uses.
    ("[\"webhook\"]", "[\"erp-token\"]", "environment-secret-two-uses", ":27:12", "revealed"),
    ("secret = \"payment-key\"", "secret = \"erp-token\"", "environment-secret-two-uses", ":17:10", "signer"),
    // Credentials and headers.
    ("as = \"bearer\"", "as = \"header\"", "environment-credential", ":9:14", "X-Api-Key"),
    ("as = \"bearer\"", "as = \"query\"", "environment-credential", ":9:14", "parameter"),
    (
        "as = \"bearer\"",
        "as = \"bearer\", header = \"X-A\"",
        "environment-credential",
        ":9:14",
        "no `header`",
    ),
    (
        "as = \"bearer\"",
        "as = \"header\", header = \"Host\"",
        "environment-header",
        ":9:62",
        "belongs to the host",
    ),
    ("as = \"bearer\"", "as = \"header\", header = \"a b\"", "environment-header", ":9:62", "no header name"),
    ("\"Idempotency-Key\"", "\"Content-Length\"", "environment-header", ":10:22", "belongs to the host"),
    (
        "as = \"bearer\"",
        "as = \"header\", header = \"idempotency-key\"",
        "environment-credential",
        ":3:1",
        "cannot carry both",
    ),
    // Numbers and versions.
    ("connect-ms = 1000", "connect-ms = 0", "environment-number", ":12:27", "between 1 and 600000"),
    ("total-ms = 3000", "total-ms = 600001", "environment-number", "", "600000"),
    ("fuel = 2000000000", "fuel = 0", "environment-number", ":35:1", "fuel is 0"),
    ("fuel = 2000000000", "fuel = 9000000000000", "environment-number", ":35:1", "ceiling"),
    ("version = \"2026-01\"", "version = \"\"", "environment-version", ":22:11", "version"),
    ("version = \"2026-01\"", "version = \"two words\"", "environment-version", ":22:11", "version"),
    ("version = \"2026-01\"", "version = 'a\"b'", "environment-version", ":22:11", "quotation marks"),
    ("version = \"2026-01\"", "version = 'a\\b'", "environment-version", ":22:11", "backslashes"),
];

#[test]
fn every_mistake_is_told_with_place_rule_and_remedy() {
    let mut wrong = Vec::new();
    for (text, replacement, rule, place, says) in MISTAKES {
        assert!(GOOD.contains(text), "{text}");
        let Err(fault) = parse(&GOOD.replacen(text, replacement, 1)) else {
            panic!("{replacement} was read")
        };
        let told = format!("{fault:?}");
        let expected = format!("environments/dev/environment.toml{place}");
        let right =
            fault.rule().as_str() == *rule && fault.place().starts_with(&expected) && told.contains(says);
        if !right || fault.remedy().is_empty() {
            wrong.push(format!("{replacement}: expected {rule} at {expected} saying {says}\n    got {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_nothing_uses_is_a_warning() {
    let idle = GOOD.replace("networks = [\"loopback\"]\n", "").replace("secrets = [\"webhook\"]", "");
    let environment = parse(&idle).unwrap();
    let warnings: Vec<_> = environment.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("nothing uses the secret `webhook`")), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("nothing uses the network `loopback`")), "{warnings:?}");
}

#[test]
fn a_shared_credential_stays_at_one_service() {
    let second = |authority| {
        format!(
            "{GOOD}\n[endpoints.other]\nurl = \"https://{authority}/x\"\nmethods = [\"GET\"]\npaths = [\"/\"]\nroots = \
             [\"r.pem\"]\ncredential = {{ secret = \"erp-token\", as = \"bearer\" }}\n"
        )
    };
    assert!(parse(&second("erp.localhost:8443")).is_ok());
    let fault = parse(&second("bank.example")).unwrap_err();
    assert_eq!(fault.rule().as_str(), "environment-secret-two-uses");
    assert!(
        fault.to_string().contains("erp.localhost:8443") && fault.to_string().contains("bank.example:443")
    );
}

#[test]
fn grants_that_nothing_binds_print_the_lines_to_add() {
    let environment = parse(GOOD).unwrap();
    let wanted = grants(
        r#"{"endpoint":{"bank":{"methods":["GET"],"paths":["/a"]}},"signer":{"erp":{}},"secret":{"erp-token":{}},
            "clock":{"time":{}},"random":{"dice":{}}}"#,
    );
    let fault = environment.check(&wanted).unwrap_err();
    assert_eq!(fault.rule().as_str(), "grant-unbound");
    let (message, hint) = (fault.message(), fault.remedy());
    assert!(message.contains("`bank` as an endpoint"), "{message}");
    assert!(message.contains("`erp` as a signer (here it is an endpoint)"), "{message}");
    assert!(
        message.contains("`erp-token` as a revealed secret (here it is a secret that steps may not see)")
    );
    assert!(!message.contains("time") && !message.contains("dice"));
    assert!(hint.starts_with("add to environments/dev/environment.toml:\n[endpoints.bank]\nurl ="), "{hint}");
    // The lines are such that this file then reads.
    let lines = "[endpoints.bank]\nurl = \"https://HOST\"\nmethods = [\"GET\"]\npaths = [\"/a\"]\nroots = [\"trust/bank.pem\"]";
    assert!(hint.contains(lines), "{hint}");
    parse(&format!("{GOOD}\n{lines}\n")).unwrap();
}

#[test]
fn grants_beyond_the_environment_are_warnings() {
    let environment = parse(GOOD).unwrap();
    let wanted =
        grants(r#"{"endpoint":{"erp":{"methods":["GET","DELETE"],"paths":["/suppliers/7","/secret/*"]}}}"#);
    let warnings: Vec<_> = environment.check(&wanted).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("never allows DELETE at `erp`")), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("never allows the path /secret/*")), "{warnings:?}");
}

#[test]
fn witnesses_are_read_with_the_place_of_each_key() {
    assert!(parse(GOOD).unwrap().witnesses().is_none());
    let environment = parse(&format!("{GOOD}{WITNESSES}")).unwrap();
    assert!(environment.warnings().is_empty(), "{:?}", environment.warnings());
    let rules = environment.witnesses().unwrap();
    assert_eq!((rules.quorum().get(), rules.fresh_seconds().get()), (1, 24 * 3600));
    assert_eq!(rules.unreachable(), WhenUnreachable::Stop);
    assert_eq!(rules.place(), "environments/dev/environment.toml:38:1");
    let told = rules.witnesses().map(|(name, witness)| {
        (name.as_str(), witness.url(), witness.path("add-checkpoint"), witness.key(), witness.key_place())
    });
    let file = "environments/dev/environment.toml";
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (
                "north",
                "https://witness.example:443/some/prefix".to_owned(),
                "/some/prefix/add-checkpoint".to_owned(),
                "witness.example/north+ab12cd34+BA==",
                &*format!("{file}:43:7"),
            ),
            (
                "south",
                "https://south.example:8443".to_owned(),
                "/add-checkpoint".to_owned(),
                "south.example+00000000+BA==",
                &*format!("{file}:48:7"),
            ),
        ]
    );
    let marked = WITNESSES.replace("\"stop\"", "\"mark-gap\"\nfresh-hours = 744");
    let environment = parse(&format!("{GOOD}{marked}")).unwrap();
    let rules = environment.witnesses().unwrap();
    assert_eq!(
        (rules.unreachable(), rules.fresh_seconds().get()),
        (WhenUnreachable::MarkGap, 31 * 24 * 3600)
    );
}

/// Text, its replacement, rule, end of the place, a word of the message or the hint.
const WITNESS_MISTAKES: [(&str, &str, &str, &str, &str); 15] = [
    ("quorum = 1", "quorum = 0", "environment-number", ":39:10", "between 1 and"),
    ("quorum = 1", "quorum = 3", "environment-number", ":39:10", "which is 2"),
    ("quorum = 1\n", "", "environment-syntax", ":38:1", "quorum"),
    ("unreachable = \"stop\"\n", "", "environment-syntax", ":38:1", "unreachable"),
    ("\"stop\"", "\"go-on\"", "environment-syntax", ":40:15", "mark-gap"),
    ("quorum = 1", "quorum = 1\nfresh-hours = 0", "environment-number", ":40:15", "between 1 and 744"),
    (
        "quorum = 1",
        "quorum = 1\nfresh-hours = 745",
        "environment-number",
        ":40:15",
        "without the line it is 24",
    ),
    ("quorum = 1", "quorum = 1\nfresh = 2", "environment-syntax", ":40:1", "fresh-hours"),
    ("https://witness", "http://witness", "environment-url", ":42:7", "no plain HTTP"),
    ("https://witness", "https://me@witness", "environment-url", ":42:7", "asked without"),
    ("prefix/", "prefix?x=1", "environment-url", ":42:7", "has none"),
    ("[\"trust/witness.pem\"]", "[]", "environment-list", ":44:9", "`roots` has no entry"),
    ("\"witness.example/north+ab12cd34+BA==\"", "\"\"", "environment-witnesses", ":43:7", "NAME+ID+KEY"),
    ("[\"loopback\"]", "[\"lopback\"]", "environment-undeclared", ":45:13", "[networks.lopback]"),
    (
        "roots = [\"trust/south",
        "methods = []\nroots = [\"trust/south",
        "environment-syntax",
        ":49:1",
        "methods",
    ),
];

#[test]
fn every_mistake_about_witnesses_is_told_with_place_rule_and_remedy() {
    for (text, replacement, rule, place, says) in WITNESS_MISTAKES {
        assert!(WITNESSES.contains(text), "{text}");
        let fault = parse(&format!("{GOOD}{}", WITNESSES.replacen(text, replacement, 1))).unwrap_err();
        let told = format!("{}\n{}", fault.message(), fault.remedy());
        assert_eq!(fault.rule().as_str(), rule, "{replacement}: {told}");
        assert!(fault.place().ends_with(place), "{replacement}: {} {told}", fault.place());
        assert!(told.contains(says), "{replacement}: {told}");
    }
    let (policy, witnesses) = WITNESSES.split_at(WITNESSES.find("[witnesses.north]").unwrap());
    for (half, place, says) in [
        (policy, ":38:1", "no witness"),
        (witnesses, ":37:1", "[witness-policy]\nquorum = 1\nunreachable = \"stop\""),
    ] {
        let fault = parse(&format!("{GOOD}{half}")).unwrap_err();
        let told = format!("{}\n{}", fault.message(), fault.remedy());
        assert_eq!(fault.rule().as_str(), "environment-witnesses", "{told}");
        assert!(fault.place().ends_with(place) && told.contains(says), "{} {told}", fault.place());
    }
    let one = |number: u32| {
        format!(
            "[witnesses.w{number:02}]\nurl = \"https://w{number}.example\"\nkey = \"w\"\nroots = [\"trust/w.pem\"]\n"
        )
    };
    let many = |count: u32| format!("name = \"a\"\n{policy}{}", (1..=count).map(one).collect::<String>());
    assert_eq!(parse(&many(15)).unwrap().witnesses().unwrap().witnesses().len(), 15);
    let fault = parse(&many(16)).unwrap_err();
    assert!(fault.message().contains("16 witnesses; the most is 15"), "{}", fault.message());
}

#[test]
fn the_schema_knows_every_table_and_no_other() {
    let schema = serde_json::to_value(Environment::schema()).unwrap();
    let known: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    for table in [
        "name",
        "endpoints",
        "signers",
        "secrets",
        "reveal",
        "networks",
        "resolver",
        "ceilings",
        "witnesses",
        "witness-policy",
    ] {
        assert!(known.contains(&table.to_owned()), "{table}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn empty_and_huge_files_are_told_apart() {
    assert_eq!(parse("").unwrap_err().rule().as_str(), "environment-syntax");
    assert_eq!(parse(&" ".repeat((1 << 20) + 1)).unwrap_err().rule().as_str(), "environment-size");
}

proptest! {
    /// Whatever stands in the file, the answer is a fault with a place, or an environment.
    #[test]
    fn no_text_is_too_strange(cut in 0..GOOD.len(), noise in "\\PC{0,20}", keep in any::<bool>()) {
        let rest = if keep { GOOD.get(cut..).unwrap() } else { "" };
        let text = format!("{}{noise}{rest}", GOOD.get(..cut).unwrap());
        if let Err(fault) = parse(&text) {
            prop_assert!(fault.place().starts_with("environments/dev/environment.toml"), "{:?}", fault);
        }
    }
}
