//! Components too large to write down: refused before anything is compiled, by count or by size.

use crate::support::sandbox::{inspect, limits, refused};
use std::borrow::Cow;
use stepward_sandbox::Inspected;
use stepward_seam::LimitName;
use stepward_trust::Pinned;
use wasm_encoder::{
    CodeSection, Component, ComponentImportSection, ComponentTypeRef, ConstExpr, DataSection, ElementSection,
    Elements, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    HeapType, ImportSection, InstanceSection, MemorySection, MemoryType, Module, ModuleArg, ModuleSection,
    RawSection, RefType, TypeSection, ValType,
};

/// A component with nothing but this module.
fn component(module: &Module) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    component.finish()
}

/// A module with one function, and as many more like it as are asked for.
fn functions(count: u32, body: &Function) -> Module {
    let (mut types, mut functions, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for _ in 0..count {
        functions.function(0);
        code.function(body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module
}

fn nops(count: usize) -> Function {
    let mut body = Function::new([]);
    let mut bytes = vec![0x01; count];
    bytes.push(0x0b);
    body.raw(bytes);
    body
}

#[track_caller]
fn too_many(bytes: Vec<u8>, says: &str) {
    let (rule, message) = refused(bytes);
    assert_eq!((rule, message.as_str()), ("component-structure", says));
}

/// The smallest that is refused for its size is not, one byte smaller.
#[test]
fn a_giant_function() {
    // The body counts its own header of one byte for no locals, and its end.
    let most = (256 << 10) - 2;
    let (rule, _) = refused(component(&functions(1, &nops(most))));
    assert_eq!(rule, "exports");
    too_many(
        component(&functions(1, &nops(most + 1))),
        "the component has 262145 bytes in one function; the most is 262144",
    );
    too_many(
        component(&functions(1, &nops(4 << 20))),
        "the component has 4194306 bytes in one function; the most is 262144",
    );
}

#[test]
fn a_function_of_many_locals() {
    let mut body = Function::new([(50_000, ValType::I64)]);
    body.raw([0x0b]);
    too_many(
        component(&functions(1, &body)),
        "the component has 50000 local variables in one function; the most is 1000",
    );
    // The same in groups of one, as a list that is long itself.
    let mut body =
        Function::new((0..6_000).map(|n| (1, if n % 2 == 0 { ValType::I32 } else { ValType::I64 })));
    body.raw([0x0b]);
    too_many(
        component(&functions(1, &body)),
        "the component has 1001 local variables in one function; the most is 1000",
    );
}

/// A few kilobytes that take minutes to compile: every variable is carried around every loop.
#[test]
fn many_locals_in_many_loops() {
    let body = |loops: usize| {
        let mut body = Function::new([(1_000, ValType::I64)]);
        body.raw([0x03, 0x40].into_iter().cycle().take(2 * loops));
        body.raw(std::iter::repeat_n(0x0b, loops + 1));
        body
    };
    let (rule, _) = refused(component(&functions(1, &body(999))));
    assert_eq!(rule, "exports");
    let (rule, message) = refused(component(&functions(1, &body(1_010))));
    assert_eq!(rule, "component-structure");
    assert!(message.starts_with("the component has 1010000 variables carried across blocks"), "{message}");
}

/// The same without locals: the variables are parameters and results of the blocks.
#[test]
fn many_parameters_of_many_blocks() {
    let (mut types, mut functions, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    types.ty().function(vec![ValType::I64; 50], vec![ValType::I64; 50]);
    functions.function(0);
    let mut body = Function::new([]);
    body.raw([0x42, 0x00].into_iter().cycle().take(100));
    body.raw([0x03, 0x01].into_iter().cycle().take(21_000));
    body.raw(std::iter::repeat_n(0x0b, 10_500));
    body.raw(std::iter::repeat_n(0x1a, 50));
    body.raw([0x0b]);
    code.function(&body);
    let (rule, message) =
        refused(component(Module::new().section(&types).section(&functions).section(&code)));
    assert_eq!(rule, "component-structure");
    assert!(message.starts_with("the component has 1050000 variables carried across blocks"), "{message}");
}

/// A branch carries the variables too, and a table of branches carries them as often as it is long.
#[test]
fn many_locals_over_many_branches() {
    let mut table = Function::new([(500, ValType::I64)]);
    table.raw([0x03, 0x40, 0x41, 0x00, 0x0e, 0x90, 0x4e]);
    table.raw(std::iter::repeat_n(0x00, 10_001));
    table.raw([0x0b, 0x0b]);
    let mut branches = Function::new([(900, ValType::I64)]);
    branches.raw([0x03, 0x40]);
    branches.raw([0x41, 0x00, 0x0d, 0x00].into_iter().cycle().take(4 * 20_000));
    branches.raw([0x0b, 0x0b]);
    for (body, carried) in [(table, 5_001_000), (branches, 18_000_900)] {
        too_many(
            component(&functions(1, &body)),
            &format!(
                "the component has {carried} variables carried across blocks of one function; the most is 1000000"
            ),
        );
    }
}

/// A call costs a compiler all of its parameters and results.
#[test]
fn a_giant_signature() {
    let mut types = TypeSection::new();
    types.ty().function(vec![ValType::I64; 1_000], vec![ValType::I64; 1_000]);
    too_many(
        component(Module::new().section(&types)),
        "the component has 2000 parameters and results of one function type; the most is 100",
    );
}

/// wasmparser reads types within types recursively: the host's stack must not be theirs to take.
#[test]
fn types_within_types() {
    for levels in [3_000, 100_000] {
        let mut body = vec![1];
        body.extend([0x41, 0x01].repeat(levels));
        let mut bytes = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0, 7];
        leb128(&mut bytes, body.len());
        bytes.extend(body);
        let (rule, message) = refused(bytes);
        assert_eq!(rule, "component-structure");
        assert!(message.contains("types declared within types"), "{message}");
    }
}

fn leb128(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
}

#[test]
fn many_functions() {
    too_many(
        component(&functions(100_000, &nops(0))),
        "the component has 100000 functions; the most is 60000",
    );
}

#[test]
fn a_million_types() {
    let mut types = TypeSection::new();
    for _ in 0..1_000_000 {
        types.ty().function([], []);
    }
    too_many(component(Module::new().section(&types)), "the component has 1000000 types; the most is 20000");
}

#[test]
fn a_million_imports() {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    for _ in 0..1_000_000 {
        imports.import("", "", wasm_encoder::EntityType::Function(0));
    }
    too_many(
        component(Module::new().section(&types).section(&imports)),
        "the component has 1000000 imports; the most is 2000",
    );
    let mut imports = ComponentImportSection::new();
    for _ in 0..100_000 {
        imports.import("a", ComponentTypeRef::Func(0));
    }
    let mut component = Component::new();
    component.section(&imports);
    too_many(component.finish(), "the component has 100000 imports; the most is 2000");
}

#[test]
fn a_million_exports() {
    let mut exports = ExportSection::new();
    for _ in 0..1_000_000 {
        exports.export("", ExportKind::Func, 0);
    }
    too_many(
        component(Module::new().section(&exports)),
        "the component has 1000000 exports; the most is 2000",
    );
}

#[test]
fn many_globals_and_segments() {
    let mut globals = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    for _ in 0..10_000 {
        globals.global(ty, &ConstExpr::i32_const(0));
    }
    too_many(component(Module::new().section(&globals)), "the component has 10000 globals; the most is 5000");
    let mut elements = ElementSection::new();
    for _ in 0..30_000 {
        elements.passive(Elements::Functions(Cow::Borrowed(&[])));
    }
    too_many(
        component(Module::new().section(&elements)),
        "the component has 30000 segments; the most is 20000",
    );
}

/// A table has as many by default. All are counted, whether they are put in place at the start or kept.
#[test]
fn many_elements() {
    let says = "the component has 20001 elements of segments; the most is 20000";
    assert_eq!(refused(component(Module::new().section(&nulls(20_000)))).0, "exports");
    too_many(component(Module::new().section(&nulls(20_001))), says);
    let mut elements = ElementSection::new();
    elements.declared(Elements::Functions(Cow::Owned(vec![0; 20_001])));
    too_many(component(Module::new().section(&elements)), says);
}

/// As many elements that each instance keeps.
fn nulls(count: usize) -> ElementSection {
    let null = ConstExpr::ref_null(HeapType::FUNC);
    let mut elements = ElementSection::new();
    elements.passive(Elements::Expressions(RefType::FUNCREF, Cow::Owned(vec![null; count])));
    elements
}

/// A compiler makes one function of all of them, which no bound on functions sees.
#[test]
fn a_giant_expression() {
    let globals = |adds: usize| {
        let mut sum = ConstExpr::i32_const(0);
        for _ in 0..adds {
            sum = sum.with_i32_const(1).with_i32_add();
        }
        let mut globals = GlobalSection::new();
        globals.global(GlobalType { val_type: ValType::I32, mutable: false, shared: false }, &sum);
        component(Module::new().section(&globals))
    };
    assert_eq!(refused(globals(43_000)).0, "exports");
    too_many(globals(44_000), "the component has 132003 bytes of initial expressions; the most is 131072");
}

/// A module that is instantiated again takes its memory and its time again.
#[test]
fn what_every_instance_takes_is_summed() {
    let again = |module: &Module, times: u32| {
        let mut component = Component::new();
        component.section(&ModuleSection(module));
        let mut instances = InstanceSection::new();
        for _ in 0..times {
            instances.instantiate::<[(&str, ModuleArg); 0], _>(0, []);
        }
        component.section(&instances);
        component.finish()
    };
    let memory = EntityType::Memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let copies = |bytes: usize| {
        let mut imports = ImportSection::new();
        imports.import("", "memory", memory);
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(0), vec![7; bytes]);
        let mut module = Module::new();
        module.section(&imports).section(&data);
        module
    };
    // Its own size once, and a mebibyte beyond that.
    assert_ne!(refused(again(&copies(1 << 20), 2)).0, "component-structure");
    let (rule, message) = refused(again(&copies(1 << 20), 3));
    assert_eq!(rule, "component-structure");
    assert!(message.starts_with("the component has 3145728 bytes of data in all instances;"), "{message}");

    let mut globals = GlobalSection::new();
    let mut sums = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    for _ in 0..1_000 {
        globals.global(ty, &ConstExpr::i32_const(0));
    }
    for _ in 0..100 {
        let sum = (0..60).fold(ConstExpr::i32_const(0), |sum, _| sum.with_i32_const(1).with_i32_add());
        sums.global(ty, &sum);
    }
    let mut segments = ElementSection::new();
    for _ in 0..2_000 {
        segments.passive(Elements::Functions(Cow::Borrowed(&[])));
    }
    for (module, times, says) in [
        (Module::new().section(&globals).clone(), 6, "6000 globals in all instances; the most is 5000"),
        (
            Module::new().section(&sums).clone(),
            8,
            "146400 bytes of initial expressions in all instances; the most is 131072",
        ),
        (
            Module::new().section(&nulls(2_000)).clone(),
            11,
            "22000 elements of segments in all instances; the most is 20000",
        ),
        (Module::new().section(&segments).clone(), 11, "22000 segments in all instances; the most is 20000"),
        (functions(5_000, &nops(0)), 13, "65000 functions in all instances; the most is 60000"),
    ] {
        let (rule, _) = refused(again(&module, 1));
        assert_eq!(rule, "exports", "{says}");
        too_many(again(&module, times), &format!("the component has {says}"));
    }
}

#[test]
fn many_modules() {
    let mut component = Component::new();
    for _ in 0..17 {
        component.section(&ModuleSection(&Module::new()));
    }
    too_many(component.finish(), "the component has 17 core modules; the most is 16");
}

/// The size is looked at before anything else is.
#[test]
fn a_giant_data_segment() {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(0), vec![0; 9 << 20]);
    let bytes = component(Module::new().section(&memories).section(&data));
    let (rule, message) = refused(bytes.clone());
    assert_eq!(rule, "component-size");
    assert!(message.ends_with("bytes; the limit component-bytes is 8388608"), "{message}");
    let more = limits(&[(LimitName::ComponentBytes, 10 << 20)]);
    let fault = Inspected::read(Pinned::trust_on_first_use(bytes), &more).unwrap_err();
    assert_eq!(fault.rule().as_str(), "exports");
}

/// A count that the section's bytes cannot hold is refused without allocating for it.
#[test]
fn a_count_that_lies() {
    for id in 1..=11 {
        let mut module = Module::new();
        module.section(&RawSection { id, data: &[0xff, 0xff, 0xff, 0xff, 0x0f] });
        let fault = inspect(component(&module)).unwrap_err();
        let rule = fault.rule().as_str();
        assert!(["component-structure", "component-invalid"].contains(&rule), "section {id}: {fault}");
    }
}
