//! Resource types: no interface of the contract has one, so no step does.

use stepward_fault::{Class, Fault, Owner, Rule};
use wasmparser::{
    ComponentType, ComponentTypeDeclaration, ComponentTypeRef, InstanceTypeDeclaration, TypeBounds,
};

/// The component declares a resource type.
const RESOURCE: Rule = Rule::new("component-resource");

/// Proof that a component declares no resource type.
///
/// Without one there are no handles: what makes and drops them (`resource.new`, `resource.rep`,
/// `resource.drop`) names a type, and the validator refuses it without. The host would keep each handle
/// in memory of its own, which no limit of a run counts.
pub(super) struct NoResources(());

/// What a component declares of resource types, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Resources {
    /// What is said of the first one.
    first: Option<String>,
}

impl Resources {
    /// Ends the search.
    pub(super) fn none(self) -> Result<NoResources, Fault> {
        match self.first {
            None => Ok(NoResources(())),
            Some(what) => Err(Fault::new(Class::Refused, Owner::StepAuthor, RESOURCE)
                .says(format_args!("the component {what}; a step has no resources"))
                .hint(
                    "pass records, lists and strings; what the step keeps while it runs belongs in the memory of its module",
                )),
        }
    }

    /// Looks at one type and all that are declared within it. [`Shallow`](super::Shallow) bounds how
    /// deep that goes.
    pub(super) fn look(&mut self, ty: &ComponentType<'_>) {
        match ty {
            ComponentType::Resource { .. } => self.found(|| "defines a resource type".to_owned()),
            ComponentType::Instance(declarations) => {
                declarations.iter().for_each(|declaration| self.in_an_instance(declaration));
            }
            ComponentType::Component(declarations) => {
                declarations.iter().for_each(|declaration| self.in_a_component(declaration));
            }
            // They can only name resource types that are declared elsewhere.
            ComponentType::Defined(_) | ComponentType::Func(_) => {}
        }
    }

    fn in_an_instance(&mut self, declaration: &InstanceTypeDeclaration<'_>) {
        match declaration {
            InstanceTypeDeclaration::Type(ty) => self.look(ty),
            InstanceTypeDeclaration::Export { name, ty } => self.reference(name.name, ty),
            InstanceTypeDeclaration::CoreType(_) | InstanceTypeDeclaration::Alias(_) => {}
        }
    }

    fn in_a_component(&mut self, declaration: &ComponentTypeDeclaration<'_>) {
        match declaration {
            ComponentTypeDeclaration::Type(ty) => self.look(ty),
            ComponentTypeDeclaration::Export { name, ty } => self.reference(name.name, ty),
            ComponentTypeDeclaration::Import(import) => self.reference(import.name.name, &import.ty),
            ComponentTypeDeclaration::CoreType(_) | ComponentTypeDeclaration::Alias(_) => {}
        }
    }

    /// Looks at what is imported or exported under a name.
    pub(super) fn reference(&mut self, name: &str, ty: &ComponentTypeRef) {
        match ty {
            ComponentTypeRef::Type(TypeBounds::SubResource) => {
                self.found(|| format!("declares the resource type `{name}`"));
            }
            // What they refer to is looked at where it is declared.
            ComponentTypeRef::Type(TypeBounds::Eq(_))
            | ComponentTypeRef::Module(_)
            | ComponentTypeRef::Func(_)
            | ComponentTypeRef::Value(_)
            | ComponentTypeRef::Instance(_)
            | ComponentTypeRef::Component(_) => {}
        }
    }

    fn found(&mut self, what: impl FnOnce() -> String) {
        self.first.get_or_insert_with(what);
    }
}
