//! The part that request and response heads share: field lines, byte by byte, up to the empty line.

use std::fmt;

use crate::text::{shown, shown_byte};

/// The most bytes of a head, both ends of line included. A Windows client sends about 150; http.sys itself takes 16 KiB
/// and general servers 8 KiB.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The most field lines of a head. Two are needed; a proxy on the way adds a handful.
pub const HEAD_FIELDS_MAX: usize = 32;

/// What is wrong with a head of either direction, whatever it wanted to say. Stricter than RFC 9112 wherever that lets a
/// recipient choose, since a byte that two readers may understand differently is how requests are smuggled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SyntaxError {
    /// CR without LF. Spec: RFC 9112 §2.2.
    BareCr,
    /// LF without CR. Stricter than RFC 9112 §2.2, which lets a recipient take it.
    BareLf,
    /// A control byte other than NUL, CR, LF (and tab in a value). Spec: RFC 9110 §5.5.
    ControlByte {
        /// The byte.
        byte: u8,
    },
    /// A byte that no field name may hold. Spec: RFC 9110 §5.1, §5.6.2.
    FieldNameByte {
        /// The name before it.
        name: String,
        /// The byte.
        byte: u8,
    },
    /// A line that begins with its colon.
    FieldNameEmpty,
    /// More than [`HEAD_BYTES_MAX`].
    HeadTooLarge,
    /// White space before the first field. Spec: RFC 9112 §2.2.
    LeadingWhitespace,
    /// A line without a colon.
    MissingColon {
        /// The line.
        line: String,
    },
    /// A zero byte.
    Nul,
    /// A value that goes on in the next line. Spec: RFC 9112 §5.2.
    ObsFold,
    /// More than [`HEAD_FIELDS_MAX`].
    TooManyFields,
    /// White space between name and colon. Spec: RFC 9112 §5.1.
    WhitespaceBeforeColon {
        /// The name.
        name: String,
    },
}

impl SyntaxError {
    /// The cause as a stable word. Add freely; never rename.
    pub fn label(&self) -> &'static str {
        match self {
            Self::BareCr => "bare_cr",
            Self::BareLf => "bare_lf",
            Self::ControlByte { .. } => "control_byte",
            Self::FieldNameByte { .. } => "field_name_byte",
            Self::FieldNameEmpty => "field_name_empty",
            Self::HeadTooLarge => "head_too_large",
            Self::LeadingWhitespace => "leading_whitespace",
            Self::MissingColon { .. } => "missing_colon",
            Self::Nul => "nul",
            Self::ObsFold => "obs_fold",
            Self::TooManyFields => "too_many_fields",
            Self::WhitespaceBeforeColon { .. } => "whitespace_before_colon",
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BareCr => f.write_str("a CR without its LF"),
            Self::BareLf => f.write_str("a LF without its CR"),
            Self::ControlByte { byte } => write!(f, "the control byte {}", shown_byte(*byte)),
            Self::FieldNameByte { name, byte } => {
                write!(f, "the byte {} in a field name, after {name}", shown_byte(*byte))
            }
            Self::FieldNameEmpty => f.write_str("a field without a name"),
            Self::HeadTooLarge => write!(f, "more than {HEAD_BYTES_MAX} bytes of head"),
            Self::LeadingWhitespace => f.write_str("white space before the first field"),
            Self::MissingColon { line } => write!(f, "a field line without a colon: {line}"),
            Self::Nul => f.write_str("a zero byte"),
            Self::ObsFold => f.write_str("a field value folded over two lines"),
            Self::TooManyFields => write!(f, "more than {HEAD_FIELDS_MAX} fields"),
            Self::WhitespaceBeforeColon { name } => {
                write!(f, "white space between the field name {name} and its colon")
            }
        }
    }
}

impl std::error::Error for SyntaxError {}

/// What one byte meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// A byte of a name or of an end of line.
    Inside,
    /// The colon: [`Fields::name`] is whole.
    Name,
    /// A byte of the value, white space around it included.
    Value(u8),
    /// The end of a field line.
    FieldEnd,
    /// The end of the empty line.
    HeadEnd,
}

/// Reads field lines. To be fed from the byte after the start line's CRLF.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    state: State,
    name: Vec<u8>,
    count: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    LineStart,
    Name,
    Value,
    FieldLf,
    HeadLf,
}

impl Fields {
    /// The name of the present line, as sent.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Field lines so far.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn step(&mut self, byte: u8) -> Result<Step, SyntaxError> {
        match self.state {
            State::LineStart => self.line_start(byte),
            State::Name => self.name_byte(byte),
            State::Value if byte == b'\r' => self.go(State::FieldLf, Step::Inside),
            State::Value if byte == b'\t' => Ok(Step::Value(byte)),
            State::Value => check_control(byte).map(|()| Step::Value(byte)),
            State::FieldLf if byte == b'\n' => self.go(State::LineStart, Step::FieldEnd),
            State::HeadLf if byte == b'\n' => self.go(State::LineStart, Step::HeadEnd),
            State::FieldLf | State::HeadLf => Err(SyntaxError::BareCr),
        }
    }

    fn line_start(&mut self, byte: u8) -> Result<Step, SyntaxError> {
        match byte {
            b'\r' => return self.go(State::HeadLf, Step::Inside),
            b' ' | b'\t' if self.count == 0 => return Err(SyntaxError::LeadingWhitespace),
            b' ' | b'\t' => return Err(SyntaxError::ObsFold),
            b':' => return Err(SyntaxError::FieldNameEmpty),
            _ => {}
        }
        if self.count == HEAD_FIELDS_MAX {
            return Err(SyntaxError::TooManyFields);
        }
        self.count += 1;
        self.name.clear();
        self.state = State::Name;
        self.name_byte(byte)
    }

    fn name_byte(&mut self, byte: u8) -> Result<Step, SyntaxError> {
        match byte {
            b':' => self.go(State::Value, Step::Name),
            b' ' | b'\t' => Err(SyntaxError::WhitespaceBeforeColon { name: shown(&self.name) }),
            b'\r' => Err(SyntaxError::MissingColon { line: shown(&self.name) }),
            _ if is_token(byte) => {
                self.name.push(byte);
                Ok(Step::Inside)
            }
            _ => {
                check_control(byte)?;
                Err(SyntaxError::FieldNameByte { name: shown(&self.name), byte })
            }
        }
    }

    fn go(&mut self, state: State, step: Step) -> Result<Step, SyntaxError> {
        self.state = state;
        Ok(step)
    }
}

/// Refuses control bytes by their own names. CR is the caller's: where it is legal it begins an end of line.
pub(crate) fn check_control(byte: u8) -> Result<(), SyntaxError> {
    match byte {
        0 => Err(SyntaxError::Nul),
        b'\n' => Err(SyntaxError::BareLf),
        b'\r' => Err(SyntaxError::BareCr),
        0x01..=0x1f | 0x7f => Err(SyntaxError::ControlByte { byte }),
        _ => Ok(()),
    }
}

/// Spec: RFC 9110 §5.6.2, `tchar`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
