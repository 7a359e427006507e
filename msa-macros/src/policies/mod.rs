//! The policy attributes: whichever is met first takes those that stand below it along, and all become one call.

mod argument;
mod bulkhead;
mod cached;
mod circuit_breaker;
mod expand;
mod fallback;
mod function;
mod hedge;
mod rate_limit;
mod retry;
mod timeout;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::spanned::Spanned as _;
use syn::{Attribute, ItemFn, LitStr, Path};

use crate::args::{Args, Errors, Grammar, Known};
use crate::{krate, literal};

pub(crate) use bulkhead::Bulkhead;
pub(crate) use cached::Cached;
pub(crate) use circuit_breaker::CircuitBreaker;
pub(crate) use fallback::Fallback;
pub(crate) use hedge::Hedge;
pub(crate) use rate_limit::RateLimit;
pub(crate) use retry::Retry;
pub(crate) use timeout::Timeout;

/// One of the attributes, read.
pub(crate) trait Part: Sized {
    const GRAMMAR: &'static Grammar;

    /// What it was told; what is wrong is noted.
    fn read(args: &Args, errors: &mut Errors) -> Option<Self>;

    /// The lines that set it in the policy's settings.
    fn settings(&self, msa: &TokenStream) -> TokenStream;
}

/// `name`, which every policy attribute takes.
pub(crate) const NAME: Known = Known::new("name", "\"orders::fetch_stock\"");

/// What all attributes of one function say.
#[derive(Default)]
pub(crate) struct Policies {
    pub(crate) timeout: Option<Timeout>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) cached: Option<Cached>,
    pub(crate) bulkhead: Option<Bulkhead>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) retry: Option<Retry>,
    pub(crate) hedge: Option<Hedge>,
    pub(crate) circuit_breaker: Option<CircuitBreaker>,
    pub(crate) name: Option<LitStr>,
    /// Which there are, in the order of writing.
    met: Vec<&'static str>,
}

impl Policies {
    /// Takes in one more attribute. False if it is none of ours.
    fn take(&mut self, name: &str, at: Span, tokens: Written<'_>, errors: &mut Errors) -> bool {
        match name {
            "timeout" => self.timeout = self.part(at, tokens, errors),
            "fallback" => self.fallback = self.part(at, tokens, errors),
            "cached" => self.cached = self.part(at, tokens, errors),
            "bulkhead" => self.bulkhead = self.part(at, tokens, errors),
            "rate_limit" => self.rate_limit = self.part(at, tokens, errors),
            "retry" => self.retry = self.part(at, tokens, errors),
            "hedge" => self.hedge = self.part(at, tokens, errors),
            "circuit_breaker" => self.circuit_breaker = self.part(at, tokens, errors),
            _ => return false,
        }
        true
    }

    fn part<P: Part>(&mut self, at: Span, written: Written<'_>, errors: &mut Errors) -> Option<P> {
        let attribute = P::GRAMMAR.attribute;
        if self.met.contains(&attribute) {
            errors.at(
                at,
                format!("`#[{attribute}]` stands here twice: leave one out"),
            );
            return None;
        }
        self.met.push(attribute);
        let args = match written {
            Written::Arguments(tokens) => Args::parse(P::GRAMMAR, tokens, errors),
            Written::Attribute(attribute) => Args::of(P::GRAMMAR, attribute, errors),
        };
        if let Some(name) = args.read("name", errors, literal::text) {
            match &self.name {
                Some(first) if first.value() != name.value() => {
                    let message = format!(
                        "the function has one policy, which is named `{}` already: leave this name out",
                        first.value()
                    );
                    errors.at(name.span(), message);
                }
                _ => self.name = Some(name),
            }
        }
        P::read(&args, errors)
    }

    /// The attribute that was met first, for messages.
    pub(crate) fn first(&self) -> &'static str {
        self.met.first().copied().unwrap_or("retry")
    }

    /// Who needs the arguments for a second try.
    pub(crate) fn repeater(&self) -> Option<&'static str> {
        let retry = self.retry.as_ref().map(|_| "retry");
        retry.or(self.hedge.as_ref().map(|_| "hedge"))
    }
}

/// Where an attribute's arguments stand.
enum Written<'a> {
    /// In the macro's own call.
    Arguments(TokenStream),
    /// In an attribute that is still there.
    Attribute(&'a Attribute),
}

/// What a policy attribute becomes, together with those below it.
pub(crate) fn expand(attribute: &'static str, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut policies = Policies::default();
    let here = Span::call_site();
    policies.take(attribute, here, Written::Arguments(args), &mut errors);
    let mut function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(function::not_one(attribute, &item, error));
            let errors = errors.finish().err().map(|all| all.to_compile_error());
            return quote!(#errors #item);
        }
    };
    function.attrs.retain(|below| {
        let Some(name) = ours(below.path()) else {
            return true;
        };
        !policies.take(&name, below.span(), Written::Attribute(below), &mut errors)
    });
    function::check(&function, &policies, &mut errors);
    let msa = krate::msa_core();
    match errors.finish() {
        Ok(()) => expand::body(function, &policies, &msa),
        Err(all) => {
            // The function stays, so that those who call it are not wrong too.
            let all = all.to_compile_error();
            quote!(#all #function)
        }
    }
}

/// The name of an attribute that may be ours: `retry`, `msa_core::retry`, `msa_core::attribute::retry`.
fn ours(path: &Path) -> Option<String> {
    let name = path.segments.last()?.ident.to_string();
    if path.segments.len() == 1 {
        return path.leading_colon.is_none().then_some(name);
    }
    let first = path.segments.first()?.ident.to_string();
    let msa = krate::msa_core().to_token_stream().to_string();
    let is_ours = msa.rsplit("::").next().map(str::trim) == Some(&first);
    (is_ours || first == "msa_core").then_some(name)
}

/// Sets one field, if it is given.
fn set(target: TokenStream, value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(TokenStream::new, |value| quote!(#target = #value;))
}

/// `section.dark = true;` for a part that only reports.
fn set_dark(section: TokenStream, dark: bool) -> TokenStream {
    if dark {
        quote!(#section.dark = true;)
    } else {
        TokenStream::new()
    }
}
