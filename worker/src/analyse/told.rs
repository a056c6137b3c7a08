//! The answer of an analysis: its text, and a tree of what columns are taken from. A tree of all of a long answer takes ten times
//! the memory of its text, and more time than most analyses.

use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};
use serde::{Serialize, Serializer};
use serde_json::{Error, Map, Value};
use shared::failure::{Failure, FailureKind};

/// What an analysis says of a score.
#[derive(Debug, PartialEq)]
pub struct Told {
    /// The answer; where it was no tree from the first, with every list empty.
    head: Value,
    text: String,
}

impl Told {
    /// The answer that a value is as JSON; what is not finite becomes null.
    ///
    /// # Errors
    /// `internal` for a value that is no JSON.
    pub(super) fn of(answer: &impl Serialize) -> Result<Self, Failure> {
        let told = || Ok(Told { head: answer.serialize(Head)?, text: serde_json::to_string(answer)? });
        told().map_err(|error: Error| odd(&error))
    }

    /// What stands at a pointer, which leads into no list unless the answer was a tree from the first.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        // Not by `Value::pointer`, which makes two texts of each step to undo escapes that no column has.
        pointer.split('/').skip(1).try_fold(&self.head, |value, step| match value {
            Value::Object(fields) => fields.get(step),
            Value::Array(members) => members.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The whole answer, a JSON object.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole answer as a tree.
    ///
    /// # Errors
    /// `internal`, for numbers beyond those that JSON is read with.
    pub fn tree(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.text).map_err(|error| odd(&error))
    }
}

impl From<Value> for Told {
    fn from(tree: Value) -> Self {
        Told { text: tree.to_string(), head: tree }
    }
}

fn odd(error: &Error) -> Failure {
    Failure::new(FailureKind::Internal, format!("an answer is no JSON: {error}"))
}

/// Makes a tree of all but what lists hold.
struct Head;

/// The fields of an object, and the key of the one that comes.
#[derive(Default)]
struct Fields(Map<String, Value>, String);

/// A list, whose members nobody looks at.
struct List;

macro_rules! scalars {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<Value, Error> { Ok(Value::from(value)) })*
    };
}

impl Serializer for Head {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Value, Error>;

    scalars! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_str: &str
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(Value::from(value.to_string()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Error> {
        Ok(Value::Array(Vec::new()))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &str, _: u32, variant: &str) -> Result<Value, Error> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &str, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &str,
        _: u32,
        variant: &str,
        value: &T,
    ) -> Result<Value, Error> {
        let fields = [(variant.to_owned(), value.serialize(self)?)];
        Ok(Value::Object(fields.into_iter().collect()))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Error> {
        Ok(List)
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Error> {
        Ok(List)
    }

    fn serialize_tuple_struct(self, _: &str, _: usize) -> Result<List, Error> {
        Ok(List)
    }

    fn serialize_tuple_variant(self, _: &str, _: u32, _: &str, _: usize) -> Result<List, Error> {
        Ok(List)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct(self, _: &str, _: usize) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct_variant(
        self,
        name: &str,
        _: u32,
        variant: &str,
        _: usize,
    ) -> Result<Impossible<Value, Error>, Error> {
        Err(serde::ser::Error::custom(format!("{name}::{variant} has named fields")))
    }
}

impl SerializeMap for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.1 = match key.serialize(Head)? {
            Value::String(key) => key,
            key => key.to_string(),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.0.insert(std::mem::take(&mut self.1), value.serialize(Head)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.0))
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.0.insert(key.to_owned(), value.serialize(Head)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.0))
    }
}

/// What all kinds of lists do: nothing.
macro_rules! list {
    ($($trait:ident: $method:ident),*) => {
        $(impl $trait for List {
            type Ok = Value;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Error> {
                Ok(())
            }

            fn end(self) -> Result<Value, Error> {
                Ok(Value::Array(Vec::new()))
            }
        })*
    };
}

list!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    enum Word {
        Plain,
        With(f64),
    }

    #[derive(Serialize)]
    struct All {
        none: Option<u8>,
        some: Option<i64>,
        not_finite: f64,
        letter: char,
        counts: BTreeMap<u16, Word>,
        rows: Vec<(u8, &'static str)>,
    }

    /// The tree without its lists.
    fn emptied(tree: &mut Value) {
        match tree {
            Value::Array(rows) => rows.clear(),
            Value::Object(fields) => fields.values_mut().for_each(emptied),
            _ => {}
        }
    }

    #[test]
    fn the_head_is_the_answer_with_empty_lists() {
        let all = All {
            none: None,
            some: Some(-3),
            not_finite: f64::NAN,
            letter: 'x',
            counts: [(1, Word::Plain), (2, Word::With(0.1))].into(),
            rows: vec![(1, "a"), (2, "b")],
        };
        let told = Told::of(&all).unwrap();
        assert_eq!(told.at("/counts/2/With"), Some(&json!(0.1)));
        assert_eq!(told.at("/rows/0"), None);
        let mut tree = serde_json::to_value(&all).unwrap();
        assert_eq!(told.tree().unwrap(), tree);
        emptied(&mut tree);
        assert_eq!(told.head, tree);
    }
}
