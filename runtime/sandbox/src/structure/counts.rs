//! How many of everything, and how large: bounded before a compiler sees it.

use super::{SCHEMAS_SECTION, STRUCTURE, payloads, resources::Resources};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::LimitName;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, CompositeInnerType,
    ConstExpr, DataKind, ElementItems, ElementKind, Encoding, Instance, Operator, Payload,
};

/// The bytes cannot be parsed.
const INVALID: Rule = Rule::new("component-invalid");

// What compiling and instantiating cost grows with these. Rust steps stay far below; the bounds
// leave room for interpreters of other languages compiled to WebAssembly.

/// Core modules. wit-component makes three to four for each step.
const MAX_MODULES: u64 = 16;
/// Functions in all modules together.
const MAX_FUNCTIONS: u64 = 60_000;
/// Bytes of one function body: compile time and memory grow faster than linearly with it.
const MAX_FUNCTION_BYTES: u64 = 256 << 10;
/// Local variables of one function: register allocation grows with it.
const MAX_LOCALS: u64 = 1_000;
/// What one function carries through a compiler: its edges of control flow, each times its variables,
/// and its calls, each times the largest signature. Time and memory grow faster than linearly with it:
/// 15 KB with 500 locals and a table of 10,000 branches took more than 20 s, 89 KB with 20,000 branches
/// and 900 locals 1.6 GB. The largest function of the examples has 225,000.
const MAX_CARRIED_BY_ONE: u64 = 1_000_000;
/// The same over all functions, beyond [`CARRIED_PER_BYTE`] for each byte of the component.
const MAX_CARRIED: u64 = 1_000_000;
/// What the functions of a component may carry for each of its bytes. The examples have 1 to 2.2.
const CARRIED_PER_BYTE: u64 = 4;
/// Parameters and results of one core function type. A call costs a compiler all of them.
const MAX_SIGNATURE: u64 = 100;
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
/// Elements of all segments: as many as a table has by default. What is not a function at a known place
/// in a module's own table is put there by code that spends no fuel: 100,000 elements in 100 KB took 1.4 s
/// and 250 MB to compile, and 0.1 s and 16 bytes each to instantiate 14 times.
const MAX_ELEMENTS: u64 = 20_000;
/// Bytes of the expressions that say what globals and elements start with and where segments go. They
/// too are compiled to code that spends no fuel: 120 KB took 0.4 s and 50 MB.
const MAX_EXPRESSION_BYTES: u64 = 128 << 10;
/// Bytes of data that instances may copy beyond the component's own size: each segment is put in place
/// once, and small ones may be more often.
const MAX_COPIED_AGAIN_BYTES: u64 = 1 << 20;
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
    pub(super) resources: Resources,
}

/// Bytes of a page of linear memory; other page sizes are refused.
const PAGE_BYTES: u64 = 64 << 10;

/// What one instantiation of a module makes.
#[derive(Clone, Copy, Default)]
struct Weight {
    instances: u64,
    memories: u64,
    tables: u64,
    functions: u64,
    globals: u64,
    segments: u64,
    elements: u64,
    expressions: u64,
    data: u64,
}

impl Weight {
    fn add(&mut self, more: Self) {
        for (total, more) in [
            (&mut self.instances, more.instances),
            (&mut self.memories, more.memories),
            (&mut self.tables, more.tables),
            (&mut self.functions, more.functions),
            (&mut self.globals, more.globals),
            (&mut self.segments, more.segments),
            (&mut self.elements, more.elements),
            (&mut self.expressions, more.expressions),
            (&mut self.data, more.data),
        ] {
            *total = total.saturating_add(more);
        }
    }

    /// What is bounded over all modules is bounded over all instances too: a module that is
    /// instantiated again takes memory and time again, before a limit of the run can end it.
    fn check(&self, size: u64) -> Result<(), Fault> {
        for (what, count, most) in [
            ("memories", self.memories, MAX_MEMORIES),
            ("tables", self.tables, MAX_TABLES),
            ("functions in all instances", self.functions, MAX_FUNCTIONS),
            ("globals in all instances", self.globals, MAX_GLOBALS),
            ("segments in all instances", self.segments, MAX_SEGMENTS),
            ("elements of segments in all instances", self.elements, MAX_ELEMENTS),
            ("bytes of initial expressions in all instances", self.expressions, MAX_EXPRESSION_BYTES),
            ("bytes of data in all instances", self.data, size.saturating_add(MAX_COPIED_AGAIN_BYTES)),
        ] {
            if count > most {
                return Err(refused(what, count, most));
            }
        }
        Ok(())
    }
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
    elements: u64,
    expressions: u64,
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

fn two_schemas() -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, INVALID)
        .says(format_args!("the component has the section `{SCHEMAS_SECTION}` twice"))
        .hint("readers would differ in which one counts; build the step again with `stepward build`")
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
    let mut counts = Counts {
        imports: vec![],
        exports: vec![],
        schemas: None,
        core_instances: 0,
        resources: Resources::default(),
    };
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
    let made = reader.made;
    if made.instances > max_instances {
        return Err(Fault::new(Class::LimitExceeded, Owner::StepAuthor, STRUCTURE)
            .limit(LimitName::Instances.as_str())
            .says(format_args!(
                "the component makes {} core instances; the limit instances is {max_instances}",
                made.instances
            ))
            .hint("steps are small programs: split this one, or raise instances in the step's limits"));
    }
    made.check(bytes.len() as u64)?;
    counts.core_instances = made.instances;
    Ok(counts)
}

#[derive(Default)]
struct Reader {
    /// Bytes of the whole component.
    size: usize,
    /// How many modules and components are open; components do not nest, so inside a module it is 2.
    open: usize,
    tally: Tally,
    /// The weights of the core modules read so far, in the order of their index space.
    modules: Vec<Weight>,
    /// The weight of the core module that is open or was open last.
    module: Weight,
    /// Most parameters and results of one type in the same module: a block can have any of its types.
    signature: u64,
    /// What instantiating the component makes.
    made: Weight,
}

impl Reader {
    fn payload<'a>(&mut self, payload: Payload<'a>, counts: &mut Counts<'a>) -> Result<(), Fault> {
        let tally = &mut self.tally;
        match payload {
            Payload::Version { encoding, .. } => return self.enter(encoding),
            Payload::End(_) => self.leave(),
            Payload::TypeSection(s) => return self.types(s),
            Payload::CoreTypeSection(s) => add(&mut tally.types, s.count().into(), "types", MAX_TYPES)?,
            Payload::ComponentTypeSection(s) => {
                add(&mut tally.types, s.count().into(), "types", MAX_TYPES)?;
                // What cannot be read is refused by the validator afterwards.
                s.into_iter().flatten().for_each(|ty| counts.resources.look(&ty));
            }
            Payload::ImportSection(s) => add(&mut tally.imports, s.count().into(), "imports", MAX_IMPORTS)?,
            Payload::ExportSection(s) => add(&mut tally.exports, s.count().into(), "exports", MAX_EXPORTS)?,
            Payload::FunctionSection(s) => {
                self.module.functions = s.count().into();
                add(&mut tally.functions, s.count().into(), "functions", MAX_FUNCTIONS)?;
            }
            Payload::GlobalSection(s) => {
                add(&mut tally.globals, s.count().into(), "globals", MAX_GLOBALS)?;
                return self.globals(s);
            }
            Payload::ElementSection(s) => {
                add(&mut tally.segments, s.count().into(), "segments", MAX_SEGMENTS)?;
                return self.elements(s);
            }
            Payload::DataSection(s) => {
                add(&mut tally.segments, s.count().into(), "segments", MAX_SEGMENTS)?;
                return self.data(s);
            }
            Payload::MemorySection(s) => return self.memories(s),
            Payload::TableSection(s) => return self.tables(s),
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
            Payload::CodeSectionEntry(body) => return self.code(&body),
            Payload::InstanceSection(s) => return self.core_instances(s),
            Payload::ComponentInstanceSection(s) => return Self::instances(s),
            Payload::ComponentAliasSection(s) => return self.aliases(s),
            Payload::ComponentImportSection(s) => return self.component_imports(s, counts),
            Payload::ComponentExportSection(s) => return self.component_exports(s, counts),
            Payload::CustomSection(s) if self.open == 1 && s.name() == SCHEMAS_SECTION => {
                // Two would leave it to the reader which one counts.
                if counts.schemas.replace(s.data()).is_some() {
                    return Err(two_schemas());
                }
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

    fn types(&mut self, section: wasmparser::TypeSectionReader<'_>) -> Result<(), Fault> {
        add(&mut self.tally.types, section.count().into(), "types", MAX_TYPES)?;
        self.signature = self.signature.max(largest_signature(section));
        add(&mut 0, self.signature, "parameters and results of one function type", MAX_SIGNATURE)
    }

    fn memories(&mut self, section: wasmparser::MemorySectionReader<'_>) -> Result<(), Fault> {
        self.module.memories = self.module.memories.saturating_add(section.count().into());
        add(&mut self.tally.memories, section.count().into(), "memories", MAX_MEMORIES)?;
        memories(section)
    }

    fn tables(&mut self, section: wasmparser::TableSectionReader<'_>) -> Result<(), Fault> {
        self.module.tables = self.module.tables.saturating_add(section.count().into());
        add(&mut self.tally.tables, section.count().into(), "tables", MAX_TABLES)?;
        tables(section)
    }

    fn code(&mut self, body: &wasmparser::FunctionBody<'_>) -> Result<(), Fault> {
        let carried = function(body, self.signature)?;
        add(&mut 0, carried, "variables carried across blocks of one function", MAX_CARRIED_BY_ONE)?;
        let most = MAX_CARRIED.saturating_add((self.size as u64).saturating_mul(CARRIED_PER_BYTE));
        add(&mut self.tally.carried, carried, "variables carried across blocks", most)
    }

    fn component_imports(
        &mut self,
        section: wasmparser::ComponentImportSectionReader<'_>,
        counts: &mut Counts<'_>,
    ) -> Result<(), Fault> {
        add(&mut self.tally.imports, section.count().into(), "imports", MAX_IMPORTS)?;
        for import in section {
            let import = import.map_err(|e| invalid(&e))?;
            counts.resources.reference(import.name.name, &import.ty);
            counts.imports.push(import.name.name.to_owned());
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
            if let Some(ty) = &export.ty {
                counts.resources.reference(export.name.name, ty);
            }
            counts.exports.push(export.name.name.to_owned());
        }
        Ok(())
    }

    fn enter(&mut self, encoding: Encoding) -> Result<(), Fault> {
        self.open += 1;
        match encoding {
            Encoding::Module => {
                self.module = Weight { instances: 1, ..Weight::default() };
                self.signature = 0;
                add(&mut self.tally.modules, 1, "core modules", MAX_MODULES)
            }
            Encoding::Component => Ok(()),
        }
    }

    fn leave(&mut self) {
        if self.open == 2 {
            self.modules.push(self.module);
        }
        self.open = self.open.saturating_sub(1);
    }

    fn expression(&mut self, expression: &ConstExpr<'_>) -> Result<(), Fault> {
        self.expressions(expression.get_binary_reader().range().len() as u64)
    }

    fn expressions(&mut self, bytes: u64) -> Result<(), Fault> {
        self.module.expressions = self.module.expressions.saturating_add(bytes);
        add(&mut self.tally.expressions, bytes, "bytes of initial expressions", MAX_EXPRESSION_BYTES)
    }

    /// What cannot be read is refused by the validator afterwards, here and in the next two functions.
    fn globals(&mut self, section: wasmparser::GlobalSectionReader<'_>) -> Result<(), Fault> {
        self.module.globals = section.count().into();
        for global in section.into_iter().flatten() {
            self.expression(&global.init_expr)?;
        }
        Ok(())
    }

    fn elements(&mut self, section: wasmparser::ElementSectionReader<'_>) -> Result<(), Fault> {
        self.module.segments = self.module.segments.saturating_add(section.count().into());
        for element in section.into_iter().flatten() {
            match &element.kind {
                ElementKind::Active { offset_expr, .. } => self.expression(offset_expr)?,
                ElementKind::Passive | ElementKind::Declared => {}
            }
            let count = match &element.items {
                ElementItems::Functions(items) => items.count(),
                ElementItems::Expressions(_, items) => {
                    self.expressions(element.range.len() as u64)?;
                    items.count()
                }
            };
            self.module.elements = self.module.elements.saturating_add(count.into());
            add(&mut self.tally.elements, count.into(), "elements of segments", MAX_ELEMENTS)?;
        }
        Ok(())
    }

    fn data(&mut self, section: wasmparser::DataSectionReader<'_>) -> Result<(), Fault> {
        self.module.segments = self.module.segments.saturating_add(section.count().into());
        for data in section.into_iter().flatten() {
            match &data.kind {
                DataKind::Active { offset_expr, .. } => self.expression(offset_expr)?,
                DataKind::Passive => {}
            }
            self.module.data = self.module.data.saturating_add(data.data.len() as u64);
        }
        Ok(())
    }

    /// An index that is not there is refused by the validator afterwards.
    fn core_instances(&mut self, section: wasmparser::InstanceSectionReader<'_>) -> Result<(), Fault> {
        for instance in section {
            match instance.map_err(|e| invalid(&e))? {
                Instance::Instantiate { module_index, .. } => {
                    let weight = self.modules.get(module_index as usize).copied();
                    self.made.add(weight.unwrap_or_default());
                }
                Instance::FromExports(_) => {}
            }
        }
        Ok(())
    }

    /// There are no components within this one, so an instance can only bundle what is there.
    fn instances(section: wasmparser::ComponentInstanceSectionReader<'_>) -> Result<(), Fault> {
        for instance in section {
            match instance.map_err(|e| invalid(&e))? {
                ComponentInstance::Instantiate { .. } => return Err(code_as_value()),
                ComponentInstance::FromExports(_) => {}
            }
        }
        Ok(())
    }

    fn aliases(&mut self, section: wasmparser::ComponentAliasSectionReader<'_>) -> Result<(), Fault> {
        let what = "aliases and canonical functions";
        add(&mut self.tally.canonical, section.count().into(), what, MAX_CANONICAL)?;
        for alias in section {
            match alias.map_err(|e| invalid(&e))? {
                ComponentAlias::InstanceExport { kind, .. } if is_code(kind) => return Err(code_as_value()),
                ComponentAlias::InstanceExport { .. } | ComponentAlias::CoreInstanceExport { .. } => {}
                ComponentAlias::Outer { kind, .. } => match kind {
                    ComponentOuterAliasKind::CoreModule | ComponentOuterAliasKind::Component => {
                        return Err(code_as_value());
                    }
                    ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Type => {}
                },
            }
        }
        Ok(())
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

/// Code that comes from anywhere but this component's own modules could be instantiated without being
/// counted here. No tool makes such components for a step.
fn code_as_value() -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, STRUCTURE)
        .says("the component takes code as a value: it aliases or instantiates a module or component of elsewhere")
        .hint("define modules where they are instantiated")
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

/// Checks one function and returns how much a compiler carries through it: at every edge of its control
/// flow all local variables, at every call the largest signature of its module.
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
    let (mut edges, mut calls) = (0_u64, 0_u64);
    for operator in operators.into_iter().map_while(Result::ok) {
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::Return => edges += 1,
            Operator::BrTable { targets } => edges += u64::from(targets.len()) + 1,
            Operator::Call { .. } | Operator::CallIndirect { .. } => calls += 1,
            // Straight-line code carries nothing; operators of refused proposals never get here.
            _ => {}
        }
    }
    let carried = edges.saturating_mul(locals.saturating_add(signature));
    Ok(carried.saturating_add(calls.saturating_mul(signature)))
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
