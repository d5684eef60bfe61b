//! Keys and sealed values of one environment: what the log commits to and does not say.
//!
//! The log says what happened and carries no data. Inputs, outputs and replies, the *bodies*, are
//! sealed here under a key for each run, and can be made unreadable for good, run by run, while
//! the log still verifies.
//!
//! ```text
//! environment key         environment.key, a systemd credential, or environment.sealed and a passphrase
//!   │ HKDF-SHA-256
//!   ├─ log signing key    Ed25519 seed: the checkpoints of the log
//!   ├─ pseudonyms         HMAC-SHA-256: what stands for a person
//!   └─ wrapping of wrapping keys
//!        │ AES-256-GCM-SIV                                              wrapping.db
//!        └─ wrapping key of a week        random, destroyed on rotation
//!             │ AES-256-GCM-SIV                                         keys.db
//!             └─ run key                  random, one for each run
//!                  │ AES-256-GCM-SIV                                    beside the log
//!                  └─ body                salt[32] || bytes, bound to its event
//! ```
//!
//! # What erasure means
//!
//! [`RunKeys::erase`] removes a run's wrapped key from keys.db at once: this installation opens the
//! run's bodies no more. Copies of keys.db still hold the wrapped key, so the erasure is *complete*
//! when the wrapping key of that week is destroyed. [`RunKeys::rotate`] does so from the next Monday
//! 00:00 UTC on, after it has wrapped the keys of the other runs of that week anew, and
//! [`Erased`] says when. Three things stay with whoever operates the environment:
//!
//! - Backups of wrapping.db hold wrapping keys. Those made before the destruction must be destroyed,
//!   too; that is why the two databases are two files, and why few copies of the small one suffice.
//! - Content is overwritten in the files, their logs are emptied, and the databases are rewritten, since
//!   SQLite's `secure_delete` leaves stale copies of a few rows that it moved. A keys.db of more than
//!   16 MiB is not rewritten: there such a copy may stay, as in any older copy of the file, until the
//!   wrapping key is destroyed. What a file system with snapshots or a worn flash cell keeps is out of
//!   reach: there, an erasure is as good as the secrecy of the environment's key.
//! - A [`RunKey`] that is in memory goes on working until it is dropped.
//!
//! A tombstone with the run's name and two times stays, so that no name gets a second key and
//! "erased" can be told from "never was".
//!
//! # What is read and what is not
//!
//! Times are handed in, in Unix milliseconds; keys and sealed files are handed in as bytes. Random
//! bytes come from the cryptographic library. The two databases are opened by path, since SQLite
//! does so. Nothing else is read: no clock, no variable, no folder.
//!
//! ```
//! use stepward_seam::SecretBytes;
//! use stepward_vault::{BodyContext, Completion, EnvironmentRoot, KeySource, Lookup, RunKeys};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (path, now_ms) = (folder.path(), 1_794_787_200_000);
//! # let environment_key = SecretBytes::new(vec![7; 32]);
//! let root = EnvironmentRoot::derive(&KeySource::File(environment_key).open()?)?;
//! let keys = RunKeys::open(&path.join("keys.db"), &path.join("wrapping.db"), &root)?;
//!
//! let key = keys.create("run-1", now_ms)?;
//! let context = BodyContext { environment: "dev", run: "run-1", kind: "call-answered" };
//! let sealed = key.seal(context, b"{\"amount\":1200}")?;
//! assert_eq!(key.open(context, &sealed.commitment, &sealed.bytes)?, b"{\"amount\":1200}");
//!
//! let erased = keys.erase("run-1", now_ms)?;
//! assert!(matches!(keys.get("run-1")?, Lookup::Erased { .. }));
//! keys.rotate(erased.complete_at_ms())?;
//! assert!(matches!(keys.erase("run-1", now_ms)?.completion, Completion::Done { .. }));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod aead;
mod body;
mod commitment;
mod keys;
mod root;
mod source;

pub use body::{BODY_BYTES, BodyContext, RunKey, SEALED_OVERHEAD, Sealed};
pub use commitment::{Commitment, SALT_BYTES};
pub use keys::{Begun, Completion, Erased, Held, Lookup, RUN_NAME_BYTES, Rotated, RunKeys};
pub use root::{ENVIRONMENT_KEY_BYTES, EnvironmentRoot};
pub use source::{ENVIRONMENT_KEY_BYTES_MAX, KeySource, passphrase};
