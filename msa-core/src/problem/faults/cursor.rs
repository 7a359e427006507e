//! A deserializer over what was sent, where it was not mended, and over stand-ins, where it was.

use std::slice;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use super::fault::{Fault, Kind, Step};
use super::node::Node;
use super::repairs::{NONE, Patch, Repairs};

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

    fn stand_in(repairs: &'a Repairs) -> Self {
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

/// The elements of an array.
struct Elements<'a> {
    given: slice::Iter<'a, Node>,
    /// How many to make up.
    stand_ins: usize,
    index: usize,
    repairs: &'a Repairs,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        loop {
            let index = self.index;
            let repairs = self.repairs.index(index);
            let element = match self.given.next() {
                Some(node) => Cursor::new(node, repairs),
                None if self.stand_ins > 0 => {
                    self.stand_ins -= 1;
                    Cursor::stand_in(repairs)
                }
                None => return Ok(None),
            };
            self.index += 1;
            if repairs.patch != Some(Patch::LeftOut) {
                let value = seed.deserialize(element);
                return value
                    .map(Some)
                    .map_err(|fault| fault.under(Step::Index(index)));
            }
        }
    }
}

/// The entries of an object: those that were sent, then those that were added.
struct Entries<'a> {
    given: &'a [(String, Node)],
    next: usize,
    added: std::collections::btree_map::Iter<'a, Step, Repairs>,
    value: Option<(&'a str, Cursor<'a>)>,
    repairs: &'a Repairs,
}

impl<'a> Entries<'a> {
    fn advance(&mut self) -> Option<(&'a str, Cursor<'a>)> {
        while let Some((name, node)) = self.given.get(self.next) {
            self.next += 1;
            let repairs = self.repairs.key(name);
            let before = self.given.get(..self.next - 1).unwrap_or_default();
            let left_out = match repairs.patch {
                Some(Patch::LeftOut) => true,
                Some(Patch::Once) => before.iter().any(|(other, _)| other == name),
                _ => false,
            };
            if !left_out {
                return Some((name, Cursor::new(node, repairs)));
            }
        }
        self.added.find_map(|(step, repairs)| match step {
            Step::Key(name) if matches!(repairs.patch, Some(Patch::Added(_))) => {
                Some((name.as_str(), Cursor::stand_in(repairs)))
            }
            _ => None,
        })
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.value = self.advance();
        let Some((name, _)) = self.value else {
            return Ok(None);
        };
        // The names of objects are texts, read as whatever is wanted, like a query's values.
        let key = Node::Parameter(name.to_owned());
        let read = seed.deserialize(Cursor::new(&key, &NONE));
        read.map(Some).map_err(|fault| match fault.path.as_slice() {
            [] => fault.under(Step::Key(name.to_owned())),
            _ => fault, // it names the field already: it is unknown
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((name, value)) = self.value.take() else {
            return Err(Fault::new(Kind::Unreadable));
        };
        seed.deserialize(value)
            .map_err(|fault| fault.under(Step::Key(name.to_owned())))
    }
}

/// A variant's name and what belongs to it.
struct Variant<'a> {
    name: &'a str,
    content: Option<Cursor<'a>>,
}

impl Variant<'_> {
    fn read<T>(self, read: impl FnOnce(Cursor<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.content {
            Some(content) => {
                read(content).map_err(|fault| fault.under(Step::Key(self.name.to_owned())))
            }
            None => Err(Fault::custom(format!(
                "must be an object with the one field {}",
                self.name
            ))),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name = Node::Text(self.name.to_owned());
        Ok((seed.deserialize(Cursor::new(&name, &NONE))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content {
            None => Ok(()),
            Some(_) => self.read(|content| <()>::deserialize(content)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.read(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.read(|content| content.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.read(|content| content.deserialize_map(visitor))
    }
}
