//! A deserializer over what was sent, where it was not mended, and over stand-ins, where it was.

use serde::de::{Deserializer, Error as _, Unexpected, Visitor};

use super::access::{Elements, Entries, Variant};
use super::fault::{Fault, Kind};
use super::node::Node;
use super::repairs::{Patch, Repairs};

/// Texts that some type may take that does not take any text.
const TEXTS: [&str; 8] = [
    "",
    "x",
    "1",
    "2000-01-01T00:00:00Z",
    "2000-01-01",
    "http://localhost/",
    "00000000-0000-0000-0000-000000000000",
    "127.0.0.1",
];

/// One value to read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    /// What was sent; none when a stand-in is to be read.
    node: Option<&'a Node>,
    repairs: &'a Repairs,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(node: &'a Node, repairs: &'a Repairs) -> Self {
        let mended = matches!(repairs.patch, Some(Patch::StandIn(_) | Patch::Added(_)));
        let node = (!mended).then_some(node);
        Self { node, repairs }
    }

    pub(super) fn stand_in(repairs: &'a Repairs) -> Self {
        let node = None;
        Self { node, repairs }
    }

    /// The stand-in to try now, of those there are.
    fn candidate<T: Copy>(self, all: &[T]) -> Result<T, Fault> {
        let found = all.get(self.repairs.candidate()).copied();
        found.ok_or_else(|| Fault::new(Kind::Exhausted))
    }

    fn elements(self) -> Elements<'a> {
        let (given, stand_ins) = match self.node {
            Some(Node::Array(given)) => (given.as_slice(), 0),
            _ => (&[][..], self.repairs.candidate()),
        };
        Elements {
            given: given.iter(),
            stand_ins,
            index: 0,
            repairs: self.repairs,
        }
    }

    fn entries(self) -> Entries<'a> {
        let given = match self.node {
            Some(Node::Object(given) | Node::Query(given)) => given.as_slice(),
            _ => &[],
        };
        Entries {
            given,
            next: 0,
            added: self.repairs.inside.iter(),
            value: None,
            repairs: self.repairs,
        }
    }

    /// An array of as many stand-ins as are wanted.
    fn stand_ins<'de, V: Visitor<'de>>(
        self,
        stand_ins: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(Elements {
            stand_ins,
            ..self.elements()
        })
    }
}

/// For each of these a parameter's text is parsed, and a stand-in is one of those named here.
macro_rules! parsed {
    ($($method:ident, $visit:ident: $($stand_in:expr),+;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.node {
                None => visitor.$visit(self.candidate(&[$($stand_in),+])?),
                Some(Node::Parameter(text)) => match text.parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(Fault::invalid_value(Unexpected::Str(text), &visitor)),
                },
                Some(_) => self.deserialize_any(visitor),
            }
        })+
    };
}

/// For each of these the tree says what it is, and the stand-in is this.
macro_rules! as_is {
    ($($method:ident => |$this:ident, $visitor:ident| $stand_in:expr;)+) => {
        $(fn $method<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value, Fault> {
            let $this = self;
            match self.node {
                None => $stand_in,
                Some(_) => self.deserialize_any($visitor),
            }
        })+
    };
}

impl<'de> Deserializer<'de> for Cursor<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(node) = self.node else {
            return match self.candidate(&[0, 1, 2, 3, 4])? {
                0 => visitor.visit_unit(),
                1 => visitor.visit_str(""),
                2 => visitor.visit_u64(0),
                3 => visitor.visit_map(self.entries()),
                _ => self.stand_ins(0, visitor),
            };
        };
        match node {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Unsigned(value) => visitor.visit_u64(*value),
            Node::Signed(value) => visitor.visit_i64(*value),
            Node::Float(value) => visitor.visit_f64(*value),
            Node::Text(value) | Node::Parameter(value) => visitor.visit_str(value),
            Node::Array(_) => visitor.visit_seq(self.elements()),
            Node::Object(_) | Node::Query(_) => visitor.visit_map(self.entries()),
        }
    }

    parsed! {
        deserialize_bool, visit_bool: false, true;
        deserialize_i8, visit_i8: 0, 1;
        deserialize_i16, visit_i16: 0, 1;
        deserialize_i32, visit_i32: 0, 1;
        deserialize_i64, visit_i64: 0, 1;
        deserialize_i128, visit_i128: 0, 1;
        deserialize_u8, visit_u8: 0, 1;
        deserialize_u16, visit_u16: 0, 1;
        deserialize_u32, visit_u32: 0, 1;
        deserialize_u64, visit_u64: 0, 1;
        deserialize_u128, visit_u128: 0, 1;
        deserialize_f32, visit_f32: 0.0, 1.0;
        deserialize_f64, visit_f64: 0.0, 1.0;
    }

    as_is! {
        deserialize_char => |this, visitor| visitor.visit_char(this.candidate(&['x'])?);
        deserialize_str => |this, visitor| visitor.visit_str(this.candidate(&TEXTS)?);
        deserialize_string => |this, visitor| visitor.visit_str(this.candidate(&TEXTS)?);
        deserialize_identifier => |this, visitor| visitor.visit_str(this.candidate(&TEXTS)?);
        deserialize_bytes => |this, visitor| visitor.visit_bytes(this.candidate(&[&[]])?);
        deserialize_byte_buf => |this, visitor| visitor.visit_bytes(this.candidate(&[&[]])?);
        deserialize_unit => |this, visitor| {
            this.candidate(&[()])?;
            visitor.visit_unit()
        };
        deserialize_map => |this, visitor| {
            this.candidate(&[()])?;
            visitor.visit_map(this.entries())
        };
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node {
            // Empty, then of one element, for those that may not be empty.
            None => {
                let length = self.candidate(&[0, 1])?;
                self.stand_ins(length, visitor)
            }
            // A list of pairs: another reader's business.
            Some(Node::Query(_)) => Err(Fault::new(Kind::Unreadable)),
            Some(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node {
            None => {
                self.candidate(&[()])?;
                visitor.visit_none()
            }
            Some(Node::Null) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // serde_json's own types come through its own deserializer only; they take any JSON.
        if name.starts_with("$serde_json::private::") {
            return Err(Fault::new(Kind::Unreadable));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.node {
            None => {
                self.candidate(&[()])?;
                self.stand_ins(len, visitor)
            }
            Some(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (name, content) = match self.node {
            None => {
                let name = self.candidate(variants)?;
                (name, Some(Cursor::stand_in(self.repairs.key(name))))
            }
            Some(Node::Text(name) | Node::Parameter(name)) => (name.as_str(), None),
            Some(Node::Object(entries)) => match entries.as_slice() {
                [(name, content)] => {
                    let content = Cursor::new(content, self.repairs.key(name));
                    (name.as_str(), Some(content))
                }
                _ => return self.deserialize_any(visitor),
            },
            Some(_) => return self.deserialize_any(visitor),
        };
        visitor.visit_enum(Variant { name, content })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
