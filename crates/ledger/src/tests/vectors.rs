use crate::{
    ConsistencyProof, Hash, InMemoryTree, InclusionProof, consistency_proof, inclusion_proof,
    root_at, verify_consistency, verify_inclusion,
};

const LEAVES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const CA85: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const BC1A: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const NODE_0_4: &str = ROOTS[4];

fn hash(hex: &str) -> Hash {
    hex.parse().unwrap()
}

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter().copied().map(hash).collect()
}

fn tree() -> InMemoryTree {
    super::tree(&LEAVES.map(Hash::leaf))
}

#[test]
fn roots_of_sizes_0_to_8() {
    let tree = tree();
    for (root, size) in ROOTS.into_iter().zip(0_u64..) {
        assert_eq!(root_at(&tree, size).unwrap(), hash(root), "size {size}");
    }
}

#[test]
fn inclusion_of_leaf_5_in_8() {
    let printed = hashes(&[BC1A, CA85, NODE_0_4]);
    let proof = inclusion_proof(tree(), 5, 8).unwrap();
    assert_eq!(proof.hashes(), printed);
    let proof = InclusionProof::new(printed).unwrap();
    assert_eq!(
        verify_inclusion(&Hash::leaf(LEAVES[5]), 5, 8, &proof, &hash(ROOTS[8])),
        Ok(())
    );
}

#[test]
fn consistency_of_6_with_8_and_2_with_5() {
    for (from, to, printed) in [
        (
            6,
            8,
            vec![
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                CA85,
                NODE_0_4,
            ],
        ),
        (
            2,
            5,
            vec![
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                BC1A,
            ],
        ),
    ] {
        let printed = hashes(&printed);
        let proof = consistency_proof(tree(), from, to).unwrap();
        assert_eq!(proof.hashes(), printed, "{from} to {to}");
        let proof = ConsistencyProof::new(printed).unwrap();
        let root = |size: u64| hash(ROOTS[usize::try_from(size).unwrap()]);
        assert_eq!(
            verify_consistency(from, to, &proof, &root(from), &root(to)),
            Ok(())
        );
    }
}

#[test]
fn consistency_of_the_published_log_8_with_11() {
    let proof = hash("21cc6961c7cc4fdc899572f2373e0dc7e4af883b7a93ca6b55525c0715ec5534");
    let proof = ConsistencyProof::new(vec![proof]).unwrap();
    let old = hash("7fc0aa893a8846c74469053567cfb4c5107939b51ffb9e2b920b56f370507ed6");
    let new = hash("d6e7566e40ee75a71b5600dcd222a0d2e80d3b127b02ef3336859658fb58f43b");
    assert_eq!(verify_consistency(8, 11, &proof, &old, &new), Ok(()));
    assert!(verify_consistency(8, 11, &proof, &new, &old).is_err());
}
