//! serde's messages name Rust's types; whoever sends JSON knows numbers, strings, arrays and objects.

use std::borrow::Cow;

use serde::de::Unexpected;

/// What a visitor expects, from its own text (`u32`, `struct Order with 3 elements`).
pub(super) fn expected(text: &str) -> Cow<'_, str> {
    if let Some(range) = whole(text) {
        return Cow::Owned(format!("a whole number from {range}"));
    }
    let number = |text: &str| text.rsplit(' ').find_map(|word| word.parse::<usize>().ok());
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    Cow::Borrowed(match text {
        "bool" | "a boolean" => "true or false",
        "f32" | "f64" => "a number",
        "char" | "a character" => "a single character",
        "str" | "a borrowed string" | "path string" | "OS string" | "String" => "a string",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        "option" => "a value or null",
        _ if begins(&["a tuple", "an array of length", "tuple "]) => match number(text) {
            Some(length) => return Cow::Owned(format!("an array of {length} elements")),
            None => "an array",
        },
        _ if begins(&[
            "struct ",
            "internally tagged enum ",
            "adjacently tagged enum ",
        ]) =>
        {
            "an object"
        }
        _ if begins(&["enum ", "unit ", "newtype ", "variant of "]) => {
            "of one of the forms that are allowed here"
        }
        // Somebody wrote it for people.
        _ => text,
    })
}

fn whole(text: &str) -> Option<String> {
    let (nonzero, name) = match text.strip_prefix("a nonzero ") {
        Some(name) => (true, name),
        None => (false, text),
    };
    let range = |min: &dyn std::fmt::Display, max: &dyn std::fmt::Display| {
        let except = if nonzero { ", but not 0" } else { "" };
        Some(format!("{min} to {max}{except}"))
    };
    let natural = |max: &dyn std::fmt::Display| Some(format!("{} to {max}", u8::from(nonzero)));
    match name {
        "u8" => natural(&u8::MAX),
        "u16" => natural(&u16::MAX),
        "u32" => natural(&u32::MAX),
        "u64" | "usize" => natural(&u64::MAX),
        "u128" => natural(&u128::MAX),
        "i8" => range(&i8::MIN, &i8::MAX),
        "i16" => range(&i16::MIN, &i16::MAX),
        "i32" => range(&i32::MIN, &i32::MAX),
        "i64" | "isize" => range(&i64::MIN, &i64::MAX),
        "i128" => range(&i128::MIN, &i128::MAX),
        _ => None,
    }
}

/// What was found instead. A text is not repeated: it may be long, or not for a log.
pub(super) fn given(found: Unexpected<'_>) -> Cow<'static, str> {
    match found {
        Unexpected::Bool(value) => value.to_string().into(),
        Unexpected::Unsigned(value) => value.to_string().into(),
        Unexpected::Signed(value) => value.to_string().into(),
        Unexpected::Float(value) => value.to_string().into(),
        Unexpected::Unit | Unexpected::Option => "null".into(),
        Unexpected::Seq | Unexpected::TupleVariant => "an array".into(),
        Unexpected::Map | Unexpected::StructVariant => "an object".into(),
        Unexpected::Other(other) => other.to_owned().into(),
        _ => "a string".into(),
    }
}

/// A message of a type's own. Derived ones that tell Rust's names are said otherwise.
pub(super) fn own(message: &str) -> String {
    const UNTAGGED: &str = "data did not match any variant";
    if message.starts_with(UNTAGGED) {
        return "has none of the forms that are allowed here".to_owned();
    }
    message.to_owned()
}

/// The whole message of another reader: the field that it names, and what to say.
pub(super) fn message(text: &str) -> (Option<&str>, String) {
    let text = match text.rsplit_once(" at line ") {
        Some((text, place)) if place.contains("column") => text,
        _ => text,
    };
    let quoted = |start: &str| text.strip_prefix(start)?.split('`').next();
    if let Some(field) = quoted("missing field `") {
        return (Some(field), "is missing".to_owned());
    }
    if let Some(field) = quoted("duplicate field `") {
        return (Some(field), "is there twice".to_owned());
    }
    if let Some(field) = quoted("unknown field `") {
        return (Some(field), "is not known".to_owned());
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if text.starts_with(start)
            && let Some((_, wanted)) = text.rsplit_once(", expected ")
        {
            return (None, format!("must be {}", expected(wanted)));
        }
    }
    if text.starts_with("unknown variant `") {
        let known = text.rsplit_once("`, expected ").map(|(_, known)| known);
        let known = known.map(|known| known.strip_prefix("one of ").unwrap_or(known));
        let detail = match known {
            Some(known) => format!("must be one of the forms that are known here: {known}"),
            None => "is not one of the forms that are known here".to_owned(),
        };
        return (None, detail);
    }
    (None, own(text))
}
