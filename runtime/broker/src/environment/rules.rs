//! The names of the rules that an environment file is held to.

use stepward_fault::Rule;

/// Not TOML, an unknown key, or a value of the wrong kind.
pub(super) const SYNTAX: Rule = Rule::new("environment-syntax");
/// The file is larger than [`FILE_BYTES`].
pub(super) const SIZE: Rule = Rule::new("environment-size");
/// A name is used that nothing declares.
pub(super) const UNDECLARED: Rule = Rule::new("environment-undeclared");
/// A declared thing is used by nothing. A warning.
pub(super) const UNUSED: Rule = Rule::new("environment-unused");
/// A list that needs an entry has none, or names one twice.
pub(super) const LIST: Rule = Rule::new("environment-list");
/// A URL that is not `https://HOST[:PORT][/BASE]`.
pub(super) const URL: Rule = Rule::new("environment-url");
/// A root's file name that leaves the environment's folder.
pub(super) const ROOT_NAME: Rule = Rule::new("environment-root-name");
/// A credential whose settings do not fit its form.
pub(super) const CREDENTIAL: Rule = Rule::new("environment-credential");
/// A header name that is malformed or that the host needs for itself.
pub(super) const HEADER: Rule = Rule::new("environment-header");
/// A number out of its bounds.
pub(super) const NUMBER: Rule = Rule::new("environment-number");
/// A network range that is malformed or so wide that it switches the address policy off.
pub(super) const NETWORK: Rule = Rule::new("environment-network");
/// A name server that is not `ADDRESS:PORT`.
pub(super) const RESOLVER: Rule = Rule::new("environment-resolver");
/// A secret's version that is empty, too long or not visible ASCII.
pub(super) const VERSION: Rule = Rule::new("environment-version");
/// A secret with two uses, one of which would undo the other's protection.
pub(super) const SECRET_TWO_USES: Rule = Rule::new("environment-secret-two-uses");
/// Witnesses and their policy that do not go together, or a key that is none.
pub(super) const WITNESSES: Rule = Rule::new("environment-witnesses");

/// Largest environment file in bytes: some thousands of endpoints, and nothing that could tire a
/// parser.
pub(super) const FILE_BYTES: usize = 1 << 20;
/// Longest version of a secret, in bytes; it stands in every log line about the secret.
pub(super) const VERSION_BYTES: usize = 64;
/// Most name servers; the resolver tries them all.
pub(super) const SERVERS: usize = 8;
/// Least memory of a worker: a run of the default limit, its code and the engine beside it.
pub(super) const LEAST_WORKER_BYTES: u64 = 256 << 20;
/// Most memory of a worker: 1 TiB, more than the pool of its engine reserves for guests.
pub(super) const MOST_WORKER_BYTES: u64 = 1 << 40;
/// Most runs of one worker, so that none lives for ever.
pub(super) const MOST_RUNS_PER_WORKER: u64 = 1_000_000;
/// Widest IPv4 range that a name may allow: `10.0.0.0/8`.
pub(super) const IPV4_PREFIX: u8 = 8;
/// Widest IPv6 range that a name may allow: `fc00::/7`.
pub(super) const IPV6_PREFIX: u8 = 7;
/// Most witnesses: with the log's own signature, the 16 that every reader of a signed note must take
/// (C2SP signed-note, "Format").
pub(super) const MOST_WITNESSES: u64 = 15;
/// Most hours for which a cosignature may count: 31 days, for so long can an older copy go unnoticed.
pub(super) const MOST_FRESH_HOURS: u64 = 31 * 24;
/// Longest public key of a witness, in bytes: a name of 255, and what an Ed25519 key takes thrice over.
pub(super) const KEY_BYTES: usize = 512;
