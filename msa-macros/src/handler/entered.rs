//! A handler that stays as it is written, but for what it does first.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;
use syn::spanned::Spanned as _;

use super::native;
use super::settings::Settings;
use crate::krate;

/// The function as it is, which says its name when it begins.
pub(super) fn entered(msa: &TokenStream, function: ItemFn, settings: &Settings) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        mut sig,
        block,
        ..
    } = function;
    let name = settings.name_of(&sig.ident);
    let allowed = settings.scope.as_ref().map(|scope| {
        let (argument, caller) = caller(msa);
        sig.inputs.insert(0, syn::parse_quote!(#argument));
        quote!(#caller.may(#scope)?;)
    });
    // Of what depends on a type of the user's, the compiler would tell no more than that there is no such handler.
    let checked = native::to_check(&sig).map(|output| {
        let at = output.span().resolved_at(Span::mixed_site());
        let msa = krate::at(msa, at);
        quote_spanned!(at=> const _: fn() = #msa::server::handler::answer::answers::<#output>;)
    });
    let statements = &block.stmts;
    quote! {
        #(#attrs)* #vis #sig {
            #checked
            #msa::server::handler::enter(#name);
            #allowed
            #(#statements)*
        }
    }
}

/// The argument that stands before the function's own when a scope is needed, and its name.
pub(super) fn caller(msa: &TokenStream) -> (TokenStream, Ident) {
    let name = Ident::new("caller", Span::mixed_site());
    (quote!(#name: #msa::server::handler::Caller), name)
}
