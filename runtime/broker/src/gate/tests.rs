use super::{Applied, EffectPermit, Gate, Leave, Permit, Refused, operation::Operations};
use crate::Environment;
use http::HeaderMap;
use proptest::prelude::*;
use std::collections::BTreeMap;
use stepward_seam::{Body, EndpointGrant, HttpRequest, Label, Method, Pair, PathPattern};
use url::Url;

const ENVIRONMENT: &str = r#"
name = "dev"
[endpoints.erp]
url = "https://erp.localhost:8443/api/v1/"
methods = ["GET", "HEAD", "POST", "DELETE"]
paths = ["/suppliers/*", "/files/**", "/payments", "/"]
roots = ["trust/erp.pem"]
credential = { secret = "erp-token", as = "query", parameter = "key" }
idempotency-header = "X-Once"
caps = { request-body-bytes = 10 }
[secrets.erp-token]
version = "1"
"#;

fn gate() -> Gate {
    gate_in(ENVIRONMENT)
}

fn gate_in(text: &str) -> Gate {
    let environment = Environment::parse(text, "environment.toml").unwrap();
    let label = Label::new("erp").unwrap();
    let pattern = |text| PathPattern::new(text).unwrap();
    let grant = EndpointGrant {
        methods: vec![Method::Get, Method::Post, Method::Put],
        paths: vec![pattern("/suppliers/*"), pattern("/files/**"), pattern("/orders"), pattern("/")],
    };
    Gate::new(label.clone(), grant, environment.endpoint(&label).unwrap(), environment.place())
}

fn get(path: &[&str]) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        path: path.iter().map(|segment| (*segment).to_owned()).collect(),
        query: vec![],
        headers: vec![],
        body: None,
        operation: None,
    }
}

fn pair(name: &str, value: &str) -> Pair {
    Pair { name: name.to_owned(), value: value.to_owned() }
}

fn rule(request: HttpRequest) -> &'static str {
    gate().permit(request).map(drop).expect_err("refused").rule().as_str()
}

#[test]
fn a_permit_remembers_what_allowed_it_in_both_owners() {
    let permit = gate().permit(get(&["suppliers", "7"])).unwrap();
    assert_eq!((permit.workflow_rule(), permit.environment_rule()), ("GET /suppliers/*", "GET /suppliers/*"));
    assert_eq!(permit.target, "/api/v1/suppliers/7");
    assert_eq!(gate().permit(get(&[])).unwrap().target, "/api/v1");
}

#[test]
fn both_owners_must_allow_method_and_path_and_the_hint_says_whose_line_is_missing() {
    let refused = |request| gate().permit(request).unwrap_err();
    let with = |method| HttpRequest { method, operation: Some("o".into()), ..get(&["suppliers", "7"]) };
    let workflow = refused(with(Method::Delete));
    assert_eq!(workflow.rule().as_str(), "endpoint-method");
    assert_eq!(
        workflow.remedy(),
        "add \"DELETE\" to `methods` under [steps.grants.endpoint.erp] in the workflow file, under this step"
    );
    let environment = refused(with(Method::Put));
    assert_eq!(environment.remedy(), "add \"PUT\" to `methods` under [endpoints.erp] in environment.toml");
    let path = refused(get(&["payments"]));
    assert_eq!(path.rule().as_str(), "endpoint-path");
    assert!(path.remedy().contains("\"/payments\" to `paths` under [steps.grants.endpoint.erp]"), "{path:?}");
    assert!(refused(get(&["orders"])).remedy().contains("under [endpoints.erp] in environment.toml"));
    assert!(!format!("{:?}", path.for_guest()).contains("environment.toml"));
}

#[test]
fn segments_stay_segments() {
    for bad in ["", ".", "..", "a/b", "/", "a\\b", "a\0", "a\r", "a\nb", "\u{7f}", "\u{85}"] {
        assert_eq!(rule(get(&["files", bad])), "endpoint-path-segment", "{bad:?}");
    }
    let many = vec!["files"; 33];
    assert_eq!(rule(get(&many)), "endpoint-request-size");
    // What a guest encoded itself arrives as the text that it wrote.
    for (text, encoded) in [
        ("..%2f..", "..%252f.."),
        ("%2e%2e", "%252e%252e"),
        ("a?b#c", "a%3Fb%23c"),
        ("@evil.example", "%40evil.example"),
        ("https:", "https%3A"),
        ("...", "..."),
        ("é", "%C3%A9"),
    ] {
        assert_eq!(gate().permit(get(&["files", text])).unwrap().target, format!("/api/v1/files/{encoded}"));
    }
}

#[test]
fn the_hosts_headers_and_parameter_are_the_hosts() {
    for name in [
        "Host",
        "authorization",
        "X-Once",
        "x-once",
        "Proxy-Authorization",
        "Content-Length",
        "X-Forwarded-Host",
        "X_Forwarded_Host",
        "content_length",
        "x_once",
        "x.once",
        "X-Client-IP",
        "true_client_ip",
        "X-Forwarded",
        "x_original_url",
        "X-Envoy-Original-Path",
        "Remote-User",
        "proxy",
    ] {
        let request = HttpRequest { headers: vec![pair(name, "x")], ..get(&["suppliers", "7"]) };
        assert_eq!(rule(request), "endpoint-header", "{name}");
    }
    for (name, value) in
        [("a b", "x"), (":path", "/"), ("x-a", "a\r\nb: c"), ("x-a", "a\0"), ("x_a", "a"), ("x.a", "a")]
    {
        let request = HttpRequest { headers: vec![pair(name, value)], ..get(&["suppliers", "7"]) };
        assert_eq!(rule(request), "endpoint-header-syntax", "{name}");
    }
    let twice = HttpRequest { headers: vec![pair("x-a", "1"), pair("X-A", "2")], ..get(&["suppliers", "7"]) };
    assert_eq!(rule(twice), "endpoint-header-syntax");
    let headers = vec![pair("x-a", "1"), pair("X_A", "2")];
    assert_eq!(rule(HttpRequest { headers, ..get(&["suppliers", "7"]) }), "endpoint-header-syntax");
    let header =
        ENVIRONMENT.replace(r#"as = "query", parameter = "key""#, r#"as = "header", header = "X-Api-Key""#);
    for (bound, name) in
        [("X-Api-Key", "x-api-key"), ("X-Api-Key", "x_api_key"), ("X_Api_Key", "x-api-key"), ("a.b", "a-b")]
    {
        let gate = gate_in(&header.replace("X-Api-Key", bound));
        let request = HttpRequest { headers: vec![pair(name, "mine")], ..get(&["suppliers", "7"]) };
        assert_eq!(gate.permit(request).unwrap_err().rule().as_str(), "endpoint-header", "{name}");
    }
}

#[test]
fn the_credentials_parameter_is_the_hosts_in_every_reading() {
    let asks = |bound: &str, name| {
        let gate = gate_in(&ENVIRONMENT.replace(r#"parameter = "key""#, &format!("parameter = {bound:?}")));
        gate.permit(HttpRequest { query: vec![pair(name, "mine")], ..get(&["suppliers", "7"]) })
    };
    for (bound, name) in [
        ("key", "key"),
        ("key", "KEY"),
        ("key", "  key"),
        ("key", "Key "),
        ("key", "key[]"),
        ("key", " KEY[a][b]"),
        ("key", "key\0more"),
        ("api_key", "api.key"),
        ("api_key", "api key"),
        ("api_key", "Api[key"),
        ("api.key", "api_key"),
        ("key_", "key "),
        ("auth[key]", "auth[ key]"),
    ] {
        assert_eq!(asks(bound, name).unwrap_err().rule().as_str(), "endpoint-query", "{bound} {name:?}");
    }
    for (bound, name) in [("key", "keys"), ("key", "my.key"), ("api_key", "apikey"), ("key", "a[key]")] {
        assert!(asks(bound, name).is_ok(), "{bound} {name:?}");
    }
}

#[test]
fn counts_and_sizes_are_bounded() {
    let many = |count| (0..count).map(|i| pair(&format!("x-{i}"), "v")).collect::<Vec<_>>();
    let base = || get(&["suppliers", "7"]);
    assert_eq!(rule(HttpRequest { headers: many(65), ..base() }), "endpoint-request-size");
    assert_eq!(rule(HttpRequest { query: many(65), ..base() }), "endpoint-request-size");
    assert_eq!(
        rule(HttpRequest { headers: vec![pair("x-a", &"v".repeat(20_000))], ..base() }),
        "endpoint-request-size"
    );
    assert_eq!(
        rule(HttpRequest { query: vec![pair("q", &"v".repeat(9_000))], ..base() }),
        "endpoint-request-size"
    );
    assert!(gate().permit(HttpRequest { headers: many(64), query: many(64), ..base() }).is_ok());
}

fn post(operation: Option<&str>, body: &[u8]) -> HttpRequest {
    let operation = operation.map(str::to_owned);
    HttpRequest { method: Method::Post, body: Some(Body(body.to_vec())), operation, ..get(&["files", "f"]) }
}

#[test]
fn bodies_and_operations_belong_to_effects() {
    assert_eq!(rule(HttpRequest { body: Some(Body(vec![])), ..get(&["suppliers", "7"]) }), "endpoint-body");
    assert_eq!(
        rule(HttpRequest { operation: Some("o".into()), ..get(&["suppliers", "7"]) }),
        "endpoint-operation"
    );
    assert_eq!(rule(post(None, b"x")), "endpoint-operation");
    for bad in ["", "two words", "é", "a\n", &"x".repeat(201)] {
        assert_eq!(rule(post(Some(bad), b"x")), "endpoint-operation", "{bad:?}");
    }
    assert_eq!(rule(post(Some("o"), b"eleven byte")), "endpoint-request-size");
    assert!(gate().permit(post(Some("post-invoice-4711"), b"ten bytes.")).is_ok());
}

fn effect(body: &[u8]) -> EffectPermit {
    match gate().permit(post(Some("pay"), body)).unwrap().sorted() {
        Leave::Effect(permit) => permit,
        Leave::Read(_) => panic!("a POST is an effect"),
    }
}

fn claimed(operations: &Operations, body: &[u8], idempotent: bool) -> Result<super::Claim, Refused> {
    operations.claim(&Label::new("erp").unwrap(), &effect(body), idempotent)
}

fn remembered(operations: &Operations, body: &[u8], applied: Applied) -> Result<(), Refused> {
    operations.remember(&Label::new("erp").unwrap(), &effect(body), applied)
}

#[test]
fn every_method_is_sorted_by_what_it_does() {
    for method in [Method::Get, Method::Head, Method::Post, Method::Delete] {
        let operation = (!method.is_read()).then(|| "pay".to_owned());
        let request = HttpRequest { method, operation, ..get(&["files", "f"]) };
        let grant = EndpointGrant { methods: vec![method], paths: vec![PathPattern::new("/**").unwrap()] };
        let environment = Environment::parse(ENVIRONMENT, "environment.toml").unwrap();
        let label = Label::new("erp").unwrap();
        let gate = Gate::new(label.clone(), grant, environment.endpoint(&label).unwrap(), "");
        let sorted = gate.permit(request).unwrap().sorted();
        assert_eq!(matches!(sorted, Leave::Read(_)), method.is_read(), "{method:?}");
    }
}

#[test]
fn one_label_one_request() {
    let operations = Operations::default();
    drop(claimed(&operations, b"ten", true).unwrap());
    let other = claimed(&operations, b"eleven", true).map(drop).unwrap_err();
    assert_eq!(other.rule().as_str(), "endpoint-operation-reused");
    assert!(claimed(&operations, b"ten", true).is_ok());
    let other = remembered(&operations, b"eleven", Applied::No).unwrap_err();
    assert_eq!(other.rule().as_str(), "endpoint-operation-reused");
}

#[test]
fn what_may_have_been_applied_goes_out_again_only_where_that_is_harmless() {
    let operations = Operations::default();
    claimed(&operations, b"ten", false).unwrap().ended(Applied::No);
    drop(claimed(&operations, b"ten", false).unwrap());
    let again = claimed(&operations, b"ten", false).map(drop).unwrap_err();
    assert_eq!(again.rule().as_str(), "endpoint-operation-repeated");
    assert!(again.remedy().contains("idempotent = true"));
}

#[test]
fn one_attempt_in_doubt_outweighs_every_one_that_was_not_applied() {
    let operations = Operations::default();
    // Two under way at once, and the doubt is about the first.
    let (one, two) =
        (claimed(&operations, b"ten", true).unwrap(), claimed(&operations, b"ten", true).unwrap());
    assert_eq!((one.attempt(), two.attempt()), (1, 2));
    two.ended(Applied::No);
    assert!(claimed(&operations, b"ten", false).is_err(), "the first may still be acted on");
    one.ended(Applied::Unknown);
    claimed(&operations, b"ten", true).unwrap().ended(Applied::No);
    assert!(claimed(&operations, b"ten", false).is_err(), "nothing came that settles the doubt");
    assert_eq!(claimed(&operations, b"ten", true).unwrap().attempt(), 4);
}

#[test]
fn what_is_remembered_counts_like_what_was_done() {
    for (known, alone, idempotent) in
        [(Applied::No, true, true), (Applied::Unknown, false, true), (Applied::Yes, false, true)]
    {
        for (harmless, goes) in [(false, alone), (true, idempotent)] {
            let operations = Operations::default();
            remembered(&operations, b"ten", Applied::No).unwrap();
            remembered(&operations, b"ten", known).unwrap();
            let claim = claimed(&operations, b"ten", harmless);
            assert_eq!(claim.is_ok(), goes, "{known:?}, idempotent: {harmless}");
            assert!(claim.map_or(true, |claim| claim.attempt() == 3));
        }
    }
}

#[test]
fn debug_shows_nothing_of_the_request() {
    let request = HttpRequest { query: vec![pair("q", "confidential")], ..post(Some("pay"), b"private") };
    let permit = gate().permit(request).unwrap();
    assert_eq!(format!("{permit:?}"), "Permit(workflow POST /files/**, environment POST /files/**)");
}

fn parsed(permit: &Permit) -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let url = Url::parse(&format!("https://host{}", permit.target)).unwrap();
    assert_eq!((url.host_str(), url.port(), url.fragment()), (Some("host"), None, None));
    let decode = |text: &str| {
        let plus = text.replace('+', "%2B");
        url::form_urlencoded::parse(plus.as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())
            .unwrap_or_default()
    };
    let path = url.path_segments().unwrap().skip(3).map(decode).collect();
    let mut query: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    (path, query)
}

fn denied(headers: &HeaderMap) -> Option<&str> {
    let denied = [
        "host",
        "authorization",
        "cookie",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "x-once",
    ];
    let families = ["proxy-", "x-forwarded-"];
    let bad = |name: &&str| denied.contains(name) || families.iter().any(|family| name.starts_with(family));
    headers.keys().map(http::HeaderName::as_str).find(bad)
}

proptest! {
    /// The `url` crate reads back the segments and pairs that the guest gave, and no others.
    #[test]
    fn what_goes_out_is_what_was_asked(
        path in proptest::collection::vec(any::<String>(), 1..6),
        query in proptest::collection::vec((any::<String>(), any::<String>()), 0..5),
    ) {
        let request = HttpRequest {
            query: query.iter().map(|(name, value)| pair(name, value)).collect(),
            path: [vec!["files".to_owned()], path.clone()].concat(),
            ..get(&[])
        };
        if let Ok(permit) = gate().permit(request) {
            let (segments, pairs) = parsed(&permit);
            prop_assert_eq!(segments, path);
            let mut given: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (name, value) in query {
                given.entry(name).or_default().push(value);
            }
            prop_assert_eq!(pairs, given);
        }
    }

    #[test]
    fn no_denied_header_passes(
        name in "(?i)(host|authorization|cookie|content-length|transfer-encoding|connection|te|x-once|proxy-[a-z]*|x-forwarded-[a-z]*|[!-~]{1,12}|\\PC{0,6})",
        value in "\\PC*|[\\x00-\\x7f]{0,20}",
        space in "[ \\t\\r\\n\\x00]?",
    ) {
        for spelling in [name.clone(), format!("{space}{name}"), format!("{name}{space}"), format!("{name}:{space}")] {
            let request = HttpRequest { headers: vec![pair(&spelling, &value)], ..get(&["suppliers", "7"]) };
            if let Ok(permit) = gate().permit(request) {
                prop_assert_eq!(denied(&permit.headers), None);
                for (_, value) in &permit.headers {
                    prop_assert!(!value.as_bytes().iter().any(|byte| b"\r\n\0".contains(byte)));
                }
            }
        }
    }
}
