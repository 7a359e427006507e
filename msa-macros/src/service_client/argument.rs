//! The arguments of a method, each with its place in the request.

use proc_macro2::Ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, LitStr, Meta, Pat, PatType, Type};

use super::returns::last;
use super::verb::Verb;
use crate::args::{Errors, nearest};

/// One argument.
pub(super) struct Argument {
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) place: Place,
}

/// Where an argument stands in the request.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    /// Under this name.
    Query(String),
    /// Under this name; left out when there is no value.
    Header(String, bool),
    Json,
    Form,
    Raw,
    /// Not in the request: how it is made.
    Options,
    /// Not said.
    Unsaid,
    /// Said wrongly; there was an error.
    Wrong,
}

impl Place {
    pub(super) fn is_body(&self) -> bool {
        matches!(self, Self::Json | Self::Form | Self::Raw)
    }
}

const MARKS: [&str; 6] = ["query", "header", "body", "form", "raw", "options"];

/// What is marked. An argument without a mark stands in the path, or is the body.
pub(super) fn read(written: &PatType, errors: &mut Errors) -> Option<Argument> {
    let name = match &*written.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => name.ident.clone(),
        other => {
            let message = "an argument of a call is a name: write `order: Order`";
            errors.at(other.span(), message);
            return None;
        }
    };
    let mut place = Place::Unsaid;
    for mark in &written.attrs {
        let read = errors.check(marked(mark, &name, &written.ty));
        let read = read.unwrap_or(Place::Wrong);
        if place != Place::Unsaid {
            let message = format!("`{name}` has two places in the request: leave one mark out");
            errors.at(mark.span(), message);
        }
        place = read;
    }
    Some(Argument {
        name,
        ty: (*written.ty).clone(),
        place,
    })
}

fn marked(mark: &Attribute, name: &Ident, ty: &Type) -> syn::Result<Place> {
    let known = mark.path().get_ident().map(ToString::to_string);
    let known = known.unwrap_or_default();
    Ok(match known.as_str() {
        "query" => {
            let own = || name.unraw().to_string();
            Place::Query(given(mark)?.map_or_else(own, |text| text.value()))
        }
        "header" => {
            let example = name.to_string().replace('_', "-");
            let Some(text) = given(mark)? else {
                let message = format!("which header? Write its name: `#[header(\"x-{example}\")]`");
                return Err(syn::Error::new(mark.span(), message));
            };
            Place::Header(header(&text)?, is_option(ty))
        }
        "body" => bare(mark, Place::Json)?,
        "form" => bare(mark, Place::Form)?,
        "raw" => bare(mark, Place::Raw)?,
        "options" => bare(mark, Place::Options)?,
        other => {
            let message = match nearest(other, MARKS.into_iter()) {
                Some(known) => {
                    format!("`#[{other}]` is no place in a request: did you mean `#[{known}]`?")
                }
                None => format!(
                    "`#[{other}]` is no place in a request: an argument is `#[query]`, `#[header(\"x-name\")]`, \
                     `#[body]`, `#[form]`, `#[raw]`, `#[options]`, or without a mark in the path"
                ),
            };
            return Err(syn::Error::new(mark.span(), message));
        }
    })
}

/// `#[query("name")]`, also written `#[query = "name"]`.
fn given(mark: &Attribute) -> syn::Result<Option<LitStr>> {
    match &mark.meta {
        Meta::Path(_) => Ok(None),
        Meta::List(list) => list.parse_args::<LitStr>().map(Some).map_err(|_| {
            let known = mark.path().get_ident().map(ToString::to_string);
            let message = format!(
                "a name in quotes stands here: write `#[{}(\"name\")]`",
                known.unwrap_or_default()
            );
            syn::Error::new(list.span(), message)
        }),
        Meta::NameValue(pair) => {
            syn::parse2(quote::ToTokens::to_token_stream(&pair.value)).map(Some)
        }
    }
}

fn bare(mark: &Attribute, place: Place) -> syn::Result<Place> {
    match &mark.meta {
        Meta::Path(_) => Ok(place),
        _ => {
            let message = "this mark takes no arguments: leave out what stands behind its name";
            Err(syn::Error::new(mark.span(), message))
        }
    }
}

/// What the connection, the transaction or the body says is not an argument's to say.
fn header(text: &LitStr) -> syn::Result<String> {
    const OURS: [&str; 7] = [
        "connection",
        "content-length",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = text.value().to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let message = if name.is_empty() || !name.bytes().all(token) {
        format!(
            "`{name}` is no header's name: letters, digits and `-` make one, such as `x-tenant`"
        )
    } else if OURS.contains(&name.as_str()) {
        format!("`{name}` belongs to the connection, not to a call: leave the argument out")
    } else {
        return Ok(name);
    };
    Err(syn::Error::new(text.span(), message))
}

pub(super) fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Reference(inner) => is_option(&inner.elem),
        ty => last(ty).is_some_and(|segment| segment.ident == "Option"),
    }
}

/// Gives each argument its place, by the parameters of the path and by the verb.
pub(super) fn settle(
    arguments: &mut [Argument],
    verb: Verb,
    parameters: &[String],
    path: &LitStr,
    errors: &mut Errors,
) {
    for argument in arguments.iter_mut() {
        let name = argument.name.unraw().to_string();
        if !parameters.contains(&name) {
            continue;
        }
        if argument.place != Place::Unsaid {
            let message = format!(
                "`{name}` stands in the path already: leave its mark out, or take `{{{name}}}` out of the path"
            );
            errors.at(argument.name.span(), message);
        } else if is_option(&argument.ty) {
            let message = format!(
                "a parameter of the path is always there: make `{name}` no `Option`, and write a second method for the path without it"
            );
            errors.at(argument.ty.span(), message);
        }
        argument.place = Place::Path;
    }
    missing(arguments, parameters, path, errors);
    let unsaid = || {
        arguments
            .iter()
            .filter(|argument| argument.place == Place::Unsaid)
    };
    let has_body = arguments.iter().any(|argument| argument.place.is_body());
    let taken = verb.takes_body() && !has_body && unsaid().count() == 1;
    if !taken {
        for argument in unsaid() {
            if let Some(message) = nowhere(argument, verb, has_body, parameters, arguments) {
                errors.at(argument.name.span(), message);
            }
        }
    }
    for argument in arguments.iter_mut() {
        if argument.place == Place::Unsaid {
            argument.place = if taken { Place::Json } else { Place::Wrong };
        }
    }
    bodies(arguments, verb, errors);
}

fn missing(arguments: &[Argument], parameters: &[String], path: &LitStr, errors: &mut Errors) {
    let names: Vec<String> = arguments
        .iter()
        .map(|argument| argument.name.unraw().to_string())
        .collect();
    for parameter in parameters {
        if names.contains(parameter) {
            continue;
        }
        let free = names.iter().filter(|name| !parameters.contains(name));
        let message = match nearest(parameter, free.map(String::as_str)) {
            Some(name) => {
                format!("the path's `{{{parameter}}}` is no argument: did you mean `{{{name}}}`?")
            }
            None => format!(
                "the path's `{{{parameter}}}` is no argument: add `{parameter}: u64` (or whatever it is) to the method"
            ),
        };
        errors.at(path.span(), message);
    }
}

/// What to do with an argument that has no place. `None` when the path's own error says it already.
fn nowhere(
    argument: &Argument,
    verb: Verb,
    has_body: bool,
    parameters: &[String],
    arguments: &[Argument],
) -> Option<String> {
    let name = argument.name.unraw().to_string();
    let is_argument = |parameter: &&String| {
        arguments
            .iter()
            .any(|one| one.name.unraw() == parameter.as_str())
    };
    let open = parameters
        .iter()
        .filter(|parameter| !is_argument(parameter));
    if nearest(&name, open.map(String::as_str)).is_some() {
        return None;
    }
    let body = match (verb.takes_body(), has_body) {
        (true, false) => ", `#[body]`",
        _ => "",
    };
    Some(format!(
        "`{name}` has no place in the request: mark it `#[query]`{body} or `#[header(\"x-name\")]`, or write `{{{name}}}` into the path"
    ))
}

fn bodies(arguments: &[Argument], verb: Verb, errors: &mut Errors) {
    let mut bodies = arguments.iter().filter(|argument| argument.place.is_body());
    let Some(first) = bodies.next() else { return };
    if matches!(verb, Verb::Get | Verb::Head) {
        let (name, upper) = (&first.name, verb.upper());
        let message = format!(
            "a {upper} carries no body: mark `{name}` `#[query]`, or make the method a `#[post]`"
        );
        errors.at(name.span(), message);
    }
    for second in bodies {
        let (one, other) = (&first.name, &second.name);
        let message = format!(
            "a request has one body, and `{one}` is it already: put both into one struct, or mark `{other}` `#[query]`"
        );
        errors.at(other.span(), message);
    }
}
