//! Input and output: JSON documents with a schema each.

use crate::StepError;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// What a step can take as its input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the input of a step",
    label = "not a JSON document with a schema",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for it, and let it borrow nothing"
)]
pub trait Input: DeserializeOwned + JsonSchema {}
impl<T: DeserializeOwned + JsonSchema> Input for T {}

/// What a step can give as its output.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a step",
    label = "not a JSON document with a schema",
    note = "derive `serde::Serialize` and `schemars::JsonSchema` for it"
)]
pub trait Output: Serialize + JsonSchema {}
impl<T: Serialize + JsonSchema> Output for T {}

/// What a step returns.
#[diagnostic::on_unimplemented(
    message = "a step cannot return `{Self}`",
    label = "not `Result<T, StepError>`",
    note = "a step returns `Result<T, stepward_sdk::StepError>`, where `T` is its output"
)]
pub trait StepResult {
    /// The output.
    type Output;
}
impl<O> StepResult for Result<O, StepError> {
    type Output = O;
}

/// Reads the input, runs the step, writes the output.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn run<I: Input, O: Output>(
    input: &str,
    step: impl FnOnce(I) -> Result<O, StepError>,
) -> Result<String, StepError> {
    let input = serde_json::from_str(input)
        .map_err(|error| StepError::permanent("input-invalid", error.to_string()))?;
    let output = step(input)?;
    serde_json::to_string(&output).map_err(|error| StepError::permanent("output-invalid", error.to_string()))
}

/// The step's name and the schemas of what goes in and out (JSON Schema 2020-12), as one JSON
/// document.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn describe<I: Input, O: Output>(name: &str) -> String {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    serde_json::json!({
        "step": name,
        "input": settings.clone().for_deserialize().into_generator().into_root_schema_for::<I>(),
        "output": settings.for_serialize().into_generator().into_root_schema_for::<O>(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::{describe, run};
    use crate::{ErrorKind, StepError};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Order {
        number: u32,
        #[serde(default)]
        note: String,
    }

    #[test]
    fn an_invalid_input_is_a_permanent_error_with_its_position() {
        let error = run("{\"number\": true}", |order: Order| Ok(order)).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Permanent, "input-invalid"));
        assert!(error.message().contains("line 1 column 15"), "{error}");
    }

    #[test]
    fn output_and_errors_pass() {
        assert_eq!(run("{\"number\":7}", |o: Order| Ok(o.number)), Ok("7".to_owned()));
        let error = StepError::retryable("later", "not yet");
        assert_eq!(run("{\"number\":7}", |_: Order| Err::<u32, _>(error.clone())), Err(error.clone()));
    }

    #[test]
    fn schemas_tell_what_is_read_from_what_is_written() {
        let described: Value = serde_json::from_str(&describe::<Order, Order>("take-order")).unwrap();
        assert_eq!(described["step"], "take-order");
        assert_eq!(described["input"]["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(described["input"]["required"], json!(["number"]));
        assert_eq!(described["output"]["required"], json!(["number", "note"]));
    }
}
