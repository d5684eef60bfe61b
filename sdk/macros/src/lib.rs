//! The `#[step]` attribute of `stepward-sdk`, where it is documented and re-exported.
//!
//! The attribute keeps the function as it is and adds, for WebAssembly only: bindings for the
//! labels that the parameters name, the export `run`, and the export from which the build reads the
//! schemas and which it then removes.
#![forbid(unsafe_code)]

mod expand;
mod label;
mod signature;

use proc_macro::TokenStream;
use syn::parse::Nothing;

/// Makes a function a step. Its parameters name what it needs; see the documentation of
/// `stepward_sdk`.
#[proc_macro_attribute]
pub fn step(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let signature = syn::parse::<Nothing>(arguments)
        .map_err(|error| syn::Error::new(error.span(), "`#[step]` takes no arguments"))
        .and_then(|Nothing| signature::read(&item));
    match signature {
        Ok(signature) => expand::expand(&item, &signature).into(),
        // The function stays, so that no error about its absence hides this one.
        Err(error) => {
            let error = error.into_compile_error();
            quote::quote!(#item #error).into()
        }
    }
}
