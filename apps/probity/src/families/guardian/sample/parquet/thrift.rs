//! A walk over Thrift's compact protocol, as far as two questions need it.
//!
//! The decoder believes two numbers of a file before it has seen what they announce: how many
//! children a node of the schema has, and how large a page is when unpacked. Both are looked at
//! here first, so that a small body cannot claim the memory or the stack of the server.

/// Deepest nesting of values in a header or footer.
const MAX_NESTING: u32 = 16;
/// Deepest nesting of the schema.
const MAX_SCHEMA_DEPTH: usize = 32;
/// Most nodes of the schema.
const MAX_SCHEMA_NODES: u64 = 10_000;

const TYPE_I32: u8 = 5;
const TYPE_LIST: u8 = 9;
const TYPE_STRUCT: u8 = 12;

/// What a page header says of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    /// How many bytes the header itself takes.
    pub(super) length: usize,
    /// The size of the page when unpacked: the largest, should it be stated more than once.
    pub(super) unpacked: u64,
}

/// Reads the page header at the start of the bytes; `None` if there is none.
pub(super) fn page_header(bytes: &[u8]) -> Option<PageHeader> {
    let mut compact = Compact { bytes, at: 0 };
    let mut unpacked = 0;
    compact.fields(0, &mut |compact, field, kind| {
        if field == 2 && kind == TYPE_I32 {
            unpacked = unpacked.max(u64::try_from(compact.i32()?).ok()?);
            return Some(true);
        }
        Some(false)
    })?;
    Some(PageHeader {
        length: compact.at,
        unpacked,
    })
}

/// Whether a footer's schema is one that can be built: no node claims more children than there are
/// nodes, none lies too deep, and there are not too many.
pub(super) fn is_schema_sound(footer: &[u8]) -> bool {
    let mut compact = Compact {
        bytes: footer,
        at: 0,
    };
    let walked = compact.fields(0, &mut |compact, field, kind| {
        if field == 2 && kind == TYPE_LIST {
            compact.schema()?;
            return Some(true);
        }
        Some(false)
    });
    walked.is_some()
}

struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Looks at a field's id and type; says whether it took the value.
type Visit<'v, 'a> = &'v mut dyn FnMut(&mut Compact<'a>, i64, u8) -> Option<bool>;

impl<'a> Compact<'a> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_bytes(&mut self, length: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        let half = i64::try_from(value >> 1).ok()?;
        Some(if value & 1 == 0 { half } else { -half - 1 })
    }

    fn i32(&mut self) -> Option<i32> {
        i32::try_from(self.zigzag()?).ok()
    }

    /// Element type and length of a list.
    fn list(&mut self) -> Option<(u8, u64)> {
        let header = self.byte()?;
        let length = match header >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        Some((header & 0x0f, length))
    }

    fn fields(&mut self, depth: u32, visit: Visit<'_, 'a>) -> Option<()> {
        let mut last = 0_i64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            last = match header >> 4 {
                0 => self.zigzag()?,
                delta => last.checked_add(i64::from(delta))?,
            };
            let kind = header & 0x0f;
            if !visit(self, last, kind)? {
                self.skip(kind, depth, false)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: u32, in_list: bool) -> Option<()> {
        if depth > MAX_NESTING {
            return None;
        }
        match kind {
            1 | 2 if !in_list => Some(()),
            1..=3 => self.skip_bytes(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let (inner, length) = self.list()?;
                (0..length).try_for_each(|_| self.skip(inner, depth + 1, true))
            }
            11 => self.skip_map(depth),
            TYPE_STRUCT => self.fields(depth + 1, &mut |_, _, _| Some(false)),
            13 => self.skip_bytes(16),
            _ => None,
        }
    }

    fn skip_map(&mut self, depth: u32) -> Option<()> {
        let length = self.varint()?;
        if length == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        (0..length).try_for_each(|_| {
            self.skip(kinds >> 4, depth + 1, true)?;
            self.skip(kinds & 0x0f, depth + 1, true)
        })
    }

    fn schema(&mut self) -> Option<()> {
        let (inner, nodes) = self.list()?;
        if nodes > MAX_SCHEMA_NODES || (nodes > 0 && inner != TYPE_STRUCT) {
            return None;
        }
        // How many children each open node still waits for.
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..nodes {
            let mut children = 0;
            self.fields(0, &mut |compact, field, kind| {
                if field == 5 && kind == TYPE_I32 {
                    children = children.max(u64::try_from(compact.i32()?).ok()?);
                    return Some(true);
                }
                Some(false)
            })?;
            while open.pop_if(|left| *left == 0).is_some() {}
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > nodes {
                return None;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > MAX_SCHEMA_DEPTH {
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_header_tells_its_length_and_the_unpacked_size() {
        // type 0, unpacked 300, packed 100, a nested struct with one number, stop.
        let header = [
            0x15, 0, 0x15, 0xd8, 0x04, 0x15, 0xc8, 0x01, 0x2c, 0x15, 2, 0, 0, 9, 9,
        ];
        let read = page_header(&header).unwrap();
        assert_eq!((read.length, read.unpacked), (13, 300));
    }

    #[test]
    fn a_size_stated_again_later_counts_when_it_is_larger() {
        // The second time in the long form: type byte, then the id.
        let header = [0x25, 2, 0x05, 4, 0xd8, 0x04, 0];
        assert_eq!(page_header(&header).unwrap().unpacked, 300);
    }

    #[test]
    fn what_is_no_header_is_none() {
        for bytes in [
            &[][..],
            &[0x15],
            &[0x25, 1, 0],
            &[0x1e, 0],
            &[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x1c; 100],
        ] {
            assert_eq!(page_header(bytes), None, "{bytes:?}");
        }
    }

    fn footer(children: &[u8]) -> Vec<u8> {
        let length = u8::try_from(children.len()).unwrap();
        let mut bytes = vec![0x15, 2, 0x19, 0xfc, length];
        for children in children {
            bytes.extend([0x55, children * 2, 0]);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn a_schema_may_be_nested_and_wide_within_reason() {
        assert!(is_schema_sound(&footer(&[2, 0, 1, 0])));
        assert!(!is_schema_sound(&footer(&[5, 0, 0, 0])));
        let deep = |levels: usize| {
            let mut children = vec![1; levels];
            children.push(0);
            footer(&children)
        };
        assert!(is_schema_sound(&deep(MAX_SCHEMA_DEPTH)));
        assert!(!is_schema_sound(&deep(MAX_SCHEMA_DEPTH + 1)));
    }
}
