//! What stands between a hostile file and the decoder.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::web::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use probity_kernel::FieldError;

use super::super::table_fault;
use super::thrift;

/// Largest footer.
const MAX_FOOTER: usize = 4 << 20;
/// Largest page when unpacked.
const MAX_PAGE: u64 = 64 << 20;
/// Most bytes that all pages together may have when unpacked.
const MAX_UNPACKED: u64 = 512 << 20;
/// Most entries of a dictionary.
const MAX_DICTIONARY: u32 = 1 << 20;

/// Encodings whose decoders reserve no more than the page holds.
const ENCODINGS: [Encoding; 6] = [
    Encoding::PLAIN,
    Encoding::PLAIN_DICTIONARY,
    Encoding::RLE,
    Encoding::RLE_DICTIONARY,
    Encoding::DELTA_BINARY_PACKED,
    Encoding::BYTE_STREAM_SPLIT,
];

const MAGIC: &[u8] = b"PAR1";

/// Looks at the two ends of a file and at its schema before any of it is decoded.
pub(super) fn check_frame(body: &[u8]) -> std::result::Result<(), FieldError> {
    let malformed = |message: &str| table_fault("malformed_parquet", message);
    let framed = body.starts_with(MAGIC) && body.ends_with(MAGIC) && body.len() >= 12;
    if !framed {
        return Err(malformed("the body is not a Parquet file, or was cut off"));
    }
    let end = body.len() - 8;
    let length = body
        .get(end..end + 4)
        .and_then(|bytes| bytes.try_into().ok());
    let length = length.map_or(u32::MAX, u32::from_le_bytes);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_FOOTER {
        let message = format!("the footer must not exceed {MAX_FOOTER} bytes");
        return Err(malformed(&message));
    }
    let footer = end
        .checked_sub(length)
        .and_then(|start| body.get(start..end));
    match footer {
        Some(footer) if thrift::is_schema_sound(footer) => Ok(()),
        _ => Err(malformed("the footer is not one of a table")),
    }
}

/// A file whose pages may only unpack to so many bytes.
///
/// The decoder asks for a page's header by [`ChunkReader::get_read`] and then for the packed page
/// by [`ChunkReader::get_bytes`]; in between lies the header, which says how much it unpacks to.
pub(super) struct Guarded {
    file: Bytes,
    header: AtomicU64,
    unpacked: AtomicU64,
}

impl Guarded {
    pub(super) const fn new(file: Bytes) -> Self {
        Self {
            file,
            header: AtomicU64::new(0),
            unpacked: AtomicU64::new(0),
        }
    }

    fn admit(&self, page: u64) -> Result<()> {
        let start = self.header.load(Ordering::Relaxed);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let header = self.file.get(start..).and_then(thrift::page_header);
        let Some(header) = header else {
            return Err(refused("a page has no header"));
        };
        if start.checked_add(header.length).map(super::super::count) != Some(page) {
            return Err(refused("a page does not follow its header"));
        }
        let before = self.unpacked.fetch_add(header.unpacked, Ordering::Relaxed);
        if header.unpacked > MAX_PAGE || before.saturating_add(header.unpacked) > MAX_UNPACKED {
            return Err(refused("its pages unpack to too many bytes"));
        }
        Ok(())
    }
}

fn refused(message: &str) -> ParquetError {
    ParquetError::General(message.to_owned())
}

impl Length for Guarded {
    fn len(&self) -> u64 {
        super::super::count(self.file.len())
    }
}

impl ChunkReader for Guarded {
    type T = <Bytes as ChunkReader>::T;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.header.store(start, Ordering::Relaxed);
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.admit(start)?;
        let end = usize::try_from(start)
            .ok()
            .and_then(|start| start.checked_add(length));
        if end.is_none_or(|end| end > self.file.len()) {
            return Err(refused("a page lies outside the file"));
        }
        self.file.get_bytes(start, length)
    }
}

/// Pages in the encodings that are read here.
pub(super) struct GuardedPages(pub(super) Box<dyn PageReader>);

impl GuardedPages {
    fn check(page: Page) -> Result<Page> {
        if page.is_dictionary_page() && page.num_values() > MAX_DICTIONARY {
            return Err(refused("a dictionary has too many entries"));
        }
        let encoding = page.encoding();
        if ENCODINGS.contains(&encoding) {
            return Ok(page);
        }
        let message = format!("the encoding {encoding} is not read here");
        Err(ParquetError::NYI(message))
    }
}

impl Iterator for GuardedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for GuardedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page()?.map(Self::check).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }
}
