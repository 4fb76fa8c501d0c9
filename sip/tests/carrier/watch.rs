//! Watches the wire of a run, knowing nothing of the endpoints but what they send: no transaction outlives its timers,
//! every INVITE has one final answer, requests of a dialog count upwards under one name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use bytes::Bytes;
use sip::message::{Limits, Message, Method, Request, Response};

/// 64·T1 (RFC 3261 §17.1.1.2), after which nothing of a transaction is sent any more.
const LIFE: Duration = Duration::from_secs(32);

#[derive(Default)]
pub struct Watch {
    /// By sender, branch and method.
    requests: HashMap<(usize, String, Method), Sent>,
    /// Final answers, by the same of the answered request.
    answers: HashMap<(usize, String, Method), Sent>,
    /// Requests under way by sender and Call-ID: last number, From, To tag once there is one.
    dialogs: HashMap<(usize, String), Dialog>,
    /// When these octets last came to whom they were for.
    arrived: HashMap<Bytes, Duration>,
    /// INVITEs that somebody rang for.
    rung: HashMap<(usize, String), bool>,
}

struct Sent {
    first: Duration,
    bytes: Bytes,
}

struct Dialog {
    cseq: u32,
    from: String,
}

impl Watch {
    /// `party` sends `bytes` at `now`.
    pub fn sent(&mut self, party: usize, now: Duration, bytes: &Bytes) {
        match Message::parse_datagram(bytes, &Limits::default()) {
            Ok(Message::Request(request)) => self.request(party, now, &request, bytes),
            Ok(Message::Response(response)) => self.response(party, now, &response, bytes),
            // Keep-alives.
            Err(_) => {}
        }
    }

    /// Somebody is about to be given `bytes`.
    pub fn arrives(&mut self, now: Duration, bytes: &Bytes) {
        self.arrived.insert(bytes.clone(), now);
    }

    fn request(&mut self, party: usize, now: Duration, request: &Request, bytes: &Bytes) {
        let headers = &request.headers;
        let branch = headers.top_via().expect("our Via").branch().expect("our branch").to_owned();
        match self.requests.entry((party, branch, request.method.clone())) {
            Entry::Occupied(known) => {
                let known = known.get();
                assert!(now - known.first <= LIFE, "{} is repeated after {:?}", request.method, now - known.first);
                assert_eq!(known.bytes, bytes, "a repetition repeats");
                return;
            }
            Entry::Vacant(new) => drop(new.insert(Sent { first: now, bytes: bytes.clone() })),
        }
        // RFC 3261 §12.2.1.1: numbers rise within a dialog; ACK and CANCEL have their INVITE's.
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return;
        }
        let (cseq, from) = (headers.cseq().expect("our CSeq").number, headers.from().expect("our From").to_string());
        match self.dialogs.entry((party, headers.call_id().expect("our Call-ID").to_owned())) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                assert!(cseq > known.cseq, "{} {cseq} after {}", request.method, known.cseq);
                assert_eq!(from, known.from, "a dialog keeps its From");
                known.cseq = cseq;
            }
            Entry::Vacant(new) => drop(new.insert(Dialog { cseq, from })),
        }
    }

    fn response(&mut self, party: usize, now: Duration, response: &Response, bytes: &Bytes) {
        let headers = &response.headers;
        let branch = headers.top_via().expect("a Via").branch().expect("a branch").to_owned();
        let method = headers.cseq().expect("a CSeq").method;
        let rung = self.rung.entry((party, branch.clone()));
        if response.status.is_provisional() {
            rung.or_insert(false);
            return;
        }
        rung.and_modify(|answered| *answered = true);
        let asked = self.requests.get(&(1 - party, branch.clone(), method.clone()));
        let comes = asked.is_some_and(|asked| self.arrived.get(&asked.bytes) == Some(&now));
        match self.answers.entry((party, branch, method.clone())) {
            // A copy that was longer on the way than the transaction lives is a request like any other.
            Entry::Occupied(mut late) if now - late.get().first > LIFE && comes => {
                late.insert(Sent { first: now, bytes: bytes.clone() });
            }
            Entry::Occupied(known) => {
                let known = known.get();
                assert!(now - known.first <= LIFE, "{} is repeated after {:?}", response.status, now - known.first);
                assert_eq!(known.bytes, bytes, "a request is answered once");
            }
            Entry::Vacant(new) => {
                new.insert(Sent { first: now, bytes: bytes.clone() });
            }
        }
    }

    /// The run is at rest.
    pub fn at_rest(&self) {
        for ((party, branch), answered) in &self.rung {
            assert!(answered, "{party} rang for {branch} and never answered it");
        }
    }
}
