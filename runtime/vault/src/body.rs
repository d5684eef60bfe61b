//! Bodies of events, sealed under the key of their run.
//!
//! A sealed body is `1 || nonce[12] || AES-256-GCM-SIV(run key, nonce, aad, salt[32] || body)`. The
//! associated data is a list with lengths: `stepward/1 body`, the environment, the run, the kind of
//! event and the commitment. The commitment is random for each event and stands in exactly one, so
//! it binds the body to its event before that has a sequence number.
//!
//! AES-GCM-SIV does not commit to its key: whoever holds two keys can make bytes that open under
//! both. What binds a body is the commitment, which [`RunKey::open`] computes again and compares.

use crate::{
    aead::{KEY_BYTES, Key, NONCE_BYTES, OVERHEAD, Unopened, list, random},
    commitment::{Commitment, SALT_BYTES},
};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

/// The body is larger than [`BODY_BYTES`].
const SIZE: Rule = Rule::new("body-size");
/// The sealed body does not open under this run's key for this event.
const UNREADABLE: Rule = Rule::new("body-unreadable");
/// The sealed body opens, but is not what its event committed to.
const COMMITMENT: Rule = Rule::new("body-commitment");

/// Largest body in bytes: the highest ceiling that an operator can set for the input or the output
/// of a step, and little enough that a hostile row cannot exhaust the memory of who opens it.
pub const BODY_BYTES: usize = 64 << 20;
/// What sealing adds to a body, in bytes: form, nonce, salt and tag.
pub const SEALED_OVERHEAD: usize = OVERHEAD + SALT_BYTES;
/// Keeps the associated data of bodies apart from every other.
const DOMAIN: &[u8] = b"stepward/1 body";

/// Where a body belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyContext<'a> {
    /// The environment's name, without its log's generation.
    pub environment: &'a str,
    /// The run.
    pub run: &'a str,
    /// The event's action word, such as `call-answered`.
    pub kind: &'a str,
}

impl BodyContext<'_> {
    fn associated(&self, commitment: &Commitment) -> Vec<u8> {
        list(&[
            DOMAIN,
            self.environment.as_bytes(),
            self.run.as_bytes(),
            self.kind.as_bytes(),
            commitment.as_bytes(),
        ])
    }

    fn invalid(&self, rule: Rule) -> Fault {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(format_args!("run {}", self.run))
    }
}

/// A sealed body and what its event says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Stands in the event.
    pub commitment: Commitment,
    /// Stored beside the event.
    pub bytes: Vec<u8>,
}

/// The key of one run.
///
/// Its bytes are not kept in Rust's memory, cannot be read or copied, and are wiped when it is
/// dropped. An erasure does not reach a key that is held: whoever erases a run drops it first.
pub struct RunKey(Key);

impl RunKey {
    pub(crate) fn new(bytes: &[u8; KEY_BYTES]) -> Result<Self, Fault> {
        Key::new(bytes).map(Self)
    }

    /// Seals a body for one event.
    ///
    /// # Errors
    /// When the body is larger than [`BODY_BYTES`], or the system gives no random bytes.
    pub fn seal(&self, context: BodyContext<'_>, body: &[u8]) -> Result<Sealed, Fault> {
        if body.len() > BODY_BYTES {
            return Err(Fault::new(Class::LimitExceeded, Owner::Embedder, SIZE)
                .at(format_args!("run {}", context.run))
                .says(format_args!("a body of {} bytes cannot be sealed", body.len()))
                .hint(format_args!("the largest has {BODY_BYTES} bytes: lower the limits of the step"))
                .limit("body-bytes"));
        }
        // Salt and nonce in one draw: the generator's cost is per call.
        let random = random::<{ SALT_BYTES + NONCE_BYTES }>()?;
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        salt.iter_mut().chain(&mut nonce).zip(random.iter()).for_each(|(to, from)| *to = *from);
        let commitment = Commitment::to(&salt, body);
        self.seal_as(context, commitment, nonce, &salt, body)
    }

    fn seal_as(
        &self,
        context: BodyContext<'_>,
        commitment: Commitment,
        nonce: [u8; NONCE_BYTES],
        salt: &[u8; SALT_BYTES],
        body: &[u8],
    ) -> Result<Sealed, Fault> {
        let bytes = self.0.seal(nonce, &context.associated(&commitment), &[salt, body])?;
        Ok(Sealed { commitment, bytes })
    }

    /// Opens the body of the event that says `commitment`.
    ///
    /// # Errors
    /// `body-unreadable`: the bytes are damaged, or belong to another run or another event; which
    /// of them cannot be known. `body-commitment`: the bytes open but are not what the event
    /// committed to, so somebody who holds the run's key sealed them.
    pub fn open(
        &self,
        context: BodyContext<'_>,
        commitment: &Commitment,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let unreadable = |why: &dyn fmt::Display| {
            context
                .invalid(UNREADABLE)
                .says(format_args!("a body of the event {} cannot be opened: {why}", context.kind))
                .hint(
                    "it is damaged, or was taken from another run or event: restore ledger.db and keys.db from \
                     one backup, and compare",
                )
        };
        if sealed.len() > BODY_BYTES + SEALED_OVERHEAD {
            return Err(unreadable(&format_args!("it has {} bytes, more than any body", sealed.len())));
        }
        let mut opened = self
            .0
            .open(&context.associated(commitment), sealed)
            .map_err(|unopened: Unopened| unreadable(&unopened))?;
        let Some((salt, body)) = opened.split_first_chunk::<SALT_BYTES>() else {
            return Err(unreadable(&Unopened::Short));
        };
        if Commitment::to(salt, body) != *commitment {
            return Err(context
                .invalid(COMMITMENT)
                .says(format_args!(
                    "a body of the event {} is not the one that the event committed to",
                    context.kind
                ))
                .hint(
                    "somebody who holds this run's key replaced it: find out who had access to the key store",
                ));
        }
        opened.drain(..SALT_BYTES);
        Ok(std::mem::take(&mut *opened))
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{BODY_BYTES, BodyContext, Commitment, RunKey, SEALED_OVERHEAD, Sealed};
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, prop_assert_ne, proptest};

    const CONTEXT: BodyContext<'static> =
        BodyContext { environment: "dev", run: "r-1", kind: "call-answered" };

    fn key(byte: u8) -> RunKey {
        RunKey::new(&[byte; 32]).unwrap()
    }

    fn rule(context: BodyContext<'_>, commitment: &Commitment, bytes: &[u8]) -> &'static str {
        key(1).open(context, commitment, bytes).unwrap_err().rule().as_str()
    }

    #[test]
    fn a_body_belongs_to_one_environment_run_kind_event_and_key() {
        let Sealed { commitment, bytes } = key(1).seal(CONTEXT, b"amount 1200").unwrap();
        assert_eq!(bytes.len(), b"amount 1200".len() + SEALED_OVERHEAD);
        assert_eq!(key(1).open(CONTEXT, &commitment, &bytes).unwrap(), b"amount 1200");
        for context in [
            BodyContext { environment: "prod", ..CONTEXT },
            BodyContext { run: "r-2", ..CONTEXT },
            BodyContext { kind: "call-intended", ..CONTEXT },
            BodyContext { environment: "devr", run: "-1", ..CONTEXT },
        ] {
            assert_eq!(rule(context, &commitment, &bytes), "body-unreadable", "{context:?}");
        }
        let other = key(1).seal(CONTEXT, b"amount 1200").unwrap();
        assert_ne!(other.commitment, commitment);
        assert_eq!(rule(CONTEXT, &other.commitment, &bytes), "body-unreadable");
        assert_eq!(key(2).open(CONTEXT, &commitment, &bytes).unwrap_err().rule().as_str(), "body-unreadable");
    }

    #[test]
    fn what_a_holder_of_the_key_sealed_in_its_place_is_told_apart() {
        let Sealed { commitment, .. } = key(1).seal(CONTEXT, b"amount 1200").unwrap();
        let forged = key(1).seal_as(CONTEXT, commitment, [0; 12], &[0; 32], b"amount 9200").unwrap();
        assert_eq!(rule(CONTEXT, &commitment, &forged.bytes), "body-commitment");
        let short = key(1).0.seal([0; 12], &CONTEXT.associated(&commitment), &[&[0; 31]]).unwrap();
        assert_eq!(rule(CONTEXT, &commitment, &short), "body-unreadable");
    }

    #[test]
    fn the_largest_body_passes_and_one_byte_more_does_not() {
        let body = vec![5; BODY_BYTES + 1];
        let fault = key(1).seal(CONTEXT, &body).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.limited()), ("body-size", Some("body-bytes")));
        let sealed = key(1).seal(CONTEXT, &body[..BODY_BYTES]).unwrap();
        assert_eq!(key(1).open(CONTEXT, &sealed.commitment, &sealed.bytes).unwrap().len(), BODY_BYTES);
        let huge = vec![1; BODY_BYTES + SEALED_OVERHEAD + 1];
        let fault = key(1).open(CONTEXT, &sealed.commitment, &huge).unwrap_err();
        assert!(fault.message().contains("more than any body"), "{fault}");
    }

    #[test]
    fn a_key_shows_nothing_and_equal_bodies_look_different() {
        assert_eq!(format!("{:?}", key(1)), "RunKey(…)");
        let (a, b) = (key(1).seal(CONTEXT, b"x").unwrap(), key(1).seal(CONTEXT, b"x").unwrap());
        assert_ne!(a.bytes, b.bytes);
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(body in prop::collection::vec(any::<u8>(), 0..2048), run in ".{0,40}", kind in ".{0,20}") {
            let context = BodyContext { environment: "dev", run: &run, kind: &kind };
            let sealed = key(1).seal(context, &body).unwrap();
            prop_assert_eq!(key(1).open(context, &sealed.commitment, &sealed.bytes).unwrap(), body);
        }

        #[test]
        fn any_flipped_bit_is_refused(body in prop::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), bit in 0..8u32) {
            let mut sealed = key(1).seal(CONTEXT, &body).unwrap();
            let at = at.index(sealed.bytes.len());
            sealed.bytes[at] ^= 1u8 << bit;
            prop_assert_eq!(rule(CONTEXT, &sealed.commitment, &sealed.bytes), "body-unreadable");
        }

        #[test]
        fn any_other_context_or_commitment_is_refused(environment in ".{0,8}", run in ".{0,8}", kind in ".{0,8}", bit in 0..256usize) {
            let context = BodyContext { environment: &environment, run: &run, kind: &kind };
            let sealed = key(1).seal(CONTEXT, b"body").unwrap();
            prop_assert_ne!(context, CONTEXT);
            prop_assert!(key(1).open(context, &sealed.commitment, &sealed.bytes).is_err());
            let mut other = *sealed.commitment.as_bytes();
            other[bit / 8] ^= 1u8 << (bit % 8);
            prop_assert_eq!(rule(CONTEXT, &Commitment::from_bytes(other), &sealed.bytes), "body-unreadable");
        }

        #[test]
        fn hostile_bytes_never_open(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            prop_assert_eq!(rule(CONTEXT, &Commitment::from_bytes([0; 32]), &bytes), "body-unreadable");
        }
    }
}
