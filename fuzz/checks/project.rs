//! What holds of every text that is offered as a project file.

use std::path::Path;
use stepward_fault::Fault;
use stepward_flow::{ProjectDefinition, Source};

/// Reads the text. A step's folder or file lies inside the project, and a refusal says where.
pub(crate) fn check(text: &str, place: &str) -> Result<(), Fault> {
    let root = Path::new("/project");
    let project = ProjectDefinition::parse(text, place).inspect_err(|fault| {
        let position = fault.place().strip_prefix(place).unwrap_or_default();
        assert!(position.starts_with(':'), "{fault}");
    })?;
    for source in project.steps().values() {
        let (Source::Crate(path) | Source::Component(path)) = source;
        assert!(root.join(path).strip_prefix(root).is_ok_and(|rest| rest == path), "{source:?}");
        assert!(path.iter().all(|part| part != ".."), "{source:?}");
    }
    Ok(())
}
