//! Reads a step's signature, or says what is wrong with it.

use crate::label::Label;
use proc_macro2::{Ident, TokenStream};
use syn::{Error, FnArg, ItemFn, Pat, PatType, Result, ReturnType, Signature, Type, spanned::Spanned as _};

/// What the signature of a step says.
pub(crate) struct StepSignature {
    /// The function's name.
    pub(crate) function: Ident,
    /// The same in kebab case: the step's name.
    pub(crate) name: Label,
    /// The type of the input.
    pub(crate) input: Type,
    /// The whole return type.
    pub(crate) returns: Type,
    /// What the step asks for, in the order of the parameters.
    pub(crate) imports: Vec<Import>,
}

/// One thing that the step asks for.
pub(crate) struct Import {
    /// The parameter's name.
    pub(crate) ident: Ident,
    /// The same in kebab case: the name of the import.
    pub(crate) label: Label,
    /// What kind of thing it is.
    pub(crate) kind: Kind,
}

/// The kinds of things that a step can ask for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Endpoint,
    Signer,
    Secret,
    Clock,
    Random,
}

impl Kind {
    /// The kind that a type's last path segment names.
    fn named(ident: &Ident) -> Option<Self> {
        Some(match ident.to_string().as_str() {
            "Endpoint" => Self::Endpoint,
            "Signer" => Self::Signer,
            "Secret" => Self::Secret,
            "Clock" => Self::Clock,
            "Random" => Self::Random,
            _ => return None,
        })
    }

    /// The interface of `stepward:step` that is imported for it.
    pub(crate) fn interface(self) -> &'static str {
        match self {
            Self::Endpoint => "http-endpoint",
            Self::Signer => "signer",
            Self::Secret => "secret",
            Self::Clock => "clock",
            Self::Random => "random",
        }
    }
}

const INPUT_ADVICE: &str =
    "a step's first parameter is its input, taken by value, such as `invoice: Invoice`";
const OTHER_ADVICE: &str =
    "after the input, a step takes `&Endpoint`, `&Signer`, `&Secret`, `&Clock` or `&Random`";

/// Reads the signature of `item`. All that is wrong with it is told at once.
pub(crate) fn read(item: &TokenStream) -> Result<StepSignature> {
    let function: ItemFn = syn::parse2(item.clone())
        .map_err(|_| Error::new(item.span(), "`#[step]` goes on a function with a body"))?;
    let sig = &function.sig;
    let mut errors = Errors::default();
    refuse_qualifiers(sig, &mut errors);

    let name = errors.keep(Label::from_ident(&sig.ident, "the name of a step"));
    let returns = errors.keep(match &sig.output {
        ReturnType::Type(_, returns) => Ok((**returns).clone()),
        ReturnType::Default => Err(Error::new(
            sig.paren_token.span.close(),
            "a step returns `Result<T, StepError>`, where `T` is its output",
        )),
    });

    let mut parameters = sig.inputs.iter();
    let input = errors.keep(match parameters.next() {
        Some(parameter) => read_input(parameter),
        None => Err(Error::new(sig.paren_token.span.join(), INPUT_ADVICE)),
    });
    let mut imports: Vec<Import> = Vec::new();
    for parameter in parameters {
        let import = read_import(parameter).and_then(|import| {
            if imports.iter().any(|other| other.label == import.label) {
                return Err(Error::new(
                    import.ident.span(),
                    format!("there are two parameters `{}`; each import has its own name", import.ident),
                ));
            }
            Ok(import)
        });
        imports.extend(errors.keep(import));
    }

    match (errors.0, name, returns, input) {
        (None, Some(name), Some(returns), Some(input)) => {
            Ok(StepSignature { function: sig.ident.clone(), name, input, returns, imports })
        }
        (Some(error), ..) => Err(error),
        (None, ..) => Err(Error::new(sig.span(), "this signature cannot be read")),
    }
}

/// Collects what is wrong, so that an author sees everything at once.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }
}

fn refuse_qualifiers(sig: &Signature, errors: &mut Errors) {
    if let Some(token) = &sig.asyncness {
        errors.push(Error::new(
            token.span(),
            "a step is not async: calls to the host return when they are done, and the host runs other steps \
             meanwhile",
        ));
    }
    if let Some(token) = &sig.unsafety {
        errors.push(Error::new(token.span(), "a step is an ordinary function; remove `unsafe`"));
    }
    if let Some(token) = &sig.constness {
        errors.push(Error::new(token.span(), "a step is an ordinary function; remove `const`"));
    }
    if let Some(abi) = &sig.abi {
        errors.push(Error::new(abi.span(), "a step is an ordinary function; remove `extern`"));
    }
    if !sig.generics.params.is_empty() || sig.generics.where_clause.is_some() {
        errors.push(Error::new(
            sig.generics.span(),
            "a step has no generics: its input and output are one JSON Schema each",
        ));
    }
    if let Some(variadic) = &sig.variadic {
        errors.push(Error::new(variadic.span(), OTHER_ADVICE));
    }
}

fn read_input(parameter: &FnArg) -> Result<Type> {
    let PatType { pat, ty, .. } = typed(parameter)?;
    ident(pat)?;
    match (&**ty, kind_of(ty)) {
        (Type::Reference(_), _) | (_, Some(_)) => Err(Error::new(ty.span(), INPUT_ADVICE)),
        (Type::ImplTrait(_), None) => {
            Err(Error::new(ty.span(), "a step has no generics: name the type of the input"))
        }
        (_, None) => Ok((**ty).clone()),
    }
}

fn read_import(parameter: &FnArg) -> Result<Import> {
    let PatType { pat, ty, .. } = typed(parameter)?;
    let ident = ident(pat)?;
    let Type::Reference(reference) = &**ty else {
        return Err(match kind_of(ty) {
            Some(_) => Error::new(
                ty.span(),
                format!("the host lends this for the run: write `{ident}: &{}`", last_segment(ty)),
            ),
            None => Error::new(
                ty.span(),
                format!("a step has one input; put both into one struct. {}", sentence(OTHER_ADVICE)),
            ),
        });
    };
    let Some(kind) = kind_of(&reference.elem) else {
        return Err(Error::new(ty.span(), OTHER_ADVICE));
    };
    if let Some(token) = &reference.mutability {
        return Err(Error::new(
            token.span(),
            format!("the host lends this shared: write `{ident}: &{}`", last_segment(&reference.elem)),
        ));
    }
    let label = Label::from_ident(&ident, "the name of an import")?;
    Ok(Import { ident, label, kind })
}

fn typed(parameter: &FnArg) -> Result<&PatType> {
    match parameter {
        FnArg::Typed(parameter) => Ok(parameter),
        FnArg::Receiver(receiver) => {
            Err(Error::new(receiver.span(), "a step is a free function: it has no `self`"))
        }
    }
}

fn ident(pat: &Pat) -> Result<Ident> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Ok(pat.ident.clone()),
        other => Err(Error::new(other.span(), "give this parameter a plain name; take it apart in the body")),
    }
}

fn kind_of(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Path(path) => path.path.segments.last().and_then(|segment| Kind::named(&segment.ident)),
        Type::Paren(inner) => kind_of(&inner.elem),
        Type::Group(inner) => kind_of(&inner.elem),
        _ => None,
    }
}

/// The last name in a path, for advice.
fn last_segment(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
