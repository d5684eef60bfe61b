//! `stepward:step/http-endpoint`.

use super::{Ctx, ask, mismatch};
use stepward_seam::{self as seam, HostCall, HostReply, Label};
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "values come from the guest; `Lift` makes them from their discriminants")]
enum Method {
    #[component(name = "get")]
    Get,
    #[component(name = "head")]
    Head,
    #[component(name = "options")]
    Options,
    #[component(name = "post")]
    Post,
    #[component(name = "put")]
    Put,
    #[component(name = "patch")]
    Patch,
    #[component(name = "delete")]
    Delete,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Pair {
    name: String,
    value: String,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Request {
    method: Method,
    path: Vec<String>,
    query: Vec<Pair>,
    headers: Vec<Pair>,
    body: Option<Vec<u8>>,
    operation: Option<String>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Response {
    status: u16,
    headers: Vec<Pair>,
    body: Vec<u8>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Refusal {
    rule: String,
    message: String,
}

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum Cause {
    #[component(name = "resolve")]
    Resolve,
    #[component(name = "connect")]
    Connect,
    #[component(name = "tls")]
    Tls,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "reset")]
    Reset,
    #[component(name = "malformed")]
    Malformed,
    #[component(name = "too-large")]
    TooLarge,
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Failure {
    #[component(name = "refused")]
    Refused(Refusal),
    #[component(name = "not-applied")]
    NotApplied(Cause),
    #[component(name = "unknown")]
    Unknown(Cause),
}

pub(super) fn link(instance: &mut LinkerInstance<'_, Ctx>, label: &Label) -> wasmtime::Result<()> {
    let label = label.clone();
    instance.func_wrap_async("send", move |mut store, (request,): (Request,)| {
        let call = Box::new(HostCall::Http { endpoint: label.clone(), request: request.into() });
        Box::new(async move {
            match ask(&mut store, call).await? {
                HostReply::Http(answer) => Ok((answer.map(Response::from).map_err(Failure::from),)),
                HostReply::Sign(_)
                | HostReply::Reveal(_)
                | HostReply::Now(_)
                | HostReply::Random(_)
                | HostReply::Log => Err(mismatch()),
            }
        })
    })
}

fn out_of(pairs: Vec<Pair>) -> Vec<seam::Pair> {
    pairs.into_iter().map(|Pair { name, value }| seam::Pair { name, value }).collect()
}

fn into(pairs: Vec<seam::Pair>) -> Vec<Pair> {
    pairs.into_iter().map(|seam::Pair { name, value }| Pair { name, value }).collect()
}

impl From<Request> for seam::HttpRequest {
    fn from(request: Request) -> Self {
        Self {
            method: match request.method {
                Method::Get => seam::Method::Get,
                Method::Head => seam::Method::Head,
                Method::Options => seam::Method::Options,
                Method::Post => seam::Method::Post,
                Method::Put => seam::Method::Put,
                Method::Patch => seam::Method::Patch,
                Method::Delete => seam::Method::Delete,
            },
            path: request.path,
            query: out_of(request.query),
            headers: out_of(request.headers),
            body: request.body.map(seam::Body),
            operation: request.operation,
        }
    }
}

impl From<seam::HttpResponse> for Response {
    fn from(response: seam::HttpResponse) -> Self {
        Self { status: response.status, headers: into(response.headers), body: response.body.0 }
    }
}

impl From<seam::HttpFailure> for Failure {
    fn from(failure: seam::HttpFailure) -> Self {
        match failure {
            seam::HttpFailure::Refused(seam::Refusal { rule, message }) => {
                Self::Refused(Refusal { rule, message })
            }
            seam::HttpFailure::NotApplied(cause) => Self::NotApplied(cause.into()),
            seam::HttpFailure::Unknown(cause) => Self::Unknown(cause.into()),
        }
    }
}

impl From<seam::Cause> for Cause {
    fn from(cause: seam::Cause) -> Self {
        match cause {
            seam::Cause::Resolve => Self::Resolve,
            seam::Cause::Connect => Self::Connect,
            seam::Cause::Tls => Self::Tls,
            seam::Cause::Timeout => Self::Timeout,
            seam::Cause::Reset => Self::Reset,
            seam::Cause::Malformed => Self::Malformed,
            seam::Cause::TooLarge => Self::TooLarge,
        }
    }
}
