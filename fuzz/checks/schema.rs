//! What holds of all bytes that stand where a component carries its schemas.
#![allow(clippy::unwrap_used, reason = "the component beside the bytes is sound")]

use std::sync::LazyLock;
use stepward_fault::Fault;
use stepward_sandbox::Inspected;
use stepward_seam::Limits;
use stepward_trust::Pinned;

/// A sound component, but for the schemas.
static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| wat::parse_str(include_str!("null.wat")).unwrap());

/// Largest schema section.
const SCHEMAS_BYTES: usize = 1 << 20;

/// Reads the bytes as the schemas of a component, where they are taken exactly when they are text of
/// the right size, and as further sections of it.
pub(crate) fn check(bytes: &[u8]) -> [Result<Option<String>, Fault>; 2] {
    let as_schemas = read(&section(bytes));
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= SCHEMAS_BYTES => {
            assert_eq!(as_schemas.as_ref().unwrap().as_deref(), Some(text));
        }
        _ => assert_eq!(as_schemas.as_ref().unwrap_err().rule().as_str(), "component-invalid"),
    }
    [as_schemas, read(bytes)]
}

fn read(sections: &[u8]) -> Result<Option<String>, Fault> {
    let pinned = Pinned::trust_on_first_use([COMPONENT.as_slice(), sections].concat());
    let inspected = Inspected::read(pinned, &Limits::default())?;
    Ok(inspected.schemas().map(str::to_owned))
}

/// A custom section: its kind, its size, the size of its name, its name and its content.
fn section(content: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"stepward:schemas";
    let mut size = 1 + NAME.len() + content.len();
    let mut section = vec![0];
    // LEB128.
    while size >= 0x80 {
        section.push(size.to_le_bytes()[0] | 0x80);
        size >>= 7;
    }
    section.extend([size.to_le_bytes()[0], NAME.len().to_le_bytes()[0]]);
    [section.as_slice(), NAME, content].concat()
}
