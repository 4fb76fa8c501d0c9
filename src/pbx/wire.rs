//! Messages of the Asterisk manager interface: lines of `Name: value`, ended by an empty line
//! (docs.asterisk.org, "The Asterisk Manager TCP/IP API"). What they mean belongs to `exchange`.

use bytes::{Buf, Bytes, BytesMut};

/// The most a message may hold, octets. Asterisk's own limit for a line is 1 KiB; channel lists come as one small
/// message a channel.
const MOST_OCTETS: usize = 64 * 1024;

/// The first line of every session, which no empty line follows.
const BANNER: &[u8] = b"Asterisk Call Manager";

/// One message: a response or an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    fields: Vec<(String, String)>,
}

impl Message {
    /// The first field of that name, whose case does not matter.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The field is there and has this value, whose case does not matter.
    pub fn says(&self, name: &str, value: &str) -> bool {
        self.field(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the peer is not an Asterisk manager interface")]
    NotAsterisk,
    #[error("a message without end")]
    TooLong,
}

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    greeted: bool,
}

impl Reader {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message; `None` when more octets are needed. After an error the connection is to be closed.
    pub fn next_message(&mut self) -> Result<Option<Message>, WireError> {
        if !self.greeted {
            let Some(line) = self.line_end(0) else {
                return if self.buffer.len() > BANNER.len() && !self.buffer.starts_with(BANNER) {
                    Err(WireError::NotAsterisk)
                } else {
                    self.bounded()
                };
            };
            if !self.buffer.starts_with(BANNER) {
                return Err(WireError::NotAsterisk);
            }
            self.buffer.advance(line);
            self.greeted = true;
        }
        let mut at = 0;
        let mut message = Message::default();
        while let Some(next) = self.line_end(at) {
            let line = String::from_utf8_lossy(&self.buffer[at..next]);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                self.buffer.advance(next);
                if !message.fields.is_empty() {
                    return Ok(Some(message));
                }
                at = 0;
                continue;
            }
            // A line without a colon is output of some command we never give.
            if let Some((name, value)) = line.split_once(':') {
                message.fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            at = next;
        }
        self.bounded()
    }

    fn bounded(&self) -> Result<Option<Message>, WireError> {
        if self.buffer.len() > MOST_OCTETS { Err(WireError::TooLong) } else { Ok(None) }
    }

    /// Where the line that begins at `from` ends, its line feed included.
    fn line_end(&self, from: usize) -> Option<usize> {
        let rest = self.buffer.get(from..)?;
        rest.iter().position(|octet| *octet == b'\n').map(|index| from + index + 1)
    }
}

/// An action to send. Values lose their line breaks, which would begin another field or action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    text: String,
}

impl Action {
    pub fn new(name: &'static str, id: u64) -> Action {
        Action { text: format!("Action: {name}\r\nActionID: {id}\r\n") }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Action {
        self.text.push_str(name);
        self.text.push_str(": ");
        self.text.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
        self.text.push_str("\r\n");
        self
    }

    pub fn encode(self) -> Bytes {
        Bytes::from(self.text + "\r\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<Vec<(String, String)>>, WireError> {
        let mut reader = Reader::default();
        let mut messages = Vec::new();
        for piece in pieces {
            reader.push(piece);
            while let Some(message) = reader.next_message()? {
                messages.push(message.fields);
            }
        }
        Ok(messages)
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_session_begins_with_a_banner() {
        let stream = b"Asterisk Call Manager/5.0.2\r\nResponse: Success\r\nMessage: a: b\r\n\r\n\r\nEvent: X\r\n\r\n";
        let expect = vec![fields(&[("Response", "Success"), ("Message", "a: b")]), fields(&[("Event", "X")])];
        for cut in 1..stream.len() {
            assert_eq!(read(&stream.chunks(cut).collect::<Vec<_>>()), Ok(expect.clone()), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_manager_interface_is_told_apart() {
        assert_eq!(read(&[b"SSH-2.0-OpenSSH_9.9 Debian"]), Err(WireError::NotAsterisk));
        assert_eq!(read(&[b"HTTP/1.1 400\r\n"]), Err(WireError::NotAsterisk));
        let endless = [b"Asterisk Call Manager/1\r\n".to_vec(), vec![b'x'; MOST_OCTETS + 1]].concat();
        assert_eq!(read(&[&endless]), Err(WireError::TooLong));
    }

    #[test]
    fn a_value_cannot_begin_another_action() {
        let action = Action::new("Setvar", 7).with("Value", "x\r\n\r\nAction: Originate\0");
        assert_eq!(action.encode()[..], *b"Action: Setvar\r\nActionID: 7\r\nValue: x    Action: Originate \r\n\r\n");
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&[b"Asterisk Call Manager/1\r\n", &bytes]);
            let _ = read(&[&bytes]);
        }
    }
}
