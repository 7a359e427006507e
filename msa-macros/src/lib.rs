//! The attributes of msa-core. Use them through `msa_core`, which re-exports each and documents what it expands to.

mod args;
mod entry;
#[cfg(test)]
mod expanded;
mod handler;
mod krate;
mod literal;
mod output;
mod policies;
mod service_client;
mod words;

use proc_macro::TokenStream;

/// The `main` of a service. See `msa_core::main`.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(args.into(), item.into()).into()
}

/// An axum handler. See `msa_core::handler`.
#[proc_macro_attribute]
pub fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(args.into(), item.into()).into()
}

/// A client of a service, from a trait. See `msa_core::service_client`.
#[proc_macro_attribute]
pub fn service_client(args: TokenStream, item: TokenStream) -> TokenStream {
    service_client::expand(args.into(), item.into()).into()
}

/// Gives the last answer for the same arguments again. See `msa_core::cached`.
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("cached", args.into(), item.into()).into()
}

/// How many calls run at a time. See `msa_core::bulkhead`.
#[proc_macro_attribute]
pub fn bulkhead(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("bulkhead", args.into(), item.into()).into()
}

/// When to stop calling. See `msa_core::circuit_breaker`.
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("circuit_breaker", args.into(), item.into()).into()
}

/// What stands in for a failure. See `msa_core::fallback`.
#[proc_macro_attribute]
pub fn fallback(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("fallback", args.into(), item.into()).into()
}

/// A further attempt beside one that takes long. See `msa_core::hedge`.
#[proc_macro_attribute]
pub fn hedge(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("hedge", args.into(), item.into()).into()
}

/// How many calls begin a time. See `msa_core::rate_limit`.
#[proc_macro_attribute]
pub fn rate_limit(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("rate_limit", args.into(), item.into()).into()
}

/// Tries again. See `msa_core::retry`.
#[proc_macro_attribute]
pub fn retry(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("retry", args.into(), item.into()).into()
}

/// How long a call may take. See `msa_core::timeout`.
#[proc_macro_attribute]
pub fn timeout(args: TokenStream, item: TokenStream) -> TokenStream {
    policies::expand("timeout", args.into(), item.into()).into()
}
