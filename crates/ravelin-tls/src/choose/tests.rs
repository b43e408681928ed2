use super::*;

#[test]
fn offering_null_suites_only_is_recognized() {
    for (suites, expected) in [
        (&[0x003b, 0x0002][..], true),
        (&[0x0a0a, 0x003b, 0x00ff], true),
        (&[0x003b, 0x5600], true),
        (&[0x003b, 0x002f], false),
        (&[0x003b, 0x1301], false),
        (&[0x002f], false),
        (&[0x00ff], false),
        (&[], false),
    ] {
        let hello = ClientHello { suites: suites.to_vec(), ..ClientHello::default() };
        assert_eq!(hello.null_only(), expected, "{suites:04x?}");
    }
}
