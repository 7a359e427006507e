//! What a method returns, and so how its answer is read.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type};

use super::verb::Verb;

/// How an answer is read. Names are taken as they are written: an alias of `String` is read as JSON.
#[derive(Clone)]
pub(super) enum Reading {
    Json(Box<Type>),
    Text,
    Bytes,
    Nothing,
    Response,
}

/// What a method returns.
pub(super) struct Returns {
    /// The whole type.
    pub(super) written: Type,
    pub(super) reading: Reading,
    /// Whether 404 is `None`.
    pub(super) optional: bool,
    /// Whether the error is one that a `CallError` turns into.
    pub(super) converts: bool,
}

impl Returns {
    pub(super) fn read(output: &ReturnType, verb: Verb, name: &Ident) -> syn::Result<Self> {
        const SAY: &str = "a call can fail: return `Result<T, CallError>`";
        let written = match output {
            ReturnType::Type(_, written) => written,
            ReturnType::Default => {
                let message = format!("{SAY}, here `-> Result<(), CallError>`");
                return Err(syn::Error::new(name.span(), message));
            }
        };
        let refuse = || {
            let written = written.to_token_stream().to_string().replace(' ', "");
            syn::Error::new(
                output.span(),
                format!("{SAY}, here `-> Result<{written}, CallError>`"),
            )
        };
        let result = last(written)
            .filter(|segment| segment.ident == "Result")
            .ok_or_else(refuse)?;
        let arguments = types(result);
        let (value, error) = match arguments.as_slice() {
            [value, error] => (*value, Some(*error)),
            [value] => (*value, None), // an alias of their own
            _ => return Err(refuse()),
        };
        let (reading, optional) = match last(value).filter(|segment| segment.ident == "Option") {
            Some(option) => match types(option).as_slice() {
                [inner] => (reading(inner), true),
                _ => (reading(value), false),
            },
            None => (reading(value), false),
        };
        if optional && matches!(reading, Reading::Response) {
            let message = "a `Response` tells its status itself: return `Result<Response, CallError>` and look at it";
            return Err(syn::Error::new(value.span(), message));
        }
        if verb == Verb::Head && !matches!(reading, Reading::Nothing | Reading::Response) {
            let message = "the answer to a HEAD has no body: return `Result<(), CallError>`, \
                           or `Result<Response, CallError>` for its headers";
            return Err(syn::Error::new(value.span(), message));
        }
        let is_call_error =
            |error: &Type| last(error).is_some_and(|segment| segment.ident == "CallError");
        Ok(Self {
            written: (**written).clone(),
            reading,
            optional,
            converts: !error.is_some_and(is_call_error),
        })
    }
}

fn reading(value: &Type) -> Reading {
    if let Type::Tuple(tuple) = value
        && tuple.elems.is_empty()
    {
        return Reading::Nothing;
    }
    match last(value) {
        Some(segment) if segment.ident == "String" => Reading::Text,
        Some(segment) if segment.ident == "Bytes" => Reading::Bytes,
        Some(segment) if segment.ident == "Response" => Reading::Response,
        _ => Reading::Json(Box::new(value.clone())),
    }
}

/// The last part of a path: `Result<A, B>` of `std::result::Result<A, B>`.
pub(super) fn last(written: &Type) -> Option<&PathSegment> {
    match written {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last(&group.elem),
        Type::Paren(paren) => last(&paren.elem),
        _ => None,
    }
}

fn types(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    });
    types.collect()
}
