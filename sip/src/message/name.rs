//! Names of header fields: the registered ones the program speaks of, and any other as received. Also which of them
//! are comma-separated lists (RFC 3261 §7.3.1) and which have a compact form (§7.3.3, §20).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::lex::is_token_char;

/// A name outside the table, spelled as received. Only `HeaderName::new` makes it, so that one header never has two
/// names.
#[derive(Debug, Clone)]
pub struct OtherName(String);

macro_rules! names {
    (@list list) => { true };
    (@list whole) => { false };
    ($($variant:ident $canonical:literal $shape:ident $compact:literal)*) => {
        /// The name of a header field, compared without regard to case and to the compact form.
        #[derive(Debug, Clone)]
        pub enum HeaderName {
            $($variant,)*
            Other(OtherName),
        }

        impl HeaderName {
            /// Reads a name in any case, long or compact. Characters that may not stand in a name are left out, so that
            /// none can end its line.
            pub fn new(name: &str) -> HeaderName {
                $(if name.eq_ignore_ascii_case($canonical)
                    || (name.len() == 1 && name.eq_ignore_ascii_case($compact)) {
                    return HeaderName::$variant;
                })*
                match name.chars().all(is_token_char) {
                    true => HeaderName::Other(OtherName(name.to_owned())),
                    false => HeaderName::new(&name.chars().filter(|&c| is_token_char(c)).collect::<String>()),
                }
            }

            /// The long name as RFC 3261 §20 spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$variant => $canonical,)*
                    HeaderName::Other(OtherName(name)) => name,
                }
            }

            /// True when `a, b` on one line means the same as two lines. Elsewhere a comma is part of the value: in
            /// dates and subjects, in credentials and challenges, and in headers outside the table.
            pub fn is_list(&self) -> bool {
                match self {
                    $(HeaderName::$variant => names!(@list $shape),)*
                    HeaderName::Other(_) => false,
                }
            }
        }
    };
}

names! {
    Accept "Accept" list ""
    AcceptContact "Accept-Contact" list "a"
    AcceptEncoding "Accept-Encoding" list ""
    AcceptLanguage "Accept-Language" list ""
    AlertInfo "Alert-Info" list ""
    Allow "Allow" list ""
    AllowEvents "Allow-Events" list "u"
    AuthenticationInfo "Authentication-Info" whole ""
    Authorization "Authorization" whole ""
    CallId "Call-ID" whole "i"
    CallInfo "Call-Info" list ""
    Contact "Contact" list "m"
    ContentDisposition "Content-Disposition" whole ""
    ContentEncoding "Content-Encoding" list "e"
    ContentLanguage "Content-Language" list ""
    ContentLength "Content-Length" whole "l"
    ContentType "Content-Type" whole "c"
    CSeq "CSeq" whole ""
    Date "Date" whole ""
    Diversion "Diversion" list ""
    ErrorInfo "Error-Info" list ""
    Event "Event" whole "o"
    Expires "Expires" whole ""
    FlowTimer "Flow-Timer" whole ""
    From "From" whole "f"
    HistoryInfo "History-Info" list ""
    Identity "Identity" whole "y"
    IdentityInfo "Identity-Info" whole "n"
    InReplyTo "In-Reply-To" list ""
    MaxForwards "Max-Forwards" whole ""
    MimeVersion "MIME-Version" whole ""
    MinExpires "Min-Expires" whole ""
    MinSe "Min-SE" whole ""
    Organization "Organization" whole ""
    PAssertedIdentity "P-Asserted-Identity" list ""
    PPreferredIdentity "P-Preferred-Identity" list ""
    Path "Path" list ""
    Priority "Priority" whole ""
    Privacy "Privacy" whole ""
    ProxyAuthenticate "Proxy-Authenticate" whole ""
    ProxyAuthorization "Proxy-Authorization" whole ""
    ProxyRequire "Proxy-Require" list ""
    RAck "RAck" whole ""
    RSeq "RSeq" whole ""
    Reason "Reason" list ""
    RecordRoute "Record-Route" list ""
    ReferSub "Refer-Sub" whole ""
    ReferTo "Refer-To" whole "r"
    ReferredBy "Referred-By" whole "b"
    RejectContact "Reject-Contact" list "j"
    Replaces "Replaces" whole ""
    ReplyTo "Reply-To" whole ""
    RequestDisposition "Request-Disposition" list "d"
    Require "Require" list ""
    RetryAfter "Retry-After" whole ""
    Route "Route" list ""
    Server "Server" whole ""
    ServiceRoute "Service-Route" list ""
    SessionExpires "Session-Expires" whole "x"
    SipEtag "SIP-ETag" whole ""
    SipIfMatch "SIP-If-Match" whole ""
    Subject "Subject" whole "s"
    SubscriptionState "Subscription-State" whole ""
    Supported "Supported" list "k"
    TargetDialog "Target-Dialog" whole ""
    Timestamp "Timestamp" whole ""
    To "To" whole "t"
    Unsupported "Unsupported" list ""
    UserAgent "User-Agent" whole ""
    UserToUser "User-to-User" whole ""
    Via "Via" list "v"
    Warning "Warning" list ""
    WwwAuthenticate "WWW-Authenticate" whole ""
}

impl From<&str> for HeaderName {
    fn from(name: &str) -> HeaderName {
        HeaderName::new(name)
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &HeaderName) -> bool {
        match (self, other) {
            (HeaderName::Other(OtherName(a)), HeaderName::Other(OtherName(b))) => a.eq_ignore_ascii_case(b),
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        if let HeaderName::Other(OtherName(name)) = self {
            name.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::HeaderName;

    #[test]
    fn names_ignore_case_and_know_compact_forms() {
        assert_eq!(HeaderName::new("cAlL-iD"), HeaderName::CallId);
        assert_eq!(HeaderName::new("I"), HeaderName::CallId);
        assert_eq!(HeaderName::new("r"), HeaderName::ReferTo);
        assert_eq!(HeaderName::new("X-Trace"), HeaderName::new("x-trace"));
        assert_ne!(HeaderName::new("z"), HeaderName::new("q"));
        assert_eq!(HeaderName::new("X-A\r\nVia: b").as_str(), "X-AViab");
        assert_eq!(HeaderName::new("V ia"), HeaderName::Via);
    }
}
