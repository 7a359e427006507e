//! What a handler returns, as far as its writing tells.

use quote::ToTokens as _;
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Signature, Type};

use crate::words::words;

/// What axum takes as an answer by itself, by its usual name.
const ANSWERS: [&str; 13] = [
    "Body",
    "Bytes",
    "CallError",
    "HeaderMap",
    "Html",
    "Json",
    "NoContent",
    "Problem",
    "Redirect",
    "Response",
    "Sse",
    "StatusCode",
    "String",
];

/// Errors that are answered as they say; of a `Result` with another error it takes the compiler to tell.
const ERRORS: [&str; 3] = ["CallError", "Problem", "Response"];

/// Whether this certainly is an answer without more ado, so that the function can stay as it is written.
pub(super) fn is_answer(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => match &**ty {
            Type::Path(path) => path.path.segments.last().is_some_and(is_answer_path),
            other => is_part(other),
        },
    }
}

/// Whether it is a `Result` whose error is a `Problem`, as it is written.
pub(super) fn fails_with_problem(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else {
        return false;
    };
    let error = last(ty).and_then(error_of);
    error.is_some_and(|error| error.ident == "Problem")
}

/// What a function returns, if only the compiler can tell that it is an answer, and it can be named outside of the function.
pub(super) fn to_check(sig: &Signature) -> Option<&Type> {
    let ReturnType::Type(_, ty) = &sig.output else {
        return None;
    };
    let words = words(ty.to_token_stream());
    let has = |name: &str| words.iter().any(|word| word == name);
    (has("Json") && !has("impl") && !has("Self") && sig.generics.params.is_empty()).then_some(&**ty)
}

fn error_of(result: &PathSegment) -> Option<&PathSegment> {
    match &result.arguments {
        PathArguments::AngleBracketed(arguments) if result.ident == "Result" => {
            match arguments.args.last()? {
                GenericArgument::Type(error) => last(error),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_answer_path(segment: &PathSegment) -> bool {
    if segment.ident != "Result" {
        return is_one_of(segment, &ANSWERS);
    }
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return false;
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    let types: Vec<_> = types.collect();
    // `axum::response::Result<T>` and aliases have one.
    let [good, error] = types.as_slice() else {
        return false;
    };
    is_part(good) && last(error).is_some_and(|error| is_one_of(error, &ERRORS))
}

/// Whether it is an answer, or a part of a tuple that is one.
fn is_part(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(_) => true,
        Type::Tuple(tuple) => tuple.elems.iter().all(is_part),
        Type::Reference(reference) => {
            matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str"))
        }
        Type::Array(array) => matches!(&*array.elem, Type::Tuple(_)), // headers
        other => last(other).is_some_and(|segment| is_one_of(segment, &ANSWERS)),
    }
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn is_one_of(segment: &PathSegment, names: &[&str]) -> bool {
    names.iter().any(|name| segment.ident == name)
}
