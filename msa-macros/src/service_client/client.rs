//! The trait as it is declared, and its client.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::Api;
use super::argument::Place;
use super::method::Method;
use super::returns::Reading;
use super::template::Piece;

/// The trait: its methods return futures that are `Send`, so that generic code can await them in any task.
pub(super) fn declared(api: &Api) -> TokenStream {
    let Api {
        vis, name, attrs, ..
    } = api;
    let methods = api.methods.iter().map(|method| {
        let Method {
            attrs, cfgs, name, ..
        } = method;
        let (inputs, output) = (inputs(method), &method.returns.written);
        quote! {
            #(#cfgs)*
            #(#attrs)*
            fn #name(&self #inputs) -> impl ::core::future::Future<Output = #output> + ::core::marker::Send;
        }
    });
    quote! {
        #(#attrs)*
        #vis trait #name: ::core::marker::Send + ::core::marker::Sync {
            #(#methods)*
        }
    }
}

/// `, id: u64`
pub(super) fn inputs(method: &Method) -> TokenStream {
    let inputs = method.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(, #name: #ty)
    });
    quote!(#(#inputs)*)
}

/// `UserApiClient`
pub(super) fn client(api: &Api) -> TokenStream {
    let Api {
        msa,
        service,
        base,
        vis,
        name,
        methods,
        ..
    } = api;
    let client = api.client();
    let methods = methods.iter().map(|method| {
        let (cfgs, name, output) = (&method.cfgs, &method.name, &method.returns.written);
        let (inputs, call) = (inputs(method), call(msa, method));
        quote! {
            #(#cfgs)*
            async fn #name(&self #inputs) -> #output {
                #call
            }
        }
    });
    let about = format!("Calls `{service}` as [`{name}`] says. Cheap to clone.");
    let new = format!("Calls `{service}` by this client.");
    quote! {
        #[doc = #about]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #[allow(dead_code)] // a trait may be there for its mock
        #vis struct #client(#msa::client::typed::TypedClient);

        #[allow(dead_code)]
        impl #client {
            #[doc = #new]
            #[must_use]
            #vis fn new(client: #msa::client::ServiceClient) -> Self {
                Self(#msa::client::typed::TypedClient::new(client, #service, #base))
            }
        }

        #[allow(deprecated)] // whoever calls a method is told, not whoever declares it
        impl #name for #client {
            #(#methods)*
        }
    }
}

/// The call, as one would write it by hand.
fn call(msa: &TokenStream, method: &Method) -> TokenStream {
    let verb = proc_macro2::Ident::new(method.verb.as_str(), proc_macro2::Span::call_site());
    let path = method.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => quote!(.path(#text)),
        Piece::Parameter(name) => {
            let Some(argument) = method
                .arguments
                .iter()
                .find(|one| one.name.unraw() == name.as_str())
            else {
                return quote!(); // refused before
            };
            let ident = &argument.name;
            let value = quote_spanned!(argument.ty.span()=> &#ident);
            quote!(.parameter(#name, #value))
        }
    });
    let parts = method.arguments.iter().map(|argument| {
        let ident = &argument.name;
        let value = quote_spanned!(argument.ty.span()=> &#ident);
        match &argument.place {
            Place::Path | Place::Unsaid | Place::Wrong => quote!(),
            Place::Options => quote!(.options(#ident)),
            Place::Query(name) => quote!(.query(#name, #value)),
            Place::Header(name, false) => quote!(.header(#name, #value)),
            Place::Header(name, true) => quote!(.optional_header(#name, #ident.as_ref())),
            Place::Json => quote!(.json_body(#value)),
            Place::Form => quote!(.form_body(#value)),
            Place::Raw => {
                let value = quote_spanned!(argument.ty.span()=> #ident);
                quote!(.raw_body(#value))
            }
        }
    });
    let options = method.options.tokens(msa);
    let options = options.map(|options| quote!(.options(#options)));
    let read = match &method.returns.reading {
        Reading::Json(ty) => quote_spanned!(ty.span()=> .json::<#ty>()),
        Reading::Text => quote!(.text()),
        Reading::Bytes => quote!(.bytes()),
        Reading::Nothing => quote!(.nothing()),
        Reading::Response => quote!(.response()),
    };
    let mut call = quote!(self.0.#verb() #(#path)* #(#parts)* #options #read.await);
    if method.returns.optional {
        call = quote!(#msa::client::typed::found(#call));
    }
    if method.returns.converts {
        call = quote!(#call.map_err(::core::convert::From::from));
    }
    call
}
