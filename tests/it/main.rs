//! One file per behaviour.

mod corpora_replay;
