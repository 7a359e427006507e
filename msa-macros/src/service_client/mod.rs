//! `#[service_client(name = "user-service")]` on a trait: a client of that service, a form of it that can be `dyn`, and a mock.

mod above;
mod argument;
mod client;
mod dynamic;
mod method;
mod mock;
mod options;
mod read;
mod returns;
mod template;
mod verb;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Visibility};

use crate::args::{Args, Errors, Grammar, Known};
use crate::{krate, literal};
use method::Method;

static GRAMMAR: Grammar = Grammar {
    attribute: "service_client",
    known: &[
        Known::new("name", "\"user-service\""),
        Known::new("path", "\"/api/v1\""),
    ],
    first: Some("name"),
};

/// A trait as it was read.
struct Api {
    msa: TokenStream,
    /// The logical name of the service.
    service: String,
    /// What stands before the path of each method.
    base: String,
    vis: Visibility,
    name: Ident,
    attrs: Vec<Attribute>,
    methods: Vec<Method>,
}

impl Api {
    fn client(&self) -> Ident {
        format_ident!("{}Client", self.name)
    }

    fn dynamic(&self) -> Ident {
        format_ident!("Dyn{}", self.name)
    }

    fn mock(&self) -> Ident {
        format_ident!("{}Mock", self.name)
    }
}

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    expanded(args, item).unwrap_or_else(syn::Error::into_compile_error)
}

fn expanded(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(&GRAMMAR, args, &mut errors);
    if !args.has("name") {
        let message =
            "which service? Write its logical name: `#[service_client(name = \"user-service\")]`";
        errors.at(proc_macro2::Span::call_site(), message);
    }
    let service = args.read("name", &mut errors, literal::text);
    let service = service.and_then(|text| errors.check(host(&text)));
    let base = args.read("path", &mut errors, literal::text);
    let base = base.and_then(|text| errors.check(template::base(&text)));
    let api = read::api(item, krate::msa_core(), &mut errors);
    errors.finish()?;
    let Some(mut api) = api else {
        return Ok(TokenStream::new()); // then there was an error
    };
    api.service = service.unwrap_or_default();
    api.base = base.unwrap_or_default();

    let declared = client::declared(&api);
    let client = client::client(&api);
    let dynamic = dynamic::dynamic(&api);
    let mock = cfg!(feature = "test-util").then(|| mock::mock(&api));
    Ok(quote! {
        #declared
        #client
        #dynamic
        #mock
    })
}

/// A logical name stands where a host does.
fn host(text: &syn::LitStr) -> syn::Result<String> {
    let name = text.value();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.bytes().all(plain) {
        return Ok(name);
    }
    let message = format!(
        "`{name}` is no logical name: letters, digits, `-`, `_` and `.` make one, without scheme, port and path; \
         write `name = \"user-service\"`, and `path = \"/api\"` for what all paths begin with"
    );
    Err(syn::Error::new(text.span(), message))
}
