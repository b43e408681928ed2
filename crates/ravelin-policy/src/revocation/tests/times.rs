//! CRLs that have ended, or not begun.

use super::maker::{Ca, DAY, NOW, der, time};
use super::*;
use crate::Origin;
use crate::der::tag;

const PC: &[u8] = &[0x17];

/// Covers: docs/traps.md row 29.
#[test]
fn a_crl_counts_from_its_beginning_to_its_end_and_the_grace() {
    let ca = Ca::new("CORP-CA");
    let (crls, _) = load(&[ca.crl().dates(NOW, NOW + DAY).revoke(&[1], None).build()], &[&ca]);
    let hour = Duration::from_secs(3600);
    for (case, now, grace, expected) in [
        ("a second before it begins", NOW - 1, Duration::ZERO, "not_yet_valid 0"),
        ("a second before, grace is no help", NOW - 1, hour, "not_yet_valid 0"),
        ("first second", NOW, Duration::ZERO, "good 0"),
        ("last second", NOW + DAY, Duration::ZERO, "good 0"),
        ("one second later", NOW + DAY + 1, Duration::ZERO, "expired 0"),
        ("within the grace", NOW + DAY + 1, hour, "good 0"),
        ("last second of the grace", NOW + DAY + 3600, hour, "good 0"),
        ("past the grace", NOW + DAY + 3601, hour, "expired 0"),
        ("endless grace", NOW + 9000 * DAY, Duration::MAX, "good 0"),
    ] {
        let answer = crls.status(&ca.issued(PC), &ca.authority(), at(now), grace);
        assert_eq!(short(&answer), expected, "{case}");
        let revoked = crls.status(&ca.issued(&[1]), &ca.authority(), at(now), grace);
        assert_eq!(short(&revoked), "revoked unspecified", "{case}: revoked stays out");
    }
    assert_eq!(
        crls.status(&ca.issued(PC), &ca.authority(), at(NOW), hour),
        Status::Good { origin: Origin::file("0"), next_update: NOW + DAY, usable_until: NOW + DAY + 3600 },
    );
}

/// Covers: docs/traps.md row 29.
#[test]
fn a_crl_of_the_far_future_and_one_of_tomorrow() {
    let ca = Ca::new("CORP-CA");
    let far = ca.crl().dates(NOW - DAY, 253_402_300_799).build();
    let tomorrow = ca.crl().number(2).dates(NOW + DAY, NOW + 9 * DAY).build();
    for (crls, expected) in [
        (vec![far.clone()], "good 0"),
        (vec![tomorrow.clone()], "not_yet_valid 0"),
        (vec![tomorrow.clone(), far.clone()], "good 1"),
        (vec![far, tomorrow], "good 0"),
    ] {
        let (crls, _) = load(&crls, &[&ca]);
        assert_eq!(status(&crls, &ca.issued(PC), &ca), expected);
    }
}

/// The warning comes before the CRL expires.
#[test]
fn a_crl_near_its_expiry_is_reported() {
    let ca = Ca::new("CORP-CA");
    let weekly = |age: i64| ca.crl().dates(NOW - age, NOW - age + 10 * DAY);
    // AD CS says when it means to publish the next CRL.
    let publishes = |crl: maker::Maker<'_>, at: i64| crl.extended("1.3.6.1.4.1.311.21.4", false, &time(at)).build();
    for (case, crl, words) in [
        ("young", weekly(DAY).build(), None),
        ("a fifth of its life left", weekly(8 * DAY).build(), None),
        ("less than a fifth", weekly(8 * DAY + 1).build(), Some("should be here by now")),
        ("old, and its successor is not due yet", publishes(weekly(9 * DAY), NOW + 1), None),
        ("its successor is due", publishes(weekly(9 * DAY), NOW - 1), Some("should be here by now")),
        ("expired", weekly(11 * DAY).build(), Some("counts only within stale_grace")),
        ("not valid yet", weekly(-DAY).build(), Some("is not valid before 2026-11-25T00:00:00Z")),
        ("a publication date that is none", weekly(DAY).extended("1.3.6.1.4.1.311.21.4", false, &[1]).build(), None),
    ] {
        let (_, notices) = load(&[crl], &[&ca]);
        match words {
            None => assert_eq!(notices, [], "{case}"),
            Some(words) => assert!(notice_of(&notices, "0").contains(words), "{case}: {notices:?}"),
        }
    }
}

#[test]
fn times_that_are_none_make_no_crl() {
    let ca = Ca::new("CORP-CA");
    for text in [&b"2611240000Z"[..], b"261124000000+0100", b"261324000000Z", b"20261124000000Z"] {
        let crl = ca.crl().with(|crl| crl.next_update = Some(der(tag::UTC_TIME, text))).build();
        let (crls, notices) = load(&[crl], &[&ca]);
        assert!(notice_of(&notices, "0").contains("a time that is not written as RFC 5280 wants"));
        assert_eq!(status(&crls, &ca.issued(PC), &ca), "unknown");
    }
}
