//! The command line, and the pages of the manual that are made from the code.

pub mod cli;
#[cfg(test)]
mod manual;
