//! `#[handler]` on an axum handler: name, deadline, criticality, and errors as problem documents.

mod extractor;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, FnArg, GenericParam, Item, ItemFn, LitStr, Pat, ReturnType, Safety, Type, Visibility,
};

use crate::args::{Args, Errors, Grammar, Known};
use crate::krate;
use crate::literal::{self, Value};

static GRAMMAR: Grammar = Grammar {
    attribute: "handler",
    known: &[
        Known::new("timeout", "\"500ms\""),
        Known::new("criticality", "\"sheddable\""),
        Known::new("name", "\"orders::place\""),
    ],
    first: None,
};

const CRITICALITIES: [&str; 4] = ["critical", "default", "sheddable", "background"];

/// The attributes that go around what the function does: they stand below this one, wherever they were written.
const POLICIES: [&str; 8] = [
    "retry",
    "circuit_breaker",
    "bulkhead",
    "rate_limit",
    "timeout",
    "fallback",
    "hedge",
    "cached",
];

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    expanded(args, item).unwrap_or_else(syn::Error::into_compile_error)
}

fn expanded(tokens: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(&GRAMMAR, tokens.clone(), &mut errors);
    let settings = Settings::read(&args, &mut errors);
    let function = match syn::parse2::<Item>(item)? {
        Item::Fn(function) => function,
        other => {
            let message = "`#[handler]` stands on a function: write `async fn list(State(app): State<App>) -> Result<Json<Items>, Problem>`";
            return Err(syn::Error::new(other.span(), message));
        }
    };
    check(&function, &mut errors);
    extractor::check(&function.sig, &mut errors);
    errors.finish()?;
    let msa = krate::msa_core();
    Ok(match below_policies(&msa, &function, &tokens) {
        Some(moved) => moved,
        None => wrapped(&msa, function, &settings),
    })
}

/// What the attribute was told.
#[derive(Default)]
struct Settings {
    timeout: Option<Value<std::time::Duration>>,
    criticality: Option<(&'static str, Span)>,
    name: Option<LitStr>,
}

impl Settings {
    fn read(args: &Args, errors: &mut Errors) -> Self {
        Self {
            timeout: args.read("timeout", errors, literal::span),
            criticality: args.read("criticality", errors, literal::word(&CRITICALITIES)),
            name: args.read("name", errors, literal::text),
        }
    }

    /// `Handler::new("orders::place").timeout(..)`
    fn tokens(&self, msa: &TokenStream, function: &Ident) -> TokenStream {
        let name = match &self.name {
            Some(name) => name.to_token_stream(),
            None => {
                let tail = format!("::{function}");
                quote!(::core::concat!(::core::module_path!(), #tail))
            }
        };
        let timeout = self.timeout.as_ref().map(|timeout| {
            let timeout = literal::as_duration(timeout);
            quote!(.timeout(#timeout))
        });
        let criticality = self.criticality.map(|(word, span)| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            let variant: String = first.into_iter().chain(letters).collect();
            let variant = Ident::new(&variant, span);
            quote!(.criticality(#msa::txn::Criticality::#variant))
        });
        quote!(#msa::server::handler::Handler::new(#name) #timeout #criticality)
    }
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    let name = &sig.ident;
    if sig.asyncness.is_none() {
        let message = format!("a handler is awaited: write `async fn {name}`");
        errors.at(sig.fn_token.span(), message);
    }
    if !matches!(sig.safety, Safety::Default)
        || sig.abi.is_some()
        || sig.constness.is_some()
        || sig.variadic.is_some()
    {
        errors.at(
            sig.span(),
            format!("axum calls a handler: write a plain `async fn {name}`"),
        );
    }
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            let message =
                "a handler owns its arguments, so no lifetime can be given to it: leave it out";
            errors.at(lifetime.span(), message);
        }
    }
    if let ReturnType::Type(_, output) = &sig.output
        && let Type::Reference(reference) = &**output
        && reference
            .lifetime
            .as_ref()
            .is_none_or(|lifetime| lifetime.ident != "static")
    {
        let message = "an answer outlives its handler: return an owned value, such as `String`";
        errors.at(output.span(), message);
    }
}

/// With policies on the function, everything once more with `#[handler]` as the last attribute: its time and its answer are around
/// them, whatever the order of writing.
fn below_policies(msa: &TokenStream, function: &ItemFn, args: &TokenStream) -> Option<TokenStream> {
    if !function.attrs.iter().any(is_policy) {
        return None;
    }
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    let args = (!args.is_empty()).then(|| quote!((#args)));
    Some(quote! {
        #(#attrs)*
        #[#msa::handler #args]
        #vis #sig #block
    })
}

fn is_policy(attr: &Attribute) -> bool {
    let segments = &attr.path().segments;
    let ours = segments.len() == 1
        || segments.first().is_some_and(|first| {
            let krate = krate::msa_core().into_iter().last();
            krate.is_some_and(|krate| first.ident == krate.to_string())
        });
    ours && segments
        .last()
        .is_some_and(|last| POLICIES.iter().any(|policy| last.ident == policy))
}

fn wrapped(msa: &TokenStream, function: ItemFn, settings: &Settings) -> TokenStream {
    let (outer, inner): (Vec<_>, Vec<_>) = function.attrs.into_iter().partition(is_outer);
    let (vis, mut sig, block) = (function.vis, function.sig, function.block);
    let name = sig.ident.clone();
    let generics = sig.generics.clone();
    let (params, _, clause) = generics.split_for_impl();
    let arguments = extractor::arguments(&sig);
    let inputs = sig.inputs.iter().zip(&arguments).map(|(input, argument)| {
        let ty = match input {
            FnArg::Typed(input) => input.ty.to_token_stream(),
            FnArg::Receiver(receiver) => receiver.to_token_stream(), // refused before
        };
        quote!(#argument: #ty)
    });
    let inputs: Vec<_> = inputs.collect();
    let handler = settings.tokens(msa, &name);
    let span = match &sig.output {
        ReturnType::Type(_, output) => output.span(),
        ReturnType::Default => name.span(),
    };
    // Of a method: beside it, since an inner function has no `Self`. Of a function: inside.
    let of_self = names_self(&sig.to_token_stream()) || names_self(&block.to_token_stream());
    if of_self {
        sig.ident = format_ident!("__{}_of_handler", name);
    }
    let work = &sig.ident;
    let turbofish = turbofish(&generics.params.iter().collect::<Vec<_>>());
    let call = if of_self {
        quote!(Self::#work #turbofish(#(#arguments),*))
    } else {
        quote!(#work #turbofish(#(#arguments),*))
    };
    let hidden = of_self.then(|| quote!(#[doc(hidden)]));
    let body = quote! {
        #hidden
        #(#inner)*
        #sig #block
    };
    let (beside, inside) = if of_self {
        (Some(body), None)
    } else {
        (None, Some(body))
    };
    let output = Ident::new("output", Span::mixed_site().located_at(span));
    let read = quote_spanned! {span=>
        (&&&&&#msa::server::handler::answer::Returned(&#output)).reading().answer(#output)
    };
    let visibility = match &vis {
        Visibility::Inherited => TokenStream::new(),
        vis => vis.to_token_stream(),
    };
    quote! {
        #(#outer)*
        #visibility async fn #name #params(#(#inputs),*) -> #msa::server::handler::Response #clause {
            #inside

            static HANDLER: #msa::server::handler::Handler = #handler;
            HANDLER
                .run(#call, |#output| {
                    #[allow(unused_imports)] // by what the handler returns, one of them is taken
                    use #msa::server::handler::answer::{Failed as _, Native as _, Plain as _, Stated as _, Text as _};
                    #read
                })
                .await
        }

        #beside
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
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => names_self(&group.stream()),
        _ => false,
    })
}

/// The one name that a pattern gives, such as `app` of `State(app)`.
fn binding(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(name) if name.subpat.is_none() => Some(&name.ident),
        Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => binding(tuple.elems.first()?),
        Pat::Paren(inner) => binding(&inner.pat),
        _ => None,
    }
}
