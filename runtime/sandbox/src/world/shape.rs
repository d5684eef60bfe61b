//! The types of an interface as one canonical text, so that "the same types" is text equality.
//!
//! Component types are structural: an interface that a component wrote inline under a label is the
//! same thing as the named one when all its functions have the same shape. The constants are held
//! to `wit/step.wit` by a test that encodes the file.

#![allow(clippy::indexing_slicing, reason = "ids come from the validator that owns the types they index")]

use std::fmt::Write as _;
use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;

/// Deepest nesting of a value type that is rendered; the contract's own types go to 6.
const MAX_TYPE_DEPTH: u32 = 32;
/// Longest rendering; the contract's own longest is under 1 KiB. Types are shared in the binary, so
/// a small component can have a type whose full text is exponentially long.
const MAX_SHAPE_BYTES: usize = 16 << 10;

pub(super) const RUN: &str =
    "(input:string)->result<string,record{kind:enum{retryable,permanent},code:string,message:string}>";
pub(super) const LOG: &str =
    "abort(place:string,message:string);emit(level:enum{trace,debug,info,warn,error},message:string);";
pub(super) const HTTP_ENDPOINT: &str = "send(request:record{method:enum{get,head,options,post,put,patch,delete},\
    path:list<string>,query:list<record{name:string,value:string}>,headers:list<record{name:string,value:string}>,\
    body:option<list<u8>>,operation:option<string>})->result<record{status:u16,\
    headers:list<record{name:string,value:string}>,body:list<u8>},\
    variant{refused(record{rule:string,message:string}),\
    not-applied(enum{resolve,connect,tls,timeout,reset,malformed,too-large}),\
    unknown(enum{resolve,connect,tls,timeout,reset,malformed,too-large})}>;";
pub(super) const SIGNER: &str = "sign(message:list<u8>)->result<record{algorithm:enum{hmac-sha256,ed25519},key-version:string,bytes:list<u8>},string>;";
pub(super) const SECRET: &str = "reveal()->result<record{version:string,value:list<u8>},string>;";
pub(super) const CLOCK: &str = "now()->u64;";
pub(super) const RANDOM: &str = "bytes(count:u32)->list<u8>;";

/// Proof that a shape is the expected one.
pub(super) struct Same(());

/// The canonical text of an interface's functions, or of one function.
pub(super) struct Shape(Option<String>);

impl Shape {
    /// The functions of an instance in the order of their names. Exported types are not part of it:
    /// they matter only as the functions use them.
    pub(super) fn of_instance(types: TypesRef<'_>, id: ComponentInstanceTypeId) -> Self {
        let mut functions = Vec::new();
        for (name, item) in &types[id].exports {
            match item.ty {
                ComponentEntityType::Func(id) => functions.push((name, id)),
                ComponentEntityType::Type { .. } => {}
                ComponentEntityType::Module(_)
                | ComponentEntityType::Value(_)
                | ComponentEntityType::Instance(_)
                | ComponentEntityType::Component(_) => return Self(None),
            }
        }
        functions.sort_unstable();
        let mut text = String::new();
        for (name, id) in functions {
            text.push_str(name);
            if function(types, id, &mut text).is_none() {
                return Self(None);
            }
            text.push(';');
        }
        Self(Some(text))
    }

    pub(super) fn of_function(types: TypesRef<'_>, id: ComponentFuncTypeId) -> Self {
        let mut text = String::new();
        Self(function(types, id, &mut text).map(|()| text))
    }

    pub(super) fn is(&self, expected: &str) -> Option<Same> {
        (self.0.as_deref() == Some(expected)).then_some(Same(()))
    }

    /// Whether every function is one of the expected: encoders leave out what the code never calls.
    pub(super) fn is_part_of(&self, expected: &str) -> Option<Same> {
        let all = expected.split_terminator(';').collect::<Vec<_>>();
        self.0.as_deref()?.split_terminator(';').all(|function| all.contains(&function)).then_some(Same(()))
    }

    pub(super) fn is_types_only(&self) -> bool {
        self.0.as_deref() == Some("")
    }
}

/// `None` when the type is too deep or too long to be one of ours, or of a kind we never use.
fn function(types: TypesRef<'_>, id: ComponentFuncTypeId, out: &mut String) -> Option<()> {
    let ty = &types[id];
    if ty.async_ {
        return None;
    }
    out.push('(');
    for (i, (name, ty)) in ty.params.iter().enumerate() {
        write!(out, "{}{name}:", comma(i)).ok()?;
        value(types, *ty, out, 0)?;
    }
    out.push(')');
    if let Some(result) = ty.result {
        out.push_str("->");
        value(types, result, out, 0)?;
    }
    Some(())
}

const fn comma(i: usize) -> &'static str {
    if i == 0 { "" } else { "," }
}

fn value(types: TypesRef<'_>, ty: ComponentValType, out: &mut String, depth: u32) -> Option<()> {
    if depth > MAX_TYPE_DEPTH || out.len() > MAX_SHAPE_BYTES {
        return None;
    }
    let id = match ty {
        ComponentValType::Primitive(primitive) => {
            return write!(out, "{primitive}").ok();
        }
        ComponentValType::Type(id) => id,
    };
    match &types[id] {
        ComponentDefinedType::Primitive(primitive) => write!(out, "{primitive}").ok(),
        ComponentDefinedType::Record(record) => {
            out.push_str("record{");
            for (i, (name, ty)) in record.fields.iter().enumerate() {
                write!(out, "{}{name}:", comma(i)).ok()?;
                value(types, *ty, out, depth + 1)?;
            }
            out.push('}');
            Some(())
        }
        ComponentDefinedType::Variant(variant) => {
            out.push_str("variant{");
            for (i, (name, case)) in variant.cases.iter().enumerate() {
                write!(out, "{}{name}", comma(i)).ok()?;
                wrapped(types, case.ty, out, depth)?;
            }
            out.push('}');
            Some(())
        }
        ComponentDefinedType::List { element, .. } => generic("list", &[Some(*element)], types, out, depth),
        ComponentDefinedType::Option { ty, .. } => generic("option", &[Some(*ty)], types, out, depth),
        ComponentDefinedType::Result { ok, err, .. } => generic("result", &[*ok, *err], types, out, depth),
        ComponentDefinedType::Tuple(tuple) => {
            let parts: Vec<_> = tuple.types.iter().copied().map(Some).collect();
            generic("tuple", &parts, types, out, depth)
        }
        ComponentDefinedType::Enum(cases) => {
            out.push_str("enum{");
            for (i, name) in cases.iter().enumerate() {
                write!(out, "{}{name}", comma(i)).ok()?;
            }
            out.push('}');
            Some(())
        }
        ComponentDefinedType::Flags(_)
        | ComponentDefinedType::Map { .. }
        | ComponentDefinedType::FixedLengthList { .. }
        | ComponentDefinedType::Own(_)
        | ComponentDefinedType::Borrow(_)
        | ComponentDefinedType::Future { .. }
        | ComponentDefinedType::Stream { .. } => None,
    }
}

fn wrapped(types: TypesRef<'_>, ty: Option<ComponentValType>, out: &mut String, depth: u32) -> Option<()> {
    if let Some(ty) = ty {
        out.push('(');
        value(types, ty, out, depth + 1)?;
        out.push(')');
    }
    Some(())
}

fn generic(
    name: &str,
    parts: &[Option<ComponentValType>],
    types: TypesRef<'_>,
    out: &mut String,
    depth: u32,
) -> Option<()> {
    write!(out, "{name}<").ok()?;
    for (i, part) in parts.iter().enumerate() {
        out.push_str(comma(i));
        match part {
            Some(ty) => value(types, *ty, out, depth + 1)?,
            None => out.push('_'),
        }
    }
    out.push('>');
    Some(())
}
