//! What may stand at a key: how it is read, described and put in the schema.

mod basic;
mod controllers;
mod files;
mod form;
mod identifiers;
mod net;
mod time;

pub(crate) use basic::{Flag, Items, ListOf, Named, Number, OneOf, OrOff, Refused, Rows, Section, Words};
pub(crate) use controllers::{BindName, ControllerAddress, ControllerUrl, CredentialName};
pub(crate) use files::{FILES_MAX, FILES_NEEDED, File, Socket};
pub(crate) use form::{Form, read_text};
pub(crate) use identifiers::{CLIENT_AUTH, Digest, GroupName, Label, PURPOSES_SHAPE, Pattern, Purpose, Serial};
pub(crate) use net::{Bind, HostName, Listen, RequestPath, ServerAddress};
pub(crate) use time::{Moment, Rate, Span, duration_text};
