//! Offer and answer for the one sound stream of a leg (RFC 3264): which m-line, which codec, which direction, and when
//! the version in `o=` rises. Text in and out is `describe`'s; when offers are due is the dialog's.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use rand::rngs::StdRng;

use super::crypto::Crypto;
use super::describe::{self, Format, Line, Stream};
use super::keys::OurKeys;
use super::{Capabilities, Codec, Direction, Encryption, Negotiated, StreamKeys, Unservable, is_private};
use crate::srtp::MasterKey;

/// Milliseconds of sound a packet of ours holds unless the peer wishes otherwise.
const USUAL_PTIME_MS: u32 = 20;
/// The longest packets we send, milliseconds.
const LONGEST_PTIME_MS: u32 = 60;

/// The SDP side of one leg, from its first offer to its end.
pub struct OfferAnswer {
    capabilities: Capabilities,
    local: SocketAddr,
    session_id: u64,
    version: u64,
    /// Our last description that went out.
    last: Option<Description>,
    /// The last description is an offer to which answers may come: several, when the INVITE forks or 18x previews it.
    offering: bool,
    /// The description in force, while `last` is an offer that has no answer.
    standing: Option<Description>,
    /// We want the peer to be on hold, whether or not it has heard of it.
    holding: bool,
    negotiated: Option<Negotiated>,
    /// `None`: nothing is encrypted.
    keys: Option<OurKeys>,
}

/// A profile we serve (RFC 3551, RFC 4585, RFC 3711, RFC 5124). Without feedback attributes those with F differ from those
/// without in the timing of RTCP alone (RFC 4585 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Profile {
    feedback: bool,
    secure: bool,
}

impl Profile {
    fn read(proto: &str) -> Option<Profile> {
        let (feedback, secure) = match proto {
            "RTP/AVP" => (false, false),
            "RTP/AVPF" => (true, false),
            "RTP/SAVP" => (false, true),
            "RTP/SAVPF" => (true, true),
            _ => return None,
        };
        Some(Profile { feedback, secure })
    }
}

/// A description of ours.
#[derive(Debug, Clone)]
struct Description {
    lines: Vec<Line>,
    text: Bytes,
    /// It puts the peer on hold.
    holds: bool,
}

impl OfferAnswer {
    /// `local` is the address to advertise for RTP; `session_id` names the session in `o=` and must differ from call to
    /// call (RFC 8866 §5.2).
    pub fn new(capabilities: Capabilities, local: SocketAddr, session_id: u64) -> OfferAnswer {
        OfferAnswer {
            capabilities,
            local,
            // Peers that read the number as a signed one exist.
            session_id: session_id & i64::MAX as u64,
            version: 1,
            last: None,
            offering: false,
            standing: None,
            holding: false,
            negotiated: None,
            keys: None,
        }
    }

    /// Has the sound encrypted, with keys out of `random`, which nobody else must know.
    pub fn encrypting(self, encryption: Encryption, random: StdRng) -> OfferAnswer {
        let keys = (encryption != Encryption::Off).then(|| OurKeys::new(encryption, random));
        OfferAnswer { keys, ..self }
    }

    /// Our offer: everything we can do. Once a session stands it is offered again (a re-INVITE without SDP asks for
    /// that) with all we can do, the codec in use first and the payload types as they were (RFC 3261 §14.2,
    /// RFC 3264 §8). A hold by the peer is not repeated: an offer states only our own wish (RFC 6337 §5.3).
    pub fn offer(&mut self) -> Bytes {
        self.offer_hold(self.holding)
    }

    /// An offer that puts the peer on hold (true), or takes it back. What we send meanwhile, music for instance, it is to
    /// go on hearing: `sendonly`, whether or not it holds us too (RFC 3264 §8.4, RFC 6337 §5.3).
    pub fn offer_hold(&mut self, holds: bool) -> Bytes {
        self.holding = holds;
        let in_use = self.negotiated.as_ref();
        let mut codecs: Vec<Codec> = in_use.map(|session| session.codec).into_iter().collect();
        codecs.extend(self.capabilities.codecs.iter().filter(|&codec| in_use.is_none_or(|now| now.codec != *codec)));
        let codecs = codecs.into_iter().map(|codec| (self.payload_type(codec), codec)).collect();
        let telephone_event = in_use.and_then(|session| session.dtmf_receive).or(self.capabilities.telephone_event);
        let keys_in_use = in_use.and_then(|session| session.keys.clone());
        let proto = self.proto_in_use();
        let crypto = match &mut self.keys {
            Some(keys) if keys.policy != Encryption::IfInsisted || keys_in_use.is_some() => {
                keys.for_offer(keys_in_use.as_ref())
            }
            _ => Vec::new(),
        };
        let sound = Line::Sound {
            proto,
            codecs,
            telephone_event,
            ptime_ms: self.capabilities.ptime_ms,
            direction: Direction::of(true, !holds),
            crypto,
        };
        // RFC 3264 §8: m-lines never vanish and never move.
        let mut lines = self.lines().to_vec();
        match lines.iter_mut().find(|line| matches!(line, Line::Sound { .. })) {
            Some(line) => *line = sound,
            None => lines.push(sound),
        }
        self.offering = true;
        self.standing = self.standing.take().or_else(|| self.last.clone());
        self.publish(lines)
    }

    /// The peer refused our last offer: what was agreed on before goes on (RFC 3261 §14.1). Whoever would not be put on
    /// hold is not; whoever would not be taken back is, whenever another exchange gives the occasion.
    pub fn withdraw(&mut self) {
        if let Some(standing) = self.standing.take() {
            self.holding &= standing.holds;
            (self.last, self.offering) = (Some(standing), false);
        }
    }

    /// Whether the description in force puts the peer on hold.
    pub fn holds(&self) -> bool {
        self.standing.as_ref().or(self.last.as_ref()).is_some_and(|description| description.holds)
    }

    /// Judges the peer's offer; on success `Negotiated::sdp` is the answer to send. On failure nothing has changed.
    pub fn answer(&mut self, offer: &[u8]) -> Result<Negotiated, Unservable> {
        let streams = describe::read(offer)?;
        let mut refusal = Unservable::NoAudio;
        let mut chosen = None;
        for (index, stream) in streams.iter().enumerate() {
            match self.judge(stream).and_then(|served| Ok((served, self.judge_keys(stream)?))) {
                // One sound may be offered encrypted and not, as two streams at one port.
                Ok((served, crypto)) if crypto.is_some() == self.wants_keys() => {
                    chosen = Some((index, served, crypto));
                    break;
                }
                Ok((served, crypto)) => chosen = chosen.or(Some((index, served, crypto))),
                // Of several refused streams the one that came closest explains the refusal.
                Err(reason) => refusal = furthest(refusal, reason),
            }
        }
        let (chosen, served, crypto) = chosen.ok_or(refusal)?;
        // Whom we hold is answered so, whatever it offers (RFC 6337 §5.3).
        let served = served.unless_held(self.holding);
        let before = self.negotiated.as_ref().and_then(|session| session.keys.clone());
        let keys = self.keys.as_mut().zip(crypto).map(|(keys, theirs)| {
            let ours = keys.for_answer(before.as_ref(), theirs);
            (theirs.tag, StreamKeys { ours, theirs: theirs.key.clone(), identifier: theirs.identifier.clone() })
        });
        let lines = streams.iter().enumerate().map(|(index, stream)| {
            if index == chosen {
                Line::Sound {
                    proto: stream.proto.clone(),
                    codecs: vec![(served.payload_type, served.codec)],
                    telephone_event: served.telephone_event,
                    ptime_ms: self.capabilities.ptime_ms,
                    direction: served.direction,
                    // RFC 4568 §5.1.2: the line that was chosen, by its tag, with our key.
                    crypto: keys.iter().map(|(tag, keys)| (*tag, keys.ours.clone())).collect(),
                }
            } else {
                let formats = if stream.formats.is_empty() { "0".to_owned() } else { stream.formats.join(" ") };
                Line::Refused { media: stream.media.clone(), proto: stream.proto.clone(), formats }
            }
        });
        let lines: Vec<Line> = lines.collect();
        (self.offering, self.standing) = (false, None);
        let sdp = self.publish(lines);
        // The answer mirrors the offer's payload type numbers, so both directions share one (RFC 3264 §6.1).
        let telephone_event = served.telephone_event;
        let negotiated = served.agree(telephone_event, keys.map(|(_, keys)| keys), sdp);
        Ok(self.agreed(negotiated))
    }

    /// Takes the peer's answer to our last offer. A later answer to the same offer (a fork, or the 2xx after a preview
    /// in 183) replaces an earlier one.
    pub fn accept(&mut self, answer: &[u8]) -> Result<Negotiated, Unservable> {
        let offer = self.last.as_ref().filter(|_| self.offering).ok_or(Unservable::NoOffer)?;
        let negotiated = self.judge_answer(offer, answer)?;
        self.standing = None;
        Ok(self.agreed(negotiated))
    }

    /// The peer took our last offer, and how it answered cannot be served: only who sends is as we offered, the rest as it
    /// was. `None` where nothing was agreed on before.
    pub fn presume(&mut self) -> Option<Negotiated> {
        let (before, offer) = (self.negotiated.as_ref()?, self.last.as_ref().filter(|_| self.offering)?);
        let direction = Direction::of(!before.held, !offer.holds);
        let negotiated = Negotiated { direction, sdp: offer.text.clone(), ..before.clone() };
        self.standing = None;
        self.negotiated = Some(negotiated.clone());
        Some(negotiated)
    }

    /// Takes the peer's answer to a refresh of the session, which repeated our description in force as an offer (RFC 4028
    /// §7.4). An offer that is open stays so.
    pub fn refreshed(&mut self, answer: &[u8]) -> Result<Negotiated, Unservable> {
        let offer = self.standing.as_ref().or(self.last.as_ref()).ok_or(Unservable::NoOffer)?;
        let negotiated = self.judge_answer(offer, answer)?;
        Ok(self.agreed(negotiated))
    }

    /// What is in force.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// What the peer's answer to a description of ours agrees on.
    fn judge_answer(&self, offer: &Description, answer: &[u8]) -> Result<Negotiated, Unservable> {
        let streams = describe::read(answer)?;
        let Some((index, Line::Sound { proto, codecs, telephone_event, crypto, .. })) =
            offer.lines.iter().enumerate().find(|(_, line)| matches!(line, Line::Sound { .. }))
        else {
            return Err(Unservable::NoOffer);
        };
        // Answers that dropped m-lines occur; the first sound stream then has to be ours.
        let stream = streams
            .get(index)
            .filter(|stream| stream.media == "audio")
            .or_else(|| streams.iter().find(|stream| stream.media == "audio"))
            .ok_or(Unservable::NoAudio)?;
        if stream.port == 0 {
            return Err(Unservable::Refused);
        }
        let keys = self.answered_keys(proto, crypto, stream)?;
        // Phones that are put on hold answer as if they were not.
        let mut served = self.judge(stream)?.unless_held(offer.holds);
        // The peer may send under the numbers of our offer; the numbers of its answer are for us (RFC 3264 §6.1).
        for &(payload_type, codec) in codecs {
            if !served.receivable.iter().any(|(known, _)| *known == payload_type) {
                served.receivable.push((payload_type, codec));
            }
        }
        // Some answers list our telephone-event number and forget to map it.
        if let Some(offered) = telephone_event.filter(|_| served.telephone_event.is_none())
            && stream.formats.iter().any(|format| *format == offered.to_string())
        {
            served.telephone_event = Some(offered);
        }
        let negotiated = served.agree(*telephone_event, keys, offer.text.clone());
        // Whoever answers our hold by `inactive` does without our music, and need not hold us.
        let held = match offer.holds && negotiated.held {
            true => self.negotiated.as_ref().is_some_and(|before| before.held),
            false => negotiated.held,
        };
        Ok(Negotiated { held, ..negotiated })
    }

    fn lines(&self) -> &[Line] {
        self.last.as_ref().map(|description| description.lines.as_slice()).unwrap_or_default()
    }

    fn agreed(&mut self, negotiated: Negotiated) -> Negotiated {
        let before = self.negotiated.replace(negotiated.clone()).and_then(|before| before.keys);
        if let Some(keys) = &mut self.keys {
            keys.agreed(before.as_ref(), negotiated.keys.as_ref());
        }
        negotiated
    }

    fn encryption(&self) -> Encryption {
        self.keys.as_ref().map_or(Encryption::Off, |keys| keys.policy)
    }

    fn wants_keys(&self) -> bool {
        matches!(self.encryption(), Encryption::Preferred | Encryption::Required)
    }

    /// Which of the peer's keys encrypts one stream that it offers; `None` where it goes plain.
    fn judge_keys<'a>(&self, stream: &'a Stream) -> Result<Option<&'a Crypto>, Unservable> {
        let secure = Profile::read(&stream.proto).ok_or(Unservable::Transport)?.secure;
        // RFC 4568 §5.1.2: the first that we can do.
        match (self.encryption(), secure, stream.crypto.first()) {
            (Encryption::Off, true, _) => Err(Unservable::Transport),
            (_, true, None) => Err(Unservable::Keys),
            (_, true, Some(crypto)) => Ok(Some(crypto)),
            // Keys within the plain profile are no standard, and how peers say that encryption may be left out.
            (Encryption::Preferred | Encryption::Required, false, Some(crypto)) => Ok(Some(crypto)),
            (Encryption::Required, false, None) => Err(Unservable::Clear),
            (_, false, _) => Ok(None),
        }
    }

    /// The keys that the peer's answer chose of ours; `None` where the sound goes plain. Answers to keys within the plain
    /// profile come in either.
    fn answered_keys(
        &self,
        offered: &str,
        ours: &[(u32, MasterKey)],
        stream: &Stream,
    ) -> Result<Option<StreamKeys>, Unservable> {
        let (Some(offered), Some(answered)) = (Profile::read(offered), Profile::read(&stream.proto)) else {
            return Err(Unservable::Transport);
        };
        if offered.feedback != answered.feedback || (answered.secure && ours.is_empty()) {
            return Err(Unservable::Transport);
        }
        // RFC 4568 §5.1.3: the tag says which line was chosen. Peers that count anew exist, and a suite is there once.
        let of_line = |theirs: &Crypto| {
            // A line that only comes back is no key of the peer's, and our own packets would pass for its.
            if ours.iter().any(|(_, key)| *key == theirs.key) {
                return None;
            }
            let same_suite = |(_, key): &&(u32, MasterKey)| key.suite() == theirs.key.suite();
            let (_, ours) = ours.iter().find(same_suite)?;
            let (theirs, identifier) = (theirs.key.clone(), theirs.identifier.clone());
            Some(StreamKeys { ours: ours.clone(), theirs, identifier })
        };
        let keys = stream.crypto.iter().find_map(of_line);
        let needed = offered.secure || answered.secure || self.encryption() == Encryption::Required;
        match keys {
            None if answered.secure => Err(Unservable::Keys),
            None if needed => Err(Unservable::Clear),
            keys => Ok(keys),
        }
    }

    /// Whether, and how, one stream of the peer can be served.
    fn judge(&self, stream: &Stream) -> Result<Served, Unservable> {
        if stream.media != "audio" || stream.port == 0 {
            return Err(Unservable::NoAudio);
        }
        if Profile::read(&stream.proto).is_none() {
            return Err(Unservable::Transport);
        }
        let address = stream.address?;
        if address.is_ipv4() != self.local.is_ipv4() {
            return Err(Unservable::Address);
        }
        let receivable: Vec<(u8, Codec)> = stream
            .payload_types()
            .filter_map(|(payload_type, format)| match format {
                Format::Sound(codec) if self.capabilities.codecs.contains(&codec) => Some((payload_type, codec)),
                _ => None,
            })
            .collect();
        let &(payload_type, codec) = receivable.first().ok_or(Unservable::Codec)?;
        let telephone_event = stream
            .payload_types()
            .find(|(_, format)| *format == Format::TelephoneEvent)
            .map(|(payload_type, _)| payload_type)
            .filter(|_| self.capabilities.telephone_event.is_some());
        // RFC 3264 §8.4: an unspecified address is the hold of RFC 2543; nothing may be sent there.
        let mirrored = stream.direction.mirrored();
        let direction = Direction::of(mirrored.sends() && !address.is_unspecified(), mirrored.receives());
        let (rtcp_port, rtcp_address) = stream.rtcp.unwrap_or((stream.port.saturating_add(1), None));
        let rtcp_address = rtcp_address.filter(|ip| ip.is_ipv4() == address.is_ipv4()).unwrap_or(address);
        Ok(Served {
            remote: SocketAddr::new(address, stream.port),
            remote_rtcp: SocketAddr::new(rtcp_address, rtcp_port),
            codec,
            payload_type,
            receivable,
            telephone_event,
            direction,
            ptime_ms: ptime_to_send(stream.ptime_ms, stream.maxptime_ms),
        })
    }

    /// The text of `lines`; the version rises if and only if something in it changed (RFC 3264 §8).
    fn publish(&mut self, lines: Vec<Line>) -> Bytes {
        let holds = self.holding;
        match &mut self.last {
            Some(before) if before.lines == lines => {
                before.holds = holds;
                return before.text.clone();
            }
            Some(_) => self.version = self.version.wrapping_add(1),
            None => {}
        }
        let text = describe::write(self.session_id, self.version, self.local, &lines);
        self.last = Some(Description { lines, text: text.clone(), holds });
        text
    }

    /// A payload type must not change its meaning within a session (RFC 3264 §8.3.2).
    fn payload_type(&self, codec: Codec) -> u8 {
        let in_use = self.lines().iter().find_map(|line| match line {
            Line::Sound { codecs, .. } => codecs.iter().find(|(_, known)| *known == codec),
            Line::Refused { .. } => None,
        });
        in_use.map_or_else(|| codec.static_payload_type(), |(payload_type, _)| *payload_type)
    }

    fn proto_in_use(&self) -> String {
        let in_use = self.lines().iter().find_map(|line| match line {
            Line::Sound { proto, .. } => Some(proto.clone()),
            Line::Refused { .. } => None,
        });
        in_use.unwrap_or_else(|| {
            let required = self.encryption() == Encryption::Required;
            if required { "RTP/SAVP".to_owned() } else { "RTP/AVP".to_owned() }
        })
    }
}

/// Without the keys.
impl fmt::Debug for OfferAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfferAnswer")
            .field("encryption", &self.encryption())
            .field("version", &self.version)
            .field("offering", &self.offering)
            .field("negotiated", &self.negotiated)
            .finish_non_exhaustive()
    }
}

/// A stream of the peer as we would serve it.
struct Served {
    remote: SocketAddr,
    remote_rtcp: SocketAddr,
    codec: Codec,
    payload_type: u8,
    receivable: Vec<(u8, Codec)>,
    telephone_event: Option<u8>,
    direction: Direction,
    ptime_ms: u32,
}

impl Served {
    /// Whom we hold we do not hear.
    fn unless_held(self, holds: bool) -> Served {
        let direction = Direction::of(self.direction.sends(), self.direction.receives() && !holds);
        Served { direction, ..self }
    }

    fn agree(self, dtmf_receive: Option<u8>, keys: Option<StreamKeys>, sdp: Bytes) -> Negotiated {
        Negotiated {
            remote: self.remote,
            remote_rtcp: self.remote_rtcp,
            remote_is_private: is_private(self.remote.ip()),
            codec: self.codec,
            payload_type: self.payload_type,
            receivable: self.receivable,
            dtmf_send: self.telephone_event,
            dtmf_receive,
            direction: self.direction,
            ptime_ms: self.ptime_ms,
            held: !self.direction.sends(),
            keys,
            sdp,
        }
    }
}

/// The peer's `ptime` is what it likes to receive, its `maxptime` what it can (RFC 8866 §6.4, §6.5). We send multiples
/// of 10 ms; less than 20 ms only where the peer can take no more.
fn ptime_to_send(ptime_ms: Option<u32>, maxptime_ms: Option<u32>) -> u32 {
    let most = maxptime_ms.unwrap_or(LONGEST_PTIME_MS).clamp(10, LONGEST_PTIME_MS);
    let wished = ptime_ms.unwrap_or(USUAL_PTIME_MS).max(USUAL_PTIME_MS);
    wished.min(most) / 10 * 10
}

/// The reason of the stream that came closest to being served.
fn furthest(one: Unservable, other: Unservable) -> Unservable {
    let rank = |reason| match reason {
        Unservable::Keys | Unservable::Clear => 4,
        Unservable::Codec => 3,
        Unservable::Address | Unservable::Multicast => 2,
        Unservable::Transport => 1,
        _ => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}
