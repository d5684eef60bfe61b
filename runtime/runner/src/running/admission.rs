//! From a file to an admitted component: pin, lock, structure, grants, in this order.

use super::plan::{Pin, PlannedStep};
use crate::{
    build::facts,
    files::{self, Purpose},
};
use stepward::{Admitted, Grant, Grants, ImportKind, Inspected, Interface, Limits};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{EndpointGrant, Method, PathPattern};
use stepward_trust::{Digest, LockedStep, PIN, Pinned};

/// The rule that a step is what the lock says.
const DIFFERS: Rule = Rule::new("lock-differs");

/// Reads a step's component and checks its pin and its structure.
pub(crate) fn inspect(step: &PlannedStep, limits: &Limits) -> Result<Inspected, Fault> {
    let bytes = read(step)?;
    let place =
        |fault: Fault| if fault.place().is_empty() { fault.at(files::place(&step.component)) } else { fault };
    match &step.pin {
        Pin::Given(digest) => {
            Inspected::read(Pinned::check(bytes, *digest).map_err(place)?, limits).map_err(place)
        }
        Pin::Locked(locked, world) => {
            if Digest::of(&bytes) != locked.component {
                return Err(changed(step, locked, bytes));
            }
            let inspected = Inspected::read(Pinned::check(bytes, locked.component).map_err(place)?, limits)
                .map_err(place)?;
            // A world that cannot be read counts as gone: that is a difference too.
            let world = world.as_ref().and_then(|file| files::read_text(file, Purpose::World).ok());
            let now = facts::locked_step(&inspected, world.as_deref());
            let differences = locked.differences(&now, &step.name);
            if differences.is_empty() { Ok(inspected) } else { Err(differs(step, DIFFERS, &differences)) }
        }
    }
}

/// Reads a step's component and admits it under its grants.
pub(crate) fn admit(step: &PlannedStep, limits: &Limits) -> Result<Admitted, Fault> {
    inspect(step, limits)?.admit(&step.grants).map_err(|fault| {
        let fault = fault.at(&step.place);
        match step.pin {
            Pin::Locked(..) => fault,
            Pin::Given(_) => fault.hint(
                "a bare component file gets no grants: answer its calls with `--script CASE`, or put it into a \
                 project and grant there what it may reach:\n[steps.NAME]\ncomponent = \"PATH\"",
            ),
        }
    })
}

fn read(step: &PlannedStep) -> Result<Vec<u8>, Fault> {
    files::read(&step.component, Purpose::Component).map_err(|fault| match step.pin {
        Pin::Locked(..) if fault.rule() == files::READ => {
            Fault::new(Class::Refused, Owner::StepAuthor, fault.rule())
                .at(fault.place())
                .says(format_args!("the step `{}` is not built: {}", step.name, fault.message()))
                .hint("run `stepward build --locked`")
        }
        Pin::Locked(..) | Pin::Given(_) => fault,
    })
}

/// The bytes are others: says in what, as far as they can be read at all.
fn changed(step: &PlannedStep, locked: &LockedStep, bytes: Vec<u8>) -> Fault {
    let (component, size) = (Digest::of(&bytes), bytes.len() as u64);
    let now = facts::inspect_unpinned(bytes).map_or_else(
        |_| LockedStep { component, size, ..locked.clone() },
        |inspected| LockedStep { world: locked.world, ..facts::locked_step(&inspected, None) },
    );
    differs(step, PIN, &locked.differences(&now, &step.name))
}

fn differs(step: &PlannedStep, rule: Rule, differences: &[stepward_trust::Difference]) -> Fault {
    let text = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Fault::new(Class::Refused, Owner::StepAuthor, rule)
        .at(files::place(&step.component))
        .says(format_args!("not what stepward.lock pins: {text}"))
        .hint("if the change is meant, run `stepward build` and review the new stepward.lock;\nif not, `stepward build --locked` restores the component from its sources")
}

/// Grants for exactly what a component imports: for runs without effects, where a script or a trace
/// answers.
pub(crate) fn grants_for(inspected: &Inspected) -> Grants {
    let mut grants = Grants::default();
    for import in inspected.imports() {
        if let ImportKind::Granted { label, interface } = &import.kind {
            let grant = match interface {
                Interface::HttpEndpoint => Grant::Endpoint(EndpointGrant {
                    methods: vec![Method::Get],
                    paths: PathPattern::new("/").into_iter().collect(),
                }),
                Interface::Signer => Grant::Signer,
                Interface::Secret => Grant::Secret,
                Interface::Clock => Grant::Clock,
                Interface::Random => Grant::Random,
            };
            // A component has one import for each label.
            drop(grants.add(label.clone(), grant));
        }
    }
    grants
}
