//! One file per behaviour.

#[cfg(test)]
mod corpora_replay;
