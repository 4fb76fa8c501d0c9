//! Names of header fields: the registered ones the program speaks of, and any other as received. Also which of them
//! are comma-separated lists (RFC 3261 §7.3.1) and which have a compact form (§7.3.3, §20).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// How often a header may occur, and what a comma in its value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Once; a comma is part of the value.
    Single,
    /// `a, b` on one line means the same as two lines.
    List,
    /// Several lines allowed, yet a comma is part of the value: credentials, challenges and unknown headers.
    Repeated,
}

/// A name outside the table, spelled as received. Only `HeaderName::new` makes it, so that one header never has two
/// names.
#[derive(Debug, Clone)]
pub struct OtherName(String);

macro_rules! names {
    ($($variant:ident $canonical:literal $shape:ident $compact:literal)*) => {
        /// The name of a header field, compared without regard to case and to the compact form.
        #[derive(Debug, Clone)]
        pub enum HeaderName {
            $($variant,)*
            Other(OtherName),
        }

        impl HeaderName {
            /// Reads a name in any case, long or compact.
            pub fn new(name: &str) -> HeaderName {
                $(if name.eq_ignore_ascii_case($canonical)
                    || (name.len() == 1 && name.eq_ignore_ascii_case($compact)) {
                    return HeaderName::$variant;
                })*
                HeaderName::Other(OtherName(name.to_owned()))
            }

            /// The long name as RFC 3261 §20 spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$variant => $canonical,)*
                    HeaderName::Other(OtherName(name)) => name,
                }
            }

            pub fn shape(&self) -> Shape {
                match self {
                    $(HeaderName::$variant => Shape::$shape,)*
                    HeaderName::Other(_) => Shape::Repeated,
                }
            }
        }
    };
}

names! {
    Accept "Accept" List ""
    AcceptContact "Accept-Contact" List "a"
    AcceptEncoding "Accept-Encoding" List ""
    AcceptLanguage "Accept-Language" List ""
    AlertInfo "Alert-Info" List ""
    Allow "Allow" List ""
    AllowEvents "Allow-Events" List "u"
    AuthenticationInfo "Authentication-Info" Single ""
    Authorization "Authorization" Repeated ""
    CallId "Call-ID" Single "i"
    CallInfo "Call-Info" List ""
    Contact "Contact" List "m"
    ContentDisposition "Content-Disposition" Single ""
    ContentEncoding "Content-Encoding" List "e"
    ContentLanguage "Content-Language" List ""
    ContentLength "Content-Length" Single "l"
    ContentType "Content-Type" Single "c"
    CSeq "CSeq" Single ""
    Date "Date" Single ""
    Diversion "Diversion" List ""
    ErrorInfo "Error-Info" List ""
    Event "Event" Single "o"
    Expires "Expires" Single ""
    FlowTimer "Flow-Timer" Single ""
    From "From" Single "f"
    HistoryInfo "History-Info" List ""
    Identity "Identity" Repeated "y"
    IdentityInfo "Identity-Info" Single "n"
    InReplyTo "In-Reply-To" List ""
    MaxForwards "Max-Forwards" Single ""
    MimeVersion "MIME-Version" Single ""
    MinExpires "Min-Expires" Single ""
    MinSe "Min-SE" Single ""
    Organization "Organization" Single ""
    PAssertedIdentity "P-Asserted-Identity" List ""
    PPreferredIdentity "P-Preferred-Identity" List ""
    Path "Path" List ""
    Priority "Priority" Single ""
    Privacy "Privacy" Single ""
    ProxyAuthenticate "Proxy-Authenticate" Repeated ""
    ProxyAuthorization "Proxy-Authorization" Repeated ""
    ProxyRequire "Proxy-Require" List ""
    RAck "RAck" Single ""
    RSeq "RSeq" Single ""
    Reason "Reason" List ""
    RecordRoute "Record-Route" List ""
    ReferSub "Refer-Sub" Single ""
    ReferTo "Refer-To" Single "r"
    ReferredBy "Referred-By" Single "b"
    RejectContact "Reject-Contact" List "j"
    Replaces "Replaces" Single ""
    ReplyTo "Reply-To" Single ""
    RequestDisposition "Request-Disposition" List "d"
    Require "Require" List ""
    RetryAfter "Retry-After" Single ""
    Route "Route" List ""
    Server "Server" Single ""
    ServiceRoute "Service-Route" List ""
    SessionExpires "Session-Expires" Single "x"
    SipEtag "SIP-ETag" Single ""
    SipIfMatch "SIP-If-Match" Single ""
    Subject "Subject" Single "s"
    SubscriptionState "Subscription-State" Single ""
    Supported "Supported" List "k"
    TargetDialog "Target-Dialog" Single ""
    Timestamp "Timestamp" Single ""
    To "To" Single "t"
    Unsupported "Unsupported" List ""
    UserAgent "User-Agent" Single ""
    UserToUser "User-to-User" Repeated ""
    Via "Via" List "v"
    Warning "Warning" List ""
    WwwAuthenticate "WWW-Authenticate" Repeated ""
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
        assert_eq!(HeaderName::new(""), HeaderName::new(""));
    }
}
