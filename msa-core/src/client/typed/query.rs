//! Writing values into a query.

use std::fmt::Display;

use serde::ser::{self, Impossible, Serialize, SerializeMap, Serializer};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

/// A value that has no form in a query.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct QueryError(String);

impl ser::Error for QueryError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Appends a value to a query as `name=value`, a `None` as nothing, a sequence as one pair an element, and a struct or a map as
/// one pair a field, by the fields' own names.
pub(super) fn append<T: Serialize + ?Sized>(
    query: &mut String,
    name: &str,
    value: &T,
) -> Result<(), QueryError> {
    value.serialize(Pairs {
        query,
        name,
        depth: Depth::Argument,
    })
}

/// Where a value stands: fields may be sequences, and the elements of a sequence are plain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Argument,
    Field,
    Element,
}

struct Pairs<'a> {
    query: &'a mut String,
    name: &'a str,
    depth: Depth,
}

impl Pairs<'_> {
    fn pair(self, value: &str) -> Result<(), QueryError> {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend(byte_serialize(self.name.as_bytes()));
        self.query.push('=');
        self.query.extend(byte_serialize(value.as_bytes()));
        Ok(())
    }

    fn refuse<T>(self, what: &str) -> Result<T, QueryError> {
        let name = self.name;
        Err(QueryError(format!(
            "`{name}` holds {what}, which has no form in a query"
        )))
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<(), QueryError> {
            self.pair(&value.to_string())
        }
    )*};
}

impl<'a> Serializer for Pairs<'a> {
    type Ok = ();
    type Error = QueryError;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Impossible<(), QueryError>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), QueryError>;

    plain! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64, serialize_char: char,
    }

    fn serialize_str(self, value: &str) -> Result<(), QueryError> {
        self.pair(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), QueryError> {
        self.refuse("bytes")
    }

    fn serialize_none(self) -> Result<(), QueryError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), QueryError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), QueryError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), QueryError> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), QueryError> {
        self.pair(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), QueryError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), QueryError> {
        self.refuse("a variant with a value")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, QueryError> {
        if self.depth == Depth::Element {
            return self.refuse("a sequence of sequences");
        }
        Ok(Elements(self))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements<'a>, QueryError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Elements<'a>, QueryError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, QueryError> {
        self.refuse("a variant with values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, QueryError> {
        if self.depth != Depth::Argument {
            return self.refuse("a struct or a map inside of another");
        }
        Ok(Fields {
            query: self.query,
            key: String::new(),
        })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields<'a>, QueryError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, QueryError> {
        self.refuse("a variant with fields")
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), QueryError> {
        self.pair(&value.to_string())
    }
}

/// One pair an element, all of the same name.
struct Elements<'a>(Pairs<'a>);

impl Elements<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), QueryError> {
        value.serialize(Pairs {
            query: self.0.query,
            name: self.0.name,
            depth: Depth::Element,
        })
    }
}

macro_rules! elements {
    ($($of:ident $method:ident),*) => {$(
        impl ser::$of for Elements<'_> {
            type Ok = ();
            type Error = QueryError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), QueryError> {
                self.element(value)
            }

            fn end(self) -> Result<(), QueryError> {
                Ok(())
            }
        }
    )*};
}

elements!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

/// One pair a field.
struct Fields<'a> {
    query: &'a mut String,
    key: String,
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), QueryError> {
        value.serialize(Pairs {
            query: self.query,
            name,
            depth: Depth::Field,
        })
    }
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = QueryError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), QueryError> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), QueryError> {
        Ok(())
    }
}

impl SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = QueryError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), QueryError> {
        self.key = match serde_json::to_value(key).map_err(ser::Error::custom)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(QueryError("a key of a map is no text".to_owned())),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), QueryError> {
        let name = std::mem::take(&mut self.key);
        self.field(&name, value)
    }

    fn end(self) -> Result<(), QueryError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    fn query(value: &impl Serialize) -> Result<String, String> {
        let mut query = String::new();
        append(&mut query, "q", value).map_err(|error| error.to_string())?;
        Ok(query)
    }

    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Way {
        Post,
        Carrier(u8),
    }

    #[derive(Serialize)]
    struct Filter<'a> {
        text: &'a str,
        limit: Option<u32>,
        ids: Vec<u32>,
        way: Way,
    }

    #[test]
    fn plain_values_are_one_pair_and_none_is_no_pair() {
        assert_eq!(query(&7).unwrap(), "q=7");
        assert_eq!(query(&"a&b=c \u{e4}").unwrap(), "q=a%26b%3Dc+%C3%A4");
        assert_eq!(query(&Some(true)).unwrap(), "q=true");
        assert_eq!(query(&None::<u8>).unwrap(), "");
        assert_eq!(query(&Way::Post).unwrap(), "q=post");
        assert_eq!(query(&u128::MAX).unwrap(), format!("q={}", u128::MAX));
    }

    #[test]
    fn a_sequence_repeats_its_name_and_a_struct_tells_its_fields() {
        assert_eq!(query(&[1, 2]).unwrap(), "q=1&q=2");
        let filter = Filter {
            text: "x",
            limit: None,
            ids: vec![3, 4],
            way: Way::Post,
        };
        assert_eq!(query(&filter).unwrap(), "text=x&ids=3&ids=4&way=post");
        let map = BTreeMap::from([("a", 1), ("b", 2)]);
        assert_eq!(query(&map).unwrap(), "a=1&b=2");
    }

    #[test]
    fn what_has_no_form_in_a_query_is_refused_by_name() {
        assert_eq!(
            query(&Way::Carrier(1)).unwrap_err(),
            "`q` holds a variant with a value, which has no form in a query"
        );
        assert!(query(&[[1]]).is_err());
        let nested = BTreeMap::from([("a", BTreeMap::from([("b", 1)]))]);
        assert_eq!(
            query(&nested).unwrap_err(),
            "`a` holds a struct or a map inside of another, which has no form in a query"
        );
    }
}
