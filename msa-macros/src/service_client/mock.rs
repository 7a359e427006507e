//! A client that calls nobody and answers as it is told, for the users' own tests.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote};

use syn::ext::IdentExt as _;

use super::Api;
use super::client::inputs;

pub(super) fn mock(api: &Api) -> TokenStream {
    let Api {
        msa,
        vis,
        name,
        methods,
        ..
    } = api;
    let mock = api.mock();
    let state = format_ident!("{}State", mock);
    let answer = quote!(#msa::testing::mock::Answer);
    let fields = methods.iter().map(|method| {
        let (cfgs, field, output) = (&method.cfgs, &method.name, &method.returns.written);
        let function = function(
            method,
            &quote!(#msa::client::typed::BoxFuture<'static, #output>),
        );
        quote!(#(#cfgs)* #field: #answer<dyn #function + ::core::marker::Send>,)
    });
    let setters = methods.iter().map(|method| setters(api, method));
    let calls = methods.iter().map(|method| {
        let (cfgs, field, output) = (&method.cfgs, &method.name, &method.returns.written);
        let inputs = inputs(method);
        let text = field.unraw().to_string();
        // Names that no argument can hide.
        let [call, answer] = ["call", "answer"].map(|name| Ident::new(name, Span::mixed_site()));
        let values: Vec<_> = method.arguments.iter().map(|argument| &argument.name).collect();
        quote! {
            #(#cfgs)*
            async fn #field(&self #inputs) -> #output {
                let #call = self.0.calls.record(#text, &[#((&#msa::testing::mock::Argument(&#values)).shown()),*]);
                let #answer = (*self.0.#field.called(&#call))(#(#values),*);
                #answer.await
            }
        }
    });
    let text = mock.to_string();
    let about = format!(
        "[`{name}`] without a service: answers as it was told by `on_...`, and remembers its calls. Clones are the same mock."
    );
    quote! {
        #[doc = #about]
        #[derive(::core::clone::Clone)]
        #[allow(dead_code)] // not every test needs it
        #vis struct #mock(::std::sync::Arc<#state>);

        #[allow(dead_code)]
        struct #state {
            calls: #msa::testing::mock::Calls,
            #(#fields)*
        }

        #[allow(dead_code, deprecated, clippy::type_complexity)]
        const _: () = {
            #[allow(unused_imports)] // by the shape of what is shown one of them is taken
            use #msa::testing::mock::{Opaque as _, Shown as _};

            impl #mock {
                /// A mock that knows no answers yet: a call that nobody said the answer of panics and says so.
                #[must_use]
                #vis fn new() -> Self {
                    ::core::default::Default::default()
                }

                #(#setters)*

                /// The calls so far, in their order, each with its arguments: `user(7)`. What has no `Debug` is `_`.
                #[must_use]
                #vis fn calls(&self) -> ::std::vec::Vec<::std::string::String> {
                    self.0.calls.all()
                }
            }

            impl #name for #mock {
                #(#calls)*
            }
        };
    }
    .into_iter()
    .chain(defaults(api, &mock, &state, &text))
    .collect()
}

/// `Default` and `Debug`, which the names of the fields are too many for to be derived.
fn defaults(api: &Api, mock: &Ident, state: &Ident, text: &str) -> TokenStream {
    let msa = &api.msa;
    let fields = api.methods.iter().map(|method| {
        let (cfgs, field) = (&method.cfgs, &method.name);
        let setter = format!("on_{}", field.unraw());
        quote!(#(#cfgs)* #field: #msa::testing::mock::Answer::new(#text, #setter),)
    });
    quote! {
        impl ::core::default::Default for #mock {
            fn default() -> Self {
                Self(::std::sync::Arc::new(#state {
                    calls: ::core::default::Default::default(),
                    #(#fields)*
                }))
            }
        }

        impl ::core::fmt::Debug for #mock {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text).field("calls", &self.calls()).finish_non_exhaustive()
            }
        }
    }
}

/// How a test tells the answer of a method: at once, or later.
fn setters(api: &Api, method: &super::Method) -> TokenStream {
    let Api { vis, name, .. } = api;
    let (cfgs, field, output) = (&method.cfgs, &method.name, &method.returns.written);
    let (on, async_on) = (
        format_ident!("on_{field}"),
        format_ident!("async_on_{field}"),
    );
    let about = format!("Answers [`{name}::{field}`] by this function from now on.");
    let about_async = format!(
        "Answers [`{name}::{field}`] from now on as the future says that this function returns: later, or never."
    );
    let values: Vec<_> = method
        .arguments
        .iter()
        .map(|argument| &argument.name)
        .collect();
    // Names that no argument can hide.
    let [answer, later] = ["answer", "Later"].map(|name| Ident::new(name, Span::mixed_site()));
    let (at_once, by_future) = (
        function(method, &output.to_token_stream()),
        function(method, &quote!(#later)),
    );
    quote! {
        #(#cfgs)*
        #[doc = #about]
        #vis fn #on(&self, mut #answer: impl #at_once + ::core::marker::Send + 'static) -> &Self {
            self.#async_on(move |#(#values),*| ::core::future::ready(#answer(#(#values),*)))
        }

        #(#cfgs)*
        #[doc = #about_async]
        #vis fn #async_on<#later>(&self, mut #answer: impl #by_future + ::core::marker::Send + 'static) -> &Self
        where
            #later: ::core::future::Future<Output = #output> + ::core::marker::Send + 'static,
        {
            self.0.#field.set(::std::boxed::Box::new(move |#(#values),*| ::std::boxed::Box::pin(#answer(#(#values),*))));
            self
        }
    }
}

/// `FnMut(u64) -> Result<User, CallError>`
fn function(method: &super::Method, output: &TokenStream) -> TokenStream {
    let types = method.arguments.iter().map(|argument| &argument.ty);
    quote!(::core::ops::FnMut(#(#types),*) -> #output)
}
