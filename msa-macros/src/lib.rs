//! The attributes of msa-core. Use them through `msa_core`, which re-exports each and documents what it expands to.

mod args;
mod krate;
mod literal;
mod service_client;

use proc_macro::TokenStream;

/// A client of a service, from a trait. See `msa_core::service_client`.
#[proc_macro_attribute]
pub fn service_client(args: TokenStream, item: TokenStream) -> TokenStream {
    service_client::expand(args.into(), item.into()).into()
}
