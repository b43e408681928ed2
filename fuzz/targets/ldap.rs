//! Any bytes for what a domain controller answers: messages one after the other, each refused or with texts and values that lie
//! in it, whole.

use ravelin_feeds::ldap::{Message, Response, range_of, read_message, sid_of, without_extension};

/// Panics where a promise is broken.
pub(crate) fn run(mut data: &[u8]) {
    while let Ok(contents) = read_message(&mut data, MOST) {
        assert!(contents.len() <= MOST);
        let Ok(message) = Message::read(&contents) else { continue };
        assert!(message.id >= 0);
        let within = |part: &[u8]| {
            let (whole, part) = (contents.as_ptr_range(), part.as_ptr_range());
            whole.start <= part.start && part.end <= whole.end
        };
        assert!(message.cookie.is_none_or(within));
        match message.response {
            Response::Entry(entry) => {
                assert!(within(entry.dn.as_bytes()) && entry.dn.ends_with(without_extension(entry.dn)));
                for (description, values) in entry.attributes {
                    assert!(range_of(description).is_none_or(|range| description.starts_with(range.attribute)));
                    assert!(within(description.as_bytes()) && values.iter().all(|value| within(value)));
                    let names = values.iter().filter_map(|value| std::str::from_utf8(value).ok());
                    assert!(names.filter_map(sid_of).all(|sid| sid.starts_with('<') && sid.ends_with('>')));
                }
            }
            Response::Bind(result) | Response::Done(result) | Response::Extended(result) => {
                assert!(result.text.chars().count() <= 500);
            }
            Response::Reference => {}
        }
    }
}

/// Small, so that the limit is met.
const MOST: usize = 4096;
