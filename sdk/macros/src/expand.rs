//! Writes what a step needs beside its function.

use crate::signature::{Import, Kind, StepSignature};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use std::fmt::Write as _;
use syn::{LitStr, spanned::Spanned as _};

/// The contract between steps and hosts. It travels in the expansion, so that no path on the
/// author's disk matters.
const CONTRACT: &str = include_str!("../../../wit/step.wit");

pub(crate) fn expand(item: &TokenStream, step: &StepSignature) -> TokenStream {
    let checks = checks(step);
    let export = export(step);
    quote! {
        // The input belongs to the step, whatever it does with it.
        #[allow(clippy::needless_pass_by_value)]
        #item
        #checks
        #export
    }
}

/// Checks the types on every target, at the place where the author wrote them.
fn checks(step: &StepSignature) -> TokenStream {
    let StepSignature { function, input, returns, imports, .. } = step;
    let kinds = imports.iter().map(|import| kind_type(import.kind));
    let input_check = quote_spanned!(input.span()=> ::stepward_sdk::__private::check_input::<#input>());
    let output_check = quote_spanned!(returns.span()=> ::stepward_sdk::__private::check_output::<#returns>());
    quote! {
        const _: fn() = || {
            #input_check;
            #output_check;
            let _: fn(#input #(, &#kinds)*) -> #returns = #function;
        };
    }
}

/// The bindings and the exports of the sealed step.
fn export(step: &StepSignature) -> TokenStream {
    let StepSignature { function, name, imports, .. } = step;
    let name = name.as_str();
    let bindings = bindings(step);
    let handles = imports.iter().map(|import| {
        let label = &import.ident;
        let kind = kind_glue(import.kind);
        quote!(&::stepward_sdk::__private::#kind!(imports::#label))
    });
    let places = imports.iter().map(|_| quote!(::stepward_sdk::__private::never()));
    quote! {
        #[cfg(target_arch = "wasm32")]
        #[doc(hidden)]
        mod __stepward_step {
            #bindings

            struct Export;

            impl ::stepward_sdk::__private::bindings::Guest for Export {
                fn run(
                    input: ::std::string::String,
                ) -> ::std::result::Result<
                    ::std::string::String,
                    ::stepward_sdk::__private::bindings::StepError,
                > {
                    ::stepward_sdk::__private::run(&input, |input| super::#function(input #(, #handles)*))
                }
            }

            ::stepward_sdk::__private::bindings::export_step!(Export);

            #[unsafe(export_name = "stepward-describe")]
            extern "C" fn describe() -> usize {
                ::stepward_sdk::__private::describe(#name, |input| super::#function(input #(, #places)*))
            }
        }
    }
}

/// The bindings of the labelled imports. A step without any has none of its own.
fn bindings(step: &StepSignature) -> TokenStream {
    if step.imports.is_empty() {
        return TokenStream::new();
    }
    let wit = LitStr::new(&world(step), step.function.span());
    quote! {
        mod imports {
            // `path` is empty so that a `wit` folder of the author's is not read.
            ::stepward_sdk::__private::wit_bindgen::generate!({
                inline: #wit,
                path: [],
                generate_all,
                runtime_path: "::stepward_sdk::__private::wit_bindgen::rt",
            });
        }
    }
}

/// The world that the signature says, with the contract as a nested package.
fn world(step: &StepSignature) -> String {
    let mut imports = String::new();
    for Import { label, kind, .. } in &step.imports {
        // Writing to a `String` cannot fail.
        let _ = writeln!(imports, "  import %{}: stepward:step/{}@0.1.0;", label.as_str(), kind.interface());
    }
    let contract = CONTRACT.replacen("package stepward:step@0.1.0;", "package stepward:step@0.1.0 {", 1);
    format!("package local:step;\nworld %{} {{\n{imports}}}\n{contract}\n}}\n", step.name.as_str())
}

fn kind_type(kind: Kind) -> TokenStream {
    match kind {
        Kind::Endpoint => quote!(::stepward_sdk::Endpoint),
        Kind::Signer => quote!(::stepward_sdk::Signer),
        Kind::Secret => quote!(::stepward_sdk::Secret),
        Kind::Clock => quote!(::stepward_sdk::Clock),
        Kind::Random => quote!(::stepward_sdk::Random),
    }
}

fn kind_glue(kind: Kind) -> TokenStream {
    match kind {
        Kind::Endpoint => quote!(endpoint),
        Kind::Signer => quote!(signer),
        Kind::Secret => quote!(secret),
        Kind::Clock => quote!(clock),
        Kind::Random => quote!(random),
    }
}
