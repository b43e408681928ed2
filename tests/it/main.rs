//! One file per behaviour.

#[cfg(test)]
mod corpora_replay;
#[cfg(test)]
mod sample_configuration;
#[cfg(test)]
mod wrong_configurations;
