//! What stands inside an array, an object or a variant, read one after the other.

use std::slice;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer as _, EnumAccess, Error as _, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::cursor::Cursor;
use super::fault::{Fault, Kind, Step};
use super::node::Node;
use super::repairs::{NONE, Patch, Repairs};

/// The elements of an array.
pub(super) struct Elements<'a> {
    pub(super) given: slice::Iter<'a, Node>,
    /// How many to make up.
    pub(super) stand_ins: usize,
    pub(super) index: usize,
    pub(super) repairs: &'a Repairs,
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
pub(super) struct Entries<'a> {
    pub(super) given: &'a [(String, Node)],
    pub(super) next: usize,
    pub(super) added: std::collections::btree_map::Iter<'a, Step, Repairs>,
    pub(super) value: Option<(&'a str, Cursor<'a>)>,
    pub(super) repairs: &'a Repairs,
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
pub(super) struct Variant<'a> {
    pub(super) name: &'a str,
    pub(super) content: Option<Cursor<'a>>,
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
