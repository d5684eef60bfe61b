//! The path of a tile. Seeds: `corpus/tile_path`.
#![no_main]

#[path = "../checks/tile_path.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = check::check(text);
});
