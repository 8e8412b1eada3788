use probity_artifacts::testing::blob_contract;

use super::*;

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(folder.path()).unwrap();
    blob_contract(&store, 1 << 20).await;
    assert!(
        matches!(
            LocalBlobs::open(folder.path()),
            Err(OpenStoreError::InUse(_))
        ),
        "one server to a folder"
    );
}

#[tokio::test]
async fn planted_links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(folder.path()).unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    let key = BlobKey {
        organization: OrganizationId::new(uuid::Uuid::from_u128(1)),
        key: Sha256Digest::of(b"x").to_string(),
    };
    let path = store.blob(&key).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&secret, &path).unwrap();
    assert!(store.read(&key, 0..6).await.is_err());
    assert_eq!(store.size(&key).await.unwrap(), None);
    for key in ["../../secret", "", "part-1", &"g".repeat(64)] {
        let key = BlobKey {
            organization: OrganizationId::new(uuid::Uuid::from_u128(1)),
            key: key.to_owned(),
        };
        assert!(store.read(&key, 0..1).await.is_err());
    }
    assert!(file_of(folder.path(), "part-../x", 0).is_err());
    assert!(file_of(folder.path(), "../base", 0).is_err());
}
