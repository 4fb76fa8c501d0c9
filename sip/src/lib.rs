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
//! | [`sdp`] | offer and answer for one sound stream, with keys for it |
//! | [`rtp`] | RTP packets, jitter buffer, telephone-event, RTCP |
//! | [`srtp`] | RTP and RTCP encrypted |
//!
//! Which RFC is where. Modules are this crate's, or files of the application; tests are named from the project's root, and
//! `tests/house` keeps both true.
//!
//! | RFC | module | status | test |
//! |---|---|---|---|
//! | 3261 SIP | `message`, `transaction`, `dialog`, `endpoint`, `register` | user agent; no proxy, no registrar, no S/MIME | `sip/tests/transactions.rs`, `sip/tests/ladder.rs`, `sip/tests/carrier.rs`, `sip/tests/oracle.rs` |
//! | 2543 SIP, first edition | `transaction::key`, `dialog::route_set` | peers without the magic cookie; strict routers | `sip/tests/ladder.rs::merged_and_old_fashioned_requests`, `sip/tests/ladder.rs::routes_are_kept_as_the_dialog_began` |
//! | 2617, 7616, 8760 digest | `auth` | MD5, SHA-256, SHA-512-256 in a chosen order, `qop=auth`, several realms at once, nonces that count; `-sess` and `auth-int` answered, not asked for; no `userhash` | `sip/src/auth/mod.rs::digests_of_the_rfcs`, `sip/tests/ladder/authentication.rs`, `sip/tests/ways/realms.rs` |
//! | 2976, 6086 INFO | `endpoint::info`, `src/trunk/keys.rs` | keys both ways, one at a time; no Info Packages | `sip/tests/ladder.rs::keys_by_info`, `src/trunk/tests/strangers.rs::keys_come_by_info_too`, `src/trunk/tests/moved.rs::keys_go_by_info_where_the_account_wants_it` |
//! | 3262 reliable provisional responses, PRACK | `dialog::reliable`, `endpoint::reliable` | both sides; no offer of ours in a PRACK | `sip/tests/session/prack.rs`, `tests/peers/sessions.rs::a_caller_who_insists_on_prack_gets_our_offer_ringing_and_moves_before_the_answer` |
//! | 3263 locating servers | `locate`, `endpoint::seek`, `src/trunk/resolve.rs` | NAPTR, SRV, A, AAAA; failover under a new branch, inside dialogs too; no transport by `SIP+D2S` | `sip/tests/locate.rs`, `sip/tests/ways/failover.rs`, `src/trunk/tests/dns.rs` |
//! | 3264, 8866 offer, answer, SDP | `sdp` | one sound stream, hold both ways; other m-lines are refused with port 0 | `sip/src/sdp/tests.rs`, `sip/tests/session/hold.rs` |
//! | 3311 UPDATE | `endpoint::offers`, `endpoint::reoffer` | both sides, before and after the answer | `sip/tests/session/offers.rs::an_update_before_the_answer`, `sip/tests/session/offers.rs::our_own_update_before_the_answer`, `tests/peers/sessions.rs::a_callee_rings_reliably_moves_before_its_answer_and_refreshes` |
//! | 3323, 3325, 5806, 7044 privacy, asserted identity, Diversion, History-Info | `message::typed`, `src/trunk/identity.rs` | read as lists; judged by the application, by whom it trusts | `src/trunk/identity.rs::an_asserted_identity_is_believed_from_trusted_peers_only`, `src/trunk/identity.rs::a_caller_who_asked_for_privacy_is_nobody`, `src/trunk/identity.rs::redirections_name_who_was_dialled_and_who_sent_on` |
//! | 3326 Reason | `message::typed`, `endpoint::write` | read and written, Q.850 causes too | `sip/tests/ladder.rs::a_call_comes_in_and_is_answered`, `sip/tests/ladder.rs::we_call_and_hang_up` |
//! | 3515, 4488, 5589, 7647 REFER, transfer | `dialog::refer`, `dialog::referral`, `endpoint::transfer`, `endpoint::transferee` | as transferor and transferee, inside dialogs only | `sip/tests/ladder/transfer.rs`, `sip/tests/ladder/transferee.rs`, `tests/peers/baresip.rs::a_phone_sends_us_on_by_refer` |
//! | 3550, 3551 RTP, RTCP, audio profile | `rtp`, `src/media/session.rs` | one stream: SR, RR, SDES CNAME, BYE | `sip/src/rtp/sequence.rs::jitter_follows_the_appendix`, `sip/src/rtp/rtcp.rs::the_round_trip_of_the_rfc_figure`, `src/media/plane/tests.rs::reports_go_out_and_the_end_is_a_goodbye` |
//! | 3581 `rport` | `message::via`, `endpoint::screen`, `register` | asked for and filled in | `sip/tests/answers.rs::answers_go_where_the_via_says`, `sip/tests/ladder/registration.rs::the_contact_is_rebuilt_before_the_credentials_go_out` |
//! | 3608 Service-Route, 3327 Path | `register`, `endpoint::registrations` | followed and asked for; no Path of our own | `sip/tests/ways/routes.rs::a_service_route_is_learnt_followed_and_forgotten`, `src/trunk/tests/ways.rs::calls_take_the_service_route_of_the_registrar` |
//! | 3711, 6188, 7714 SRTP | `srtp` | AES-128 and AES-256 in counter mode with HMAC-SHA1, GCM; no key derivation rate, one key at a time | `sip/tests/srtp.rs` |
//! | 3842 message counts | `endpoint::receive`, `endpoint::transfer` | unsolicited NOTIFY answered 200, inside dialogs too | `sip/tests/answers.rs::a_user_agent_answers_these_by_itself`, `sip/tests/ladder/transfer.rs::notifications_of_other_things` |
//! | 3891 Replaces | `endpoint::replaces`, `endpoint::transfer` | a newcomer for a call of ours; sent inside Refer-To | `sip/tests/ladder/replaces.rs`, `src/trunk/tests/moved.rs::a_newcomer_with_replaces_takes_the_partys_place` |
//! | 3892 Referred-By | `message::name`, `endpoint::transfer`, `endpoint::transferee` | sent, and handed on as it came; no signatures | `sip/tests/ladder/transfer.rs::a_transfer_succeeds_when_the_notify_says_so` |
//! | 3966 `tel:` | `message::uri` | read, written, compared | `sip/src/message/uri.rs::tel_keeps_the_plus_and_others_stay_opaque` |
//! | 4028 session timers | `dialog::session_timer`, `endpoint::session_timer`, `endpoint::reoffer` | both roles, either refresher | `sip/tests/session/timers.rs`, `tests/peers/sessions.rs::a_caller_in_haste_is_told_the_least_interval_and_refreshes_by_both_methods`, `tests/peers/sessions.rs::we_refresh_by_update_where_the_callee_leaves_it_to_us` |
//! | 4475, 5118 torture messages, IPv6 | `message`, `endpoint::screen` | all 61, one by one in `sip/tests/torture/table.txt` | `sip/tests/rfc4475.rs`, `sip/tests/rfc5118.rs`, `sip/tests/answers.rs::the_table_of_torture_messages_is_true`, `src/trunk/tests/families.rs`, `tests/peers/baresip.rs::a_phone_and_the_door_call_each_other_over_ipv6` |
//! | 4568 keys in SDP | `sdp::crypto`, `sdp::negotiate`, `sdp::keys` | answered and offered, also within RTP/AVP; key identifiers of one key; lines with several keys, FEC or without encryption are passed over | `sip/src/sdp/tests/encrypted.rs` |
//! | 4733 telephone-event | `rtp::telephone_event` | both ways | `sip/src/rtp/telephone_event.rs::every_key_arrives_once`, `sip/src/rtp/telephone_event.rs::losses_neither_hide_nor_double_a_press` |
//! | 5246, 8446 TLS 1.2 and 1.3 | `src/trunk/tls/mod.rs`, `src/trunk/tls/verify.rs` | the application's: names, client certificates, renewed files | `src/trunk/tests/secure.rs`, `tests/peers/baresip.rs::a_phone_and_the_door_call_each_other_over_tls`, `tests/peers/kamailio.rs` |
//! | 5389 STUN | `stun` | Binding requests as keep-alives | `sip/src/stun.rs::the_answers_of_the_test_vectors_are_read`, `sip/tests/ways/keep_alive.rs::stun_tells_that_nat_has_moved_us` |
//! | 5626 outbound | `register`, `stun`, `message::stream` | keep-alives by CRLF and STUN, pongs awaited, Flow-Timer, back-off; no flow tokens | `sip/tests/ways/keep_alive.rs`, `sip/tests/ladder/registration.rs::failures_are_spread_over_growing_waits`, `src/trunk/tests/tcp.rs::keep_alives_are_answered_and_connections_counted` |
//! | 5630 SIPS | `hop`, `endpoint::write` | a SIPS Contact where the way was SIPS; nothing sent in the clear | `sip/tests/ladder/transports.rs::our_contact_is_sips_where_the_callers_way_was`, `sip/tests/ladder/transports.rs::a_broken_connection_is_replaced_by_none_that_is_weaker` |
//! | 5922, 5923 TLS peers, reuse of connections | `hop`, `endpoint::ways`, `src/trunk/tls/names.rs` | a connection is one name's; requests keep to it | `sip/tests/ladder/transports.rs::one_connection_is_not_another_under_a_different_name`, `src/trunk/tests/secure.rs::a_server_under_another_name_or_of_another_authority_is_refused` |
//! | 6026 INVITE transactions, corrected | `transaction::invite_client`, `transaction::invite_server` | complete | `sip/tests/transactions.rs::invite_client_figure_5`, `sip/tests/transactions.rs::invite_server_figure_7`, `sip/tests/ladder.rs::forks_that_answer_late_are_ended` |
//! | 6337 where offers and answers stand | `endpoint::{offers, reoffer, reliable, outbound}` | all six patterns; of the fifth, an offer in PRACK, the answering side | `sip/tests/session/offers.rs`, `sip/tests/session/prack.rs::an_offer_in_a_prack_is_answered_in_its_200` |
//! | 6665 events | `endpoint::receive`, `endpoint::transfer` | NOTIFY answered; only REFER's own subscription | `sip/tests/ladder/transfer.rs::notifications_of_other_things` |
//! | 7118 WebSocket | `hop`, `endpoint::receive`, `src/trunk/websocket.rs` | as server; sockets, frames and origins are the application's | `src/trunk/tests/softphone.rs`, `tests/peers/browser.rs` |
//! | 7433 User-to-User | `message::name`, `src/trunk/user_to_user.rs` | carried in INVITE and inside Refer-To | `src/trunk/tests/transfer.rs::whoever_takes_a_call_over_is_told_its_name`, `sip/tests/ladder/replaces.rs::an_attended_transfer_names_the_dialog_as_its_other_side_knows_it` |

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
pub mod srtp;
pub mod stun;
pub mod timer;
pub mod transaction;
