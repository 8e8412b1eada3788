//! Stored tiles: complete, sufficient, and few of them read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::Range;

use crate::testing::{check_reader, naive_root, synthetic_leaves};
use crate::{
    Frontier, Hash, HashReader, TILE_HEIGHT, TILE_WIDTH, TreeError, consistency_proof,
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

/// A log in which every leaf is the same, so that it can be as large as one likes; it notes which tiles are read.
struct Uniform {
    size: u64,
    levels: Vec<Hash>,
    reads: RefCell<Vec<(u8, u64)>>,
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
            reads: RefCell::default(),
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

    /// Forgets the reads and checks them: at most two tiles on each level, none twice.
    fn check_reads(&self) {
        let reads = self.reads.take();
        assert!(!reads.is_empty());
        let distinct: BTreeSet<_> = reads.iter().copied().collect();
        assert_eq!(
            distinct.len(),
            reads.len(),
            "a tile was read twice: {reads:?}"
        );
        for level in (0_u8..56).step_by(8) {
            let tiles = reads.iter().filter(|(read, _)| *read == level).count();
            assert!(tiles <= 2, "{tiles} tiles of level {level}: {reads:?}");
        }
    }
}

impl HashReader for Uniform {
    type Error = Infallible;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Infallible> {
        assert_eq!(level % TILE_HEIGHT, 0);
        assert!(!range.is_empty());
        assert_eq!(
            range.start / TILE_WIDTH,
            (range.end - 1) / TILE_WIDTH,
            "{range:?} crosses tiles"
        );
        assert!(
            range.end <= self.size >> level,
            "{range:?} is not complete at level {level}"
        );
        self.reads
            .borrow_mut()
            .push((level, range.start / TILE_WIDTH));
        let hash = self.levels[usize::from(level)];
        Ok(vec![
            hash;
            usize::try_from(range.end - range.start).unwrap()
        ])
    }
}

#[test]
fn a_proof_reads_at_most_two_tiles_on_each_level() {
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
            if from < size {
                log.check_reads();
            }
            assert_eq!(
                verify_consistency(from, size, &proof, &log.root(from), &root),
                Ok(())
            );
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
fn appended_tile_hashes_are_those_of_the_definition() {
    let leaves = synthetic_leaves(70_000);
    let mut frontier = Frontier::new();
    let mut completed = Vec::new();
    for batch in leaves.chunks(77) {
        completed.extend(frontier.append_batch(batch));
    }
    assert_eq!(completed.len(), 70_000 / 256 + 1);
    for tile in completed {
        let expected = Naive(&leaves)
            .read(tile.level, tile.index..tile.index + 1)
            .unwrap();
        assert_eq!(vec![tile.hash], expected);
    }
    assert_eq!(frontier.size(), wide(leaves.len()));
}
