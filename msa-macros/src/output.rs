//! What a function returns, as its body may write it.

use syn::Type;
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_type_mut};

/// The same type with `_` for each `impl Trait`, which has no name within the body: there it is inferred.
pub(crate) fn inferred(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Unnamed.visit_type_mut(&mut ty);
    ty
}

struct Unnamed;

impl VisitMut for Unnamed {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = syn::parse_quote_spanned!(ty.span()=> _);
        } else {
            visit_type_mut(self, ty);
        }
    }
}
