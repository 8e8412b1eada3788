//! What a test gets, and that nothing of it stays behind.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use probity_testkit::TestDatabase;

#[test]
fn each_sqlite_file_has_a_folder_of_its_own_that_goes_with_it() {
    let (one, two) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    assert_ne!(one.url(), two.url());
    let folder = one.folder().expect("a folder");
    assert!(folder.is_dir() && Path::new(one.url()).starts_with(&folder));
    assert!(one.psql("SELECT 1").is_err());
    drop(one);
    assert!(!folder.exists() && two.folder().expect("a folder").is_dir());
}

#[test]
fn each_postgres_database_is_empty_and_goes_with_its_value() {
    let (Some(one), Some(two)) = (TestDatabase::postgres(), TestDatabase::postgres()) else {
        return;
    };
    one.psql("CREATE TABLE t (n BIGINT); INSERT INTO t VALUES (1)")
        .expect("a table");
    assert_eq!(one.psql("SELECT n FROM t").as_deref(), Ok("1"));
    assert!(
        two.psql("SELECT n FROM t").is_err(),
        "the other has no such table"
    );
    let name = one.psql("SELECT current_database()").expect("a name");
    drop(one);
    let left = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(two.psql(&left).as_deref(), Ok("0"));
}

/// Says to the next test, started by itself, that it is the one to be killed.
const VICTIM: &str = "PROBITY_TESTKIT_VICTIM";

#[test]
fn a_killed_process_leaves_no_cluster() {
    if std::env::var_os(VICTIM).is_some() {
        let database = TestDatabase::postgres().expect("a database");
        let folder = database.psql("SHOW data_directory").expect("a folder");
        println!("\nfolder={folder}");
        return std::thread::sleep(Duration::from_mins(2));
    }
    if std::env::var_os("PROBITY_TEST_DATABASE_URL").is_some() || TestDatabase::postgres().is_none()
    {
        return;
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "a_killed_process_leaves_no_cluster",
            "--nocapture",
        ])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let folder = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("folder=").map(PathBuf::from));
    let running = folder.as_ref().is_some_and(|folder| folder.is_dir());
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let folder = folder.expect("it had a cluster");
    assert!(running, "the cluster was there");
    for _ in 0..150 {
        if !folder.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{} is still there", folder.display());
}
