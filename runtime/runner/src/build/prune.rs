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

#[cfg(test)]
mod tests {
    use super::prune;
    use wasmparser::{Parser, Payload, Validator};

    /// For each function of the pruned module, whether its body is still there.
    fn kept(text: &str) -> Vec<bool> {
        let pruned = prune(&wat::parse_str(text).unwrap(), "describe").unwrap();
        Validator::new().validate_all(&pruned).unwrap();
        let bodies = Parser::new(0).parse_all(&pruned).filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body.as_bytes() != [0, 0, 0x0b]),
            _ => None,
        });
        bodies.collect()
    }

    #[test]
    fn what_only_the_export_reached_goes_and_indices_stay() {
        let text = r#"(module
            (import "host" "f" (func $host))
            (func $shared (drop (i32.const 1)))
            (func $schemas (call $deeper) (call $shared))
            (func $deeper (drop (i32.const 2)))
            (func (export "describe") (call $schemas))
            (func (export "run") (call $shared) (call $host)))"#;
        assert_eq!(kept(text), [true, false, false, false, true]);
        let pruned = prune(&wat::parse_str(text).unwrap(), "describe").unwrap();
        assert!(!pruned.windows(8).any(|window| window == b"describe"));
    }

    #[test]
    fn a_function_in_a_table_stays_when_code_that_stays_can_call_its_type() {
        let text = r#"(module
            (type $called (func (param i32)))
            (type $same (func (param i32)))
            (table 3 funcref)
            (elem (i32.const 0) $reached $other $start)
            (func $reached (type $same) (drop (local.get 0)))
            (func $other (param i64) (drop (local.get 0)))
            (func (export "describe") (call_indirect (param i64) (i64.const 0) (i32.const 1)))
            (func (export "run") (call_indirect (type $called) (i32.const 0) (i32.const 0)))
            (func $start (drop (i32.const 3)))
            (start $start))"#;
        assert_eq!(kept(text), [true, false, false, true, true]);
    }

    #[test]
    fn every_function_in_a_table_that_can_be_read_otherwise_stays() {
        let functions = r#"(elem (i32.const 0) $other) (func $other (drop (i32.const 1)))
            (func (export "describe"))"#;
        assert_eq!(kept(&format!(r#"(module (table (export "t") 1 funcref) {functions})"#)), [true, false]);
        assert_eq!(
            kept(&format!(r#"(module (import "m" "t" (table 1 funcref)) {functions})"#)),
            [true, false]
        );
        assert_eq!(kept(&format!("(module (table 1 funcref) {functions})")), [false, false]);
        let reads = r#"(func (export "run") (drop (table.get 0 (i32.const 0))))"#;
        assert_eq!(kept(&format!("(module (table 1 funcref) {functions} {reads})")), [true, false, true]);
    }

    #[test]
    fn references_from_globals_and_code_count() {
        let text = r#"(module
            (func $by_global (drop (i32.const 1)))
            (func $by_code (drop (i32.const 2)))
            (elem declare func $by_code)
            (global funcref (ref.func $by_global))
            (func (export "run") (drop (ref.func $by_code))))"#;
        assert_eq!(kept(text), [true, true, true]);
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        for bytes in [&b"\0as"[..], b"\0asm\x01\0\0\0\x0a\x05\x01", b"(module)"] {
            assert!(prune(bytes, "describe").is_err(), "{bytes:?}");
        }
    }
}
