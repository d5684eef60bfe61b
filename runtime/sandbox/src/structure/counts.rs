//! How many of everything, and how large: bounded before a compiler sees it.

use super::{SCHEMAS_SECTION, payloads};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::LimitName;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    CompositeInnerType, Encoding, Instance, Operator, Payload,
};

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
const MAX_LOCALS: u64 = 1_000;
/// Blocks, loops and conditionals, each times the variables that a compiler carries across it, summed
/// over all functions, beyond one for each byte of the component. A function of 66 KB with 5,000 locals
/// and 100 loops took half a minute and 640 MB to compile. Rust programs have 0.2 to 0.8 for each byte.
const MAX_CARRIED: u64 = 1_000_000;
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

/// Bytes of a page of linear memory; other page sizes are refused.
const PAGE_BYTES: u64 = 64 << 10;

/// What one instantiation of a module or a component makes.
#[derive(Clone, Copy, Default)]
struct Weight {
    instances: u64,
    memories: u64,
    tables: u64,
}

impl Weight {
    fn add(&mut self, more: Self) {
        self.instances = self.instances.saturating_add(more.instances);
        self.memories = self.memories.saturating_add(more.memories);
        self.tables = self.tables.saturating_add(more.tables);
    }
}

/// One component that is being read.
#[derive(Default)]
struct Frame {
    weight: Weight,
    /// The weights of the core modules in this component's index space.
    modules: Vec<Weight>,
    /// The weights of the components in this component's index space.
    components: Vec<Weight>,
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
    carried: u64,
}

fn refused(what: &str, count: u64, most: u64) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, STRUCTURE)
        .says(format_args!("the component has {count} {what}; the most is {most}"))
        .hint("steps are small programs: split this one, or leave out what it does not need")
}

fn unknown_section() -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, STRUCTURE)
        .says("the component has a section of a kind that this host does not know")
        .hint("build it with the tools that this version of Stepward names; newer ones may write newer sections")
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

fn cut_off(end: usize, size: usize) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, INVALID)
        .says(format_args!(
            "the component is cut off: a part of it ends at byte {end}, and it has {size} bytes"
        ))
        .hint("the file was not written to its end; build it again with `stepward build`")
}

pub(super) fn read(bytes: &[u8], max_instances: u64) -> Result<Counts<'_>, Fault> {
    let mut reader = Reader { size: bytes.len(), ..Reader::default() };
    let mut counts = Counts { imports: vec![], exports: vec![], schemas: None, core_instances: 0 };
    for payload in payloads(bytes) {
        // A proposal that is off may already fail to parse: the validator names it afterwards.
        let payload = match payload {
            Ok(payload) => payload,
            Err(error) => return Err(super::proposals::name(bytes).unwrap_or_else(|| invalid(&error))),
        };
        reader.payload(payload, &mut counts).map_err(|fault| match fault.rule() {
            INVALID => super::proposals::name(bytes).unwrap_or(fault),
            _ => fault,
        })?;
    }
    let made = reader.out;
    if made.instances > max_instances {
        return Err(Fault::new(Class::LimitExceeded, Owner::StepAuthor, STRUCTURE)
            .limit(LimitName::Instances.as_str())
            .says(format_args!(
                "the component makes {} core instances; the limit instances is {max_instances}",
                made.instances
            ))
            .hint("steps are small programs: split this one, or raise instances in the step's limits"));
    }
    for (what, count, most) in
        [("memories", made.memories, MAX_MEMORIES), ("tables", made.tables, MAX_TABLES)]
    {
        if count > most {
            return Err(refused(what, count, most));
        }
    }
    counts.core_instances = made.instances;
    Ok(counts)
}

#[derive(Default)]
struct Reader {
    /// Bytes of the whole component.
    size: usize,
    frames: Vec<Frame>,
    /// Encodings of everything that is open, outermost first.
    open: Vec<Encoding>,
    tally: Tally,
    /// The weight of the core module that is open or was open last.
    module: Weight,
    /// Most parameters and results of one type in the same module: a block can have any of its types.
    signature: u64,
    /// The weight of the outermost component, once it ended.
    out: Weight,
}

impl Reader {
    fn payload<'a>(&mut self, payload: Payload<'a>, counts: &mut Counts<'a>) -> Result<(), Fault> {
        let tally = &mut self.tally;
        match payload {
            Payload::Version { encoding, .. } => return self.enter(encoding),
            Payload::End(_) => self.leave(),
            Payload::TypeSection(s) => {
                add(&mut tally.types, s.count().into(), "types", MAX_TYPES)?;
                self.signature = self.signature.max(largest_signature(s));
            }
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
                self.module.memories = self.module.memories.saturating_add(s.count().into());
                add(&mut tally.memories, s.count().into(), "memories", MAX_MEMORIES)?;
                return memories(s);
            }
            Payload::TableSection(s) => {
                self.module.tables = self.module.tables.saturating_add(s.count().into());
                add(&mut tally.tables, s.count().into(), "tables", MAX_TABLES)?;
                return tables(s);
            }
            Payload::ComponentCanonicalSection(s) => {
                add(&mut tally.canonical, s.count().into(), "canonical functions", MAX_CANONICAL)?;
            }
            // The parser takes the end of the file for the end of everything that is open.
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. }
                if unchecked_range.end > self.size =>
            {
                return Err(cut_off(unchecked_range.end, self.size));
            }
            Payload::CodeSectionEntry(body) => {
                let carried = function(&body, self.signature)?;
                let most = MAX_CARRIED.saturating_add(self.size as u64);
                add(&mut tally.carried, carried, "variables carried across blocks", most)?;
            }
            Payload::InstanceSection(s) => return self.core_instances(s),
            Payload::ComponentInstanceSection(s) => return self.instances(s),
            Payload::ComponentAliasSection(s) => return self.aliases(s),
            Payload::ComponentImportSection(s) => return self.component_imports(s, counts),
            Payload::ComponentExportSection(s) => return self.component_exports(s, counts),
            Payload::CustomSection(s) if self.open.len() == 1 && s.name() == SCHEMAS_SECTION => {
                counts.schemas = Some(s.data());
            }
            // Bounded by the sections above, by the validator, or by the component's size; custom
            // sections carry no meaning.
            Payload::ModuleSection { .. }
            | Payload::ComponentSection { .. }
            | Payload::StartSection { .. }
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::TagSection(_)
            | Payload::ComponentStartSection { .. }
            | Payload::CustomSection(_) => {}
            // A section that is not counted here is not let through.
            _ => return Err(unknown_section()),
        }
        Ok(())
    }

    /// The outermost imports are the component's world. Further in, code may not be handed around: what
    /// is instantiated must be counted where it is defined.
    fn component_imports(
        &mut self,
        section: wasmparser::ComponentImportSectionReader<'_>,
        counts: &mut Counts<'_>,
    ) -> Result<(), Fault> {
        add(&mut self.tally.imports, section.count().into(), "imports", MAX_IMPORTS)?;
        for import in section {
            let import = import.map_err(|e| invalid(&e))?;
            match import.ty {
                _ if self.open.len() == 1 => counts.imports.push(import.name.name.to_owned()),
                ComponentTypeRef::Module(_) | ComponentTypeRef::Component(_) => return Err(code_as_value()),
                ComponentTypeRef::Func(_)
                | ComponentTypeRef::Value(_)
                | ComponentTypeRef::Type(_)
                | ComponentTypeRef::Instance(_) => {}
            }
        }
        Ok(())
    }

    fn component_exports(
        &mut self,
        section: wasmparser::ComponentExportSectionReader<'_>,
        counts: &mut Counts<'_>,
    ) -> Result<(), Fault> {
        add(&mut self.tally.exports, section.count().into(), "exports", MAX_EXPORTS)?;
        for export in section {
            let export = export.map_err(|e| invalid(&e))?;
            if self.open.len() == 1 {
                counts.exports.push(export.name.name.to_owned());
            } else if is_code(export.kind) {
                return Err(code_as_value());
            }
        }
        Ok(())
    }

    fn enter(&mut self, encoding: Encoding) -> Result<(), Fault> {
        self.open.push(encoding);
        if self.open.len() > MAX_NESTING {
            return Err(refused("levels of nesting", self.open.len() as u64, MAX_NESTING as u64));
        }
        match encoding {
            Encoding::Module => {
                self.module = Weight { instances: 1, ..Weight::default() };
                self.signature = 0;
                add(&mut self.tally.modules, 1, "core modules", MAX_MODULES)
            }
            Encoding::Component => {
                self.frames.push(Frame::default());
                Ok(())
            }
        }
    }

    fn leave(&mut self) {
        match self.open.pop() {
            Some(Encoding::Module) => {
                if let Some(parent) = self.frames.last_mut() {
                    parent.modules.push(self.module);
                }
            }
            Some(Encoding::Component) => {
                let done = self.frames.pop().unwrap_or_default().weight;
                match self.frames.last_mut() {
                    Some(parent) => parent.components.push(done),
                    None => self.out = done,
                }
            }
            None => {}
        }
    }

    fn core_instances(&mut self, section: wasmparser::InstanceSectionReader<'_>) -> Result<(), Fault> {
        for instance in section {
            match instance.map_err(|e| invalid(&e))? {
                Instance::Instantiate { module_index, .. } => {
                    self.weigh(|frame| &frame.modules, module_index);
                }
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
                    self.weigh(|frame| &frame.components, component_index);
                }
                ComponentInstance::FromExports(_) => {}
            }
        }
        Ok(())
    }

    /// An index that is not there is refused by the validator afterwards.
    fn weigh(&mut self, space: impl Fn(&Frame) -> &Vec<Weight>, index: u32) {
        if let Some(frame) = self.frames.last_mut()
            && let Some(weight) = space(frame).get(index as usize).copied()
        {
            frame.weight.add(weight);
        }
    }

    /// A module or component that is aliased from outside enters the index space once more.
    fn aliases(&mut self, section: wasmparser::ComponentAliasSectionReader<'_>) -> Result<(), Fault> {
        add(
            &mut self.tally.canonical,
            section.count().into(),
            "aliases and canonical functions",
            MAX_CANONICAL,
        )?;
        for alias in section {
            match alias.map_err(|e| invalid(&e))? {
                ComponentAlias::InstanceExport { kind, .. } if is_code(kind) => return Err(code_as_value()),
                ComponentAlias::InstanceExport { .. } | ComponentAlias::CoreInstanceExport { .. } => {}
                ComponentAlias::Outer { kind, count, index } => match kind {
                    ComponentOuterAliasKind::CoreModule => {
                        self.again(|frame| &mut frame.modules, count, index);
                    }
                    ComponentOuterAliasKind::Component => {
                        self.again(|frame| &mut frame.components, count, index);
                    }
                    ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Type => {}
                },
            }
        }
        Ok(())
    }

    fn again(&mut self, space: impl Fn(&mut Frame) -> &mut Vec<Weight>, count: u32, index: u32) {
        let outer = self.frames.iter_mut().nth_back(count as usize);
        let weight = outer.and_then(|frame| space(frame).get(index as usize).copied()).unwrap_or_default();
        if let Some(frame) = self.frames.last_mut() {
            space(frame).push(weight);
        }
    }
}

const fn is_code(kind: ComponentExternalKind) -> bool {
    match kind {
        ComponentExternalKind::Module | ComponentExternalKind::Component => true,
        ComponentExternalKind::Func
        | ComponentExternalKind::Value
        | ComponentExternalKind::Type
        | ComponentExternalKind::Instance => false,
    }
}

/// Code that is handed from one component to another could be instantiated any number of times
/// without being counted here. No tool makes such components for a step.
fn code_as_value() -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, STRUCTURE)
        .says("a nested component imports, exports or aliases code: a module or a component")
        .hint("define modules and components where they are instantiated, or alias them from an outer component")
}

/// No limit lets a memory start above what the pool holds for each. What cannot be read is refused
/// by the validator afterwards, which can name the proposal.
fn memories(section: wasmparser::MemorySectionReader<'_>) -> Result<(), Fault> {
    for memory in section.into_iter().flatten() {
        let bytes = memory.initial.saturating_mul(PAGE_BYTES);
        add(&mut 0, bytes, "bytes in one memory", LimitName::MemoryBytes.most())?;
    }
    Ok(())
}

fn tables(section: wasmparser::TableSectionReader<'_>) -> Result<(), Fault> {
    for table in section.into_iter().flatten() {
        add(&mut 0, table.ty.initial, "elements in one table", LimitName::TableElements.most())?;
    }
    Ok(())
}

/// What cannot be read is refused by the validator afterwards, here and in the next function.
fn largest_signature(section: wasmparser::TypeSectionReader<'_>) -> u64 {
    let types = section.into_iter().flatten().flat_map(wasmparser::RecGroup::into_types);
    let sizes = types.map(|ty| match ty.composite_type.inner {
        CompositeInnerType::Func(ty) => (ty.params().len() + ty.results().len()) as u64,
        CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) | CompositeInnerType::Cont(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

/// Checks one function and returns how many variables it carries across blocks.
fn function(body: &wasmparser::FunctionBody<'_>, signature: u64) -> Result<u64, Fault> {
    let size = body.range().len() as u64;
    if size > MAX_FUNCTION_BYTES {
        return Err(refused("bytes in one function", size, MAX_FUNCTION_BYTES));
    }
    let mut locals = 0;
    for group in body.get_locals_reader().map_err(|e| invalid(&e))? {
        let (count, _) = group.map_err(|e| invalid(&e))?;
        add(&mut locals, count.into(), "local variables in one function", MAX_LOCALS)?;
    }
    let operators = body.get_operators_reader().map_err(|e| invalid(&e))?;
    let blocks = operators.into_iter().map_while(Result::ok).filter(|operator| {
        matches!(operator, Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. })
    });
    Ok((blocks.count() as u64).saturating_mul(locals.saturating_add(signature)))
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
