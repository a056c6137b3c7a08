//! The rows of a chunk on their way to the ledger.

use crate::rows::Rows;
use shared::dispatch::Message;
use shared::failure::Failure;
use shared::ledger::{Ledger, fresh_name};
use shared::receipt::RowParts;

/// Bytes of rows that are written to the ledger at once.
const PART_BYTES: usize = 4 << 20;

/// Writes the rows of a chunk to the ledger, part by part, while its items are worked.
pub(super) struct RowWriter<'a> {
    ledger: &'a Ledger,
    message: &'a Message,
    parts: RowParts,
    held: Vec<u8>,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(ledger: &'a Ledger, message: &'a Message) -> Result<Self, Failure> {
        let parts = RowParts { name: fresh_name()?, ..RowParts::default() };
        Ok(RowWriter { ledger, message, parts, held: Vec::new() })
    }

    pub(super) async fn add(&mut self, rows: Rows) -> Result<(), Failure> {
        // Few rows come from memory; where there are many, reading a segment back is little beside having made it.
        for segment in rows.into_segments() {
            self.held.extend(segment?);
            if self.held.len() >= PART_BYTES {
                self.write().await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Failure> {
        let (Message { job, chunk, .. }, rows) = (self.message, std::mem::take(&mut self.held));
        self.ledger.write_rows((job, *chunk), &mut self.parts, rows).await
    }

    pub(super) async fn finish(mut self) -> Result<RowParts, Failure> {
        if !self.held.is_empty() {
            self.write().await?;
        }
        Ok(self.parts)
    }
}
