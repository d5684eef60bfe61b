//! Asks a freshly built core module what it takes and gives.
//!
//! The SDK leaves a core export that returns the step's name and JSON Schemas. The build runs it
//! once, here, and then removes it. Nothing else about this engine is shared with the one that runs
//! steps: no component, no host functions, no pool, no cache.

use stepward_fault::{Class, Fault, Owner, Rule};
use wasmtime::{Config, Engine, Instance, Linker, Memory, Module, OptLevel, Store};
use wasmtime::{StoreLimits, StoreLimitsBuilder, Trap};

/// The core export that describes a step: no parameters; the address of an address and a length,
/// both 32 bits wide and little-endian, of a JSON document in UTF-8.
pub const DESCRIBE_EXPORT: &str = "stepward-describe";

/// Fuel for one description: a hundred times what the largest schema of the examples takes.
const DESCRIBE_FUEL: u64 = 2_000_000_000;
/// Linear memory for one description.
const DESCRIBE_MEMORY_BYTES: usize = 64 << 20;
/// Table elements for one description; modules of a megabyte have about a thousand.
const DESCRIBE_TABLE_ELEMENTS: usize = 100_000;
/// Longest description. Schemas are read by people and carried in every component.
const DESCRIPTION_BYTES: usize = 1 << 20;
/// Largest core module that is looked at: what no component may exceed.
const CORE_MODULE_BYTES: usize = 64 << 20;

const DESCRIBE: Rule = Rule::new("step-describe");

/// Runs the describe export of a core module and returns the JSON document that it answers.
///
/// The module may do what it likes: every import traps, and fuel, memory and the size of the answer
/// are limited.
///
/// # Errors
/// When the module is malformed or too large, has no such export, traps, runs out of a limit, or
/// answers with something that is no text.
pub fn describe(core_module: &[u8]) -> Result<String, Fault> {
    if core_module.len() > CORE_MODULE_BYTES {
        return Err(fault(format_args!("the core module has more than {CORE_MODULE_BYTES} bytes")));
    }
    let engine = engine()?;
    let module = Module::from_binary(&engine, core_module)
        .map_err(|error| fault(format_args!("the core module cannot be compiled: {error:#}")))?;
    let mut store = Store::new(&engine, limits());
    store.limiter(|limits| limits);
    store.set_fuel(DESCRIBE_FUEL).map_err(|error| internal(&error))?;
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&module).map_err(|error| internal(&error))?;
    let instance = linker.instantiate(&mut store, &module).map_err(|error| trapped(&error))?;
    call(&mut store, &instance)
}

fn engine() -> Result<Engine, Fault> {
    let mut config = Config::new();
    // The code runs once: compiling it fast counts for more than running it fast.
    config.consume_fuel(true).cranelift_opt_level(OptLevel::None);
    // No proposal that a step may not have: it would be refused as soon as it is a component.
    config.wasm_relaxed_simd(false).wasm_threads(false).shared_memory(false);
    config.wasm_memory64(false).wasm_multi_memory(false).wasm_tail_call(false);
    config.wasm_gc(false).wasm_function_references(false).wasm_exceptions(false);
    Engine::new(&config).map_err(|error| internal(&error))
}

fn limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(DESCRIBE_MEMORY_BYTES)
        .memories(1)
        .table_elements(DESCRIBE_TABLE_ELEMENTS)
        .tables(8)
        .instances(1)
        .build()
}

fn call(store: &mut Store<StoreLimits>, instance: &Instance) -> Result<String, Fault> {
    let describe = instance
        .get_typed_func::<(), u32>(&mut *store, DESCRIBE_EXPORT)
        .map_err(|error| fault(format_args!("the core module does not describe its step: {error:#}")))?;
    let memory = instance
        .get_memory(&mut *store, "memory")
        .ok_or_else(|| fault("the core module exports no memory"))?;
    let answer = describe.call(&mut *store, ()).map_err(|error| trapped(&error))?;
    let [address, length] = words(memory, store, answer)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > DESCRIPTION_BYTES {
        return Err(fault(format_args!(
            "the description has {length} bytes; at most {DESCRIPTION_BYTES} are read"
        )));
    }
    let mut text = vec![0; length];
    read(memory, store, address, &mut text)?;
    String::from_utf8(text).map_err(|_| fault("the description is not UTF-8"))
}

/// The two 32-bit words at `address`.
fn words(memory: Memory, store: &Store<StoreLimits>, address: u32) -> Result<[u32; 2], Fault> {
    let mut words = [[0; 4]; 2];
    read(memory, store, address, words.as_flattened_mut())?;
    Ok(words.map(u32::from_le_bytes))
}

fn read(memory: Memory, store: &Store<StoreLimits>, address: u32, into: &mut [u8]) -> Result<(), Fault> {
    let address = usize::try_from(address).unwrap_or(usize::MAX);
    memory
        .read(store, address, into)
        .map_err(|_| fault("the description lies outside of the module's memory"))
}

fn trapped(error: &wasmtime::Error) -> Fault {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            fault(format_args!("describing the step took more than {DESCRIBE_FUEL} units of fuel"))
        }
        _ => fault(format_args!("describing the step failed: {}", error.root_cause())),
    }
}

fn fault(message: impl std::fmt::Display) -> Fault {
    Fault::new(Class::BadInput, Owner::StepAuthor, DESCRIBE).says(message).hint(
        "build the step with `stepward build`, from a crate whose one function carries `#[stepward_sdk::step]`",
    )
}

fn internal(error: &wasmtime::Error) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, DESCRIBE).says(format_args!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::describe;

    fn refusal(text: &str) -> String {
        describe(&wat::parse_str(text).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_description_is_read() {
        let module = r#"(module
            (import "env" "never-called" (func))
            (memory (export "memory") 1)
            (data (i32.const 16) "\20\00\00\00\02\00\00\00")
            (data (i32.const 32) "{}")
            (func (export "stepward-describe") (result i32) i32.const 16))"#;
        assert_eq!(describe(&wat::parse_str(module).unwrap()).unwrap(), "{}");
    }

    #[test]
    fn everything_else_is_refused() {
        assert!(describe(b"no module").unwrap_err().message().contains("cannot be compiled"));
        assert!(refusal("(module)").contains("does not describe its step"));
        let with = |body: &str| {
            refusal(&format!(
                r#"(module (import "env" "f" (func $f)) (memory (export "memory") 1)
                   (data (i32.const 16) "\00\00\00\00\ff\ff\ff\7f") (data (i32.const 24) "\ff\ff\ff\7f\01\00\00\00")
                   (data (i32.const 32) "\28\00\00\00\01\00\00\00\ff")
                   (func (export "stepward-describe") (result i32) {body}))"#
            ))
        };
        assert!(with("i32.const 16").contains("at most 1048576 are read"));
        assert!(with("i32.const 24").contains("outside"));
        assert!(with("i32.const -4").contains("outside"));
        assert!(with("i32.const 32").contains("not UTF-8"));
        assert!(with("unreachable").contains("unreachable"));
        assert!(with("call $f i32.const 16").contains("unknown import"));
        assert!(with("(loop br 0) i32.const 16").contains("units of fuel"));
        assert!(
            refusal(r#"(module (memory (export "memory") 2000))"#).contains("describing the step failed")
        );
    }
}
