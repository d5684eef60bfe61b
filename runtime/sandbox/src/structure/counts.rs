//! How many of everything, and how large: bounded before a compiler sees it.

use super::{SCHEMAS_SECTION, payloads};
use stepward_fault::{Class, Fault, Owner, Rule};
use wasmparser::{ComponentAlias, ComponentExternalKind, ComponentInstance, Encoding, Instance, Payload};

/// A count or a size above what a step may have.
const STRUCTURE: Rule = Rule::new("component-structure");
/// The bytes cannot be parsed.
const INVALID: Rule = Rule::new("component-invalid");

// What compiling and instantiating cost grows with these. Rust steps stay far below; the bounds
// leave room for interpreters of other languages compiled to WebAssembly.

/// Components within components.
const MAX_NESTING: usize = 4;
/// Core modules. wit-component makes three to four for each step.
const MAX_MODULES: u64 = 16;
/// Functions in all modules together.
const MAX_FUNCTIONS: u64 = 60_000;
/// Bytes of one function body: compile time and memory grow faster than linearly with it.
const MAX_FUNCTION_BYTES: u64 = 256 << 10;
/// Local variables of one function: register allocation grows with it.
const MAX_LOCALS: u64 = 5_000;
/// Types, core and component level.
const MAX_TYPES: u64 = 20_000;
/// Imports at every level.
const MAX_IMPORTS: u64 = 2_000;
/// Exports at every level.
const MAX_EXPORTS: u64 = 2_000;
/// Globals.
const MAX_GLOBALS: u64 = 5_000;
/// Data and element segments.
const MAX_SEGMENTS: u64 = 20_000;
/// Aliases and canonical functions.
const MAX_CANONICAL: u64 = 20_000;
/// Memories of all core instances together; also the pool's number for one component.
pub(crate) const MAX_MEMORIES: u64 = 2;
/// Tables of all core instances together; also the pool's number for one component.
pub(crate) const MAX_TABLES: u64 = 8;

pub(super) struct Counts<'a> {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    pub(super) schemas: Option<&'a [u8]>,
    pub(super) core_instances: u64,
}

/// One component that is being read.
#[derive(Default)]
struct Frame {
    /// Core instances that one instantiation of this component makes.
    weight: u64,
    /// The weights of the components in this one's index space.
    components: Vec<u64>,
}

#[derive(Default)]
struct Tally {
    modules: u64,
    functions: u64,
    types: u64,
    imports: u64,
    exports: u64,
    globals: u64,
    segments: u64,
    canonical: u64,
    memories: u64,
    tables: u64,
}

fn refused(what: &str, count: u64, most: u64) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, STRUCTURE)
        .says(format_args!("the component has {count} {what}; the most is {most}"))
        .hint("steps are small programs: split this one, or leave out what it does not need")
}

fn add(total: &mut u64, more: u64, what: &'static str, most: u64) -> Result<(), Fault> {
    *total = total.saturating_add(more);
    if *total > most { Err(refused(what, *total, most)) } else { Ok(()) }
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, INVALID)
        .says(format_args!("the component cannot be parsed: {error}"))
        .hint(
            "the file is damaged or uses a feature that steps may not; build it again with `stepward build`",
        )
}

pub(super) fn read(bytes: &[u8], max_instances: u64) -> Result<Counts<'_>, Fault> {
    let mut reader = Reader { frames: vec![], open: vec![], tally: Tally::default(), out: None };
    let mut counts = Counts { imports: vec![], exports: vec![], schemas: None, core_instances: 0 };
    for payload in payloads(bytes) {
        // A proposal that is off may already fail to parse: the validator names it afterwards.
        let payload = match payload {
            Ok(payload) => payload,
            Err(error) => return Err(super::proposals::name(bytes).unwrap_or_else(|| invalid(&error))),
        };
        reader.payload(payload, &mut counts)?;
    }
    counts.core_instances = reader.out.unwrap_or(0);
    if counts.core_instances > max_instances {
        return Err(refused("core instances", counts.core_instances, max_instances));
    }
    Ok(counts)
}

struct Reader {
    frames: Vec<Frame>,
    /// Encodings of everything that is open, outermost first.
    open: Vec<Encoding>,
    tally: Tally,
    /// The weight of the outermost component, once it ended.
    out: Option<u64>,
}

impl Reader {
    fn payload<'a>(&mut self, payload: Payload<'a>, counts: &mut Counts<'a>) -> Result<(), Fault> {
        let tally = &mut self.tally;
        match payload {
            Payload::Version { encoding, .. } => return self.enter(encoding),
            Payload::End(_) => self.leave(),
            Payload::TypeSection(s) => add(&mut tally.types, s.count().into(), "types", MAX_TYPES)?,
            Payload::CoreTypeSection(s) => add(&mut tally.types, s.count().into(), "types", MAX_TYPES)?,
            Payload::ComponentTypeSection(s) => add(&mut tally.types, s.count().into(), "types", MAX_TYPES)?,
            Payload::ImportSection(s) => add(&mut tally.imports, s.count().into(), "imports", MAX_IMPORTS)?,
            Payload::ExportSection(s) => add(&mut tally.exports, s.count().into(), "exports", MAX_EXPORTS)?,
            Payload::FunctionSection(s) => {
                add(&mut tally.functions, s.count().into(), "functions", MAX_FUNCTIONS)?;
            }
            Payload::GlobalSection(s) => add(&mut tally.globals, s.count().into(), "globals", MAX_GLOBALS)?,
            Payload::ElementSection(s) => {
                add(&mut tally.segments, s.count().into(), "segments", MAX_SEGMENTS)?;
            }
            Payload::DataSection(s) => add(&mut tally.segments, s.count().into(), "segments", MAX_SEGMENTS)?,
            Payload::MemorySection(s) => {
                add(&mut tally.memories, s.count().into(), "memories", MAX_MEMORIES)?;
            }
            Payload::TableSection(s) => add(&mut tally.tables, s.count().into(), "tables", MAX_TABLES)?,
            Payload::ComponentCanonicalSection(s) => {
                add(&mut tally.canonical, s.count().into(), "canonical functions", MAX_CANONICAL)?;
            }
            Payload::CodeSectionEntry(body) => function(&body)?,
            Payload::InstanceSection(s) => return self.core_instances(s),
            Payload::ComponentInstanceSection(s) => return self.instances(s),
            Payload::ComponentAliasSection(s) => return self.aliases(s),
            Payload::ComponentImportSection(s) => {
                add(&mut tally.imports, s.count().into(), "imports", MAX_IMPORTS)?;
                if self.open.len() == 1 {
                    for import in s {
                        counts.imports.push(import.map_err(|e| invalid(&e))?.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(s) => {
                add(&mut tally.exports, s.count().into(), "exports", MAX_EXPORTS)?;
                if self.open.len() == 1 {
                    for export in s {
                        counts.exports.push(export.map_err(|e| invalid(&e))?.name.name.to_owned());
                    }
                }
            }
            Payload::CustomSection(s) if self.open.len() == 1 && s.name() == SCHEMAS_SECTION => {
                counts.schemas = Some(s.data());
            }
            // Custom sections carry no meaning; the rest is bounded by the sections above, by the
            // validator, or by the component's size.
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, encoding: Encoding) -> Result<(), Fault> {
        self.open.push(encoding);
        if self.open.len() > MAX_NESTING {
            return Err(refused("levels of nesting", self.open.len() as u64, MAX_NESTING as u64));
        }
        match encoding {
            Encoding::Module => add(&mut self.tally.modules, 1, "core modules", MAX_MODULES),
            Encoding::Component => {
                self.frames.push(Frame::default());
                Ok(())
            }
        }
    }

    fn leave(&mut self) {
        if self.open.pop() == Some(Encoding::Component)
            && let Some(done) = self.frames.pop()
        {
            match self.frames.last_mut() {
                Some(parent) => parent.components.push(done.weight),
                None => self.out = Some(done.weight),
            }
        }
    }

    fn core_instances(&mut self, section: wasmparser::InstanceSectionReader<'_>) -> Result<(), Fault> {
        for instance in section {
            match instance.map_err(|e| invalid(&e))? {
                Instance::Instantiate { .. } => self.weigh(1),
                Instance::FromExports(_) => {}
            }
        }
        Ok(())
    }

    /// Instantiating a nested component makes all of its core instances again.
    fn instances(&mut self, section: wasmparser::ComponentInstanceSectionReader<'_>) -> Result<(), Fault> {
        for instance in section {
            match instance.map_err(|e| invalid(&e))? {
                ComponentInstance::Instantiate { component_index, .. } => {
                    let known = self.frames.last().and_then(|f| f.components.get(component_index as usize));
                    self.weigh(known.copied().unwrap_or_else(|| self.heaviest()));
                }
                ComponentInstance::FromExports(_) => {}
            }
        }
        Ok(())
    }

    /// A component that is aliased enters the index space. Which one it is does not matter: taking
    /// the heaviest of all can only overestimate.
    fn aliases(&mut self, section: wasmparser::ComponentAliasSectionReader<'_>) -> Result<(), Fault> {
        add(
            &mut self.tally.canonical,
            section.count().into(),
            "aliases and canonical functions",
            MAX_CANONICAL,
        )?;
        for alias in section {
            let is_component = match alias.map_err(|e| invalid(&e))? {
                ComponentAlias::InstanceExport { kind, .. } => kind == ComponentExternalKind::Component,
                ComponentAlias::CoreInstanceExport { .. } => false,
                ComponentAlias::Outer { kind, .. } => kind == wasmparser::ComponentOuterAliasKind::Component,
            };
            let heaviest = self.heaviest();
            if let (true, Some(frame)) = (is_component, self.frames.last_mut()) {
                frame.components.push(heaviest);
            }
        }
        Ok(())
    }

    fn heaviest(&self) -> u64 {
        self.frames.iter().flat_map(|f| f.components.iter()).copied().max().unwrap_or(0)
    }

    fn weigh(&mut self, more: u64) {
        if let Some(frame) = self.frames.last_mut() {
            frame.weight = frame.weight.saturating_add(more);
        }
    }
}

fn function(body: &wasmparser::FunctionBody<'_>) -> Result<(), Fault> {
    let size = body.range().len() as u64;
    if size > MAX_FUNCTION_BYTES {
        return Err(refused("bytes in one function", size, MAX_FUNCTION_BYTES));
    }
    let mut locals = 0;
    for group in body.get_locals_reader().map_err(|e| invalid(&e))? {
        let (count, _) = group.map_err(|e| invalid(&e))?;
        add(&mut locals, count.into(), "local variables in one function", MAX_LOCALS)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasmparser::Parser;

    /// The bounds above hold sections to counts before their items are read: a section that lies
    /// about its count is refused by the parser, not allocated for.
    #[test]
    fn a_count_that_lies_is_refused() {
        let lying = [0, b'a', b's', b'm', 0x0d, 0, 1, 0, 7, 5, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(super::read(&lying, 16).is_err());
        assert!(Parser::new(0).parse_all(&lying).next().is_some());
    }
}
