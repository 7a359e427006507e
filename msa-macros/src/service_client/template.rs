//! The path of a method: `/users/{id}`.

use proc_macro2::Span;
use syn::LitStr;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;

/// A part of a path.
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// The value of this argument.
    Parameter(String),
}

/// Reads `/users/{id}/orders`.
pub(super) fn read(text: &LitStr) -> syn::Result<Vec<Piece>> {
    let path = text.value();
    let span = text.span();
    plain(&path, span)?;
    let mut pieces = Vec::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        text_piece(before, &path, span, &mut pieces)?;
        let Some((name, behind)) = after.split_once('}') else {
            let message = format!("`{{{after}` has no end: write `{{{after}}}`");
            return Err(syn::Error::new(span, message));
        };
        pieces.push(Piece::Parameter(parameter(name, span)?));
        rest = behind;
    }
    text_piece(rest, &path, span, &mut pieces)?;
    Ok(pieces)
}

/// Reads what all paths begin with: `/api/v1`.
pub(super) fn base(text: &LitStr) -> syn::Result<String> {
    let path = text.value();
    plain(&path, text.span())?;
    if path.contains(['{', '}', '?']) {
        let message = "the base path stands as it is: parameters and queries are the methods'";
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(path.trim_end_matches('/').to_owned())
}

fn plain(path: &str, span: Span) -> syn::Result<()> {
    let message = if !path.starts_with('/') {
        format!("a path begins with `/`: write `\"/{path}\"`")
    } else if path.contains('#') {
        "a path has no fragment: leave out what begins with `#`".to_owned()
    } else if let Some(odd) = path
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '\\' | '"' | '<' | '>'))
    {
        format!(
            "`{}` cannot stand in a path: write it percent-encoded",
            odd.escape_default()
        )
    } else if path
        .split(['/', '?'])
        .any(|segment| matches!(segment, "." | ".."))
    {
        "`.` and `..` lead elsewhere: write the path that is meant".to_owned()
    } else {
        return Ok(());
    };
    Err(syn::Error::new(span, message))
}

fn text_piece(text: &str, path: &str, span: Span, pieces: &mut Vec<Piece>) -> syn::Result<()> {
    if text.contains('}') {
        let message = format!("`{path}` has a `}}` without its `{{`: write `{{name}}`");
        return Err(syn::Error::new(span, message));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(())
}

fn parameter(name: &str, span: Span) -> syn::Result<String> {
    if let Some(rest) = name.strip_prefix('*') {
        let message = format!(
            "`{{*{rest}}}` would let a value reach over its segment: write `{{{rest}}}`, \
             or build such a URL by hand with `ServiceClient`"
        );
        return Err(syn::Error::new(span, message));
    }
    if syn::Ident::parse_any.parse_str(name).is_err() {
        let message = format!("`{{{name}}}` names no argument: write a name, such as `{{id}}`");
        return Err(syn::Error::new(span, message));
    }
    Ok(name.to_owned())
}
