//! A handler with something around it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, GenericParam, ItemFn, ReturnType};

use super::entered::caller;
use super::extractor;
use super::settings::Settings;
use crate::output;
use crate::words::words;

/// The function with what is said of it around its body, answering with a response.
pub(super) fn wrapped(msa: &TokenStream, function: ItemFn, settings: &Settings) -> TokenStream {
    let span = match &function.sig.output {
        ReturnType::Type(_, output) => output.span(),
        ReturnType::Default => function.sig.ident.span(),
    };
    let Body {
        attrs,
        inputs,
        inside,
        work,
    } = Body::of(&function, msa);
    let sig = &function.sig;
    let (vis, name) = (&function.vis, &sig.ident);
    let (params, _, clause) = sig.generics.split_for_impl();
    let (argument, allowed) = settings
        .scope
        .as_ref()
        .map(|scope| {
            let (argument, caller) = caller(msa);
            let allowed = quote! {
                if let ::core::result::Result::Err(refused) = #caller.may(#scope) {
                    return #msa::attribute::respond(refused);
                }
            };
            (quote!(#argument,), allowed)
        })
        .unzip();
    let handler = settings.tokens(msa, name);
    let output = Ident::new("output", Span::mixed_site().located_at(span));
    let read = quote_spanned! {span=>
        (&&&&&#msa::server::handler::answer::Returned(&#output)).reading().answer(#output)
    };
    quote! {
        #(#attrs)*
        #vis async fn #name #params(#argument #(#inputs),*) -> #msa::server::handler::Response #clause {
            #inside
            #allowed

            static HANDLER: #msa::server::handler::Handler = #handler;
            HANDLER
                .run(#work, |#output| {
                    #[allow(unused_imports)] // by what the handler returns, one of them is taken
                    use #msa::server::handler::answer::{Failed as _, Native as _, Plain as _, Stated as _, Text as _};
                    #read
                })
                .await
        }
    }
}

/// What the function does, within the one that answers.
struct Body<'f> {
    /// What stands above the outer one.
    attrs: Vec<&'f Attribute>,
    inputs: Vec<TokenStream>,
    /// The function itself.
    inside: Option<TokenStream>,
    /// Its future.
    work: TokenStream,
}

impl<'f> Body<'f> {
    fn of(function: &'f ItemFn, msa: &TokenStream) -> Self {
        let (sig, block) = (&function.sig, &function.block);
        if names_self(&sig.to_token_stream()) || names_self(&block.to_token_stream()) {
            return Self::as_a_block(function, msa);
        }
        let (outer, inner): (Vec<_>, Vec<_>) = function.attrs.iter().partition(|a| is_outer(a));
        let arguments = extractor::arguments(sig);
        let inputs = sig.inputs.iter().zip(&arguments).map(|(input, argument)| {
            let ty = match input {
                FnArg::Typed(input) => input.ty.to_token_stream(),
                FnArg::Receiver(receiver) => receiver.to_token_stream(), // refused before
            };
            quote!(#argument: #ty)
        });
        let name = &sig.ident;
        let turbofish = turbofish(&sig.generics.params.iter().collect::<Vec<_>>());
        Self {
            attrs: outer,
            inputs: inputs.collect(),
            inside: Some(quote!(#(#inner)* #sig #block)),
            work: quote!(#name #turbofish(#(#arguments),*)),
        }
    }

    /// An inner function has no `Self`, and beside a method of a trait there is no place for another.
    fn as_a_block(function: &'f ItemFn, msa: &TokenStream) -> Self {
        let returns = match &function.sig.output {
            ReturnType::Type(_, ty) => output::inferred(ty).to_token_stream(),
            ReturnType::Default => quote!(()),
        };
        let block = &function.block;
        Self {
            attrs: function.attrs.iter().collect(),
            inputs: function
                .sig
                .inputs
                .iter()
                .map(ToTokens::to_token_stream)
                .collect(),
            inside: None,
            work: quote! {
                async move {
                    if let ::core::option::Option::Some(never) = #msa::attribute::returns::<#returns>() {
                        return never;
                    }
                    #block
                }
            },
        }
    }
}

/// What belongs to the function as others see it; the rest goes with its body.
fn is_outer(attr: &Attribute) -> bool {
    let names = [
        "doc",
        "cfg",
        "cfg_attr",
        "allow",
        "warn",
        "deny",
        "forbid",
        "expect",
        "deprecated",
        "must_use",
        "debug_handler",
    ];
    let last = attr.path().segments.last();
    last.is_some_and(|last| names.iter().any(|name| last.ident == name))
}

fn turbofish(params: &[&GenericParam]) -> Option<TokenStream> {
    let names: Vec<_> = params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            _ => None,
        })
        .collect();
    (!names.is_empty()).then(|| quote!(::<#(#names),*>))
}

fn names_self(tokens: &TokenStream) -> bool {
    words(tokens.clone()).iter().any(|word| word == "Self")
}
