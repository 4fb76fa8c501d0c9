//! Dialogs, RFC 3261 §12: who talks to whom, along which route, and counting what. A dialog writes its own requests and
//! checks the order of the peer's; what they mean is for `endpoint`. The outcome of a REFER of ours is followed in
//! `refer`, that of the peer's in `referral`; the headers and numbers of reliable provisional responses and of session
//! timers are `reliable`'s and `session_timer`'s.

pub mod refer;
pub mod referral;
pub mod reliable;
mod route_set;
pub mod session_timer;

pub use route_set::RouteSet;

use crate::message::{Contact, HeaderError, HeaderName, Headers, Method, NameAddr, Request, Response, Uri};

/// RFC 3261 §12: Call-ID and both tags. A peer of RFC 2543 may have no tag; its tag is empty here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialogId {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a request from the peer belongs to: our tag stands in its To.
    pub fn of_incoming(headers: &Headers) -> Result<DialogId, HeaderError> {
        Ok(DialogId {
            call_id: headers.call_id()?.to_owned(),
            local_tag: headers.to()?.tag().unwrap_or_default().to_owned(),
            remote_tag: headers.from()?.tag().unwrap_or_default().to_owned(),
        })
    }
}

/// A request of the peer came after one that counts higher (RFC 3261 §12.2.2): answered with 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfOrder;

#[derive(Debug, Clone)]
pub struct Dialog {
    id: DialogId,
    /// Our From, as the dialog began: URI and tag never change afterwards.
    local: NameAddr,
    /// Our To.
    remote: NameAddr,
    /// The peer's Contact.
    target: Uri,
    route_set: RouteSet,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

impl Dialog {
    /// The dialog an incoming INVITE opens once we answer with `local_tag` (RFC 3261 §12.1.1). `first_cseq` is the
    /// number before our first request.
    pub fn of_uas(invite: &Request, local_tag: &str, first_cseq: u32) -> Result<Dialog, HeaderError> {
        let mut local = invite.headers.to()?;
        local.set_tag(local_tag);
        let remote = invite.headers.from()?;
        let target = contact(&invite.headers)?.unwrap_or_else(|| remote.uri.clone());
        let id = DialogId {
            call_id: invite.headers.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: remote.tag().unwrap_or_default().to_owned(),
        };
        let route_set = RouteSet::of_request(invite)?;
        let remote_cseq = Some(invite.headers.cseq()?.number);
        Ok(Dialog { id, local, remote, target, route_set, local_cseq: first_cseq, remote_cseq })
    }

    /// The dialog that `response` opens for our `invite` (RFC 3261 §12.1.2).
    pub fn of_uac(invite: &Request, response: &Response) -> Result<Dialog, HeaderError> {
        let local = invite.headers.from()?;
        let remote = response.headers.to()?;
        // An unreadable Contact costs nothing: what was dialled is where the peer was found.
        let target = contact(&response.headers).ok().flatten().unwrap_or_else(|| invite.uri.clone());
        let id = DialogId {
            call_id: invite.headers.call_id()?.to_owned(),
            local_tag: local.tag().unwrap_or_default().to_owned(),
            remote_tag: remote.tag().unwrap_or_default().to_owned(),
        };
        let route_set = RouteSet::of_response(response)?;
        let local_cseq = invite.headers.cseq()?.number;
        Ok(Dialog { id, local, remote, target, route_set, local_cseq, remote_cseq: None })
    }

    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// Continues the counts of the early dialog that a 2xx confirms; its route set and target are the 2xx's own
    /// (RFC 3261 §13.2.2.4).
    pub fn continue_from(&mut self, early: &Dialog) {
        self.local_cseq = self.local_cseq.max(early.local_cseq);
        self.remote_cseq = early.remote_cseq;
    }

    /// Gives a request that is sent anew, with credentials, its own number (RFC 3261 §22.2).
    pub fn renumber(&mut self, request: &mut Request) {
        self.local_cseq += 1;
        let cseq = format!("{} {}", self.local_cseq, request.method);
        request.headers.set(HeaderName::CSeq, cseq);
    }

    /// The next request of ours, without Via and Contact (RFC 3261 §12.2.1.1).
    pub fn request(&mut self, method: Method) -> Request {
        self.local_cseq += 1;
        self.numbered(method, self.local_cseq)
    }

    /// The ACK for a 2xx to the INVITE with number `cseq` (RFC 3261 §13.2.2.4).
    pub fn ack(&self, cseq: u32) -> Request {
        self.numbered(Method::Ack, cseq)
    }

    /// Takes note of a request from the peer; ACK and CANCEL repeat the number of their INVITE and are not to be passed
    /// here.
    pub fn receive(&mut self, request: &Request) -> Result<(), OutOfOrder> {
        let number = request.headers.cseq().map_err(|_| OutOfOrder)?.number;
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(number);
        Ok(())
    }

    /// Takes the peer's new Contact from a target refresh request or its 2xx (RFC 3261 §12.2.2). The route set stays.
    pub fn refresh_target(&mut self, headers: &Headers) {
        if let Ok(Some(target)) = contact(headers) {
            self.target = target;
        }
    }

    /// The peer's Contact, without headers.
    pub fn target(&self) -> &Uri {
        &self.target
    }

    /// The URI whose host the next request goes to: the first route, or the peer itself.
    pub fn next_hop(&self) -> &Uri {
        self.route_set.first().unwrap_or(&self.target)
    }

    /// Whether requests pass through proxies that asked to stay on the way.
    pub fn is_routed(&self) -> bool {
        self.route_set.first().is_some()
    }

    fn numbered(&self, method: Method, cseq: u32) -> Request {
        let (uri, routes) = self.route_set.apply(&self.target);
        let mut request = Request::new(method, uri);
        for route in routes {
            request.headers.push(HeaderName::Route, route);
        }
        request.headers.push(HeaderName::MaxForwards, "70");
        request.headers.push(HeaderName::From, self.local.to_string());
        request.headers.push(HeaderName::To, self.remote.to_string());
        request.headers.push(HeaderName::CallId, self.id.call_id.clone());
        let cseq = format!("{cseq} {}", request.method);
        request.headers.push(HeaderName::CSeq, cseq);
        request
    }
}

/// The first Contact that is an address, where there is one.
fn contact(headers: &Headers) -> Result<Option<Uri>, HeaderError> {
    let contacts = headers.contacts()?;
    Ok(contacts.iter().find_map(Contact::address).map(|address| address.uri.clone()))
}
