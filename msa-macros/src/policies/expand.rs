//! The function with its policy around its body.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, FnArg, ItemFn, ReturnType, Type};

use super::argument::{self, Argument};
use super::{Part, Policies};
use crate::{krate, output};

/// What the function returns, and whether its answer must be made a response first.
struct Returns {
    ty: TokenStream,
    at: Span,
    responds: bool,
}

impl Returns {
    fn of(output: &ReturnType, msa: &TokenStream) -> Self {
        let ReturnType::Type(_, ty) = output else {
            return Self {
                ty: quote!(()),
                at: Span::call_site(),
                responds: false,
            };
        };
        let at = ty.span().resolved_at(Span::mixed_site());
        if matches!(**ty, Type::ImplTrait(_)) {
            return Self {
                ty: quote_spanned!(at=> #msa::attribute::Response),
                at,
                responds: true,
            };
        }
        Self {
            ty: output::inferred(ty).to_token_stream(),
            at,
            responds: false,
        }
    }
}

/// The function, with the policy around its body.
pub(super) fn body(mut function: ItemFn, policies: &Policies, msa: &TokenStream) -> TokenStream {
    let arguments = Argument::all(&mut function);
    let returns = Returns::of(&function.sig.output, msa);
    let declared = declaration(&function, policies, msa);
    let call = call(&function, policies, &arguments, &returns, msa);
    let policy = proc_macro2::Ident::new("policy", Span::mixed_site());
    let ItemFn {
        attrs,
        vis,
        modifiers,
        sig,
        ..
    } = &function;
    let default = &modifiers.defaultness;
    quote! {
        #(#attrs)* #vis #default #sig {
            let #policy = { #declared };
            #policy #call
        }
    }
}

/// The policy itself.
fn declaration(function: &ItemFn, policies: &Policies, msa: &TokenStream) -> TokenStream {
    let name = match &policies.name {
        Some(name) => quote!(#name),
        None => {
            let name = format!("::{}", function.sig.ident.unraw());
            quote!(::core::concat!(::core::module_path!(), #name))
        }
    };
    let settings = [
        policies.timeout.as_ref().map(|part| part.settings(msa)),
        policies.fallback.as_ref().map(|part| part.settings(msa)),
        policies.cached.as_ref().map(|part| part.settings(msa)),
        policies.bulkhead.as_ref().map(|part| part.settings(msa)),
        policies.rate_limit.as_ref().map(|part| part.settings(msa)),
        policies.retry.as_ref().map(|part| part.settings(msa)),
        policies.hedge.as_ref().map(|part| part.settings(msa)),
        (policies.circuit_breaker.as_ref()).map(|part| part.settings(msa)),
    ];
    let once = policies.repeater().is_none().then(|| quote!(.once()));
    quote! {
        static POLICY: #msa::resilience::policy::LazyPolicy =
            #msa::resilience::policy::LazyPolicy::new(#name, |settings| {
                #(#settings)*
            })
            #once;
        #msa::register_policy!(POLICY);
        &POLICY
    }
}

/// The call under it.
fn call(
    function: &ItemFn,
    policies: &Policies,
    arguments: &[Argument],
    returns: &Returns,
    msa: &TokenStream,
) -> TokenStream {
    let Returns { ty, at, responds } = returns;
    let judged = |path: &Expr, by: &str| {
        let by = proc_macro2::Ident::new(by, Span::call_site());
        let at = path.span().resolved_at(Span::mixed_site());
        let msa = krate::at(msa, at);
        quote_spanned!(at=> .#by(#msa::attribute::when::<#ty, _, _>(#path)))
    };
    let when = policies
        .retry
        .as_ref()
        .and_then(|retry| retry.when.as_ref());
    let when = when.map(|path| judged(path, "judged_by"));
    let failure = policies.circuit_breaker.as_ref();
    let failure = failure.and_then(|breaker| breaker.failure.as_ref());
    let failure = failure.map(|path| judged(path, "classified_by"));
    let fallback =
        (policies.fallback.as_ref()).map(|_| fallback(function, policies, arguments, ty, msa));
    let cached = policies.cached.as_ref().map(|cached| {
        let key = argument::key(arguments, cached.key.as_ref(), msa);
        let msa = krate::at(msa, *at);
        if cached.single_flight {
            quote_spanned!(*at=> .cached(#msa::attribute::kept::<#ty, _>(#key)))
        } else {
            quote_spanned!(*at=> .cached_alone(#msa::attribute::kept_alone::<#ty, _>(#key)))
        }
    });

    let block = &function.block;
    let apart = arguments.iter().filter_map(Argument::take_apart);
    let work = if *responds {
        quote!(#msa::attribute::respond(async move #block.await))
    } else {
        quote! {
            if let ::core::option::Option::Some(never) = #msa::attribute::returns::<#ty>() {
                return never;
            }
            #block
        }
    };
    let work = quote!(async move { #(#apart)* #work });
    let needed_again = policies.repeater().is_some()
        || (policies.fallback.as_ref()).is_some_and(|fallback| fallback.with.is_some());
    let work = if needed_again {
        let copies = arguments.iter().filter_map(|argument| argument.copy(msa));
        let copies: TokenStream = copies.collect();
        if copies.is_empty() {
            quote!(|| #work)
        } else {
            quote!(|| { #copies #work })
        }
    } else {
        quote!(move || #work)
    };
    let run = if policies.repeater().is_some() {
        quote!(run)
    } else {
        quote!(run_once)
    };
    let returning = quote_spanned!(*at=> .returning::<#ty>());
    quote! {
        .with()
        #returning
        #when
        #failure
        #fallback
        #cached
        .#run(#work)
        .await
    }
}

fn fallback(
    function: &ItemFn,
    policies: &Policies,
    arguments: &[Argument],
    ty: &TokenStream,
    msa: &TokenStream,
) -> TokenStream {
    let Some(fallback) = &policies.fallback else {
        return TokenStream::new();
    };
    let instead = fallback.with.as_ref().map(|with| {
        let at = with.span().resolved_at(Span::mixed_site());
        let first = with.to_token_stream().into_iter().next();
        let is_own = first.is_some_and(|first| first.to_string() == "Self");
        let receiver = match function.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) if is_own => {
                let this = &receiver.self_token;
                Some(quote!(#this,))
            }
            _ => None,
        };
        let given = arguments.iter().map(|argument| argument.given(msa));
        let msa = krate::at(msa, at);
        quote_spanned!(at=> .fallback(#msa::attribute::given(|| (#receiver #(#given,)*)).instead::<#ty, _, _>(#with)))
    });
    let value = fallback.value.as_ref().map(|value| {
        let at = value.span().resolved_at(Span::mixed_site());
        let msa = krate::at(msa, at);
        quote_spanned!(at=> .fallback(#msa::attribute::value::<#ty, _>(|| #value)))
    });
    let stale = fallback.keeps().then(|| {
        let cached = policies
            .cached
            .as_ref()
            .and_then(|cached| cached.key.as_ref());
        let key = argument::key(arguments, fallback.key.as_ref().or(cached), msa);
        quote!(.stale(#key))
    });
    quote!(#instead #value #stale)
}
