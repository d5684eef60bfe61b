//! `signer`, `secret`, `clock` and `random` of `stepward:step`.

use super::{Ctx, ask, mismatch};
use crate::ending::Ended;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{self as seam, Body, HostCall, HostReply, Label};
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

/// More random bytes in one call than the contract allows.
const RANDOM_COUNT: Rule = Rule::new("random-count");
/// A reply read from a file cannot reveal the bytes of a secret.
const SECRET_ABSENT: Rule = Rule::new("secret-absent");
/// Most random bytes in one call, as `wit/step.wit` says.
pub const MAX_RANDOM: u32 = 4096;

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum Algorithm {
    #[component(name = "hmac-sha256")]
    HmacSha256,
    #[component(name = "ed25519")]
    Ed25519,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Signature {
    algorithm: Algorithm,
    #[component(name = "key-version")]
    key_version: String,
    bytes: Vec<u8>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Revealed {
    version: String,
    value: Vec<u8>,
}

pub(super) fn link_signer(instance: &mut LinkerInstance<'_, Ctx>, label: &Label) -> wasmtime::Result<()> {
    let label = label.clone();
    instance.func_wrap_async("sign", move |mut store, (message,): (Vec<u8>,)| {
        let call = Box::new(HostCall::Sign { signer: label.clone(), message: Body(message) });
        Box::new(async move {
            let HostReply::Sign(answer) = ask(&mut store, call).await? else { return Err(mismatch()) };
            let signature = answer.map_err(|refusal| refusal.rule).map(|signature| Signature {
                algorithm: match signature.algorithm {
                    seam::Algorithm::HmacSha256 => Algorithm::HmacSha256,
                    seam::Algorithm::Ed25519 => Algorithm::Ed25519,
                },
                key_version: signature.key_version,
                bytes: signature.bytes.0,
            });
            Ok((signature,))
        })
    })
}

pub(super) fn link_secret(instance: &mut LinkerInstance<'_, Ctx>, label: &Label) -> wasmtime::Result<()> {
    let label = label.clone();
    instance.func_wrap_async("reveal", move |mut store, (): ()| {
        let call = Box::new(HostCall::Reveal { secret: label.clone() });
        Box::new(async move {
            let HostReply::Reveal(answer) = ask(&mut store, call).await? else { return Err(mismatch()) };
            let revealed = match answer {
                Ok(seam::Revealed { value: Some(value), version, .. }) => {
                    Ok(Revealed { version, value: value.expose().to_vec() })
                }
                Ok(seam::Revealed { value: None, name, version, .. }) => return Err(absent(&name, &version)),
                Err(refusal) => Err(refusal.rule),
            };
            Ok((revealed,))
        })
    })
}

fn absent(name: &str, version: &str) -> wasmtime::Error {
    wasmtime::Error::new(Ended::Stopped(secret_absent(format_args!(
        "the recorded reply names secret `{name}` version {version} but does not hold its bytes"
    ))))
}

pub(crate) fn secret_absent(says: impl fmt::Display) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, SECRET_ABSENT)
        .says(says)
        .hint("traces and cases never hold revealed secrets; give the environment that has this version")
}

pub(super) fn link_clock(instance: &mut LinkerInstance<'_, Ctx>, label: &Label) -> wasmtime::Result<()> {
    let label = label.clone();
    instance.func_wrap_async("now", move |mut store, (): ()| {
        let call = Box::new(HostCall::Now { clock: label.clone() });
        Box::new(async move {
            let HostReply::Now(millis) = ask(&mut store, call).await? else { return Err(mismatch()) };
            Ok((millis,))
        })
    })
}

pub(super) fn link_random(instance: &mut LinkerInstance<'_, Ctx>, label: &Label) -> wasmtime::Result<()> {
    let label = label.clone();
    instance.func_wrap_async("bytes", move |mut store, (count,): (u32,)| {
        let call = Box::new(HostCall::Random { random: label.clone(), count });
        Box::new(async move {
            if count > MAX_RANDOM {
                return Err(too_many(count));
            }
            let HostReply::Random(bytes) = ask(&mut store, call).await? else { return Err(mismatch()) };
            Ok((bytes.0,))
        })
    })
}

fn too_many(count: u32) -> wasmtime::Error {
    wasmtime::Error::new(Ended::Stopped(random_count(format_args!(
        "the step asked for {count} random bytes in one call; the most is {MAX_RANDOM}"
    ))))
}

pub(crate) fn random_count(says: impl fmt::Display) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, RANDOM_COUNT).says(says).hint("ask several times")
}
