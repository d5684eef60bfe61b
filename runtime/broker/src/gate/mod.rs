//! The one door out: from what a step asks to leave to send it, or a refusal that says why.
//!
//! A request passes when the workflow's grant *and* the environment allow its method and its path,
//! and when nothing in it belongs to the host. The gate builds the target from unencoded segments
//! and pairs and encodes everything but unreserved characters, so no segment can become another
//! path, a query or a host on the way.

mod operation;
mod permit;
mod refused;
mod request;

pub use operation::Applied;
pub(crate) use operation::{Claim, Operation, Operations};
pub use permit::Permit;
pub(crate) use permit::{EffectPermit, Leave, ReadPermit, Request};
pub use refused::Refused;

use crate::environment::{EndpointBinding, Form};
use bytes::Bytes;
use http::HeaderName;
use refused::{BODY, METHOD, PATH, SIZE};
use std::collections::BTreeSet;
use stepward_fault::Owner;
use stepward_seam::{EndpointGrant, HttpRequest, Label, Method, PathPattern};

/// The door of one step to one endpoint.
#[derive(Debug)]
pub struct Gate {
    label: Label,
    grant: EndpointGrant,
    methods: BTreeSet<Method>,
    paths: Vec<PathPattern>,
    base: String,
    /// Headers of this endpoint that the host sets itself.
    own_headers: Vec<HeaderName>,
    /// The query parameter of this endpoint that the host sets itself.
    own_parameter: Option<String>,
    body_bytes: usize,
    environment: String,
}

impl Gate {
    /// A gate for a step with `grant` to the endpoint that `environment` (a file's name) binds.
    pub(crate) fn new(
        label: Label,
        grant: EndpointGrant,
        binding: &EndpointBinding,
        environment: &str,
    ) -> Self {
        let mut own_headers = vec![binding.idempotency_header.clone()];
        let mut own_parameter = None;
        match binding.credential.as_ref().map(|credential| &credential.form) {
            Some(Form::Header(name)) => own_headers.push(name.clone()),
            Some(Form::Query(name)) => own_parameter = Some(name.clone()),
            // `Authorization` belongs to the host everywhere.
            Some(Form::Bearer | Form::Basic) | None => {}
        }
        Self {
            label,
            grant,
            methods: binding.methods.clone(),
            paths: binding.paths.clone(),
            base: binding.base.clone(),
            own_headers,
            own_parameter,
            body_bytes: binding.caps.request_body_bytes,
            environment: environment.to_owned(),
        }
    }

    /// Judges a request.
    ///
    /// # Errors
    /// [`Refused`] says which rule did not let it out.
    pub fn permit(&self, request: HttpRequest) -> Result<Permit, Refused> {
        let method = self.method(request.method)?;
        let segments = request::segments(&request.path)?;
        let (workflow_path, environment_path) = self.path(segments)?;
        let operation = Operation::of(request.method, request.operation.as_deref())?;
        let mut target = request::target(&self.base, segments);
        request::query(&mut target, &request.query, self.own_parameter.as_deref())?;
        let headers = request::headers(&request.headers, &self.own_headers)?;
        let body = self.body(request.method, request.body.map(|body| body.0))?;
        Ok(Permit {
            method: request.method,
            target,
            headers,
            body,
            operation,
            workflow_rule: format!("{method} {workflow_path}"),
            environment_rule: format!("{method} {environment_path}"),
        })
    }

    fn method(&self, method: Method) -> Result<&'static str, Refused> {
        let name = method.as_str();
        let refused = |who, owner| {
            let message = format!("{who} does not allow {name} at `{}`", self.label);
            Refused::new(owner, METHOD, message).hint(self.line(owner, "methods", &format!("\"{name}\"")))
        };
        if !self.grant.methods.contains(&method) {
            return Err(refused("the workflow", Owner::WorkflowAuthor));
        }
        if !self.methods.contains(&method) {
            return Err(refused("the environment", Owner::Operator));
        }
        Ok(name)
    }

    /// The patterns of both owners that allow the path.
    fn path(&self, segments: request::Segments<'_>) -> Result<(&str, &str), Refused> {
        let refused = |who, owner| {
            let message = format!("{who} does not allow this path at `{}`", self.label);
            let line = |entry: &str| self.line(owner, "paths", entry);
            Refused::new(owner, PATH, message)
                .hint(line(&format!("{:?}", segments.example())))
                .in_logs("an owner does not allow this path", line("the path that the call asked for"))
        };
        let workflow = segments.allowed_by(&self.grant.paths);
        let environment = segments.allowed_by(&self.paths);
        Ok((
            workflow.ok_or_else(|| refused("the workflow", Owner::WorkflowAuthor))?,
            environment.ok_or_else(|| refused("the environment", Owner::Operator))?,
        ))
    }

    fn body(&self, method: Method, body: Option<Vec<u8>>) -> Result<Option<Bytes>, Refused> {
        let Some(body) = body else { return Ok(None) };
        if method.is_read() {
            let message = format!("a {} carries no body", method.as_str());
            return Err(Refused::new(Owner::StepAuthor, BODY, message).hint("put the values into the query"));
        }
        if body.len() > self.body_bytes {
            let most = self.body_bytes;
            let message = format!("the body has {} bytes; `{}` takes {most}", body.len(), self.label);
            let hint = format!(
                "send less, or raise `caps = {{ request-body-bytes = … }}` under [endpoints.{}] in {}",
                self.label, self.environment
            );
            return Err(Refused::new(Owner::StepAuthor, SIZE, message).hint(hint));
        }
        Ok(Some(Bytes::from(body)))
    }

    /// The line that an owner adds, and where.
    fn line(&self, owner: Owner, key: &str, entry: &str) -> String {
        let (table, file) = if owner == Owner::Operator {
            (format!("[endpoints.{}]", self.label), self.environment.as_str())
        } else {
            (format!("[steps.grants.endpoint.{}]", self.label), "the workflow file, under this step")
        };
        format!("add {entry} to `{key}` under {table} in {file}")
    }
}

#[cfg(test)]
mod tests;
