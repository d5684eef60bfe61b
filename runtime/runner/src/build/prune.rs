//! Removes an export from a core module, and the code that nothing else reaches.
//!
//! The bodies of unreachable functions become a single trap. Their indices stay, so nothing that
//! refers to a function has to change. A function in a table counts as reached when code that is
//! reached makes an indirect call of its type; wherever a table could be read in another way, every
//! function in a table counts.

use std::collections::BTreeSet;
use wasm_encoder::{
    CodeSection, ExportSection, Function, Module,
    reencode::{self, Reencode, utils},
};
use wasmparser::{
    BinaryReaderError, CustomSectionReader, ElementItems, Export, ExternalKind, FuncType, FunctionBody,
    Operator, Parser, Payload, TypeRef,
};

/// The sections in which the encoder of components finds the world.
const WORLD_SECTION_PREFIX: &str = "component-type";

/// The module without the export `name`, the code that only it needs, and all custom sections but
/// those that tell the world.
pub(super) fn prune(core: &[u8], name: &str) -> Result<Vec<u8>, String> {
    let graph = Graph::read(core, name).map_err(|error| error.to_string())?;
    let mut pruner = Pruner { name, live: graph.live(), next: graph.imported };
    let mut module = Module::new();
    pruner.parse_core_module(&mut module, Parser::new(0), core).map_err(|error| error.to_string())?;
    Ok(module.finish())
}

/// Which function can call which.
#[derive(Default)]
struct Graph {
    types: Vec<FuncType>,
    /// The type index of every function, imported ones first.
    functions: Vec<u32>,
    imported: u32,
    /// What each function that is not imported does.
    bodies: Vec<Body>,
    /// Functions that the outside or a global can call.
    roots: Vec<u32>,
    /// Functions that are in a table or can be put into one.
    in_tables: BTreeSet<u32>,
    /// A table is visible from outside or read other than by indirect calls.
    tables_escape: bool,
}

#[derive(Default)]
struct Body {
    calls: BTreeSet<u32>,
    /// Type indices of indirect calls.
    indirect_calls: BTreeSet<u32>,
}

impl Graph {
    fn read(core: &[u8], name: &str) -> Result<Self, BinaryReaderError> {
        let mut graph = Self::default();
        for payload in Parser::new(0).parse_all(core) {
            graph.add(payload?, name)?;
        }
        Ok(graph)
    }

    fn add(&mut self, payload: Payload<'_>, name: &str) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(ty?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                            self.functions.push(ty);
                            self.imported += 1;
                        }
                        TypeRef::Table(_) => self.tables_escape = true,
                        TypeRef::Memory(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    self.add_constant(global?.init_expr.get_operators_reader())?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact if export.name != name => {
                            self.roots.push(export.index);
                        }
                        ExternalKind::Table => self.tables_escape = true,
                        _ => {}
                    }
                }
            }
            Payload::StartSection { func, .. } => self.roots.push(func),
            Payload::ElementSection(section) => {
                for element in section {
                    match element?.items {
                        ElementItems::Functions(functions) => {
                            for function in functions {
                                self.in_tables.insert(function?);
                            }
                        }
                        ElementItems::Expressions(_, expressions) => {
                            for expression in expressions {
                                for operator in expression?.get_operators_reader() {
                                    if let Operator::RefFunc { function_index } = operator? {
                                        self.in_tables.insert(function_index);
                                    }
                                }
                            }
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => self.add_body(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn add_constant(&mut self, operators: wasmparser::OperatorsReader<'_>) -> Result<(), BinaryReaderError> {
        for operator in operators {
            if let Operator::RefFunc { function_index } = operator? {
                self.roots.push(function_index);
            }
        }
        Ok(())
    }

    fn add_body(&mut self, function: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let mut body = Body::default();
        for operator in function.get_operators_reader()? {
            match operator? {
                Operator::Call { function_index }
                | Operator::ReturnCall { function_index }
                | Operator::RefFunc { function_index } => {
                    body.calls.insert(function_index);
                }
                Operator::CallIndirect { type_index, .. }
                | Operator::ReturnCallIndirect { type_index, .. } => {
                    body.indirect_calls.insert(type_index);
                }
                Operator::TableGet { .. } | Operator::CallRef { .. } | Operator::ReturnCallRef { .. } => {
                    self.tables_escape = true;
                }
                _ => {}
            }
        }
        self.bodies.push(body);
        Ok(())
    }

    /// The functions that can be reached.
    fn live(&self) -> BTreeSet<u32> {
        let mut live = BTreeSet::new();
        let mut called_types = BTreeSet::new();
        let mut next = self.roots.clone();
        if self.tables_escape {
            next.extend(&self.in_tables);
        }
        while let Some(function) = next.pop() {
            if !live.insert(function) {
                continue;
            }
            let Some(body) = self.body(function) else { continue };
            next.extend(&body.calls);
            for ty in &body.indirect_calls {
                if called_types.insert(*ty) {
                    next.extend(self.in_tables.iter().filter(|f| self.has_type(**f, *ty)));
                }
            }
        }
        live
    }

    /// What a function does; nothing that is known when it is imported.
    fn body(&self, function: u32) -> Option<&Body> {
        self.bodies.get(usize::try_from(function.checked_sub(self.imported)?).ok()?)
    }

    /// Whether an indirect call of type `ty` can reach `function`. Types are compared by what they
    /// are, not by index.
    fn has_type(&self, function: u32, ty: u32) -> bool {
        let get = |index: u32| self.types.get(usize::try_from(index).ok()?);
        let own = usize::try_from(function).ok().and_then(|index| self.functions.get(index));
        own.and_then(|own| get(*own)) == get(ty)
    }
}

/// Writes the module again without what is to go.
struct Pruner<'a> {
    name: &'a str,
    live: BTreeSet<u32>,
    /// The index of the next function body.
    next: u32,
}

impl Reencode for Pruner<'_> {
    type Error = std::convert::Infallible;

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        if export.name == self.name { Ok(()) } else { utils::parse_export(self, exports, export) }
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let index = self.next;
        self.next += 1;
        if self.live.contains(&index) {
            return utils::parse_function_body(self, code, body);
        }
        let mut stub = Function::new([]);
        stub.instructions().unreachable().end();
        code.function(&stub);
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        if section.name().starts_with(WORLD_SECTION_PREFIX) {
            utils::parse_custom_section(self, module, section)
        } else {
            Ok(())
        }
    }
}
