//! What an unknown word was probably meant to be.

use crate::declare::{self, Keys, Kind};
use crate::problems::shown;

/// The text for an unknown key of a table.
pub(crate) fn unknown_key(keys: Keys, pattern: &str, name: &str) -> String {
    let known: Vec<&str> = declare::children(keys, pattern)
        .filter(|key| !matches!(key.shape().kind(), Kind::Refused(_)))
        .map(|key| declare::last_part(key.path()))
        .collect();
    let near = near(name, known.iter().copied());
    // One letter is a slip; a key that is right elsewhere is in the wrong place; two or three letters are a slip too.
    if let Some((0 | 1, meant)) = near {
        return format!("unknown key; did you mean `{meant}`?");
    }
    if let Some(key) = declare::all(keys).find(|key| declare::last_part(key.path()) == name) {
        return match declare::parent(key.path()) {
            "" => format!("unknown key here; `[{name}]` is a table of its own"),
            table => format!("unknown key here; it belongs to `{table}`"),
        };
    }
    if let Some((_, meant)) = near {
        return format!("unknown key; did you mean `{meant}`?");
    }
    format!("unknown key; known here: {}", known.join(", "))
}

/// The text for a name that does not exist.
pub(crate) fn unknown_name<'n>(table: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    let name_shown = shown(name);
    if let Some(meant) = nearest(name, known.clone()) {
        return format!("there is no `[{table}.…]` named {name_shown}; did you mean {}?", shown(meant));
    }
    let known: Vec<String> = known.take(LISTED_MAX).map(shown).collect();
    match known.as_slice() {
        [] => format!("there is no `[{table}.…]` named {name_shown}, nor any other"),
        _ => format!("there is no `[{table}.…]` named {name_shown}; there is {}", known.join(", ")),
    }
}

/// The nearest word, where one is near enough to be meant.
pub(crate) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    near(word, known).map(|(_, candidate)| candidate)
}

/// The same with the number of letters between.
fn near<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<(usize, &'w str)> {
    // Longer words are no slips, and the distance costs the product of the lengths.
    if word.len() > WORD_MAX {
        return None;
    }
    let word = word.to_ascii_lowercase();
    known
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
}

/// Longest key that is compared; the longest declared one has 31 letters.
const WORD_MAX: usize = 64;
/// Enough to recognise one's own names; a list of hundreds hides the message.
const LISTED_MAX: usize = 12;
