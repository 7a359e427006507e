//! The arguments of a function: moved into its one call, or copied for each.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, FnArg, ItemFn, Pat, Type};

use crate::krate;
use crate::words::words;

/// One argument besides `self`.
pub(super) struct Argument {
    /// What the function calls it from now on.
    ident: Ident,
    /// What the body takes it apart with, or makes `mut`.
    pattern: Option<Pat>,
    ty: Type,
    /// Whether it is there at all.
    cfg: Vec<Attribute>,
    lent: bool,
}

impl Argument {
    /// Those of a function, which gets a name for each that has none.
    pub(super) fn all(function: &mut ItemFn) -> Vec<Self> {
        let mut all = Vec::new();
        for argument in &mut function.sig.inputs {
            let FnArg::Typed(argument) = argument else {
                continue;
            };
            let (ident, pattern) = match &mut *argument.pat {
                Pat::Ident(named) if named.by_ref.is_none() && named.subpat.is_none() => {
                    let pattern = named.mutability.is_some().then(|| {
                        let pattern = Pat::Ident(named.clone());
                        named.mutability = None;
                        pattern
                    });
                    (named.ident.clone(), pattern)
                }
                Pat::Wild(_) => (unnamed(all.len()), None),
                pattern => (unnamed(all.len()), Some(pattern.clone())),
            };
            if !matches!(&*argument.pat, Pat::Ident(named) if named.ident == ident) {
                *argument.pat = Pat::Verbatim(ident.to_token_stream());
            }
            let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
            all.push(Self {
                ident,
                pattern,
                ty: (*argument.ty).clone(),
                cfg: argument.attrs.iter().filter(is_cfg).cloned().collect(),
                lent: matches!(&*argument.ty, Type::Reference(_)),
            });
        }
        all
    }

    /// `let sku = again(&sku);`, at the argument's type: there an argument that cannot be copied is told of.
    pub(super) fn copy(&self, msa: &TokenStream) -> Option<TokenStream> {
        if self.lent {
            return None; // a reference is copied by itself
        }
        let Self { ident, cfg, .. } = self;
        let again = self.again(msa);
        Some(quote!(#(#cfg)* let #ident = #again;))
    }

    fn again(&self, msa: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        let at = at(&self.ty);
        let msa = krate::at(msa, at);
        quote_spanned!(at=> #msa::attribute::again(&#ident))
    }

    /// The argument as it is given to a fallback.
    pub(super) fn given(&self, msa: &TokenStream) -> TokenStream {
        let Self { ident, cfg, .. } = self;
        if self.lent {
            return quote!(#(#cfg)* #ident);
        }
        let again = self.again(msa);
        quote!(#(#cfg)* #again)
    }

    /// `let State(app) = argument0;`
    pub(super) fn take_apart(&self) -> Option<TokenStream> {
        let Self {
            ident,
            cfg,
            pattern,
            ..
        } = self;
        let pattern = pattern.as_ref()?;
        Some(quote!(#(#cfg)* let #pattern = #ident;))
    }

    /// The argument as a part of a key.
    fn key_part(&self, msa: &TokenStream) -> TokenStream {
        let Self { ident, ty, cfg, .. } = self;
        let at = at(ty);
        let reference = (!self.lent).then(|| quote_spanned!(at=> &));
        let msa = krate::at(msa, at);
        let part = quote_spanned!(at=> #msa::attribute::key_part(#reference #ident));
        quote!(#(#cfg)* #part)
    }
}

/// Where a type is, so that the compiler underlines it.
fn at(ty: &Type) -> Span {
    ty.span().resolved_at(Span::mixed_site())
}

/// No name that the body could use.
fn unnamed(place: usize) -> Ident {
    format_ident!("argument{place}", span = Span::mixed_site())
}

/// The key by which answers are kept: what the attribute says, else all arguments.
pub(super) fn key(arguments: &[Argument], given: Option<&Expr>, msa: &TokenStream) -> TokenStream {
    let Some(given) = given else {
        let parts: Vec<_> = arguments
            .iter()
            .map(|argument| argument.key_part(msa))
            .collect();
        return match parts.as_slice() {
            [only] => only.clone(),
            parts => quote!((#(#parts),*)),
        };
    };
    let named = words(given.to_token_stream());
    let names = |argument: &&Argument| {
        let pattern = argument
            .pattern
            .as_ref()
            .map(|pattern| pattern.to_token_stream());
        pattern.is_some_and(|pattern| words(pattern).iter().any(|word| named.contains(word)))
            && !named.contains(&argument.ident.to_string())
    };
    let apart = arguments.iter().filter(names).map(|argument| {
        let (pattern, again) = (&argument.pattern, argument.again(msa));
        // Of what it is taken apart into, the key needs only a part.
        quote!(#[allow(unused_variables)] let #pattern = #again;)
    });
    let apart: TokenStream = apart.collect();
    let part = |expr: &Expr| {
        let is_lent = matches!(expr, Expr::Path(path)
            if arguments.iter().any(|argument| argument.lent && path.path.is_ident(&argument.ident)));
        let at = expr.span().resolved_at(Span::mixed_site());
        let msa = krate::at(msa, at);
        let reference = (!is_lent).then(|| quote_spanned!(at=> &));
        let simple = matches!(
            expr,
            Expr::Path(_) | Expr::Field(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Lit(_)
        );
        let expr = if simple {
            quote!(#expr)
        } else {
            quote!((#expr))
        };
        quote_spanned!(at=> #msa::attribute::key_part(#reference #expr))
    };
    let key = match given {
        Expr::Tuple(tuple) => {
            let parts: Vec<_> = tuple.elems.iter().map(part).collect();
            match parts.as_slice() {
                [only] => quote!((#only,)),
                parts => quote!((#(#parts),*)),
            }
        }
        only => part(only),
    };
    if apart.is_empty() {
        key
    } else {
        quote!({ #apart #key })
    }
}
