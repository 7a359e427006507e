//! The attributes of msa-core. Use them through `msa_core`, which re-exports each and documents what it expands to.

mod args;
mod entry;
mod handler;
mod krate;
mod literal;
mod service_client;

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
