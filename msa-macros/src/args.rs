//! Reading what stands between an attribute's parentheses, and saying all at once what is wrong with it.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, Ident, Meta, Token};

/// Everything that is wrong so far. The compiler shows all of it, each at its own place.
#[derive(Debug, Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// One more, at this place.
    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// The value, or its error is noted.
    pub(crate) fn check<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(error);
                None
            }
        }
    }

    /// Whether nothing is wrong yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// # Errors
    ///
    /// Everything that was noted.
    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// An argument that an attribute knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// A value as one would write it, such as `"250ms"`.
    pub(crate) example: &'static str,
    /// What the argument's bare name means: `dark` for `dark = true`.
    pub(crate) flag: bool,
}

impl Known {
    /// An argument with a value.
    pub(crate) const fn new(name: &'static str, example: &'static str) -> Self {
        Self {
            name,
            example,
            flag: false,
        }
    }

    /// An argument that is true when it is named.
    pub(crate) const fn flag(name: &'static str) -> Self {
        Self {
            name,
            example: "true",
            flag: true,
        }
    }

    /// `name = example`, for messages.
    pub(crate) fn written(&self) -> String {
        format!("{} = {}", self.name, self.example)
    }
}

/// What an attribute can be told.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// The attribute's name: `retry`.
    pub(crate) attribute: &'static str,
    pub(crate) known: &'static [Known],
    /// The argument that may be given first, without its name.
    pub(crate) first: Option<&'static str>,
}

/// The arguments of one attribute.
pub(crate) struct Args {
    grammar: &'static Grammar,
    given: Vec<Given>,
    at: Span,
}

struct Given {
    known: &'static Known,
    /// `None` for a flag's bare name.
    value: Option<Expr>,
    span: Span,
}

impl Args {
    /// What `#[attribute(tokens)]` was told. Wrong arguments are noted and left out.
    pub(crate) fn parse(
        grammar: &'static Grammar,
        tokens: TokenStream,
        errors: &mut Errors,
    ) -> Self {
        let mut args = Self {
            grammar,
            given: Vec::new(),
            at: Span::call_site(),
        };
        let parser = Punctuated::<Written, Token![,]>::parse_terminated;
        let written = errors.check(parser.parse2(tokens)).unwrap_or_default();
        for (place, one) in written.into_iter().enumerate() {
            let given = args.admit(one, place);
            if let Some(given) = errors.check(given) {
                args.given.push(given);
            }
        }
        args
    }

    /// The same for an attribute that stands below ours.
    pub(crate) fn of(
        grammar: &'static Grammar,
        attribute: &Attribute,
        errors: &mut Errors,
    ) -> Self {
        let tokens = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(pair) => {
                let name = grammar.attribute;
                errors.at(
                    pair.span(),
                    format!(
                        "write `#[{name}({})]`: arguments stand in parentheses",
                        grammar.sample()
                    ),
                );
                TokenStream::new()
            }
        };
        let mut args = Self::parse(grammar, tokens, errors);
        args.at = attribute.span();
        args
    }

    /// Where the attribute stands.
    pub(crate) fn at(&self) -> Span {
        self.at
    }

    fn admit(&self, written: Written, place: usize) -> syn::Result<Given> {
        let grammar = self.grammar;
        let attribute = grammar.attribute;
        let (name, value, span) = match written {
            Written::Named(name, value) => (name.unraw().to_string(), Some(value), name.span()),
            Written::Bare(name) => {
                let text = name.unraw().to_string();
                let known = grammar.find(&text);
                match (known, grammar.first.filter(|_| place == 0)) {
                    (Some(known), _) if known.flag => (text, None, name.span()),
                    (Some(known), _) => {
                        let message =
                            format!("`{text}` needs a value: write `{}`", known.written());
                        return Err(syn::Error::new(name.span(), message));
                    }
                    (None, Some(first)) => {
                        let value = Expr::Path(syn::ExprPath {
                            attrs: Vec::new(),
                            qself: None,
                            path: name.clone().into(),
                        });
                        (first.to_owned(), Some(value), name.span())
                    }
                    (None, None) => return Err(grammar.unknown(&text, name.span())),
                }
            }
            Written::First(value) => match grammar.first.filter(|_| place == 0) {
                Some(first) => {
                    let span = value.span();
                    (first.to_owned(), Some(value), span)
                }
                None => {
                    let message = format!(
                        "which argument is this? Name it: `#[{attribute}({})]`",
                        grammar.sample()
                    );
                    return Err(syn::Error::new(value.span(), message));
                }
            },
        };
        let Some(known) = grammar.find(&name) else {
            return Err(grammar.unknown(&name, span));
        };
        if self.given.iter().any(|given| given.known.name == name) {
            let message = format!("`{name}` is given twice: leave one out");
            return Err(syn::Error::new(span, message));
        }
        Ok(Given { known, value, span })
    }

    fn given(&self, name: &str) -> Option<&Given> {
        debug_assert!(self.grammar.find(name).is_some(), "{name} is not known");
        self.given.iter().find(|given| given.known.name == name)
    }

    /// Whether an argument is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// Whether there are none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Where an argument's name is written.
    pub(crate) fn span_of(&self, name: &str) -> Option<Span> {
        self.given(name).map(|given| given.span)
    }

    /// An argument's value as one of the readers of [`literal`](crate::literal) sees it; what is wrong with it is noted.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        errors: &mut Errors,
        read: impl FnOnce(&Expr, &Known) -> syn::Result<T>,
    ) -> Option<T> {
        let given = self.given(name)?;
        match &given.value {
            Some(value) => errors.check(read(value, given.known)),
            None => {
                let truth = syn::parse_quote_spanned!(given.span=> true);
                errors.check(read(&truth, given.known))
            }
        }
    }
}

impl Grammar {
    fn find(&self, name: &str) -> Option<&'static Known> {
        self.known.iter().find(|known| known.name == name)
    }

    /// What one may write, for messages.
    pub(crate) fn sample(&self) -> String {
        self.known.first().map(Known::written).unwrap_or_default()
    }

    fn unknown(&self, name: &str, span: Span) -> syn::Error {
        let attribute = self.attribute;
        let names = || self.known.iter().map(|known| known.name);
        let message = match nearest(name, names()) {
            Some(known) => {
                format!("`#[{attribute}]` has no argument `{name}`: did you mean `{known}`?")
            }
            None if self.known.is_empty() => {
                format!("`#[{attribute}]` has no argument `{name}`: it takes none")
            }
            None => {
                let names: Vec<_> = names().map(|name| format!("`{name}`")).collect();
                let names = names.join(", ");
                format!("`#[{attribute}]` has no argument `{name}`: it takes {names}")
            }
        };
        syn::Error::new(span, message)
    }
}

/// The name that is most like this one, if any is.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    known
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// One argument as it is written.
enum Written {
    /// `name = value`
    Named(Ident, Expr),
    /// `name`
    Bare(Ident),
    /// `value`
    First(Expr),
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        if let Ok(name) = ahead.call(Ident::parse_any) {
            if ahead.is_empty() || ahead.peek(Token![,]) {
                let name = input.call(Ident::parse_any)?;
                // `true` is an identifier to `parse_any`, and a value to the reader of this line.
                let is_value = name == "true" || name == "false";
                return Ok(if is_value {
                    Self::First(syn::parse_quote_spanned!(name.span()=> #name))
                } else {
                    Self::Bare(name)
                });
            }
            if ahead.peek(Token![=]) && !ahead.peek(Token![==]) {
                input.call(Ident::parse_any)?;
                let equals: Token![=] = input.parse()?;
                if input.is_empty() || input.peek(Token![,]) {
                    return Err(syn::Error::new(
                        equals.span,
                        format!("`{name}` needs a value after its `=`"),
                    ));
                }
                return Ok(Self::Named(name, input.parse()?));
            }
        }
        Ok(Self::First(input.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::literal;

    static GRAMMAR: Grammar = Grammar {
        attribute: "retry",
        known: &[
            Known::new("max", "3"),
            Known::new("backoff", "\"25ms\""),
            Known::flag("dark"),
        ],
        first: Some("max"),
    };

    fn errors(tokens: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        let args = Args::parse(&GRAMMAR, tokens, &mut errors);
        args.read("max", &mut errors, literal::count(1..=100));
        args.read("backoff", &mut errors, literal::span);
        args.read("dark", &mut errors, literal::truth);
        let all = errors.finish().err().into_iter().flatten();
        all.map(|error| error.to_string()).collect()
    }

    #[test]
    fn values_flags_and_the_first_argument_are_read() {
        let mut errors = Errors::default();
        let tokens = quote!(3, backoff = "1m 30s", dark);
        let args = Args::parse(&GRAMMAR, tokens, &mut errors);
        let max = args.read("max", &mut errors, literal::count(1..=100));
        assert_eq!(max.unwrap().known(), Some(&3));
        let backoff = args.read("backoff", &mut errors, literal::span).unwrap();
        assert_eq!(backoff.known().unwrap().as_secs(), 90);
        assert_eq!(args.read("dark", &mut errors, literal::truth), Some(true));
        errors.finish().unwrap();
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let told = errors(quote!(max = "3", backof = "1s", backoff = "0s", dark, dark));
        assert_eq!(
            told,
            [
                "`#[retry]` has no argument `backof`: did you mean `backoff`?",
                "`dark` is given twice: leave one out",
                "`max` needs a whole number: write `max = 3`",
                "`backoff` of no time at all: write more, such as `backoff = \"25ms\"`",
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(errors(quote!(max =)), ["`max` needs a value after its `=`"]);
        let backoff = "`backoff` needs a value: write `backoff = \"25ms\"`";
        assert_eq!(errors(quote!(3, backoff)), [backoff]);
        let second = "which argument is this? Name it: `#[retry(max = 3)]`";
        assert_eq!(errors(quote!(3, "1s")), [second]);
        let zero = "`max` is a number from 1 to 100: write `max = 3`";
        assert_eq!(errors(quote!(0)), [zero]);
        assert_eq!(errors(quote!(-1)), [zero]);
    }
}
