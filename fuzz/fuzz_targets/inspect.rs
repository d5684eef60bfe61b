//! Everything that is read of a component before it is compiled. Seeds: `corpus/inspect`.
#![no_main]

use stepward_sandbox::Inspected;
use stepward_seam::Limits;
use stepward_trust::Pinned;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Inspected::read(Pinned::trust_on_first_use(bytes.to_vec()), &Limits::default());
});
