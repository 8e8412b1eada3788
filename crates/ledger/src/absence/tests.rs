use time::OffsetDateTime;

use super::*;
use crate::leaf::{Leaf, Slots, Target};

fn leaf(action: &str, args: &Args<'_>, seq: u64) -> Leaf {
    let header = LeafHeader {
        action,
        args,
        org: "org_x",
        seq,
        slots: Slots::default(),
        target: Target {
            id: "log",
            kind: "audit_log",
        },
        ts: OffsetDateTime::UNIX_EPOCH,
    };
    Leaf::parse(&header.to_bytes().unwrap()).unwrap()
}

fn redaction() -> Redaction {
    Redaction {
        entries: "3,7-9".parse().unwrap(),
        slot: SlotName::Actor,
        basis: "gdpr:art-17".to_owned(),
        ticket: Some("DSR-12".to_owned()),
    }
}

fn prune() -> Prune {
    Prune {
        from: 0,
        to: 10,
        policy_days: 400,
        root: Hash::EMPTY,
    }
}

#[test]
fn both_read_back_from_their_leaves() {
    let args = redaction().args().unwrap();
    let made = leaf(Redaction::ACTION, &args, 10);
    assert_eq!(
        Absence::of(&made.header()),
        Ok(Some(Absence::Redaction(redaction())))
    );
    let args = prune().args().unwrap();
    let made = leaf(Prune::ACTION, &args, 10);
    assert_eq!(
        Absence::of(&made.header()),
        Ok(Some(Absence::Prune(prune())))
    );
    let other = leaf("model.registered", &args, 10);
    assert_eq!(Absence::of(&other.header()), Ok(None));
}

#[test]
fn the_arguments_are_the_documented_ones() {
    let args = redaction().args().unwrap();
    let names: Vec<_> = args.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["basis", "entries", "slot", "ticket"]);
    let args = prune().args().unwrap();
    let names: Vec<_> = args.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["from", "policy_days", "root", "to"]);
}

#[test]
fn nothing_explains_itself_or_what_comes_later() {
    let args = redaction().args().unwrap();
    let made = leaf(Redaction::ACTION, &args, 9);
    assert_eq!(Absence::of(&made.header()), Err(AbsenceError::NotBefore));
    let args = prune().args().unwrap();
    let made = leaf(Prune::ACTION, &args, 9);
    assert_eq!(Absence::of(&made.header()), Err(AbsenceError::NotBefore));
}

#[test]
fn other_arguments_are_refused() {
    let basis = || Args::new().with("basis", "law").unwrap();
    let slot = |args: Args<'static>| args.with("slot", "actor").unwrap();
    let with = |args: Args<'static>, name: &'static str, value: &'static str| {
        args.with(name, value).unwrap()
    };
    for (action, args, error) in [
        (
            Redaction::ACTION,
            basis(),
            AbsenceError::Argument("entries"),
        ),
        (
            Redaction::ACTION,
            with(slot(basis()), "entries", "2,1"),
            AbsenceError::Argument("entries"),
        ),
        (
            Redaction::ACTION,
            with(with(basis(), "slot", "Actor"), "entries", "1"),
            AbsenceError::Argument("slot"),
        ),
        (
            Redaction::ACTION,
            with(with(slot(Args::new()), "basis", ""), "entries", "1"),
            AbsenceError::Argument("basis"),
        ),
        (
            Redaction::ACTION,
            with(with(slot(basis()), "entries", "1"), "extra", "x"),
            AbsenceError::Unknown,
        ),
        (
            Prune::ACTION,
            prune().args().unwrap().with("extra", 1).unwrap(),
            AbsenceError::Unknown,
        ),
        (
            Prune::ACTION,
            Args::new().with("from", -1).unwrap(),
            AbsenceError::Argument("from"),
        ),
    ] {
        let made = leaf(action, &args, 50);
        assert_eq!(Absence::of(&made.header()), Err(error), "{args:?}");
    }
    let empty = Prune { to: 0, ..prune() };
    assert_eq!(empty.args(), Err(AbsenceError::Argument("to")));
    let none = Redaction {
        entries: EntrySet::new(),
        ..redaction()
    };
    assert_eq!(none.args(), Err(AbsenceError::Argument("entries")));
}

#[test]
fn explanations_gather_what_several_leaves_say() {
    let mut all = Explanations::default();
    all.add(&Absence::Redaction(redaction()));
    all.add(&Absence::Prune(Prune { to: 2, ..prune() }));
    for entry in 0..12 {
        assert_eq!(all.pruned(entry), entry < 2);
        let gone = [3, 7, 8, 9].contains(&entry);
        assert_eq!(all.redacted(entry, SlotName::Actor), gone);
        assert!(!all.redacted(entry, SlotName::Detail));
    }
    assert_eq!(all.stated_roots(), [(2, Hash::EMPTY)]);
}
