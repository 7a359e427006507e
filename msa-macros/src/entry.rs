//! `#[msa_core::main]` on `async fn main()`: the runtime, and exit codes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Item, ItemFn, ReturnType, Safety};

use crate::args::Errors;
use crate::krate;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let is_main = syn::parse2::<ItemFn>(item.clone()).is_ok_and(|main| main.sig.ident == "main");
    expanded(args, item).unwrap_or_else(|error| {
        let mut told = error.into_compile_error();
        if is_main {
            // Lest the compiler adds that there is no `main`.
            told.extend(quote!(
                fn main() {}
            ));
        }
        told
    })
}

fn expanded(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    if let Some(first) = args.into_iter().next() {
        let message = "`#[msa_core::main]` takes no arguments: the number of threads is configuration, \
                       `runtime.worker_threads = 4` or `MSA_RUNTIME__WORKER_THREADS=4`";
        errors.at(first.span(), message);
    }
    let function = match syn::parse2::<Item>(item)? {
        Item::Fn(function) => function,
        other => {
            let message = "`#[msa_core::main]` stands on a function: write `async fn main() -> Result<(), msa_core::Error>`";
            return Err(syn::Error::new(other.span(), message));
        }
    };
    check(&function, &mut errors);
    errors.finish()?;
    let msa = krate::msa_core();
    let ItemFn { attrs, vis, .. } = &function;
    let mut main = function.clone();
    main.attrs.clear();
    main.vis = syn::Visibility::Inherited;
    let span = match &main.sig.output {
        ReturnType::Type(_, output) => output.span(),
        ReturnType::Default => main.sig.ident.span(),
    };
    let returned = Ident::new("returned", Span::mixed_site().located_at(span));
    let read = quote_spanned! {span=>
        (&&&&#msa::service::outcome::Outcome(&#returned)).read().end(#returned)
    };
    Ok(quote! {
        #(#attrs)*
        #vis fn main() -> ::std::process::ExitCode {
            #main

            #msa::run(async {
                #[allow(unused_imports)] // by what `main` returns, one of them is taken
                use #msa::service::outcome::{Failure as _, LocalFailure as _, Nothing as _, Told as _};
                let #returned = main().await;
                #read
            })
        }
    })
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    if sig.ident != "main" {
        let name = &sig.ident;
        let message = format!(
            "a program begins with `main`: name this function so, or call `{name}` from it"
        );
        errors.at(name.span(), message);
    }
    if sig.asyncness.is_none() {
        errors.at(
            sig.fn_token.span(),
            "a service waits: write `async fn main()`",
        );
    }
    if !sig.inputs.is_empty() {
        let message = "`main` has no arguments: take the configuration from `Service::from_env`";
        errors.at(sig.inputs.span(), message);
    }
    if !sig.generics.params.is_empty() || sig.generics.where_clause.is_some() {
        errors.at(
            sig.generics.span(),
            "nobody says the types of a generic `main`: leave them out",
        );
    }
    if !matches!(sig.safety, Safety::Default) || sig.abi.is_some() || sig.constness.is_some() {
        errors.at(
            sig.span(),
            "`main` is a plain function: write `async fn main()`",
        );
    }
}
