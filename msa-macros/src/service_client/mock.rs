//! A client that calls nobody and answers as it is told, for the users' own tests.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

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
        let (cfgs, field) = (&method.cfgs, &method.name);
        let function = function(method);
        quote!(#(#cfgs)* #field: #answer<dyn #function + ::core::marker::Send>,)
    });
    let setters = methods.iter().map(|method| {
        let (cfgs, field) = (&method.cfgs, &method.name);
        let (on, function) = (format_ident!("on_{}", field), function(method));
        let about = format!("Answers [`{name}::{field}`] by this function from now on.");
        quote! {
            #(#cfgs)*
            #[doc = #about]
            #vis fn #on(&self, answer: impl #function + ::core::marker::Send + 'static) -> &Self {
                self.0.#field.set(::std::boxed::Box::new(answer));
                self
            }
        }
    });
    let calls = methods.iter().map(|method| {
        let (cfgs, field, output) = (&method.cfgs, &method.name, &method.returns.written);
        let inputs = inputs(method);
        let text = field.unraw().to_string();
        // Names that no argument can hide.
        let [call, answered] = ["call", "answer"].map(|name| Ident::new(name, Span::mixed_site()));
        let values: Vec<_> = method.arguments.iter().map(|argument| &argument.name).collect();
        quote! {
            #(#cfgs)*
            async fn #field(&self #inputs) -> #output {
                let #call = self.0.calls.record(#text, &[#((&#msa::testing::mock::Argument(&#values)).shown()),*]);
                let mut #answered = self.0.#field.called(&#call);
                (*#answered)(#(#values),*)
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

/// `FnMut(u64) -> Result<User, CallError>`
fn function(method: &super::Method) -> TokenStream {
    let types = method.arguments.iter().map(|argument| &argument.ty);
    let output = &method.returns.written;
    quote!(::core::ops::FnMut(#(#types),*) -> #output)
}
