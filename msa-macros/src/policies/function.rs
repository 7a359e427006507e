//! Whether a function can stand under a policy.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{FnArg, Item, ItemFn, Receiver, ReceiverKind, ReturnType, Safety, TraitItemFn, Type};

use super::Policies;
use crate::args::Errors;

/// What to say of an item that is no function with a body.
pub(super) fn not_one(
    attribute: &'static str,
    item: &TokenStream,
    error: syn::Error,
) -> syn::Error {
    if let Ok(function) = syn::parse2::<TraitItemFn>(item.clone()) {
        return syn::Error::new(
            function.sig.ident.span(),
            format!(
                "`#[{attribute}]` guards what a function does, and this one has no body: put it on the function in the `impl`"
            ),
        );
    }
    match syn::parse2::<Item>(item.clone()) {
        Ok(item) => syn::Error::new(
            item.span(),
            format!("`#[{attribute}]` stands on an `async fn`"),
        ),
        Err(_) => error, // what is wrong with the function itself
    }
}

/// Notes what stands against a policy around this function.
pub(super) fn check(function: &ItemFn, policies: &Policies, errors: &mut Errors) {
    let attribute = policies.first();
    let sig = &function.sig;
    if sig.asyncness.is_none() {
        let name = &sig.ident;
        errors.at(
            sig.fn_token.span,
            format!("`#[{attribute}]` stands on an `async fn`: write `async fn {name}`"),
        );
        return;
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.at(
            token.span(),
            format!(
                "`#[{attribute}]` would call this where nobody promises what it needs: make it safe, with an `unsafe` block inside"
            ),
        );
    }
    if is_expanded(function) {
        errors.at(
            sig.ident.span(),
            format!(
                "`#[{attribute}]` and another policy attribute do not see each other: write the policy attributes one below the other, by their own names (no `use ... as`, no `cfg_attr`), so that they become one policy"
            ),
        );
    }
    if let ReturnType::Default = sig.output {
        errors.at(
            sig.ident.span(),
            format!(
                "under `#[{attribute}]` a function must be able to say that it was refused: return a `Result`, such as `Result<(), Problem>`"
            ),
        );
    }
    if let ReturnType::Type(_, ty) = &sig.output
        && let Some(shown) = no_result(ty)
    {
        errors.at(
            ty.span(),
            format!(
                "under `#[{attribute}]` a function must be able to say that it was refused: return `Result<{shown}, Problem>`, or `impl IntoResponse` if it is an axum handler"
            ),
        );
    }
    arguments(function, policies, errors);
}

/// A type that is certainly neither a `Result` nor a `Response`, as it is written. Of others the compiler knows more.
fn no_result(ty: &Type) -> Option<String> {
    const NONE: [&str; 22] = [
        "bool",
        "char",
        "str",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "f32",
        "f64",
        "String",
        "Option",
        "Vec",
        "Json",
        "StatusCode",
    ];
    let certain = match ty {
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            NONE.contains(&last.ident.to_string().as_str())
        }
        Type::Tuple(_) | Type::Reference(_) | Type::Array(_) => true,
        _ => false,
    };
    certain.then(|| {
        let shown = ty.to_token_stream().to_string();
        shown
            .replace(" <", "<")
            .replace("< ", "<")
            .replace(" >", ">")
            .replace("& ", "&")
    })
}

/// The mark of our own expansion.
fn is_expanded(function: &ItemFn) -> bool {
    let first = function.block.stmts.first();
    first.is_some_and(|first| {
        let text = first.to_token_stream().to_string();
        text.contains("LazyPolicy") && text.contains("register_policy")
    })
}

fn arguments(function: &ItemFn, policies: &Policies, errors: &mut Errors) {
    let receiver = function.sig.receiver();
    let is_ours = |path: &syn::Expr| path.to_token_stream().to_string().starts_with("Self ::");
    let with = policies.fallback.as_ref().and_then(|f| f.with.as_ref());
    let with_self = with.filter(|with| is_ours(with));
    if let Some(receiver) = receiver {
        match Lent::of(receiver) {
            Lent::Shared => {}
            Lent::Mutable => {
                if let Some(attribute) = policies.repeater() {
                    errors.at(receiver.span(), format!(
                        "`#[{attribute}]` may call twice, and what the first try changed would be there in the second: take `&self`"
                    ));
                } else if let Some(with) = with_self {
                    errors.at(with.span(), "`&mut self` is lent to the function, and cannot be to its fallback as well: take `&self`, or a fallback outside of the `impl`");
                }
            }
            Lent::Given => {
                if let Some(attribute) = policies.repeater() {
                    errors.at(receiver.span(), format!(
                        "`#[{attribute}]` may call twice, and the first try would take `self` with it: take `&self`"
                    ));
                } else if let Some(with) = with_self {
                    errors.at(with.span(), "the function takes `self` with it, and leaves none to its fallback: take `&self`, or a fallback outside of the `impl`");
                }
            }
        }
    }
    let again = policies
        .repeater()
        .map(|attribute| format!("`#[{attribute}]` may call twice"))
        .or(with.map(|_| "the fallback takes the same arguments".to_owned()));
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        if let Type::Reference(reference) = &*argument.ty
            && reference.mutability.is_some()
            && let Some(again) = &again
        {
            errors.at(argument.ty.span(), format!(
                "{again}, and `&mut` can be lent only once: take the argument by value, by `&`, or in an `Arc<Mutex<_>>`"
            ));
        }
    }
    let keeps = [
        policies
            .cached
            .as_ref()
            .map(|c| ("cached", c.key.is_some())),
        (policies.fallback.as_ref().filter(|f| f.keeps())).map(|f| {
            let key = policies.cached.as_ref().is_some_and(|c| c.key.is_some());
            ("fallback(stale)", f.key.is_some() || key)
        }),
    ];
    for (attribute, has_key) in keeps.into_iter().flatten() {
        if let (Some(receiver), false) = (receiver, has_key) {
            errors.at(receiver.span(), format!(
                "`#[{attribute}]` keeps answers for all values of `Self` together: say what an answer depends on, such as `key = (self.region, sku)`"
            ));
        }
    }
}

/// How a method gets its `self`.
enum Lent {
    Shared,
    Mutable,
    Given,
}

impl Lent {
    fn of(receiver: &Receiver) -> Self {
        match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => Self::Shared,
            ReceiverKind::Reference(_, _, Some(_)) => Self::Mutable,
            ReceiverKind::Typed(_, ty) => match &**ty {
                Type::Reference(reference) if reference.mutability.is_none() => Self::Shared,
                Type::Reference(_) => Self::Mutable,
                _ => Self::Given,
            },
            _ => Self::Given,
        }
    }
}
