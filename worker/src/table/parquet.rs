//! Apache Parquet, a row group at a time.

use super::{TableColumn, arrow, write_failure};
use crate::analyse::Kind;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use serde_json::json;
use shared::failure::Failure;
use shared::row::Cell;
use std::io::Write;
use std::sync::Arc;

/// Rows of a row group: what is held in memory until it is written.
const GROUP_ROWS: usize = 4096;

/// Writes rows.
pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    kinds: Vec<Kind>,
    rows: Vec<Vec<Cell>>,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn begin(file: W, columns: &[TableColumn]) -> Result<Self, Failure> {
        let schema = schema(columns).map_err(|error| write_failure(&error))?;
        let about = |column: &TableColumn| {
            (column.name.clone(), json!({ "unit": column.unit, "by": column.by, "summary": column.summary }))
        };
        let about: serde_json::Map<_, _> = columns.iter().map(about).collect();
        let metadata = vec![
            KeyValue::new("ARROW:schema".to_owned(), arrow::schema(columns)),
            KeyValue::new("ripieno.columns".to_owned(), serde_json::Value::Object(about).to_string()),
        ];
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("ripieno {}", crate::ENGINE))
            .set_key_value_metadata(Some(metadata))
            .build();
        let file = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        let file = file.map_err(|error| write_failure(&error))?;
        Ok(Writer { file, kinds: columns.iter().map(|column| column.kind).collect(), rows: Vec::new() })
    }

    pub(super) fn add(&mut self, cells: Vec<Cell>) -> Result<(), Failure> {
        self.rows.push(cells);
        if self.rows.len() >= GROUP_ROWS {
            self.write_group().map_err(|error| write_failure(&error))
        } else {
            Ok(())
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let written = self.write_group().and_then(|()| self.file.close());
        written.map(drop).map_err(|error| write_failure(&error))
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.file.next_row_group()?;
        for (index, kind) in self.kinds.iter().enumerate() {
            let Some(writer) = group.next_column()? else { break };
            write_column(writer, *kind, rows.iter().map(|row| row.get(index).unwrap_or(&Cell::Null)))?;
        }
        group.close().map(drop)
    }
}

fn schema(columns: &[TableColumn]) -> Result<Type, ParquetError> {
    let fields: Result<Vec<_>, _> = columns
        .iter()
        .map(|column| {
            let (physical, logical) = match column.kind {
                Kind::Integer => (Physical::INT64, None),
                Kind::Number => (Physical::DOUBLE, None),
                Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            };
            let field = Type::primitive_type_builder(&column.name, physical);
            field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build().map(Arc::new)
        })
        .collect();
    Type::group_type_builder("ripieno").with_fields(fields?).build()
}

fn write_column<'a>(
    mut writer: SerializedColumnWriter<'_>,
    kind: Kind,
    cells: impl Iterator<Item = &'a Cell> + Clone,
) -> Result<(), ParquetError> {
    let levels =
        |is: fn(&Cell) -> bool| -> Vec<i16> { cells.clone().map(|cell| i16::from(is(cell))).collect() };
    match kind {
        Kind::Integer => {
            let values: Vec<i64> = cells.clone().filter_map(integer).collect();
            let levels = levels(|cell| integer(cell).is_some());
            writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
        Kind::Number => {
            let values: Vec<f64> = cells.clone().filter_map(number).collect();
            let levels = levels(|cell| number(cell).is_some());
            writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        }
        Kind::Text => {
            let values: Vec<ByteArray> = cells.clone().filter_map(text).map(ByteArray::from).collect();
            let levels = levels(|cell| text(cell).is_some());
            writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
    }
    writer.close()
}

fn integer(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Integer(number) => Some(*number),
        _ => None,
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        #[allow(clippy::cast_precision_loss, reason = "a count in a column of numbers is far below 2^53")]
        Cell::Integer(number) => Some(*number as f64),
        Cell::Number(number) => Some(*number),
        _ => None,
    }
}

fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}
