//! What a server answers.

use super::ber::{BerReader, ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET};
use super::malformed::Malformed;
use super::request::PAGED;

/// One message, its texts and values where they lie.
#[derive(Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// Of the request that it answers; 0: of none.
    pub id: i32,
    /// What it says.
    pub response: Response<'a>,
    /// The cookie of the next page, empty at the last; `None`: nothing is said of pages.
    pub cookie: Option<&'a [u8]>,
}

/// What a message says.
#[derive(Debug, Eq, PartialEq)]
pub enum Response<'a> {
    /// Of a bind.
    Bind(LdapResult),
    /// One that a search found.
    Entry(SearchEntry<'a>),
    /// Elsewhere there is more: never followed.
    Reference,
    /// A search is over.
    Done(LdapResult),
    /// Of StartTLS, or a notice that nobody asked for.
    Extended(LdapResult),
}

/// How a request came out (RFC 4511 §4.1.9).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LdapResult {
    /// 0: well.
    pub code: i64,
    /// For people, at most some hundred characters of it.
    pub text: String,
}

/// One object with the attributes that were asked for and that may be seen.
#[derive(Debug, Eq, PartialEq)]
pub struct SearchEntry<'a> {
    /// Its distinguished name.
    pub dn: &'a str,
    /// Descriptions (options and all) with values.
    pub attributes: Vec<(&'a str, Vec<&'a [u8]>)>,
}

impl<'a> Message<'a> {
    /// Reads the contents of a message.
    ///
    /// # Errors
    /// It is none that a server may send.
    pub fn read(contents: &'a [u8]) -> Result<Message<'a>, Malformed> {
        let mut input = BerReader::new(contents);
        let id = i32::try_from(input.number(INTEGER)?).ok().filter(|id| *id >= 0);
        let id = id.ok_or(Malformed("a message number that is none"))?;
        let (operation, body) = input.any()?;
        let mut body = BerReader::new(body);
        let response = match operation {
            BIND => Response::Bind(result(&mut body)?),
            ENTRY => {
                let entry = entry(&mut body)?;
                body.end()?;
                Response::Entry(entry)
            }
            DONE => Response::Done(result(&mut body)?),
            REFERENCE => Response::Reference,
            EXTENDED => Response::Extended(result(&mut body)?),
            _ => return Err(Malformed("an operation that answers nothing we ask")),
        };
        let cookie = match input.optional(CONTROLS)? {
            Some(controls) => cookie(BerReader::new(controls))?,
            None => None,
        };
        input.end()?;
        Ok(Message { id, response, cookie })
    }
}

/// What may follow (referrals, names) says nothing that is used.
fn result(body: &mut BerReader<'_>) -> Result<LdapResult, Malformed> {
    let code = body.number(ENUMERATED)?;
    let _matched = body.of(OCTET_STRING)?;
    let text = String::from_utf8_lossy(body.of(OCTET_STRING)?).chars().take(TEXT_CHARACTERS_MAX).collect();
    Ok(LdapResult { code, text })
}

fn entry<'a>(body: &mut BerReader<'a>) -> Result<SearchEntry<'a>, Malformed> {
    let dn = body.text()?;
    let mut list = BerReader::new(body.of(SEQUENCE)?);
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut attribute = BerReader::new(list.of(SEQUENCE)?);
        let description = attribute.text()?;
        let mut set = BerReader::new(attribute.of(SET)?);
        attribute.end()?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.of(OCTET_STRING)?);
        }
        attributes.push((description, values));
    }
    Ok(SearchEntry { dn, attributes })
}

fn cookie<'a>(mut controls: BerReader<'a>) -> Result<Option<&'a [u8]>, Malformed> {
    let mut cookie = None;
    while !controls.is_empty() {
        let mut control = BerReader::new(controls.of(SEQUENCE)?);
        let identifier = control.of(OCTET_STRING)?;
        let _critical = control.optional(BOOLEAN)?;
        let value = control.optional(OCTET_STRING)?;
        control.end()?;
        if identifier == PAGED.as_bytes() {
            let mut outer = BerReader::new(value.ok_or(Malformed("a page without its cookie"))?);
            let mut page = BerReader::new(outer.of(SEQUENCE)?);
            outer.end()?;
            let _estimate = page.number(INTEGER)?;
            cookie = Some(page.of(OCTET_STRING)?);
            page.end()?;
        }
    }
    Ok(cookie)
}

const BOOLEAN: u8 = 0x01;
const BIND: u8 = 0x61;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x78;
const CONTROLS: u8 = 0xa0;
/// Active Directory writes two hundred characters of diagnostics; a log line has room for a few times that.
const TEXT_CHARACTERS_MAX: usize = 500;
