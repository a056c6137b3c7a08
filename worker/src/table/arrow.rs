//! The Arrow schema that Parquet readers look for under `ARROW:schema`: it is where they find metadata of columns.
//!
//! Written with the flatbuffers library after the tables of Apache Arrow's `format/Schema.fbs` and
//! `format/Message.fbs`; a field's slot there is `4 + 2 * its position`.

use super::TableColumn;
use crate::analyse::Kind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

/// `MetadataVersion::V5`.
const VERSION_5: i16 = 4;
/// `MessageHeader::Schema`.
const HEADER_SCHEMA: u8 = 1;
/// `Type::Int`.
const TYPE_INT: u8 = 2;
/// `Type::FloatingPoint`.
const TYPE_FLOATING_POINT: u8 = 3;
/// `Type::Utf8`.
const TYPE_UTF8: u8 = 5;
/// `Precision::DOUBLE`.
const PRECISION_DOUBLE: i16 = 2;
/// Marks the length of an encapsulated message.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// A table whose type the builder need not know.
struct Table;

/// The schema as an encapsulated message, in base 64.
pub(super) fn schema(columns: &[TableColumn]) -> String {
    let mut builder = FlatBufferBuilder::new();
    let fields: Vec<WIPOffset<Table>> = columns.iter().map(|column| field(&mut builder, column)).collect();
    let fields = builder.create_vector(&fields);

    let start = builder.start_table();
    builder.push_slot_always(6, fields);
    let schema = builder.end_table(start);

    let start = builder.start_table();
    builder.push_slot_always(4, VERSION_5);
    builder.push_slot_always(6, HEADER_SCHEMA);
    builder.push_slot_always(8, schema);
    let message = builder.end_table(start);
    builder.finish_minimal(WIPOffset::<Table>::new(message.value()));

    let body = builder.finished_data();
    let padded = body.len().next_multiple_of(8);
    let mut bytes = Vec::with_capacity(8 + padded);
    bytes.extend_from_slice(&CONTINUATION);
    bytes.extend_from_slice(&u32::try_from(padded).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(8 + padded, 0);
    STANDARD.encode(bytes)
}

fn field(builder: &mut FlatBufferBuilder<'_>, column: &TableColumn) -> WIPOffset<Table> {
    let name = builder.create_string(&column.name);
    let metadata = [("unit", column.unit), ("by", &column.by), ("summary", column.summary)];
    let metadata: Vec<WIPOffset<Table>> =
        metadata.iter().map(|(key, value)| key_value(builder, key, value)).collect();
    let metadata = builder.create_vector(&metadata);
    let children = builder.create_vector::<WIPOffset<Table>>(&[]);
    let (tag, kind) = kind(builder, column.kind);

    let start = builder.start_table();
    builder.push_slot_always(4, name);
    builder.push_slot_always(6, true);
    builder.push_slot_always(8, tag);
    builder.push_slot_always(10, kind);
    builder.push_slot_always(14, children);
    builder.push_slot_always(16, metadata);
    WIPOffset::new(builder.end_table(start).value())
}

fn kind(builder: &mut FlatBufferBuilder<'_>, kind: Kind) -> (u8, WIPOffset<UnionWIPOffset>) {
    let start = builder.start_table();
    let tag = match kind {
        Kind::Integer => {
            builder.push_slot_always(4, 64_i32);
            builder.push_slot_always(6, true);
            TYPE_INT
        }
        Kind::Number => {
            builder.push_slot_always(4, PRECISION_DOUBLE);
            TYPE_FLOATING_POINT
        }
        Kind::Text => TYPE_UTF8,
    };
    (tag, WIPOffset::new(builder.end_table(start).value()))
}

fn key_value(builder: &mut FlatBufferBuilder<'_>, key: &str, value: &str) -> WIPOffset<Table> {
    let key = builder.create_string(key);
    let value = builder.create_string(value);
    let start = builder.start_table();
    builder.push_slot_always(4, key);
    builder.push_slot_always(6, value);
    WIPOffset::new(builder.end_table(start).value())
}
