//! A step's grants against what the environment binds.

use super::{EndpointBinding, Environment};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{EndpointGrant, Grant, Grants, Label};

/// A granted label means nothing here.
const UNBOUND: Rule = Rule::new("grant-unbound");
/// A granted method or path that the environment never allows. A warning.
const WITHOUT_EFFECT: Rule = Rule::new("grant-without-effect");

impl Environment {
    /// Checks that every granted label means something here, and returns a warning for each method
    /// and each path that the workflow grants and this environment can never allow. Opens nothing
    /// and fetches nothing.
    ///
    /// # Errors
    /// One fault of the operator for all labels that are not bound, with the lines to add.
    pub fn check(&self, grants: &Grants) -> Result<Vec<Fault>, Fault> {
        let mut unbound = Vec::new();
        let mut lines = Vec::new();
        let mut warnings = Vec::new();
        for (label, grant) in grants.iter() {
            let missing = match grant {
                Grant::Endpoint(wanted) => match self.endpoint(label) {
                    Some(bound) => {
                        warnings.extend(self.without_effect(label, wanted, bound));
                        None
                    }
                    None => Some(("an endpoint", endpoint_lines(label, wanted))),
                },
                Grant::Signer => self.signer(label).is_none().then(|| ("a signer", signer_lines(label))),
                Grant::Secret => {
                    self.revealed(label).is_none().then(|| ("a revealed secret", self.reveal_lines(label)))
                }
                // They reach nothing outside: see the module's documentation.
                Grant::Clock | Grant::Random => None,
            };
            if let Some((kind, add)) = missing {
                unbound.push(format!("{label:?} as {kind}{}", self.other_kind(label)));
                lines.push(add);
            }
        }
        if unbound.is_empty() {
            return Ok(warnings);
        }
        Err(Fault::new(Class::Refused, Owner::Operator, UNBOUND)
            .at(self.place())
            .says(format_args!("the environment {:?} does not bind {}", self.name(), unbound.join(", ")))
            .hint(format_args!("add to {}:\n{}", self.place(), lines.join("\n"))))
    }

    fn other_kind(&self, label: &Label) -> &'static str {
        if self.endpoint(label).is_some() {
            " (here it is an endpoint)"
        } else if self.signer(label).is_some() {
            " (here it is a signer)"
        } else if self.declares_secret(label) {
            " (here it is a secret that steps may not see)"
        } else {
            ""
        }
    }

    fn reveal_lines(&self, label: &Label) -> String {
        let declared = if self.declares_secret(label) { String::new() } else { secret_lines(label) };
        format!("[reveal]\nsecrets = [\"{label}\"]\n{declared}")
    }

    fn without_effect(&self, label: &Label, wanted: &EndpointGrant, bound: &EndpointBinding) -> Vec<Fault> {
        let idle = |what: String| {
            Fault::new(Class::Refused, Owner::WorkflowAuthor, WITHOUT_EFFECT)
                .at(format_args!("grant {label}"))
                .says(format_args!("the environment {:?} never allows {what} at {label:?}", self.name()))
                .hint(format_args!(
                    "remove it from the grant, or allow it under [endpoints.{label}] in {}",
                    self.place()
                ))
        };
        let methods = wanted.methods.iter().filter(|method| !bound.methods.contains(method));
        let paths = wanted
            .paths
            .iter()
            .filter(|path| !bound.paths.iter().any(|other| meet(path.as_str(), other.as_str())));
        methods
            .map(|method| idle(method.as_str().to_owned()))
            .chain(paths.map(|path| idle(format!("the path {}", path.as_str()))))
            .collect()
    }
}

/// Whether some path matches both patterns.
fn meet(one: &str, other: &str) -> bool {
    let parts = |pattern: &str| -> Vec<String> {
        let rest = pattern.strip_prefix('/').unwrap_or(pattern);
        if rest.is_empty() { Vec::new() } else { rest.split('/').map(str::to_owned).collect() }
    };
    let (one, other) = (parts(one), parts(other));
    let mut pairs = (one.iter(), other.iter());
    loop {
        match (pairs.0.next().map(String::as_str), pairs.1.next().map(String::as_str)) {
            (None, None) | (Some("**"), Some(_)) | (Some(_), Some("**")) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            (None | Some(_), Some(_)) | (Some(_), None) => return false,
        }
    }
}

fn endpoint_lines(label: &Label, wanted: &EndpointGrant) -> String {
    let quoted = |entries: Vec<&str>| {
        entries.iter().map(|entry| format!("\"{entry}\"")).collect::<Vec<_>>().join(", ")
    };
    let methods = quoted(wanted.methods.iter().map(|method| method.as_str()).collect());
    let paths = quoted(wanted.paths.iter().map(stepward_seam::PathPattern::as_str).collect());
    format!(
        "[endpoints.{label}]\nurl = \"https://HOST\"\nmethods = [{methods}]\npaths = [{paths}]\nroots = \
         [\"trust/{label}.pem\"]"
    )
}

fn signer_lines(label: &Label) -> String {
    format!(
        "[signers.{label}]\nalgorithm = \"ed25519\"\nsecret = \"{label}-key\"\n[secrets.{label}-key]\nversion = \"1\""
    )
}

fn secret_lines(label: &Label) -> String {
    format!("[secrets.{label}]\nversion = \"1\"")
}

#[cfg(test)]
mod tests {
    use super::meet;

    #[test]
    fn patterns_meet_when_a_path_matches_both() {
        for (one, other) in
            [("/a/*", "/a/b"), ("/**", "/a/b"), ("/a/**", "/a/*/c"), ("/", "/"), ("/*", "/**")]
        {
            assert!(meet(one, other) && meet(other, one), "{one} {other}");
        }
        for (one, other) in [("/a", "/b"), ("/a/*", "/a"), ("/a/**", "/a"), ("/", "/*"), ("/a/b/*", "/a/*")] {
            assert!(!meet(one, other) && !meet(other, one), "{one} {other}");
        }
    }
}
