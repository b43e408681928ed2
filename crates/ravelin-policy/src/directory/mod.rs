//! What is known of the computer accounts in Active Directory.
//!
//! [`DirectoryData`] is the plain record: what a feed collects and a snapshot file holds.

mod data;
mod sid;

pub use data::{Account, DirectoryData, Domain, Group};
pub use sid::{MalformedSid, Sid};
