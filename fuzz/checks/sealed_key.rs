//! What holds of all bytes that stand where an environment's key is kept under a passphrase.
#![allow(clippy::unwrap_used, reason = "what is unwrapped was checked")]

use stepward_fault::{Fault, shown};
use stepward_seam::SecretBytes;
use stepward_vault::passphrase::{self, Cost, SEALED_KEY_BYTES};

/// The passphrase of the seeds.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
/// What a file begins with: its form and version.
const BEGINNING: &[u8] = b"stepward environment key, sealed\n\x01";
/// What a file may ask for: KiB, passes over them, lanes, and KiB times passes.
const MEMORY_KIB: std::ops::RangeInclusive<u64> = 7 << 10..=2 << 20;
const PASSES: std::ops::RangeInclusive<u64> = 1..=16;
const LANES: std::ops::RangeInclusive<u64> = 1..=16;
const WORK_KIB: std::ops::RangeInclusive<u64> = 35 << 10..=4 << 20;

/// Offers the bytes as such a file. One that asks for nothing out of bounds would be worked on, for seconds at
/// most; that is left out, and the cost is given. Any other is refused at once.
pub(crate) fn check(bytes: &[u8]) -> Result<Cost, Fault> {
    let asked = bytes.strip_prefix(BEGINNING).filter(|_| bytes.len() == SEALED_KEY_BYTES).map(numbers);
    if let Some(numbers) = asked {
        let [memory, passes, lanes] = numbers;
        let cost = Cost::new(memory, passes, lanes);
        let [memory, passes, lanes] = numbers.map(u64::from);
        let bounded = MEMORY_KIB.contains(&memory)
            && PASSES.contains(&passes)
            && LANES.contains(&lanes)
            && WORK_KIB.contains(&(memory * passes));
        assert_eq!(cost.is_ok(), bounded, "{memory} {passes} {lanes}");
        if bounded {
            return cost;
        }
    }
    let fault = open(bytes).unwrap_err();
    assert_eq!(fault.rule().as_str(), if asked.is_some() { "passphrase-cost" } else { "sealed-key-form" });
    assert_eq!(shown(fault.message()).to_string(), fault.message());
    Err(fault)
}

/// Opens the file, whatever it costs.
pub(crate) fn open(bytes: &[u8]) -> Result<SecretBytes, Fault> {
    passphrase::open(&SecretBytes::new(PASSPHRASE.as_bytes().to_vec()), bytes)
}

/// The three numbers at the beginning.
fn numbers(bytes: &[u8]) -> [u32; 3] {
    let number = |at: usize| u32::from_be_bytes(*bytes[4 * at..].first_chunk().unwrap());
    [number(0), number(1), number(2)]
}
