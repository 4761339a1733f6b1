//! An answer on its way into the store: in memory while it is small, then in a file of its own.

use std::io;

use bytes::Bytes;

use super::files;
use super::ticket::Ticket;
use crate::blocking::{GATHER, blocking};
use crate::record::{Record, encode};
use crate::temp_file::TempFile;

/// Dropped before its end, nothing is stored.
#[derive(Debug)]
pub struct Fill {
    ticket: Ticket,
    record: Record,
    gathered: Vec<Bytes>,
    bytes: usize,
    /// What has been written of a long answer.
    file: Option<TempFile>,
}

impl Fill {
    pub(super) fn new(ticket: Ticket, record: Record) -> Self {
        Self {
            ticket,
            record,
            gathered: Vec::new(),
            bytes: 0,
            file: None,
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// The disk's. What has come so far is lost; the answer itself is not.
    pub async fn push(&mut self, data: Bytes) -> io::Result<()> {
        self.record.body_len += data.len() as u64;
        self.bytes += data.len();
        self.gathered.push(data);
        if self.bytes >= GATHER {
            self.spill().await?;
        }
        Ok(())
    }

    /// Length of the body so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.record.body_len
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All has come: the entry can be had from now on.
    ///
    /// # Errors
    /// The disk's; then nothing is stored.
    pub async fn finish(mut self) -> io::Result<()> {
        if self.file.is_none() {
            if self.ticket.zone.may_wait(self.bytes) {
                self.record.memory = Some(joined(&self.gathered, self.bytes));
                self.ticket.keep(self.record);
            }
            return Ok(());
        }
        if self.bytes > 0 {
            self.spill().await?;
        }
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let head = encode(&self.record);
        let target = self.ticket.zone.file(&self.ticket.key);
        let filed = blocking(move || files::persist(file, &head, &target)).await?;
        self.ticket.keep_filed(self.record, filed);
        Ok(())
    }

    /// Writes what has been gathered.
    async fn spill(&mut self) -> io::Result<()> {
        let file = self.file.take();
        let target = self.ticket.zone.file(&self.ticket.key);
        // The length of the body is not known; its room is the same.
        let head = file.is_none().then(|| encode(&self.record));
        let gathered = std::mem::take(&mut self.gathered);
        self.bytes = 0;
        let file = blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => files::beside(&target)?,
            };
            file.write_all(&head.unwrap_or_default())?;
            for piece in &gathered {
                file.write_all(piece)?;
            }
            Ok(file)
        });
        self.file = Some(file.await?);
        Ok(())
    }
}

fn joined(pieces: &[Bytes], length: usize) -> Bytes {
    if let [only] = pieces {
        return only.clone();
    }
    let mut all = Vec::with_capacity(length);
    for piece in pieces {
        all.extend_from_slice(piece);
    }
    all.into()
}
