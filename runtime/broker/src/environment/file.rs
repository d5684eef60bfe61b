//! The shape of `environment.toml`, as serde reads it and as the JSON schema shows it.

use super::{
    rules::{
        KEY_BYTES, LEAST_WORKER_BYTES, MOST_FRESH_HOURS, MOST_RUNS_PER_WORKER, MOST_WITNESSES,
        MOST_WORKER_BYTES,
    },
    witnesses::WhenUnreachable,
    workers::Isolation,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Unexpected, Visitor},
};
use std::{borrow::Cow, collections::BTreeMap, fmt};
use stepward_seam::{Algorithm, Label, LimitTable, Method, PathPattern};
use toml::Spanned;

/// The word for every promise.
const ALL: &str = "all";

/// An environment: what the labels of grants mean here, and the most that any step may use.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Environment")]
pub(super) struct File {
    /// The environment's name; the same as its folder's.
    pub(super) name: Label,
    /// HTTP endpoints, by label.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Label, Endpoint>")]
    pub(super) endpoints: BTreeMap<Label, Spanned<Endpoint>>,
    /// Keys that steps use without seeing them, by label.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Label, Signer>")]
    pub(super) signers: BTreeMap<Label, Spanned<Signer>>,
    /// Secrets, by name. Their bytes are never in this file.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Label, Secret>")]
    pub(super) secrets: BTreeMap<Label, Spanned<Secret>>,
    /// Which secrets a step may see.
    #[serde(default)]
    pub(super) reveal: Reveal,
    /// Address ranges that endpoints may lie in although they are denied by default, by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Label, Network>")]
    pub(super) networks: BTreeMap<Label, Spanned<Network>>,
    /// Who turns names into addresses.
    #[serde(default)]
    pub(super) resolver: Resolver,
    /// The most of each limit that any step may use here.
    #[schemars(with = "Option<LimitTable>")]
    pub(super) ceilings: Option<Spanned<LimitTable>>,
    /// The processes that steps are compiled and run in.
    #[serde(default)]
    pub(super) workers: Workers,
    /// Who cosigns the environment's log, by name (C2SP tlog-witness). Without any, an older copy of
    /// the log that somebody put in its place cannot be told from the log.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Label, Witness>")]
    pub(super) witnesses: BTreeMap<Label, Spanned<Witness>>,
    /// How many witnesses are enough. Needed where there are witnesses, and nowhere else.
    #[schemars(with = "Option<WitnessPolicy>")]
    pub(super) witness_policy: Option<Spanned<WitnessPolicy>>,
}

/// One HTTP endpoint.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Endpoint {
    /// `https://HOST[:PORT][/BASE]`, without user information, query or fragment.
    #[schemars(with = "String", regex(pattern = "^https://"))]
    pub(super) url: Spanned<String>,
    /// Methods that any step may use here. At least one.
    #[schemars(with = "Vec<Method>", length(min = 1))]
    pub(super) methods: Spanned<Vec<Method>>,
    /// Paths below the base that any step may use here. At least one.
    #[schemars(with = "Vec<PathPattern>", length(min = 1))]
    pub(super) paths: Spanned<Vec<PathPattern>>,
    /// PEM files with the certificates that the endpoint's own must lead to, relative to the
    /// environment's folder. At least one.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub(super) roots: Spanned<Vec<String>>,
    /// Names under `networks` whose addresses this endpoint may have.
    #[serde(default)]
    #[schemars(with = "Vec<Label>")]
    pub(super) networks: Vec<Spanned<Label>>,
    /// What the host adds to each request so that the endpoint knows who asks.
    #[schemars(with = "Option<Credential>")]
    pub(super) credential: Option<Spanned<Credential>>,
    /// The header that carries the host's idempotency key. `Idempotency-Key` when absent.
    #[schemars(with = "Option<String>")]
    pub(super) idempotency_header: Option<Spanned<String>>,
    /// Whether the endpoint acts once for equal idempotency keys, so that an effect whose answer is
    /// unknown may be tried again.
    #[serde(default)]
    pub(super) idempotent: bool,
    /// How long each part of an exchange may take.
    #[serde(default)]
    pub(super) timeouts: Timeouts,
    /// How large requests and answers may be.
    #[serde(default)]
    pub(super) caps: Caps,
}

/// A secret and its place in a request.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Credential {
    /// A name under `secrets`.
    #[schemars(with = "Label")]
    pub(super) secret: Spanned<Label>,
    /// How the endpoint wants it.
    #[serde(rename = "as")]
    pub(super) form: CredentialForm,
    /// The header's name; with `as = "header"` only.
    #[schemars(with = "Option<String>")]
    pub(super) header: Option<Spanned<String>>,
    /// The query parameter's name; with `as = "query"` only.
    #[schemars(with = "Option<String>")]
    pub(super) parameter: Option<Spanned<String>>,
}

/// How a credential stands in a request.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CredentialForm {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: Basic …` (RFC 7617); the secret is `user:password`.
    Basic,
    /// A header of its own.
    Header,
    /// A query parameter of its own.
    Query,
}

/// Milliseconds for each part of an exchange.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[expect(clippy::struct_field_names, reason = "the file's keys name their unit")]
pub(super) struct Timeouts {
    /// Until a connection stands.
    #[schemars(with = "Option<u64>")]
    pub(super) connect_ms: Option<Spanned<u64>>,
    /// Until the TLS handshake is done.
    #[schemars(with = "Option<u64>")]
    pub(super) handshake_ms: Option<Spanned<u64>>,
    /// From the request to the answer's head.
    #[schemars(with = "Option<u64>")]
    pub(super) first_byte_ms: Option<Spanned<u64>>,
    /// The whole exchange.
    #[schemars(with = "Option<u64>")]
    pub(super) total_ms: Option<Spanned<u64>>,
}

/// Sizes of requests and answers.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Caps {
    /// Bytes of a request's body.
    #[schemars(with = "Option<u64>")]
    pub(super) request_body_bytes: Option<Spanned<u64>>,
    /// Header lines of an answer.
    #[schemars(with = "Option<u64>")]
    pub(super) response_headers: Option<Spanned<u64>>,
    /// Bytes of an answer's head.
    #[schemars(with = "Option<u64>")]
    pub(super) response_header_bytes: Option<Spanned<u64>>,
    /// Bytes of an answer's body.
    #[schemars(with = "Option<u64>")]
    pub(super) response_body_bytes: Option<Spanned<u64>>,
}

/// One key that steps use.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Signer {
    /// `ed25519` or `hmac-sha256`.
    #[schemars(with = "AlgorithmName")]
    pub(super) algorithm: Algorithm,
    /// A name under `secrets`.
    #[schemars(with = "Label")]
    pub(super) secret: Spanned<Label>,
}

/// The algorithms, for the JSON schema.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it stands for `stepward_seam::Algorithm` in the schema and is never made")]
enum AlgorithmName {
    /// RFC 2104 with SHA-256.
    HmacSha256,
    /// RFC 8032.
    Ed25519,
}

/// One secret's public part.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    /// The version in use, as the operator names it. Change it whenever the bytes change.
    #[schemars(with = "String", length(min = 1, max = 64))]
    pub(super) version: Spanned<String>,
}

/// Which secrets a step may see.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reveal {
    /// Names under `secrets`.
    #[schemars(with = "Vec<Label>")]
    pub(super) secrets: Vec<Spanned<Label>>,
}

/// One named set of address ranges.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// Ranges such as `127.0.0.0/8`. At least one.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub(super) cidrs: Vec<Spanned<String>>,
}

/// Who turns names into addresses.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Resolver {
    /// `ADDRESS:PORT` of each name server. The runner's own choice when empty.
    #[schemars(with = "Vec<String>", length(max = 8))]
    pub(super) servers: Vec<Spanned<String>>,
}

/// The processes that steps are compiled and run in.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Workers {
    /// Which runs may share a worker process.
    pub(super) isolation: Isolation,
    /// What every worker must promise on this machine before anything starts. `"all"` when absent.
    pub(super) require: Require,
    /// Bytes that one worker may have, over all runs that share it.
    #[schemars(with = "Option<u64>", range(min = LEAST_WORKER_BYTES, max = MOST_WORKER_BYTES))]
    pub(super) memory_bytes: Option<Spanned<u64>>,
    /// Runs after which a worker is replaced by a new one.
    #[schemars(with = "Option<u64>", range(min = 1, max = MOST_RUNS_PER_WORKER))]
    pub(super) runs_per_worker: Option<Spanned<u64>>,
}

/// One witness of the environment's log.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Witness {
    /// Its submission prefix, `https://HOST[:PORT][/PREFIX]`.
    #[schemars(with = "String", regex(pattern = "^https://"))]
    pub(super) url: Spanned<String>,
    /// Its public key as its operator publishes it, for cosignatures: `NAME+ID+KEY`.
    #[schemars(with = "String", length(min = 1, max = KEY_BYTES))]
    pub(super) key: Spanned<String>,
    /// PEM files with the certificates that the witness's own must lead to, relative to the
    /// environment's folder. At least one.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub(super) roots: Spanned<Vec<String>>,
    /// Names under `networks` whose addresses this witness may have.
    #[serde(default)]
    #[schemars(with = "Vec<Label>")]
    pub(super) networks: Vec<Spanned<Label>>,
    /// How long each part of an exchange may take; 10 seconds together when absent.
    #[serde(default)]
    pub(super) timeouts: Timeouts,
}

/// How many witnesses are enough, and what happens when fewer can be reached.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WitnessPolicy {
    /// How many of the witnesses must have cosigned; 1 to all of them.
    #[schemars(with = "u64", range(min = 1, max = MOST_WITNESSES))]
    pub(super) quorum: Spanned<u64>,
    /// Hours for which a cosignature counts. So long may the witnesses be away, and so long can an
    /// older copy of the log go unnoticed for whoever keeps them away. 24 when absent.
    #[schemars(with = "Option<u64>", range(min = 1, max = MOST_FRESH_HOURS))]
    pub(super) fresh_hours: Option<Spanned<u64>>,
    /// What happens to runs while fewer have cosigned.
    pub(super) unreachable: WhenUnreachable,
}

/// `"all"`, or a list of names.
#[derive(Default)]
pub(super) enum Require {
    #[default]
    All,
    These(Vec<Spanned<Label>>),
}

impl<'de> Deserialize<'de> for Require {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Require;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", or a list of promises such as [\"seccomp\"]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Require, E> {
                if text == ALL {
                    Ok(Require::All)
                } else {
                    Err(E::invalid_value(Unexpected::Str(text), &self))
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Require, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(Require::These(names))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Require {
    fn schema_name() -> Cow<'static, str> {
        "Require".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`\"all\"`, or the names of promises.",
            "oneOf": [
                { "const": ALL },
                { "type": "array", "items": generator.subschema_for::<Label>(), "uniqueItems": true },
            ],
        })
    }
}
