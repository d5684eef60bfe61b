//! Bundles of entries: each behind its length in two bytes, most significant first (C2SP tlog-tiles,
//! "Log entries").

/// The longest entry that a bundle can hold, in bytes: what its length's two bytes can say.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Bytes of an entry's length.
const LENGTH_BYTES: usize = 2;

/// The largest bundle in bytes: 256 of the longest entries, 16 MiB.
pub(super) const MAX_BUNDLE_BYTES: usize = 256 * (LENGTH_BYTES + MAX_ENTRY_BYTES);

/// Appends an entry to a bundle; nothing when it is too long.
pub(super) fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    bundle.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
    bundle.extend_from_slice(entry);
    Some(())
}

/// The first `count` entries of a bundle and what comes after them; nothing when it ends before.
pub(super) fn split(bundle: &[u8], count: u64) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    Some((entries, rest))
}
