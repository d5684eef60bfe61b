//! An environment's key in a file, sealed under a passphrase.
//!
//! All integers are big-endian:
//!
//! ```text
//! magic[33]  "stepward environment key, sealed\n"
//! version    u8   1
//! memory     u32  KiB      ┐
//! passes     u32           │ Argon2id (RFC 9106), version 0x13
//! lanes      u32           │
//! salt[16]                 ┘
//! sealed[61]               1 || nonce[12] || AES-256-GCM-SIV(key[32]) with everything above as associated data
//! ```
//!
//! The length is fixed. That leaves no room for a file that opens under many passphrases, which a
//! cipher that does not commit to its key would otherwise allow.

use crate::aead::{KEY_BYTES, Key, OVERHEAD, random};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::ops::RangeInclusive;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;
use zeroize::{Zeroize as _, Zeroizing};

/// The passphrase is too short or too long.
const LENGTH: Rule = Rule::new("passphrase-length");
/// The cost of the passphrase's derivation is out of bounds.
const COST: Rule = Rule::new("passphrase-cost");
/// The machine cannot give the memory that the derivation needs.
const MEMORY: Rule = Rule::new("passphrase-memory");
/// The file is not a sealed environment key.
const FORM: Rule = Rule::new("sealed-key-form");
/// Only a key of the fixed length can be sealed.
const SEALS: Rule = Rule::new("sealed-key-length");
/// The passphrase is wrong or the file is damaged.
const OPENS: Rule = Rule::new("sealed-key-unopened");

/// How people know the file.
pub(super) const PLACE: &str = "the sealed environment key";
const MAGIC: &[u8; 33] = b"stepward environment key, sealed\n";
const VERSION: u8 = 1;
/// RFC 9106, section 3.1: 16 bytes are recommended.
const SALT_BYTES: usize = 16;
const HEADER_BYTES: usize = MAGIC.len() + 1 + 3 * 4 + SALT_BYTES;
/// Length of a sealed key's file in bytes.
pub const SEALED_KEY_BYTES: usize = HEADER_BYTES + KEY_BYTES + OVERHEAD;

/// Least length of a passphrase in bytes: what NIST SP 800-63B-4, section 3.1.1.2, asks of a
/// password that stands alone.
pub const PASSPHRASE_BYTES_MIN: usize = 15;
/// Largest passphrase in bytes: a page of text, and no file given by mistake.
pub const PASSPHRASE_BYTES_MAX: usize = 4096;

/// Memory in KiB. The least is the least that OWASP's password storage cheat sheet lists (7 MiB),
/// the most is the first recommended option of RFC 9106, section 4 (2 GiB).
const MEMORY_KIB: RangeInclusive<u32> = (7 << 10)..=(2 << 20);
/// Passes over the memory. OWASP's options have at most 5.
const PASSES: RangeInclusive<u32> = 1..=16;
/// Lanes. RFC 9106 recommends 4.
const LANES: RangeInclusive<u32> = 1..=16;
/// Memory times passes in KiB: from the weakest of OWASP's options (7 MiB, 5 passes) to a few
/// seconds of work.
const WORK_KIB: RangeInclusive<u32> = (35 << 10)..=(4 << 20);

/// What one guess of the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };

    /// A cost of `memory_kib` KiB, worked over `passes` times in `lanes` lanes.
    ///
    /// # Errors
    /// When it is so low that a passphrase could be guessed, or so high that a file could exhaust
    /// the machine: 7 MiB to 2 GiB, 1 to 16 passes and lanes, and memory times passes from 35 MiB
    /// to 4 GiB.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Fault> {
        let work = memory_kib.saturating_mul(passes);
        let bounded = MEMORY_KIB.contains(&memory_kib)
            && PASSES.contains(&passes)
            && LANES.contains(&lanes)
            && WORK_KIB.contains(&work);
        if bounded {
            return Ok(Self { memory_kib, passes, lanes });
        }
        Err(Fault::new(Class::Refused, Owner::Operator, COST)
            .at(PLACE)
            .says(format_args!("Argon2id with {memory_kib} KiB, {passes} passes and {lanes} lanes is out of bounds"))
            .hint(
                "allowed are 7 MiB to 2 GiB, 1 to 16 passes, 1 to 16 lanes, and 35 MiB to 4 GiB for memory times \
                 passes; recommended are 64 MiB, 3 passes and 4 lanes",
            ))
    }

    /// The key under which the environment's key is sealed.
    fn derive(self, passphrase: &Measured<'_>, salt: &[u8]) -> Result<Key, Fault> {
        let memory = || {
            Fault::new(Class::Unavailable, Owner::Operator, MEMORY)
                .at(PLACE)
                .says(format_args!("the machine does not give the {} KiB that this needs", self.memory_kib))
                .hint("free memory, or raise the limit of the service")
        };
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES)).map_err(|_| memory())?;
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(params.block_count()).map_err(|_| memory())?;
        blocks.resize(params.block_count(), Block::default());
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.0, salt, key.as_mut_slice(), &mut blocks);
        blocks.iter_mut().for_each(Block::zeroize);
        derived.map_err(|_| memory())?;
        Key::new(&key)
    }
}

/// Seals an environment's key of 32 bytes under a passphrase.
///
/// # Errors
/// When key or passphrase have another length than allowed, or the machine gives no memory or
/// randomness.
pub fn seal(passphrase: &SecretBytes, key: &SecretBytes, cost: Cost) -> Result<Vec<u8>, Fault> {
    let passphrase = Measured::check(passphrase)?;
    let key: &[u8; KEY_BYTES] = key.expose().try_into().map_err(|_| {
        Fault::new(Class::Refused, Owner::Operator, SEALS)
            .at(PLACE)
            .says(format_args!("an environment's key of {} bytes cannot be sealed", key.expose().len()))
            .hint(format_args!("it has exactly {KEY_BYTES} bytes"))
    })?;
    let mut file = Vec::with_capacity(SEALED_KEY_BYTES);
    file.extend_from_slice(MAGIC);
    file.push(VERSION);
    for number in [cost.memory_kib, cost.passes, cost.lanes] {
        file.extend_from_slice(&number.to_be_bytes());
    }
    let salt = random::<SALT_BYTES>()?;
    file.extend_from_slice(salt.as_slice());
    let sealed = cost.derive(&passphrase, salt.as_slice())?.wrap(&file, key)?;
    file.extend_from_slice(&sealed);
    Ok(file)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// When the file is not a sealed key, or asks for a cost out of bounds: that is refused before any
/// work is done. When the passphrase is wrong or the file is damaged: the two look alike, since
/// anything in the file that told them apart would help to guess the passphrase.
pub fn open(passphrase: &SecretBytes, file: &[u8]) -> Result<SecretBytes, Fault> {
    let passphrase = Measured::check(passphrase)?;
    let File { cost, salt, header, sealed } = File::parse(file)?;
    let key = cost.derive(&passphrase, salt)?.unwrap(header, sealed).map_err(|_| {
        Fault::new(Class::Refused, Owner::Operator, OPENS)
            .at(PLACE)
            .says("the passphrase is wrong, or the file is damaged: the two cannot be told apart")
            .hint("type the passphrase again; if it is right, restore the file from a backup")
    })?;
    Ok(SecretBytes::new(key.to_vec()))
}

/// A passphrase of a length that is worth working on.
struct Measured<'a>(&'a [u8]);

impl<'a> Measured<'a> {
    fn check(passphrase: &'a SecretBytes) -> Result<Self, Fault> {
        let length = passphrase.expose().len();
        if (PASSPHRASE_BYTES_MIN..=PASSPHRASE_BYTES_MAX).contains(&length) {
            return Ok(Self(passphrase.expose()));
        }
        Err(Fault::new(Class::Refused, Owner::Operator, LENGTH)
            .at(PLACE)
            .says(format_args!("a passphrase of {length} bytes is not allowed"))
            .hint(format_args!(
                "it has {PASSPHRASE_BYTES_MIN} to {PASSPHRASE_BYTES_MAX} bytes: five random words do"
            )))
    }
}

/// A file whose form and cost were checked.
struct File<'a> {
    cost: Cost,
    salt: &'a [u8],
    header: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> File<'a> {
    fn parse(file: &'a [u8]) -> Result<Self, Fault> {
        let malformed = |why: &dyn std::fmt::Display| {
            Fault::new(Class::BadInput, Owner::Operator, FORM)
                .at(PLACE)
                .says(format_args!("this is not a sealed environment key: {why}"))
                .hint("restore the file from a backup")
        };
        if file.len() != SEALED_KEY_BYTES {
            return Err(malformed(&format_args!(
                "it has {} bytes instead of {SEALED_KEY_BYTES}",
                file.len()
            )));
        }
        let cut = || malformed(&"it is cut short");
        let (header, sealed) = file.split_at_checked(HEADER_BYTES).ok_or_else(cut)?;
        let rest = header.strip_prefix(MAGIC).ok_or_else(|| malformed(&"it does not begin like one"))?;
        let (version, rest) = rest.split_first().ok_or_else(cut)?;
        if *version != VERSION {
            return Err(malformed(&format_args!("it has the unknown version {version}")));
        }
        let (memory, rest) = number(rest).ok_or_else(cut)?;
        let (passes, rest) = number(rest).ok_or_else(cut)?;
        let (lanes, salt) = number(rest).ok_or_else(cut)?;
        Ok(Self { cost: Cost::new(memory, passes, lanes)?, salt, header, sealed })
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::{Cost, HEADER_BYTES, MAGIC, SEALED_KEY_BYTES, open, seal};
    use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
    use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};
    use stepward_seam::SecretBytes;

    /// The least that is allowed, so that a test is quick.
    const QUICK: Cost = Cost { memory_kib: 7 << 10, passes: 5, lanes: 1 };

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::new(text.as_bytes().to_vec())
    }

    fn passphrase() -> SecretBytes {
        secret("correct horse battery staple")
    }

    fn rule(file: &[u8]) -> &'static str {
        open(&passphrase(), file).unwrap_err().rule().as_str()
    }

    fn asking(memory_kib: u32, passes: u32, lanes: u32) -> Vec<u8> {
        let numbers = [memory_kib, passes, lanes].into_iter().flat_map(u32::to_be_bytes);
        let mut file: Vec<u8> = MAGIC.iter().copied().chain([1]).chain(numbers).collect();
        file.resize(SEALED_KEY_BYTES, 1);
        file
    }

    /// RFC 9106, section 5.3.
    #[test]
    fn the_vector_of_rfc_9106() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let mut tag = [0; 32];
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
            .unwrap()
            .hash_password_into(&[1; 32], &[2; 16], &mut tag)
            .unwrap();
        assert_eq!(hex::encode(tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    }

    #[test]
    fn a_sealed_key_opens_with_its_passphrase_alone() {
        let key = SecretBytes::new((0..32).collect());
        let file = seal(&passphrase(), &key, Cost::RECOMMENDED).unwrap();
        assert_eq!(file.len(), SEALED_KEY_BYTES);
        assert_eq!(open(&passphrase(), &file).unwrap().expose(), key.expose());
        let fault = open(&secret("correct horse battery stable"), &file).unwrap_err();
        assert_eq!(fault.rule().as_str(), "sealed-key-unopened");
        assert!(fault.message().contains("cannot be told apart"), "{fault}");
        assert_ne!(file, seal(&passphrase(), &key, Cost::RECOMMENDED).unwrap());
    }

    #[test]
    fn one_flipped_bit_in_every_byte_is_refused() {
        let file = seal(&passphrase(), &SecretBytes::new(vec![7; 32]), QUICK).unwrap();
        for at in 0..file.len() {
            let mut file = file.clone();
            // Chosen so that a changed cost is out of bounds or as cheap as the true one.
            file[at] ^= 1 << (7 - at % 8);
            let expected: &[&str] = match at {
                0..34 => &["sealed-key-form"],
                34..46 => &["passphrase-cost", "sealed-key-unopened"],
                _ => &["sealed-key-unopened"],
            };
            assert!(expected.contains(&rule(&file)), "byte {at}");
        }
    }

    #[test]
    fn a_hostile_cost_is_refused_before_any_work() {
        let tib = u32::MAX >> 2;
        for (memory, passes, lanes) in [
            (tib, 1, 1),
            (u32::MAX, u32::MAX, u32::MAX),
            (64 << 10, u32::MAX, 4),
            (64 << 10, 3, u32::MAX),
            (2 << 20, 16, 4),
            (8, 1, 1),
            (7 << 10, 1, 1),
            (0, 0, 0),
            (64 << 10, 0, 4),
            (64 << 10, 3, 0),
        ] {
            assert_eq!(rule(&asking(memory, passes, lanes)), "passphrase-cost", "{memory} {passes} {lanes}");
            assert!(Cost::new(memory, passes, lanes).is_err());
        }
        for (memory, passes, lanes) in [(2 << 20, 1, 4), (46 << 10, 1, 1), (19 << 10, 2, 1), (7 << 10, 5, 1)]
        {
            assert!(Cost::new(memory, passes, lanes).is_ok(), "{memory} {passes} {lanes}");
        }
    }

    #[test]
    fn lengths_are_strict() {
        let file = seal(&passphrase(), &SecretBytes::new(vec![7; 32]), QUICK).unwrap();
        for length in [0, 1, HEADER_BYTES, file.len() - 1] {
            assert_eq!(rule(&file[..length]), "sealed-key-form");
        }
        assert_eq!(rule(&[file.as_slice(), b"\n"].concat()), "sealed-key-form");
        let refused = |passphrase: &SecretBytes, key: usize| {
            seal(passphrase, &SecretBytes::new(vec![7; key]), QUICK).unwrap_err().rule().as_str()
        };
        assert_eq!(refused(&passphrase(), 31), "sealed-key-length");
        assert_eq!(refused(&passphrase(), 33), "sealed-key-length");
        assert_eq!(refused(&secret("fourteen chars"), 32), "passphrase-length");
        assert_eq!(refused(&secret(&"x".repeat(4097)), 32), "passphrase-length");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn hostile_files_are_refused_at_once(file in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(rule(&file), "sealed-key-form");
        }

        #[test]
        fn a_random_cost_is_refused_at_once(tail in prop::collection::vec(any::<u8>(), SEALED_KEY_BYTES - 34)) {
            // One of these within the bounds has a chance of one in 10^18.
            let file = [MAGIC.as_slice(), &[1], &tail].concat();
            prop_assert_eq!(rule(&file), "passphrase-cost");
        }
    }
}
