//! A cold start from kept code beside bare deserialisation of the same code, both from memory.

use crate::guests::{self, Guests};
use crate::rounds;
use stepward_sandbox::{CodeKey, Engine, EngineOptions, Opened};
use wasmtime::component::{Component, Linker};

pub(crate) fn measure(guests: &Guests) {
    let engine = Engine::new(EngineOptions { concurrency: 16 }).unwrap();
    let key = CodeKey::new([7; 32]);
    let admitted = guests::admitted(&guests.price);
    let sealed = engine.seal(&engine.compile(&admitted).unwrap(), &key).unwrap();
    let ours = |times: u32| {
        for _ in 0..times {
            assert!(matches!(engine.open(&admitted, &sealed, &key).unwrap(), Opened::Loaded(_)));
        }
    };
    let bare = wasmtime::Engine::new(&stepward_sandbox::settings(16)).unwrap();
    let native = Component::from_binary(&bare, &guests.price).unwrap().serialize().unwrap();
    let floor = |times: u32| {
        for _ in 0..times {
            #[expect(unsafe_code, reason = "the bytes were serialised by the same engine a moment ago")]
            // SAFETY: `native` comes from `serialize` of this engine and nobody else can write it.
            let component = unsafe { Component::deserialize(&bare, &native) }.unwrap();
            let mut linker = Linker::<()>::new(&bare);
            linker.define_unknown_imports_as_traps(&component).unwrap();
            linker.instantiate_pre(&component).unwrap();
        }
    };
    let what = format!("cold start from the checked cache, {} KiB of code", native.len() >> 10);
    rounds::row(&what, &rounds::alternate(100, floor, ours), 2.0);
}
