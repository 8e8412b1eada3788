//! The record: one leaf for each commit, the tree over them, and proofs from what is stored.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};
use probity_access::AccessRepository;
use probity_kernel::{IdSource, OrganizationId, RepositoryError};
use probity_ledger::{
    Commitment, Frontier, Hash, HashReader, InMemoryTree, Leaf, Salt, SlotName, TILE_HEIGHT,
    TreeError, consistency_proof, inclusion_proof, root_at, verify_consistency, verify_inclusion,
};
use probity_registry::ModelRepository;

use crate::support::story::observed_usage;
use crate::support::{Bed, NOW, Raw, context, tell};

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Binary)]
    leaf_hash: Vec<u8>,
    #[diesel(sql_type = Binary)]
    leaf: Vec<u8>,
    #[diesel(sql_type = Binary)]
    actor_salt: Vec<u8>,
    #[diesel(sql_type = Binary)]
    actor: Vec<u8>,
    #[diesel(sql_type = Binary)]
    detail_salt: Vec<u8>,
    #[diesel(sql_type = Binary)]
    detail: Vec<u8>,
}

fn entries(raw: &mut Raw, organization: OrganizationId) -> Vec<Entry> {
    let id = raw.uuid(organization.uuid());
    raw.rows(&format!(
        "SELECT position, leaf_hash, leaf, actor_salt, actor, detail_salt, detail \
         FROM audit_entries WHERE organization_id = {id} ORDER BY position"
    ))
}

fn every_commit_of_every_repository_makes_one_leaf(bed: &Bed) {
    let mut raw = bed.raw();
    let mut commits = 0;
    let story = tell(bed, "north", &mut |organization, action| {
        // A commit may move the judgement of its product or its alerts, a leaf of its own each.
        let entries = entries(&mut raw, organization);
        assert!(entries.len() > commits, "{action}");
        for (index, entry) in entries.iter().enumerate().skip(commits) {
            let leaf = Leaf::parse(&entry.leaf).expect("a leaf in canonical form");
            // What follows for the product's judgement and its alerts comes behind what was done.
            let follows = ["risk_score.changed", "alert.opened", "alert.resolved"];
            let consequence = index > commits && follows.contains(&leaf.header().action);
            assert!(consequence || leaf.header().action == action, "{action}");
            assert!(consequence || index == commits, "two leaves of {action}");
            assert_eq!(leaf.header().org, organization.to_string());
            assert_eq!(usize::try_from(leaf.header().seq), Ok(index));
        }
        commits = entries.len();
    });
    assert!(commits >= 20, "{commits}");
    // What is no event leaves no leaf: the use of a key, and a replay.
    let leaves = entries(&mut raw, story.organization).len();
    let access = bed.access();
    bed.block(access.touch_key(story.organization, story.key.id, NOW))
        .expect("a touch");
    let ctx = crate::support::claiming(context(story.organization), "story", 1);
    let models = bed.models();
    bed.block(models.commit(bed.registration(&ctx, "anything")))
        .expect("a replay");
    assert_eq!(entries(&mut raw, story.organization).len(), leaves);
}

fn leaves_hashes_commitments_and_head_agree(bed: &Bed) {
    let story = tell(bed, "north", &mut |_, _| ());
    let other = tell(bed, "south", &mut |_, _| ());
    for organization in [story.organization, other.organization] {
        let mut frontier = Frontier::new();
        let mut raw = bed.raw();
        let entries = entries(&mut raw, organization);
        let first = entries.first().expect("a leaf").position;
        for (seq, entry) in (0_i64..).zip(&entries) {
            assert_eq!(entry.position, first + seq, "contiguous");
            let hash = Hash::leaf(&entry.leaf);
            assert_eq!(entry.leaf_hash, hash.as_bytes());
            frontier.append(hash);
            let leaf = Leaf::parse(&entry.leaf).expect("a leaf");
            let salt = |bytes: &[u8]| Salt::from_bytes(bytes.try_into().expect("32 bytes"));
            for (name, salt, bytes) in [
                (SlotName::Actor, salt(&entry.actor_salt), &entry.actor),
                (SlotName::Detail, salt(&entry.detail_salt), &entry.detail),
            ] {
                let kept: Commitment = leaf.header().slots.get(name).expect("a commitment");
                assert!(kept.verify(name, &salt, bytes), "{name} of {seq}");
            }
        }
        let head = bed.block(bed.database.log_head(organization));
        let head = head.expect("a read").expect("a head");
        assert_eq!((head.size, head.root), (frontier.size(), frontier.root()));
        let heads = bed.database.log_heads().expect("heads");
        assert!(heads.contains(&head));
    }
}

/// Fills a log with more leaves than two tiles hold.
fn long_log(bed: &Bed) -> (OrganizationId, Vec<Hash>) {
    let organization = bed.organization("north");
    let repository = bed.models();
    let usage = (0..699).map(|_| {
        let repository = repository.clone();
        async move {
            repository
                .commit(observed_usage(&context(organization)))
                .await
        }
    });
    for outcome in bed.at_once(usage) {
        outcome.expect("usage is recorded");
    }
    let leaves = entries(&mut bed.raw(), organization);
    let leaves = leaves.iter().map(|entry| Hash::leaf(&entry.leaf)).collect();
    (organization, leaves)
}

fn failed(error: &TreeError<RepositoryError>) -> RepositoryError {
    RepositoryError::Database(error.to_string().into())
}

fn proofs_are_made_from_the_stored_hashes(bed: &Bed) {
    let (organization, leaves) = long_log(bed);
    let total = u64::try_from(leaves.len()).expect("a size");
    assert_eq!(total, 700);
    let roots: Vec<Hash> = std::iter::once(Frontier::new())
        .chain(leaves.iter().scan(Frontier::new(), |frontier, leaf| {
            frontier.append(*leaf);
            Some(frontier.clone())
        }))
        .map(|frontier| frontier.root())
        .collect();
    let root = |size: u64| roots[usize::try_from(size).expect("a size")];
    bed.database
        .with_log(organization, |hashes| {
            for size in [1, 255, 256, 257, 511, 512, 513, 600, 699, 700] {
                assert_eq!(
                    root_at(hashes, size).map_err(|error| failed(&error))?,
                    root(size),
                    "{size}"
                );
                for index in [0, 1, 254, 255, 256, 300, 511, 512, 600, 699] {
                    if index >= size {
                        continue;
                    }
                    let proof =
                        inclusion_proof(hashes, index, size).map_err(|error| failed(&error))?;
                    let leaf = leaves[usize::try_from(index).expect("an index")];
                    verify_inclusion(&leaf, index, size, &proof, &root(size))
                        .expect("an inclusion proof");
                }
                let proof =
                    consistency_proof(hashes, size, total).map_err(|error| failed(&error))?;
                verify_consistency(size, total, &proof, &root(size), &root(total))
                    .expect("a consistency proof");
            }
            // The tiles are there: a proof in a log of 700 leaves does not need every leaf.
            assert_eq!(hashes.read(8, 0..2)?.len(), 2);
            Ok(())
        })
        .expect("proofs");
    let mut raw = bed.raw();
    assert_eq!(raw.count("audit_nodes", ""), 43 + 2);
}

/// A log as a release before this one left it: of the levels between tiles nothing is stored.
fn old_log(bed: &Bed, leaves: u64) -> (OrganizationId, InMemoryTree) {
    let organization = bed.organization("north");
    let mut raw = bed.raw();
    let id = raw.uuid(organization.uuid());
    let no = raw.number(&format!(
        "SELECT no AS number FROM audit_heads WHERE organization_id = {id}"
    ));
    raw.must(&format!(
        "DELETE FROM audit_entries WHERE organization_id = {id}"
    ));
    let hashes: Vec<Hash> = (0..leaves)
        .map(|leaf| Hash::leaf(&leaf.to_be_bytes()))
        .collect();
    for (chunk, first) in hashes.chunks(1000).zip((no << 40..).step_by(1000)) {
        let rows = chunk.iter().zip(first..).map(|(hash, position)| {
            let hash = raw.bytes(hash.as_bytes());
            format!("({position}, {id}, {hash})")
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        raw.must(&format!(
            "INSERT INTO audit_entries (position, organization_id, leaf_hash) VALUES {rows}"
        ));
    }
    let mut frontier = Frontier::new();
    for node in frontier.append_batch(&hashes) {
        if node.level.is_multiple_of(TILE_HEIGHT) {
            let (level, index) = (node.level, node.index);
            let hash = raw.bytes(node.hash.as_bytes());
            raw.must(&format!(
                "INSERT INTO audit_nodes VALUES ({id}, {level}, {index}, {hash})"
            ));
        }
    }
    let bytes = raw.bytes(&frontier.to_bytes());
    raw.must(&format!(
        "UPDATE audit_heads SET size = {leaves}, sparse = {leaves}, frontier = {bytes} WHERE organization_id = {id}"
    ));
    let mut tree = InMemoryTree::new();
    tree.append_batch(&hashes);
    (organization, tree)
}

fn same_proofs(bed: &Bed, organization: OrganizationId, tree: &InMemoryTree) {
    let size = tree.size();
    bed.database
        .with_log(organization, |hashes| {
            for to in [1, 16, 17, 4095, 4096, 4097, 8192, size - 1, size] {
                assert_eq!(
                    root_at(hashes, to).map_err(|error| failed(&error))?,
                    root_at(tree, to).expect("a root")
                );
                for index in [0, 15, 16, 4095, 4096, to / 3, to - 1] {
                    let index = index.min(to - 1);
                    let made =
                        inclusion_proof(hashes, index, to).map_err(|error| failed(&error))?;
                    assert_eq!(made, inclusion_proof(tree, index, to).expect("a proof"));
                    let made =
                        consistency_proof(hashes, index + 1, to).map_err(|error| failed(&error))?;
                    let expected = consistency_proof(tree, index + 1, to).expect("a proof");
                    assert_eq!(made, expected);
                }
            }
            Ok(())
        })
        .expect("proofs");
}

fn hashes_of_old_logs_are_brought_up(bed: &Bed) {
    let (organization, tree) = old_log(bed, 9_001);
    same_proofs(bed, organization, &tree);
    let steps: Vec<u64> = std::iter::from_fn(|| {
        let step = bed.database.bring_up_hashes(organization);
        Some(step.expect("a step")).filter(|leaves| *leaves > 0)
    })
    .inspect(|_| same_proofs(bed, organization, &tree))
    .collect();
    assert_eq!(steps, [9_001 - 8_192, 4096, 4096]);
    let mut raw = bed.raw();
    let stored = raw.count("audit_nodes", "");
    assert_eq!(stored, 9_001 / 16 + 9_001 / 256 + 9_001 / 4096);
    let mut expected = Frontier::new();
    let leaves: Vec<Hash> = (0..9_001_u64)
        .map(|leaf| Hash::leaf(&leaf.to_be_bytes()))
        .collect();
    for node in expected.append_batch(&leaves) {
        let hash = raw.bytes(node.hash.as_bytes());
        let rest = format!(
            "WHERE level = {} AND node_index = {} AND hash = {hash}",
            node.level, node.index
        );
        assert_eq!(raw.count("audit_nodes", &rest), 1, "{node:?}");
    }
}

fn entries_are_indexed_once_as_the_log_grows(bed: &Bed) {
    let (organization, _) = long_log(bed);
    let index = || bed.database.index_entries(organization, 1);
    assert_eq!(index().expect("a block"), 1);
    assert_eq!(index().expect("a block"), 1);
    assert_eq!(index().expect("nothing"), 0, "700 leaves are two blocks");
    let mut raw = bed.raw();
    assert_eq!(raw.number("SELECT indexed AS number FROM audit_heads"), 2);
    assert_eq!(raw.count("audit_blocks", ""), 2);
}

fn checkpoints_are_kept_and_told(bed: &Bed) {
    let story = tell(bed, "north", &mut |_, _| ());
    let head = || bed.block(bed.database.log_head(story.organization));
    let before = head().expect("a read").expect("a head");
    assert_eq!(before.signed, None);
    for (size, note) in [(before.size - 1, "the first"), (before.size, "the second")] {
        let kept = bed
            .database
            .keep_checkpoint(story.organization, size, note, NOW);
        kept.expect("a checkpoint");
    }
    let after = head().expect("a read").expect("a head");
    assert_eq!(after.signed.as_deref(), Some("the second"));
    let again = bed
        .database
        .keep_checkpoint(story.organization, before.size, "x", NOW);
    assert!(
        matches!(again, Err(RepositoryError::Database(_))),
        "{again:?}"
    );
}

fn only_one_node_is_alone(bed: &Bed) {
    let second = bed.node();
    let outcome = bed.database.alone("work", || {
        let other = second.alone("other work", || Ok(2))?;
        assert_eq!(other, Some(2), "another name is another work");
        second.alone("work", || Ok(1))
    });
    let expected = if bed.database.kind() == "sqlite" {
        // One node has a SQLite file; it needs no lock.
        Some(Some(1))
    } else {
        Some(None)
    };
    assert_eq!(outcome.expect("a lock"), expected);
    assert_eq!(second.alone("work", || Ok(3)).expect("a lock"), Some(3));
    second.drain();
}

fn an_organization_that_does_not_exist_has_no_log(bed: &Bed) {
    let nobody = OrganizationId::new(bed.ids.next_id(NOW));
    let head = bed.block(bed.database.log_head(nobody));
    assert_eq!(head.expect("a read"), None);
    let models = bed.models();
    for change in [
        bed.registration(&context(nobody), "a"),
        observed_usage(&context(nobody)),
    ] {
        let outcome = bed.block(models.commit(change));
        assert!(
            matches!(outcome, Err(RepositoryError::Database(_))),
            "{outcome:?}"
        );
    }
    assert_eq!(bed.raw().count("model_usage_daily", ""), 0);
}

on_both_databases!(
    every_commit_of_every_repository_makes_one_leaf,
    leaves_hashes_commitments_and_head_agree,
    proofs_are_made_from_the_stored_hashes,
    hashes_of_old_logs_are_brought_up,
    entries_are_indexed_once_as_the_log_grows,
    checkpoints_are_kept_and_told,
    only_one_node_is_alone,
    an_organization_that_does_not_exist_has_no_log,
);
