//! Imports held against grants, before anything is compiled.

use crate::structure::Inspected;
use crate::world::{Import, ImportKind};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Grants, Interface, Label};
use stepward_trust::Digest;

/// An import that no grant covers.
pub const GRANT_MISSING: Rule = Rule::new("grant-missing");
/// A grant of another kind than the import under its label.
pub const GRANT_KIND: Rule = Rule::new("grant-kind");

/// A component all of whose imports are granted. The only thing that an engine compiles.
#[derive(Debug)]
pub struct Admitted {
    inspected: Inspected,
    unused: Vec<Label>,
}

impl Inspected {
    /// Checks that every import is granted under its label and as what it is.
    ///
    /// A grant that no import uses is kept for [`Admitted::unused_grants`]: it is worth a warning,
    /// because least privilege works in both directions.
    ///
    /// # Errors
    /// `grant-missing` or `grant-kind`, with the lines to add to the workflow file. All missing
    /// grants are named at once.
    pub fn admit(self, grants: &Grants) -> Result<Admitted, Fault> {
        let (mut missing, mut wanted) = (Vec::new(), Vec::new());
        for import in self.imports() {
            let ImportKind::Granted { label, interface } = &import.kind else { continue };
            match grants.get(label) {
                None => missing.push((label, *interface)),
                Some(grant) if grant.interface() == *interface => {}
                Some(grant) => {
                    return Err(Fault::new(Class::Refused, Owner::WorkflowAuthor, GRANT_KIND)
                        .says(format_args!(
                            "the step imports `{label}` as {interface}, but it is granted as {}",
                            grant.interface()
                        ))
                        .hint(format_args!("grant it as what it is:\n{}", line_to_add(label, *interface))));
                }
            }
            wanted.push(label);
        }
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|(label, i)| format!("`{label}` ({i})")).collect();
            let lines: Vec<_> = missing.iter().map(|(label, i)| line_to_add(label, *i)).collect();
            return Err(Fault::new(Class::Refused, Owner::WorkflowAuthor, GRANT_MISSING)
                .says(format_args!("the step imports {}, which nobody granted", names.join(" and ")))
                .hint(format_args!(
                    "if the step should reach it, add to its entry in the workflow file:\n{}",
                    lines.join("\n")
                )));
        }
        let unused = grants.iter().filter(|(l, _)| !wanted.contains(l)).map(|(l, _)| l.clone()).collect();
        Ok(Admitted { inspected: self, unused })
    }
}

/// What linking a component's code needs: which component it is, and the imports that were admitted.
///
/// Whoever prepares code in another process sends this along; [`Admitted::linkage`] is the only way
/// to one that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linkage {
    component: Digest,
    imports: Vec<Import>,
}

impl Linkage {
    /// Takes over what the process that admitted the component said.
    pub fn new(component: Digest, imports: Vec<Import>) -> Self {
        Self { component, imports }
    }

    /// The digest of the component's bytes.
    pub fn component(&self) -> Digest {
        self.component
    }

    /// What the component can ask for, all of it granted.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }
}

fn line_to_add(label: &Label, interface: Interface) -> String {
    let table = format!("[steps.grants.{}.{label}]", interface.grant_key());
    match interface {
        Interface::HttpEndpoint => format!("{table}\nmethods = [\"GET\"]\npaths = [\"/…\"]"),
        Interface::Signer | Interface::Secret | Interface::Clock | Interface::Random => table,
    }
}

impl Admitted {
    /// Grants that the component has no use for.
    pub fn unused_grants(&self) -> &[Label] {
        &self.unused
    }

    /// What the component can ask for, all of it granted.
    pub fn imports(&self) -> &[Import] {
        self.inspected.imports()
    }

    /// The digest of the component's bytes.
    pub fn digest(&self) -> Digest {
        self.inspected.digest()
    }

    /// What linking its code needs.
    pub fn linkage(&self) -> Linkage {
        Linkage { component: self.digest(), imports: self.imports().to_vec() }
    }

    /// The bytes that were admitted: what is to be compiled, and nothing else.
    pub fn bytes(&self) -> &[u8] {
        self.inspected.bytes()
    }
}
