//! One engine for each process: its settings are the settings of every run.

use crate::admit::{Admitted, Linkage};
use crate::host::{self, Ctx};
use crate::structure::{MAX_MEMORIES, MAX_TABLES};
use crate::tally::COST_TABLE_VERSION;
use sha2::{Digest as _, Sha256};
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::LimitName;
use stepward_trust::Digest;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The engine could not be made on this machine.
const ENGINE: Rule = Rule::new("engine-start");
/// The compiler refused a component that passed validation.
const COMPILE: Rule = Rule::new("component-compile");
/// The component does not fit the host's functions.
const LINK: Rule = Rule::new("component-link");

/// Stack of a guest. Deep recursion ends as a trap that says so.
const GUEST_STACK_BYTES: usize = 512 << 10;
/// Stack of the fiber that a guest runs on, the host functions it calls included.
const FIBER_STACK_BYTES: usize = 1 << 20;

/// Linear memory that a freed slot keeps resident, reset to its first content. Guests of the SDK put
/// stack, data and heap into their first 256 KiB, so that the next run of the same step takes no
/// page faults: 31 µs instead of 45 µs for a step of 34 lines of JSON. Where Linux has `PAGEMAP_SCAN`
/// (6.7 and newer) only the pages that were touched are reset.
const KEEP_RESIDENT_BYTES: usize = 256 << 10;

/// Bytes of each table that a freed slot keeps resident: the one page that holds all of a table of 512
/// elements. A component of the SDK has two tables, and giving their pages back at the end of each run
/// took 4.5 µs of 27 µs.
const KEEP_TABLE_RESIDENT_BYTES: usize = 4 << 10;

/// What an engine is made for.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Runs at one time; one more waits for its turn, and its deadline runs meanwhile. The pool
    /// reserves address space, not memory, for so many: about 9 GiB each of the 128 TiB there are.
    pub concurrency: u32,
}

impl EngineOptions {
    /// Most runs at one time.
    pub const MAX_CONCURRENCY: u32 = 12_000;
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { concurrency: 1_000 }
    }
}

/// Compiles and runs admitted components. Cloning is cheap and shares the pool.
#[derive(Clone)]
pub struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) turns: Arc<Semaphore>,
    concurrency: u32,
    fingerprint: Digest,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// A compiled component, linked to exactly its granted imports.
#[derive(Clone)]
pub struct Ready {
    pub(crate) instance: InstancePre<Ctx>,
    pub(crate) run: ComponentExportIndex,
    digest: Digest,
    native: Arc<Component>,
}

impl Ready {
    /// The digest of the component's bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn native(&self) -> &Component {
        &self.native
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes an engine and reserves its pool.
    ///
    /// # Errors
    /// When the machine does not allow it, such as for want of address space.
    pub fn new(options: EngineOptions) -> Result<Self, Fault> {
        let concurrency = options.concurrency.clamp(1, EngineOptions::MAX_CONCURRENCY);
        let engine = start(concurrency)?;
        let fingerprint = fingerprint(&engine);
        Ok(Self {
            wasmtime: engine,
            turns: Arc::new(Semaphore::new(concurrency as usize)),
            concurrency,
            fingerprint,
        })
    }

    /// Does now what this thread would otherwise do at its first run: for a process that gives up the
    /// right to do it later.
    pub fn prepare_thread() {
        wasmtime::Engine::tls_eager_initialize();
    }

    /// Identifies what makes a run repeatable: wasmtime's version and settings, and the cost table.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Waits until no run is under way, then refuses all further ones.
    pub async fn close(&self) {
        // Turns are given out in order, so no run that asks later comes before this.
        let all = self.turns.acquire_many(self.concurrency).await;
        self.turns.close();
        drop(all);
    }

    /// Compiles a component. Takes a core for 0.1 to some seconds; there is no I/O.
    ///
    /// # Errors
    /// `component-compile` or `component-link`.
    pub fn compile(&self, admitted: &Admitted) -> Result<Ready, Fault> {
        let native = Component::from_binary(&self.wasmtime, admitted.bytes())
            .map_err(|error| does_not_compile(format_args!("{error:#}")))?;
        self.link(&admitted.linkage(), native)
    }

    pub(crate) fn link(&self, linkage: &Linkage, native: Component) -> Result<Ready, Fault> {
        let wrong = |error: wasmtime::Error| {
            Fault::new(Class::Refused, Owner::StepAuthor, LINK)
                .says(format_args!("the component does not fit the host's functions: {error:#}"))
                .hint("rebuild the step with the SDK of this version")
        };
        let mut linker = Linker::new(&self.wasmtime);
        host::link(&mut linker, linkage.imports()).map_err(wrong)?;
        let instance = linker.instantiate_pre(&native).map_err(wrong)?;
        let run = native
            .get_export_index(None, "run")
            .ok_or_else(|| wrong(wasmtime::Error::msg("no export `run`")))?;
        Ok(Ready { instance, run, digest: linkage.component(), native: Arc::new(native) })
    }
}

pub(crate) fn start(concurrency: u32) -> Result<wasmtime::Engine, Fault> {
    wasmtime::Engine::new(&settings(concurrency)).map_err(|error| {
        Fault::new(Class::Unavailable, Owner::Operator, ENGINE)
            .says(format_args!("the WebAssembly engine cannot start: {error:#}"))
            .hint("lower the number of runs at one time, or raise the limit on address space (ulimit -v)")
    })
}

/// The refusal of a component that a compiler in another process did not take, with what it said.
pub fn not_compiled(message: &str) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, COMPILE)
        .says(message)
        .hint("it needs something that steps may not have; the text above names it")
}

pub(crate) fn does_not_compile(error: impl std::fmt::Display) -> Fault {
    not_compiled(&format!("the component does not compile: {error}"))
}

/// The settings of every engine, for benchmarks and audits that set wasmtime beside this crate. Each
/// deviation from wasmtime's defaults says why.
///
/// A run that waits for the answer to a call holds about 28 KiB beside the pages of its linear memory,
/// of which bare wasmtime with these settings holds 27: two pages of the fiber's stack (8 KiB), a page
/// for each of the guest's two tables, its own and the one that leads to its imports (8 KiB), and 11 KiB
/// of store, instances and module registry. It takes four memory mappings: a stack, its guard, and two for the
/// linear memory.
pub fn settings(concurrency: u32) -> Config {
    let mut config = Config::new();
    // Fuel bounds every run and makes its end repeatable. There are no epochs: nothing ticks, so no
    // ticker can stop ticking, and no deadline of one run touches another.
    config.consume_fuel(true);
    config.max_wasm_stack(GUEST_STACK_BYTES).async_stack_size(FIBER_STACK_BYTES);
    // Determinism: NaN bits are canonical; everything that may vary is refused by name before this.
    config.cranelift_nan_canonicalization(true).relaxed_simd_deterministic(true);
    config.wasm_relaxed_simd(false).wasm_threads(false).shared_memory(false);
    config.wasm_memory64(false).wasm_multi_memory(false).wasm_tail_call(false);
    config.wasm_gc(false).wasm_function_references(false).wasm_exceptions(false);
    config.wasm_component_model_implements(true);
    config.concurrency_support(false);
    // One frame is enough to tell that an error arose inside the guest; names would carry text of
    // the guest's choosing.
    config
        .wasm_backtrace_max_frames(NonZeroU32::new(1).and_then(|n| std::num::NonZeroUsize::try_from(n).ok()));
    config.generate_address_map(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(concurrency)));
    config
}

fn pool(concurrency: u32) -> PoolingAllocationConfig {
    let times = |n: u64| concurrency.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
    let bytes = |name: LimitName| usize::try_from(name.most()).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(concurrency)
        .total_core_instances(times(LimitName::Instances.most()))
        .total_memories(times(MAX_MEMORIES))
        .total_tables(times(MAX_TABLES))
        .total_stacks(concurrency)
        .max_core_instances_per_component(u32::try_from(LimitName::Instances.most()).unwrap_or(u32::MAX))
        .max_memories_per_component(u32::try_from(MAX_MEMORIES).unwrap_or(u32::MAX))
        .max_tables_per_component(u32::try_from(MAX_TABLES).unwrap_or(u32::MAX))
        .max_tables_per_module(u32::try_from(MAX_TABLES).unwrap_or(u32::MAX))
        .max_memories_per_module(1)
        .max_memory_size(bytes(LimitName::MemoryBytes))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_TABLE_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto)
        .table_elements(bytes(LimitName::TableElements));
    pool
}

/// Feeds what is hashed into SHA-256, so that the fingerprint is the same in every process.
struct Fed(Sha256);

impl Hasher for Fed {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

pub(crate) fn fingerprint(engine: &wasmtime::Engine) -> Digest {
    digest(&engine.precompile_compatibility_hash(), COST_TABLE_VERSION, GUEST_STACK_BYTES)
}

/// `compatibility` is wasmtime's word on its version, settings and target.
fn digest(compatibility: &impl Hash, cost_table: u32, guest_stack: usize) -> Digest {
    let mut fed = Fed(Sha256::new());
    compatibility.hash(&mut fed);
    cost_table.hash(&mut fed);
    guest_stack.hash(&mut fed);
    Digest::of(&fed.0.finalize())
}

#[cfg(test)]
mod tests {
    use super::{COST_TABLE_VERSION, Config, GUEST_STACK_BYTES, digest, fingerprint, settings};
    use std::collections::BTreeSet;
    use wasmtime::{ModuleVersionStrategy, OptLevel};

    fn engine(change: impl FnOnce(&mut Config)) -> wasmtime::Engine {
        let mut config = settings(1);
        change(&mut config);
        wasmtime::Engine::new(&config).unwrap()
    }

    /// What makes a run repeatable, and kept code fit, is told apart by each of its parts.
    #[test]
    fn every_part_changes_the_fingerprint() {
        let usual = engine(|_| {});
        let version = |text: &str| ModuleVersionStrategy::Custom(text.to_owned());
        let others = [
            engine(|config| _ = config.consume_fuel(false)),
            engine(|config| _ = config.cranelift_nan_canonicalization(false)),
            engine(|config| _ = config.wasm_relaxed_simd(true).relaxed_simd_deterministic(false)),
            engine(|config| _ = config.cranelift_opt_level(OptLevel::None)),
            engine(|config| _ = config.memory_guard_size(0)),
            engine(|config| _ = config.module_version(version("another")).unwrap()),
        ];
        let compatibility = usual.precompile_compatibility_hash();
        let all: BTreeSet<_> = others
            .iter()
            .map(fingerprint)
            .chain([
                fingerprint(&usual),
                digest(&compatibility, COST_TABLE_VERSION + 1, GUEST_STACK_BYTES),
                digest(&compatibility, COST_TABLE_VERSION, GUEST_STACK_BYTES + 1),
            ])
            .map(|digest| digest.to_string())
            .collect();
        assert_eq!(all.len(), others.len() + 3);
        assert_eq!(fingerprint(&usual), fingerprint(&engine(|_| {})));
    }
}
