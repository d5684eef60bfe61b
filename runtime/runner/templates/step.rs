//! Greets a person: the smallest step. It asks for nothing, so it can reach nothing.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepward_sdk::{StepError, step};

/// Who is greeted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Any name but an empty one.
    pub name: String,
}

/// What is said.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Greeting {
    /// The greeting.
    pub text: String,
}

/// Greets a person. A parameter such as `crm: &Endpoint` would let it ask a service: then grant
/// `crm` in the workflow and bind it in the environment.
#[step]
pub fn hello(person: Person) -> Result<Greeting, StepError> {
    if person.name.is_empty() {
        return Err(StepError::permanent("name-empty", "there is nobody to greet"));
    }
    Ok(Greeting { text: format!("Hello, {}!", person.name) })
}

#[cfg(test)]
mod tests {
    use super::{Greeting, Person, hello};

    #[test]
    fn greets_by_name() {
        let greeting = hello(Person { name: "Ada".into() });
        assert_eq!(greeting, Ok(Greeting { text: "Hello, Ada!".into() }));
    }
}
