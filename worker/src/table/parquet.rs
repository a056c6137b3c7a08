//! Apache Parquet, a row group at a time.

use super::{TableColumn, arrow, write_failure};
use crate::analyse::Kind;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
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
    columns: Vec<Column>,
    /// Rows of the group so far.
    rows: usize,
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
        Ok(Writer { file, columns: columns.iter().map(|column| Column::of(column.kind)).collect(), rows: 0 })
    }

    pub(super) fn add(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        let cells = cells.iter().chain(std::iter::repeat(&Cell::Null));
        self.columns.iter_mut().zip(cells).for_each(|(column, cell)| column.add(cell));
        self.rows += 1;
        if self.rows >= GROUP_ROWS {
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
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let Some(writer) = group.next_column()? else { break };
            column.write(writer)?;
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

/// The values of a column that wait for their group to be full: a table of hundreds of columns is not gone through once for
/// each of them.
enum Column {
    Integer(Values<i64>),
    Number(Values<f64>),
    Text(Values<ByteArray>),
}

/// Values that are there, and for each row whether it has one.
struct Values<T> {
    values: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Values<T> {
    const fn new() -> Self {
        Values { values: Vec::new(), levels: Vec::new() }
    }

    fn add(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn write<D: DataType<T = T>>(
        &mut self,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        writer.typed::<D>().write_batch(&self.values, Some(&self.levels), None)?;
        self.values.clear();
        self.levels.clear();
        Ok(())
    }
}

impl Column {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Column::Integer(Values::new()),
            Kind::Number => Column::Number(Values::new()),
            Kind::Text => Column::Text(Values::new()),
        }
    }

    fn add(&mut self, cell: &Cell) {
        match self {
            Column::Integer(values) => values.add(integer(cell)),
            Column::Number(values) => values.add(number(cell)),
            Column::Text(values) => values.add(text(cell).map(ByteArray::from)),
        }
    }

    fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match self {
            Column::Integer(values) => values.write::<Int64Type>(&mut writer)?,
            Column::Number(values) => values.write::<DoubleType>(&mut writer)?,
            Column::Text(values) => values.write::<ByteArrayType>(&mut writer)?,
        }
        writer.close()
    }
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
