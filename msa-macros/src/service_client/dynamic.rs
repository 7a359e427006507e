//! The trait once more, with boxed futures: for `Arc<dyn DynUserApi>`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{Lifetime, Type, TypeReference};

use super::Api;
use super::client::inputs;

pub(super) fn dynamic(api: &Api) -> TokenStream {
    let Api {
        msa,
        vis,
        name,
        methods,
        ..
    } = api;
    let dynamic = api.dynamic();
    let boxed = quote!(#msa::client::typed::BoxFuture);
    let declared = methods.iter().map(|method| {
        let (cfgs, output) = (&method.cfgs, &method.returns.written);
        let (method_name, inputs) = (boxed_name(&method.name), borrowed(method));
        let about = format!("[`{name}::{}`] in a box.", method.name);
        quote! {
            #(#cfgs)*
            #[doc = #about]
            fn #method_name<'call>(&'call self #inputs) -> #boxed<'call, #output>;
        }
    });
    let blanket = methods.iter().map(|method| {
        let (cfgs, output, method_name) = (&method.cfgs, &method.returns.written, &method.name);
        let (boxed_name, inputs) = (boxed_name(&method.name), borrowed(method));
        let values = method.arguments.iter().map(|argument| &argument.name);
        quote! {
            #(#cfgs)*
            fn #boxed_name<'call>(&'call self #inputs) -> #boxed<'call, #output> {
                ::std::boxed::Box::pin(<__Api as #name>::#method_name(self #(, #values)*))
            }
        }
    });
    let of_object = methods.iter().map(|method| {
        let (cfgs, output, method_name) = (&method.cfgs, &method.returns.written, &method.name);
        let (boxed_name, inputs) = (boxed_name(&method.name), inputs(method));
        let values = method.arguments.iter().map(|argument| &argument.name);
        quote! {
            #(#cfgs)*
            async fn #method_name(&self #inputs) -> #output {
                #dynamic::#boxed_name(self #(, #values)*).await
            }
        }
    });
    let of_arc = methods.iter().map(|method| {
        let (cfgs, output, method_name) = (&method.cfgs, &method.returns.written, &method.name);
        let inputs = inputs(method);
        let values = method.arguments.iter().map(|argument| &argument.name);
        quote! {
            #(#cfgs)*
            async fn #method_name(&self #inputs) -> #output {
                <__Api as #name>::#method_name(self #(, #values)*).await
            }
        }
    });
    let about = format!(
        "[`{name}`] as a trait object: `Arc<dyn {dynamic}>` holds any of its implementors, and is one, for a box a call."
    );
    quote! {
        #[doc = #about]
        #[allow(dead_code)]
        #vis trait #dynamic: ::core::marker::Send + ::core::marker::Sync {
            #(#declared)*
        }

        #[allow(deprecated)]
        impl<__Api: #name> #dynamic for __Api {
            #(#blanket)*
        }

        #[allow(deprecated)]
        impl #name for dyn #dynamic + '_ {
            #(#of_object)*
        }

        #[allow(deprecated)]
        impl<__Api: #name + ?::core::marker::Sized> #name for ::std::sync::Arc<__Api> {
            #(#of_arc)*
        }
    }
}

fn boxed_name(name: &proc_macro2::Ident) -> proc_macro2::Ident {
    format_ident!("{}_boxed", name)
}

/// The arguments, borrowed for as long as the call takes.
fn borrowed(method: &super::Method) -> TokenStream {
    let inputs = method.arguments.iter().map(|argument| {
        let (name, mut ty) = (&argument.name, argument.ty.clone());
        Named.visit_type_mut(&mut ty);
        quote!(, #name: #ty)
    });
    quote!(#(#inputs)*)
}

/// Gives lifetimes that are not written a name.
struct Named;

impl VisitMut for Named {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        reference.lifetime.get_or_insert_with(call_lifetime);
        self.visit_type_mut(&mut reference.elem);
        if let Some(lifetime) = &mut reference.lifetime {
            self.visit_lifetime_mut(lifetime);
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = call_lifetime();
        }
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        // `fn(&str)` has lifetimes of its own.
        if !matches!(ty, Type::FnPtr(_)) {
            syn::visit_mut::visit_type_mut(self, ty);
        }
    }
}

fn call_lifetime() -> Lifetime {
    Lifetime::new("'call", proc_macro2::Span::call_site())
}
