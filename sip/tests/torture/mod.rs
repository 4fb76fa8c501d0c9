//! The 49 messages of RFC 4475 and the 12 of RFC 5118 (IPv6) with the verdict each deserves, for the tests of the parser
//! and of the endpoint.
//!
//! The `.sip` files hold the messages in the notation of RFC 4475 §2: lines end with LF here and CRLF on the wire,
//! `<allOneLine>` joins lines, `<repeat count=N>` repeats, `<hex>` gives bytes. Verdicts are this program's reading of
//! what the RFC says of each message. The Content-Length of three messages of RFC 5118 (§4.6, §4.8, §4.9) is not that of
//! the body printed below it; here it is.

#![allow(dead_code, reason = "each test binary uses its own part of the table")]

use bytes::Bytes;
use sip::message::ParseErrorKind::{self, *};

/// What the parser makes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    Accepted,
    /// Read, and refused by `Request::check`.
    Defective(ParseErrorKind),
    Refused(ParseErrorKind),
}

/// What goes back to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What any sound message of that method gets.
    AsUsual,
    /// One of these status codes.
    OneOf(&'static [u16]),
    /// Nothing: a response that matches no transaction or cannot be read, or a request without a readable Via.
    Silence,
}

pub struct Vector {
    /// As its RFC calls it.
    pub name: &'static str,
    /// The section of its RFC.
    pub section: &'static str,
    notation: &'static str,
    pub reading: Reading,
    pub answer: Answer,
}

impl Vector {
    /// The message as it stands on the wire.
    pub fn bytes(&self) -> Bytes {
        Bytes::from(expand(self.notation))
    }
}

/// Both RFCs' messages.
pub fn all() -> impl Iterator<Item = &'static Vector> {
    VECTORS.iter().chain(IPV6)
}

/// The message of that name.
pub fn vector(name: &str) -> &'static Vector {
    all().find(|vector| vector.name == name).expect("a name out of RFC 4475 or RFC 5118")
}

macro_rules! vectors {
    ($table:ident in $folder:literal: $($section:literal $name:literal $reading:expr, $answer:expr;)*) => {
        pub const $table: &[Vector] = &[$(Vector {
            name: $name,
            section: $section,
            notation: include_str!(concat!($folder, $name, ".sip")),
            reading: $reading,
            answer: $answer,
        }),*];
    };
}

use Answer::{AsUsual, OneOf, Silence};
use Reading::{Accepted, Defective, Refused};

const BAD_REQUEST: Answer = OneOf(&[400]);
const UNKNOWN_METHOD: Answer = OneOf(&[405, 501]);

vectors! {
    VECTORS in "":
    "3.1.1.1" "wsinv" Accepted, AsUsual;
    "3.1.1.2" "intmeth" Accepted, UNKNOWN_METHOD;
    "3.1.1.3" "esc01" Accepted, AsUsual;
    "3.1.1.4" "escnull" Accepted, AsUsual;
    "3.1.1.5" "esc02" Accepted, UNKNOWN_METHOD;
    "3.1.1.6" "lwsdisp" Accepted, AsUsual;
    "3.1.1.7" "longreq" Accepted, AsUsual;
    "3.1.1.8" "dblreq" Accepted, AsUsual;
    "3.1.1.9" "semiuri" Accepted, AsUsual;
    "3.1.1.10" "transports" Accepted, AsUsual;
    "3.1.1.11" "mpart01" Accepted, AsUsual;
    "3.1.1.12" "unreason" Accepted, Silence;
    "3.1.1.13" "noreason" Accepted, Silence;
    "3.1.2.1" "badinv01" Refused(BadParameter), Silence;
    "3.1.2.2" "clerr" Refused(BodyTooShort), BAD_REQUEST;
    "3.1.2.3" "ncl" Refused(BadContentLength), BAD_REQUEST;
    "3.1.2.4" "scalar02" Refused(BadNumber), BAD_REQUEST;
    "3.1.2.5" "scalarlg" Refused(BadNumber), Silence;
    "3.1.2.6" "quotbal" Refused(UnbalancedQuote), BAD_REQUEST;
    "3.1.2.7" "ltgtruri" Refused(BadUri), BAD_REQUEST;
    "3.1.2.8" "lwsruri" Refused(BadUri), BAD_REQUEST;
    "3.1.2.9" "lwsstart" Refused(BadUri), BAD_REQUEST;
    "3.1.2.10" "trws" Refused(BadStartLine), BAD_REQUEST;
    // The headers of a Request-URI are ignored by a user agent (RFC 4475 §3.1.2.11 lets it choose).
    "3.1.2.11" "escruri" Accepted, AsUsual;
    // Date is never read.
    "3.1.2.12" "baddate" Accepted, AsUsual;
    // Refused where Contact is read; a user agent that is no registrar refuses the method first.
    "3.1.2.13" "regbadct" Accepted, OneOf(&[400, 405, 501]);
    "3.1.2.14" "badaspec" Refused(BadUri), BAD_REQUEST;
    "3.1.2.15" "baddn" Refused(BadDisplayName), BAD_REQUEST;
    "3.1.2.16" "badvers" Refused(UnsupportedVersion), OneOf(&[505]);
    "3.1.2.17" "mismatch01" Defective(MethodMismatch), BAD_REQUEST;
    "3.1.2.18" "mismatch02" Defective(MethodMismatch), OneOf(&[400, 405, 501]);
    "3.1.2.19" "bigcode" Refused(BadStatusCode), Silence;
    // A branch that is nothing but the cookie is matched as RFC 2543 would.
    "3.2.1" "badbranch" Accepted, AsUsual;
    "3.3.1" "insuf" Defective(MissingHeader), BAD_REQUEST;
    "3.3.2" "unkscm" Accepted, OneOf(&[416]);
    "3.3.3" "novelsc" Accepted, OneOf(&[416]);
    "3.3.4" "unksm2" Accepted, AsUsual;
    "3.3.5" "bext01" Accepted, OneOf(&[420]);
    "3.3.6" "invut" Accepted, OneOf(&[415]);
    "3.3.7" "regaut01" Accepted, OneOf(&[401, 405, 501]);
    "3.3.8" "multi01" Defective(RepeatedHeader), BAD_REQUEST;
    "3.3.9" "mcl01" Defective(RepeatedHeader), BAD_REQUEST;
    "3.3.10" "bcast" Accepted, Silence;
    "3.3.11" "zeromf" Accepted, AsUsual;
    "3.3.12" "cparam01" Accepted, AsUsual;
    "3.3.13" "cparam02" Accepted, AsUsual;
    "3.3.14" "regescrt" Accepted, AsUsual;
    "3.3.15" "sdp01" Accepted, OneOf(&[406]);
    "3.4.1" "inv2543" Accepted, AsUsual;
}

vectors! {
    IPV6 in "ipv6/":
    "4.1" "ipv6-good" Accepted, AsUsual;
    "4.2" "ipv6-bad" Refused(BadPort), BAD_REQUEST;
    // All of it is address; a port stands behind the bracket.
    "4.3" "port-ambiguous" Accepted, AsUsual;
    "4.4" "port-unambiguous" Accepted, AsUsual;
    "4.5" "via-received-param-with-delim" Accepted, AsUsual;
    "4.5" "via-received-param-no-delim" Accepted, AsUsual;
    "4.6" "ipv6-in-sdp" Accepted, AsUsual;
    "4.7" "mult-ip-in-header" Accepted, AsUsual;
    "4.8" "mult-ip-in-sdp" Accepted, AsUsual;
    "4.9" "ipv4-mapped-ipv6" Accepted, AsUsual;
    "4.10" "ipv6-bug-abnf-3-colons" Accepted, AsUsual;
    "4.10" "ipv6-correct-abnf-2-colons" Accepted, AsUsual;
}

/// RFC 4475 §2.
fn expand(notation: &str) -> Vec<u8> {
    let joined = each_element(notation, "<allOneLine>\n", "\n</allOneLine>", |inner| inner.replace('\n', ""));
    let repeated = each_element(&joined, "<repeat count=", "</repeat>", |inner| {
        let (count, text) = inner.split_once('>').expect("<repeat count=N>");
        text.repeat(count.parse().expect("a count"))
    });
    let mut out = Vec::new();
    for (index, piece) in repeated.split("<hex>").enumerate() {
        let (hex, text) = if index == 0 { ("", piece) } else { piece.split_once("</hex>").expect("</hex>") };
        for pair in hex.as_bytes().chunks(2) {
            let pair = std::str::from_utf8(pair).expect("hexadecimal digits");
            out.push(u8::from_str_radix(pair, 16).expect("hexadecimal digits"));
        }
        out.extend(text.replace('\n', "\r\n").bytes());
    }
    out
}

fn each_element(text: &str, open: &str, close: &str, replace: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for (index, piece) in text.split(open).enumerate() {
        if index == 0 {
            out.push_str(piece);
        } else {
            let (inner, rest) = piece.split_once(close).expect("a closed element");
            out.push_str(&replace(inner));
            out.push_str(rest);
        }
    }
    out
}
