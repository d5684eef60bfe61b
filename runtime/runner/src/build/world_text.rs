//! The world of a component as text that people review.

use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::PackageName;

/// The namespace of worlds that were read from a component: they live in no registry.
const NAMESPACE: &str = "local";

/// Prints the world of `component` under `name`, without the packages that it uses.
pub(super) fn world_text(component: &[u8], name: &str) -> Result<String, String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(mut resolve, world) = decoded else {
        return Err("this is a WIT package, not a component".to_owned());
    };
    let renamed = resolve.worlds.get_mut(world).ok_or("it has no world")?;
    name.clone_into(&mut renamed.name);
    let id = renamed.package.ok_or("its world belongs to no package")?;
    let package = resolve.packages.get_mut(id).ok_or("its world belongs to no package")?;
    package.name = PackageName { namespace: NAMESPACE.to_owned(), name: name.to_owned(), version: None };
    package.worlds = std::iter::once((name.to_owned(), world)).collect();
    let mut printer = WitPrinter::default();
    printer.print(&resolve, id, &[]).map_err(|error| format!("{error:#}"))?;
    Ok(printer.output.to_string())
}
