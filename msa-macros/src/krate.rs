//! What the user's crate calls msa-core.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

/// `::msa_core`, or what the user renamed it to. msa-core's own tests and examples see it as `::msa_core` too.
pub(crate) fn msa_core() -> TokenStream {
    let name = match crate_name("msa-core") {
        Ok(FoundCrate::Name(name)) => name,
        // Without a manifest (a build system that is not cargo) there is no other name to try.
        Ok(FoundCrate::Itself) | Err(_) => "msa_core".to_owned(),
    };
    let name = Ident::new(&name, Span::call_site());
    quote!(::#name)
}

/// The same path, as if it were written at this place: what is wrong with a call of ours is then shown there.
pub(crate) fn at(msa_core: &TokenStream, place: Span) -> TokenStream {
    let moved = msa_core.clone().into_iter().map(|mut token: TokenTree| {
        token.set_span(place);
        token
    });
    moved.collect()
}
