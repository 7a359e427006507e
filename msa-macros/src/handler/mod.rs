//! `#[handler]` on an axum handler: name, deadline, criticality, and errors as problem documents.
//!
//! A service has many handlers, and most say nothing but `#[handler]` and return what axum takes by itself: such a function stays as it is
//! written, with one line at its beginning, since each further future is compiled for each handler anew.

mod extractor;
mod native;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Expr, FnArg, GenericParam, Item, ItemFn, LitStr, Pat, ReturnType, Safety, Type,
};

use crate::args::{Args, Errors, Grammar, Known};
use crate::krate;
use crate::literal::{self, Value};
use crate::output;
use crate::words::words;

static GRAMMAR: Grammar = Grammar {
    attribute: "handler",
    known: &[
        Known::new("timeout", "\"500ms\""),
        Known::new("criticality", "\"sheddable\""),
        Known::new("scope", "\"orders:write\""),
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
    extractor::check(&function.sig, settings.scope.is_some(), &mut errors);
    errors.finish()?;
    let msa = krate::msa_core();
    Ok(match below_policies(&msa, &function, &tokens) {
        Some(moved) => moved,
        None if settings.stays(&function.sig.output) => entered(&msa, function, &settings),
        None => wrapped(&msa, function, &settings),
    })
}

/// What the attribute was told.
#[derive(Default)]
struct Settings {
    timeout: Option<Value<std::time::Duration>>,
    criticality: Option<(&'static str, Span)>,
    scope: Option<LitStr>,
    name: Option<LitStr>,
}

impl Settings {
    fn read(args: &Args, errors: &mut Errors) -> Self {
        Self {
            timeout: args.read("timeout", errors, literal::span),
            criticality: args.read("criticality", errors, literal::word(&CRITICALITIES)),
            scope: args.read("scope", errors, scopes),
            name: args.read("name", errors, literal::text),
        }
    }

    /// Whether a function that returns this can stay as it is written, but for what it does first.
    fn stays(&self, output: &ReturnType) -> bool {
        let is_refusable = self.scope.is_none() || native::fails_with_problem(output);
        self.timeout.is_none()
            && self.criticality.is_none()
            && is_refusable
            && native::is_answer(output)
    }

    fn name_of(&self, function: &Ident) -> TokenStream {
        match &self.name {
            Some(name) => name.to_token_stream(),
            None => {
                let tail = format!("::{}", function.unraw());
                quote!(::core::concat!(::core::module_path!(), #tail))
            }
        }
    }

    /// `Handler::new("orders::place").timeout(..)`
    fn tokens(&self, msa: &TokenStream, function: &Ident) -> TokenStream {
        let name = self.name_of(function);
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

/// The function as it is, which says its name when it begins.
fn entered(msa: &TokenStream, function: ItemFn, settings: &Settings) -> TokenStream {
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
fn caller(msa: &TokenStream) -> (TokenStream, Ident) {
    let name = Ident::new("caller", Span::mixed_site());
    (quote!(#name: #msa::server::handler::Caller), name)
}

/// One scope, or several with blanks between them, of the characters that RFC 6749 allows.
fn scopes(value: &Expr, known: &Known) -> syn::Result<LitStr> {
    let text = literal::text(value, known)?;
    let is_allowed = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~' | ' ');
    match text.value().chars().find(|c| !is_allowed(*c)) {
        Some(wrong) => Err(syn::Error::new(
            text.span(),
            format!(
                "{wrong:?} is in no scope (RFC 6749): write `scope = \"orders:write\"`, several with a blank between them"
            ),
        )),
        None => Ok(text),
    }
}

/// The function with what is said of it around its body, answering with a response.
fn wrapped(msa: &TokenStream, function: ItemFn, settings: &Settings) -> TokenStream {
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

/// The one name that a pattern gives, such as `app` of `State(app)`.
fn binding(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(name) if name.subpat.is_none() => Some(&name.ident),
        Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => binding(tuple.elems.first()?),
        Pat::Paren(inner) => binding(&inner.pat),
        _ => None,
    }
}
