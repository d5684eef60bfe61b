//! Steps compiled for WebAssembly reach exactly what their signatures name.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::Path, process::Command};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm};

/// Builds a crate around `source` in a folder of its own, and makes a component of it.
fn seal(name: &str, source: &str) -> Vec<u8> {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::copy(sdk.join("../Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    // A `wit` folder of the author's, such as the build writes, does not matter.
    fs::create_dir(folder.path().join("wit")).unwrap();
    write(&folder.path().join("wit/world.wit"), "package local:other;\nworld other {}\n");
    write(&folder.path().join("src/lib.rs"), source);
    write(
        &folder.path().join("Cargo.toml"),
        &format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\
             [dependencies]\nstepward-sdk = {{ path = '{}' }}\n\
             [profile.dev]\npanic = \"abort\"\ndebug = false\n\
             [workspace]\n",
            sdk.display()
        ),
    );
    // One target folder for all of them, so that the dependencies are compiled once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sealed");
    #[expect(clippy::disallowed_methods, reason = "the test is about what the compiler makes")]
    let output = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet", "--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .current_dir(folder.path())
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = target.join("wasm32-unknown-unknown/debug").join(format!("{name}.wasm"));
    #[expect(clippy::disallowed_methods, reason = "the test looks at what the compiler made")]
    let core = fs::read(file).unwrap();
    assert!(exports(&core).contains(&"stepward-describe".to_owned()));
    ComponentEncoder::default().module(&core).unwrap().validate(true).encode().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the test writes a crate")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn exports(core: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(core) {
        if let Payload::ExportSection(section) = payload.unwrap() {
            names.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
        }
    }
    names
}

/// The imports of a component, each as `label: interface` or as the interface alone.
fn imports(component: &[u8]) -> Vec<String> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap() else {
        panic!("not a component");
    };
    let world = &resolve.worlds[world];
    assert_eq!(world.exports.len(), 1, "a step exports `run` alone");
    let mut imports: Vec<String> = world
        .imports
        .iter()
        .map(|(key, item)| match (key, item) {
            (wit_parser::WorldKey::Interface(id), _) => resolve.id_of(*id).unwrap(),
            (wit_parser::WorldKey::Name(name), wit_parser::WorldItem::Interface { id, .. }) => {
                format!("{name}: {}", resolve.id_of(*id).unwrap())
            }
            (wit_parser::WorldKey::Name(name), _) => name.clone(),
        })
        .filter(|import| import != "step-error")
        .collect();
    imports.sort();
    imports
}

#[test]
fn the_smallest_step_imports_nothing_but_the_log() {
    let component = seal(
        "smallest",
        "#![forbid(unsafe_code)]\n\
         #![deny(warnings)]\n\
         use stepward_sdk::StepError;\n\
         #[stepward_sdk::step]\n\
         fn double(number: u32) -> Result<u32, StepError> {\n\
             number.checked_mul(2).ok_or_else(|| StepError::permanent(\"too-large\", \"the double is too large\"))\n\
         }\n",
    );
    assert_eq!(imports(&component), ["stepward:step/log@0.1.0", "stepward:step/types@0.1.0"]);
}

#[test]
fn a_step_imports_what_its_parameters_name() {
    let component = seal(
        "everything",
        "#![forbid(unsafe_code)]\n\
         #![deny(warnings)]\n\
         use stepward_sdk::{Clock, Endpoint, Random, Secret, Signer, StepError};\n\
         #[stepward_sdk::step]\n\
         fn use_all(\n\
             mut input: Vec<u8>, erp: &Endpoint, crm: &Endpoint, payment_signing: &Signer,\n\
             api_token: &Secret, clock: &Clock, random: &Random,\n\
         ) -> Result<Vec<u8>, StepError> {\n\
             input.extend(erp.get([\"a\"]).send()?.bytes());\n\
             input.extend(crm.post([\"b\"]).operation(\"b\").json(&input).send()?.success()?.bytes());\n\
             input.extend(payment_signing.sign(&input)?.bytes());\n\
             input.extend(api_token.reveal()?.expose());\n\
             input.extend(clock.now().0.to_le_bytes());\n\
             input.extend(random.bytes(8));\n\
             stepward_sdk::log::info(\"done\");\n\
             Ok(input)\n\
         }\n",
    );
    assert_eq!(
        imports(&component),
        [
            "api-token: stepward:step/secret@0.1.0",
            "clock: stepward:step/clock@0.1.0",
            "crm: stepward:step/http-endpoint@0.1.0",
            "erp: stepward:step/http-endpoint@0.1.0",
            "payment-signing: stepward:step/signer@0.1.0",
            "random: stepward:step/random@0.1.0",
            "stepward:step/log@0.1.0",
            "stepward:step/types@0.1.0",
        ]
    );
}
