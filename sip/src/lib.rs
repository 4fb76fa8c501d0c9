//! SIP without input and output: messages, transactions, dialogs, SDP and RTP as machines that are told the time and
//! never ask. Sockets, clocks, name resolution and randomness belong to the application.
//!
//! | module | what it is |
//! |---|---|
//! | [`message`] | what stands on the wire: requests, responses, headers, URIs; datagrams and streams |
//! | [`transaction`] | the four transactions, and how messages find theirs |
//! | [`dialog`] | who talks to whom, along which route, counting what; what became of a REFER; reliable responses and session timers |
//! | [`auth`] | digest: answering challenges and posing them |
//! | [`register`] | keeping one account registered |
//! | [`endpoint`] | the user agent made of all these: bytes and commands in, bytes and events out |
//! | [`hop`] | one way to a peer, and which address of ours to tell it |
//! | [`locate`] | from a URI to the servers of its domain, in the order to try them |
//! | [`ids`] | branches, tags, Call-IDs and back-off jitter out of one random generator |
//! | [`stun`] | Binding requests that keep a NAT open |
//! | [`timer`] | every timer of the crate and its base values |
//! | [`sdp`] | offer and answer for one sound stream |
//! | [`rtp`] | RTP packets, jitter buffer, telephone-event, RTCP |
//!
//! | RFC | where | status |
//! |---|---|---|
//! | 3261 SIP | everywhere | user agent; no proxy, no registrar, no S/MIME |
//! | 2543 SIP, first edition | `transaction`, `dialog` | peers without the magic cookie; strict routers |
//! | 2617, 7616, 8760 digest | `auth` | MD5 and SHA-256 in a chosen order, `qop=auth`, several realms at once, nonces that count; no `auth-int` |
//! | 2976 INFO | `endpoint::info` | keys both ways, one at a time; `tests/ladder.rs` |
//! | 3262 reliable provisional responses, PRACK | `dialog::reliable`, `endpoint::reliable` | both sides; no offer of ours in a PRACK; `tests/session/prack.rs` |
//! | 3263 locating servers | `locate`, `endpoint` | NAPTR, SRV, A, AAAA; failover; no transport by `SIP+D2S` |
//! | 3264, 8866 offer, answer, SDP | `sdp` | one sound stream; other m-lines are refused with port 0; `tests/session/hold.rs` |
//! | 3311 UPDATE | `endpoint::offers`, `endpoint::reoffer` | both sides, before and after the answer; `tests/session/offers.rs` |
//! | 3323, 3325, 5806, 7044 privacy, asserted identity, Diversion, History-Info | `message` | read as lists; judged by the application |
//! | 3326 Reason | `message`, `endpoint` | read and written, Q.850 causes too |
//! | 3515, 4488, 5589, 7647 REFER, transfer | `dialog::refer`, `dialog::referral`, `endpoint::transfer`, `endpoint::transferee` | as transferor and transferee, inside dialogs only; `tests/ladder/transfer.rs`, `tests/ladder/transferee.rs` |
//! | 3550, 3551 RTP, RTCP, audio profile | `rtp` | one stream: SR, RR, SDES CNAME, BYE |
//! | 3581 `rport` | `message`, `endpoint`, `register` | asked for and filled in |
//! | 3608 Service-Route, 3327 Path | `register`, `endpoint` | followed and asked for; no Path of our own |
//! | 3842 message counts | `endpoint` | unsolicited NOTIFY answered 200; `tests/answers.rs` |
//! | 3891 Replaces | `endpoint::replaces`, `endpoint::transfer` | a newcomer for a call of ours; sent inside Refer-To; `tests/ladder/replaces.rs` |
//! | 3892 Referred-By | `message`, `endpoint` | sent, and handed on as it came; no signatures |
//! | 3966 `tel:` | `message` | read, written, compared |
//! | 4028 session timers | `dialog::session_timer`, `endpoint::session_timer`, `endpoint::reoffer` | both roles, either refresher; `tests/session/timers.rs` |
//! | 4475, 5118 torture messages | `message`, `endpoint` | all 61, one by one in `tests/torture/table.txt`, which a test keeps true |
//! | 4733 telephone-event | `rtp` | both ways |
//! | 5626 outbound | `register`, `stun`, `message` | keep-alives by CRLF and STUN, Flow-Timer, back-off; no flow tokens |
//! | 5389 STUN | `stun` | Binding requests as keep-alives |
//! | 5630 SIPS | `hop`, `endpoint` | a SIPS Contact where the way was SIPS; nothing sent in the clear |
//! | 5922, 5923 TLS peers, reuse of connections | `hop`, `endpoint` | a connection is one name's; requests keep to it |
//! | 6026 INVITE transactions, corrected | `transaction` | complete |
//! | 6337 where offers and answers stand | `endpoint::{offers, reoffer, reliable, outbound}` | all six patterns; of the fifth, an offer in PRACK, the answering side; `tests/session/offers.rs` |
//! | 6665 events | `endpoint` | NOTIFY answered; only REFER's own subscription |
//! | 7118 WebSocket | `hop`, `endpoint` | as server; sockets, frames and origins in the application's `trunk` |
//! | 7433 User-to-User | `message`, `endpoint` | carried in INVITE and inside Refer-To |

pub mod auth;
pub mod dialog;
pub mod endpoint;
pub mod hop;
pub mod ids;
pub mod locate;
pub mod message;
pub mod register;
pub mod rtp;
pub mod sdp;
pub mod stun;
pub mod timer;
pub mod transaction;
