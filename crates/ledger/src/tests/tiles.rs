//! Stored hashes: complete, sufficient, and few of them read.

use std::cell::RefCell;
use std::convert::Infallible;
use std::ops::Range;

use crate::testing::{check_reader, naive_root, synthetic_leaves};
use crate::{
    Frontier, Hash, HashReader, STORED_STEP, Span, TILE_HEIGHT, TreeError, consistency_proof,
    inclusion_proof, range_proof, root_at, verify_consistency, verify_inclusion,
};

use super::{tree, wide};

/// Serves every level from the leaf hashes alone, by the definition of the root.
struct Naive<'a>(&'a [Hash]);

impl HashReader for Naive<'_> {
    type Error = Infallible;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Infallible> {
        let leaf = |index: u64| usize::try_from(index << level).unwrap();
        Ok(range
            .map(|index| naive_root(&self.0[leaf(index)..leaf(index + 1)]))
            .collect())
    }
}

#[test]
fn tiles_give_the_proofs_of_the_definition() {
    let leaves = synthetic_leaves(65_537);
    let (tiles, naive) = (tree(&leaves), Naive(&leaves));
    for size in [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537] {
        assert_eq!(
            root_at(&tiles, size).unwrap(),
            root_at(&naive, size).unwrap()
        );
        let made = range_proof(&tiles, 100..size - 100, size).unwrap();
        assert_eq!(made, range_proof(&naive, 100..size - 100, size).unwrap());
        for index in [0, 127, 255, 256, 32_768, 65_280, 65_535, 65_536] {
            if index < size {
                let made = inclusion_proof(&tiles, index, size).unwrap();
                assert_eq!(made, inclusion_proof(&naive, index, size).unwrap());
                let made = consistency_proof(&tiles, index + 1, size).unwrap();
                assert_eq!(made, consistency_proof(&naive, index + 1, size).unwrap());
            }
        }
    }
}

#[test]
fn in_memory_tree_keeps_the_reader_s_contract() {
    for size in [1, 255, 256, 257, 700] {
        let leaves = synthetic_leaves(size);
        check_reader(&tree(&leaves), &leaves);
    }
}

#[test]
#[should_panic(expected = "root at")]
fn contract_finds_a_reader_that_serves_other_hashes() {
    struct Shifted(Vec<Hash>);
    impl HashReader for Shifted {
        type Error = Infallible;
        fn read(&self, _: u8, range: Range<u64>) -> Result<Vec<Hash>, Infallible> {
            Ok(vec![
                self.0[0];
                usize::try_from(range.end - range.start).unwrap()
            ])
        }
    }
    let leaves = synthetic_leaves(5);
    check_reader(&Shifted(leaves.clone()), &leaves);
}

/// A log in which every leaf is the same, so that it can be as large as one likes; it notes what is read.
struct Uniform {
    size: u64,
    levels: Vec<Hash>,
    asked: RefCell<Vec<Vec<Span>>>,
}

impl Uniform {
    fn new(size: u64) -> Self {
        let double = |hash: &Hash| Some(Hash::node(hash, hash));
        let levels = std::iter::successors(Some(Hash::leaf(b"same")), double)
            .take(54)
            .collect();
        Self {
            size,
            levels,
            asked: RefCell::default(),
        }
    }

    /// The root, from the bits of the size.
    fn root(&self, size: u64) -> Hash {
        let set = (0..54).rev().filter(|bit| size >> bit & 1 == 1);
        let hashes: Vec<u8> = set
            .flat_map(|bit: usize| *self.levels[bit].as_bytes())
            .collect();
        Frontier::from_bytes(size, &hashes).unwrap().root()
    }

    /// Forgets what was read: it was asked for at once, at most two times eight hashes of a level below the
    /// root's and none twice.
    fn check_reads(&self) {
        let asked = self.asked.take();
        assert!(asked.len() <= 1, "asked {} times", asked.len());
        let mut seen = Vec::new();
        for Span { level, range } in asked.into_iter().flatten() {
            assert_eq!(level % STORED_STEP, 0);
            assert!(!range.is_empty());
            assert!(
                range.end <= self.size >> level,
                "{range:?} is not complete at level {level}"
            );
            seen.extend(range.map(|index| (level, index)));
        }
        let hashes = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), hashes, "a hash was read twice");
        for level in (0_u8..56).step_by(4) {
            let read = seen.iter().filter(|(at, _)| *at == level).count();
            // The rest of the group that the path goes through, with the end of the smaller log in a
            // consistency proof, and the edge of the log.
            assert!(read <= 16 + 15, "{read} hashes of level {level}");
        }
    }
}

impl HashReader for Uniform {
    type Error = Infallible;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Infallible> {
        let hash = self.levels[usize::from(level)];
        Ok(vec![
            hash;
            usize::try_from(range.end - range.start).unwrap()
        ])
    }

    fn read_all(&self, spans: &[Span]) -> Result<Vec<Vec<Hash>>, Infallible> {
        self.asked.borrow_mut().push(spans.to_vec());
        let read = |span: &Span| self.read(span.level, span.range.clone());
        spans.iter().map(read).collect()
    }
}

#[test]
fn a_proof_reads_a_few_hashes_of_each_level_at_once() {
    let ten_million = 10_000_000;
    for size in [
        ten_million,
        ten_million + 1,
        (1 << 24) - 1,
        1 << 24,
        1 << 53,
        (1 << 53) - 1,
    ] {
        let log = Uniform::new(size);
        let root = log.root(size);
        assert_eq!(root_at(&log, size).unwrap(), root);
        log.check_reads();
        for index in [
            0,
            1,
            255,
            256,
            65_535,
            65_536,
            4_999_999,
            9_999_999,
            size / 3,
            size - 2,
            size - 1,
        ] {
            let proof = inclusion_proof(&log, index, size).unwrap();
            log.check_reads();
            assert_eq!(
                verify_inclusion(&log.levels[0], index, size, &proof, &root),
                Ok(())
            );
            let from = index + 1;
            let proof = consistency_proof(&log, from, size).unwrap();
            log.check_reads();
            assert_eq!(
                verify_consistency(from, size, &proof, &log.root(from), &root),
                Ok(())
            );
        }
    }
}

/// A tree of which only C2SP tiles are stored, as logs kept them before.
struct TilesAlone<'a> {
    leaves: Naive<'a>,
    /// From this leaf on everything is stored.
    dense_from: u64,
}

impl HashReader for TilesAlone<'_> {
    type Error = Infallible;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Infallible> {
        let stored =
            |index: &u64| level.is_multiple_of(TILE_HEIGHT) || index << level >= self.dense_from;
        let indexes: Vec<u64> = range.filter(stored).collect();
        let each = indexes
            .into_iter()
            .map(|index| self.leaves.read(level, index..index + 1));
        Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
    }
}

#[test]
fn what_is_not_stored_between_tiles_is_made_from_them() {
    let leaves = synthetic_leaves(70_003);
    let naive = Naive(&leaves);
    for dense_from in [0, 1, 16, 300, 4096, 65_000, 70_003] {
        let sparse = TilesAlone {
            leaves: Naive(&leaves),
            dense_from,
        };
        for size in [17, 300, 4097, 65_537, 70_003] {
            assert_eq!(root_at(&sparse, size), root_at(&naive, size));
            for index in [0, 15, 16, size / 3, size - 1] {
                let made = inclusion_proof(&sparse, index, size).unwrap();
                assert_eq!(made, inclusion_proof(&naive, index, size).unwrap());
            }
        }
    }
}

#[test]
fn a_reader_that_lacks_or_adds_hashes_is_found_out() {
    struct Off(Vec<Hash>);
    impl HashReader for Off {
        type Error = Infallible;
        fn read(&self, _: u8, _: Range<u64>) -> Result<Vec<Hash>, Infallible> {
            Ok(self.0.clone())
        }
    }
    for count in [0, 6, 8] {
        let reader = Off(synthetic_leaves(count));
        assert_eq!(
            root_at(&reader, 7),
            Err(TreeError::Missing { level: 0, index: 0 })
        );
    }
    assert!(root_at(Off(synthetic_leaves(7)), 7).is_ok());
}

#[test]
fn a_failing_reader_is_reported() {
    struct Down;
    impl HashReader for Down {
        type Error = &'static str;
        fn read(&self, _: u8, _: Range<u64>) -> Result<Vec<Hash>, &'static str> {
            Err("down")
        }
    }
    assert_eq!(inclusion_proof(Down, 3, 7), Err(TreeError::Reader("down")));
}

#[test]
fn appended_hashes_are_those_of_the_definition() {
    let leaves = synthetic_leaves(70_000);
    let mut frontier = Frontier::new();
    let mut completed = Vec::new();
    for batch in leaves.chunks(77) {
        completed.extend(frontier.append_batch(batch));
    }
    let expected: usize = [16, 256, 4096, 65_536]
        .map(|width| 70_000 / width)
        .iter()
        .sum();
    assert_eq!(completed.len(), expected);
    for tile in completed {
        let expected = Naive(&leaves)
            .read(tile.level, tile.index..tile.index + 1)
            .unwrap();
        assert_eq!(vec![tile.hash], expected);
    }
    assert_eq!(frontier.size(), wide(leaves.len()));
}
