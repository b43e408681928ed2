//! What is known of the computer accounts in Active Directory.
//!
//! [`DirectoryData`] is the plain record: what a feed collects and a snapshot file holds. [`Directory`] is made of it once,
//! to be looked up by decisions.

mod data;
mod explicit;
mod index;
mod sid;

pub use data::{Account, DirectoryData, Domain, Group};
pub(crate) use explicit::{ExplicitKey, Kind};
pub use index::{AccountRef, Contradiction, Directory};
pub use sid::{MalformedSid, Sid};
