//! One leg's sound as a machine: packets of the party in, a turn every 20 ms, packets and events out. It joins
//! encryption, the latch, the jitter buffer, G.711, keys, RTCP and the leg's sound; sockets and the clock are `plane`'s.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use sip::rtp::rtcp::{Compound, NtpTime, ReportBlock, ReportTimer, SenderReport, WrittenReport};
use sip::rtp::{EventReceiver, JitterBuffer, JitterConfig, Packet, Reception, Slot};
use sip::sdp::{Codec, Negotiated};
use sip::srtp::Refused;

use super::conceal::Concealer;
use super::latch::{Latch, Verdict};
use super::protection::{Incoming, Protection};
use super::send::Sender;
use super::tone::{DtmfDetector, KeyTones};
use super::{Config, MediaEvent, MediaStats, codec};
use crate::base::{AudioFrame, SampleRate};
use crate::leg::SoundSource;

/// G.711 and the legs that carry it.
const RATE: SampleRate = SampleRate::HZ_8000;

/// What the machine asks for.
#[derive(Debug)]
pub enum Output {
    Rtp { to: SocketAddr, datagram: Vec<u8> },
    Rtcp { to: SocketAddr, datagram: Vec<u8> },
    Event(MediaEvent),
}

#[derive(Debug)]
pub struct Session {
    negotiated: Negotiated,
    source: SoundSource,
    silent_after: Duration,
    random: StdRng,
    protection: Protection,
    /// What came last, decrypted.
    opened: Vec<u8>,
    /// Encrypted packets that had come before.
    repeated: u64,
    latch: Latch,
    reception: Option<Reception>,
    /// Losses of sources before the present one.
    lost_before: i64,
    jitter: JitterBuffer,
    concealer: Concealer,
    keys_heard: EventReceiver,
    keys_in_sound: Option<DtmfDetector>,
    sender: Sender,
    key_tones: KeyTones,
    reports: ReportTimer,
    /// The party's last sender report: the middle of its NTP time, and when it came.
    last_sr: Option<(u32, Instant)>,
    cname: String,
    /// When valid RTP last came, or when it last began to be expected.
    heard: Instant,
    flowing: bool,
    silence_told: bool,
    stats: MediaStats,
    outputs: VecDeque<Output>,
    decoded: Vec<i16>,
}

impl Session {
    /// `local` is the address the party was told to send to. The source's sound is at 8 kHz.
    pub fn new(
        now: Instant,
        config: &Config,
        local: IpAddr,
        negotiated: Negotiated,
        source: SoundSource,
        mut random: StdRng,
    ) -> Session {
        let jitter = JitterConfig {
            clock_rate: Codec::CLOCK_RATE,
            start: config.jitter_start,
            least: config.jitter_least,
            most: config.jitter_most,
        };
        Session {
            protection: Protection::new(negotiated.keys.as_ref()),
            opened: Vec::new(),
            repeated: 0,
            latch: Latch::new(local, negotiated.remote),
            silent_after: config.silent_after,
            reception: None,
            lost_before: 0,
            jitter: JitterBuffer::new(jitter),
            concealer: Concealer::default(),
            keys_heard: EventReceiver::default(),
            keys_in_sound: config.in_band_dtmf.then(|| DtmfDetector::new(RATE)),
            sender: Sender::new(&mut random),
            key_tones: KeyTones::new(RATE),
            reports: ReportTimer::new(now, &mut random),
            last_sr: None,
            // RFC 7022 §4.2: a name made for the session tells nothing of the host.
            cname: format!("{:016x}", random.random::<u64>()),
            heard: now,
            flowing: false,
            silence_told: false,
            stats: MediaStats::default(),
            outputs: VecDeque::new(),
            decoded: Vec::with_capacity(480),
            negotiated,
            source,
            random,
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A silence before this does not count: nobody listened yet, or was owed any sound.
    pub fn listen_anew(&mut self, now: Instant) {
        (self.heard, self.silence_told) = (now, false);
    }

    /// Another agreement is in force.
    pub fn agree(&mut self, now: Instant, negotiated: Negotiated) {
        self.latch.agree(negotiated.remote);
        if self.protection.agree(negotiated.keys.as_ref()) {
            self.sender.change_source(&mut self.random);
        }
        if negotiated.direction.receives() && !self.negotiated.direction.receives() {
            self.listen_anew(now);
        }
        self.negotiated = negotiated;
    }

    /// Presses keys towards the party.
    pub fn press(&mut self, keys: &str) {
        if self.negotiated.dtmf_send.is_some() {
            self.sender.press(keys);
        } else {
            self.key_tones.press(keys);
        }
    }

    /// A datagram on the RTP port.
    pub fn receive_rtp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let mut opened = std::mem::take(&mut self.opened);
        match self.protection.open_rtp(datagram, &mut opened) {
            Ok(Incoming::Clear) => self.hear(now, from, datagram),
            Ok(Incoming::Opened) => self.hear(now, from, &opened),
            Err(refused) => self.note_refused(refused),
        }
        self.opened = opened;
    }

    /// What nobody but the party can have sent where there is a key; where there is none, the latch has to tell.
    fn hear(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(packet) = Packet::parse(datagram) else {
            self.stats.strangers += u64::from(!self.latch.is_party_host(from.ip()));
            return;
        };
        let header = packet.header;
        match self.latch.judge(now, from, header.ssrc, header.sequence) {
            Verdict::Party => {}
            Verdict::Probation => return,
            Verdict::Stranger => {
                self.stats.strangers += 1;
                return;
            }
        }
        self.stats.received += 1;
        match &mut self.reception {
            Some(reception) if reception.ssrc() == header.ssrc => {
                reception.arrived(now, &header);
            }
            other => {
                self.lost_before += other.as_ref().map_or(0, Reception::lost);
                *other = Some(Reception::new(Codec::CLOCK_RATE, now, &header));
            }
        }
        self.heard = now;
        if !std::mem::replace(&mut self.flowing, true) {
            self.outputs.push_back(Output::Event(MediaEvent::Flowing));
        }
        self.silence_told = false;
        if Some(header.payload_type) == self.negotiated.dtmf_receive {
            if let Some(key) = self.keys_heard.push(now, header.marker, header.timestamp, packet.payload) {
                self.outputs.push_back(Output::Event(MediaEvent::Dtmf(key)));
            }
            return;
        }
        // Comfort noise (RFC 3389) and whatever was not agreed on bring no sound.
        let Some(codec) = self.codec_of(header.payload_type) else { return };
        self.decoded.clear();
        codec::decode(codec, packet.payload, &mut self.decoded);
        self.jitter.push(now, &header, &self.decoded);
    }

    /// A datagram on the RTCP port.
    pub fn receive_rtcp(&mut self, now: Instant, clock: NtpTime, from: SocketAddr, datagram: &[u8]) {
        if !self.latch.is_party_host(from.ip()) {
            self.stats.strangers += 1;
            return;
        }
        let mut opened = std::mem::take(&mut self.opened);
        match self.protection.open_rtcp(datagram, &mut opened) {
            Ok(Incoming::Clear) => self.read_report(now, clock, datagram),
            Ok(Incoming::Opened) => self.read_report(now, clock, &opened),
            Err(refused) => self.note_refused(refused),
        }
        self.opened = opened;
    }

    fn note_refused(&mut self, refused: Refused) {
        match refused {
            Refused::Repeated => self.repeated += 1,
            Refused::Malformed | Refused::Unproved => self.stats.unproved += 1,
        }
    }

    fn read_report(&mut self, now: Instant, clock: NtpTime, datagram: &[u8]) {
        let Ok(report) = Compound::parse(datagram) else { return };
        if let Some(sender) = report.sender {
            self.last_sr = Some((sender.ntp.middle(), now));
        }
        for block in report.blocks.iter().filter(|block| block.ssrc == self.sender.ssrc()) {
            self.stats.reported = true;
            // Negative where duplicates outnumber losses (RFC 3550 §6.4.1).
            self.stats.lost_there = u64::try_from(block.lost).unwrap_or(0);
            self.stats.jitter_there_ms = block.jitter as f32 / 8.0;
            self.stats.round_trip = block.round_trip(clock).or(self.stats.round_trip);
        }
    }

    /// One slot of 20 ms: what the party said goes to the leg, what the leg says goes out.
    pub fn turn(&mut self, now: Instant, clock: NtpTime) {
        let from_party = self.next_frame(now);
        if self.negotiated.dtmf_receive.is_none()
            && let Some(detector) = &mut self.keys_in_sound
            && let Some(key) = detector.push(&from_party.samples)
        {
            self.outputs.push_back(Output::Event(MediaEvent::Dtmf(key)));
        }
        let to_party = self.source.tick(now, from_party);
        let tones = self.key_tones.next(to_party.samples.len());
        self.send(tones.as_deref().unwrap_or(&to_party.samples));
        if self.reports.is_due(now, &mut self.random) {
            self.report(now, clock, false);
        }
        let quiet_for = now.saturating_duration_since(self.heard);
        if quiet_for >= self.silent_after && self.negotiated.direction.receives() && !self.negotiated.held {
            if !std::mem::replace(&mut self.silence_told, true) {
                self.flowing = false;
                self.outputs.push_back(Output::Event(MediaEvent::Silent(quiet_for)));
            }
        } else if self.negotiated.held {
            // The time on hold does not count towards a silence after it.
            self.heard = now;
        }
    }

    /// So many slots were missed: the far end hears a gap of that length, not a shift of all that follows.
    pub fn miss(&mut self, slots: u64) {
        self.sender.skip(slots * RATE.frame_samples() as u64);
        self.stats.late_frames += slots;
    }

    /// The last slot's sound went out late.
    pub fn note_late(&mut self) {
        self.stats.late_frames += 1;
    }

    /// An event found nobody to take it.
    pub fn note_dropped_event(&mut self) {
        self.stats.dropped_events += 1;
    }

    /// Takes leave of the party (RFC 3550 §6.6).
    pub fn goodbye(&mut self, now: Instant, clock: NtpTime) {
        self.report(now, clock, true);
    }

    pub fn stats(&self) -> MediaStats {
        let jitter = self.jitter.stats();
        let reception = self.reception.as_ref();
        let lost = self.lost_before + reception.map_or(0, Reception::lost);
        MediaStats {
            sent: self.sender.all_packets(),
            lost: u64::try_from(lost).unwrap_or(0),
            late: jitter.late,
            duplicates: jitter.duplicates + self.repeated,
            jitter_ms: reception.map_or(0.0, |reception| reception.jitter() as f32 / 8.0),
            concealed: jitter.concealed,
            dropped_frames: self.source.dropped_frames(),
            playout_delay: self.jitter.playout_delay(),
            ..self.stats
        }
    }

    /// What the party said in this slot.
    fn next_frame(&mut self, now: Instant) -> AudioFrame {
        let count = RATE.frame_samples();
        match self.jitter.pop(now) {
            Slot::Frame(mut samples) if self.negotiated.direction.receives() => {
                self.concealer.heard(&mut samples);
                AudioFrame::new(RATE, samples)
            }
            Slot::Concealed if self.negotiated.direction.receives() => {
                AudioFrame { concealed: true, ..AudioFrame::new(RATE, self.concealer.invent(count)) }
            }
            _ => {
                self.concealer.silent(count);
                AudioFrame::silence(RATE)
            }
        }
    }

    fn send(&mut self, samples: &[i16]) {
        let target = self.latch.target().filter(|_| self.negotiated.direction.sends());
        self.sender.turn(&self.negotiated, samples, target.is_some());
        while let Some(mut datagram) = self.sender.poll_packet() {
            if let Some(to) = target
                && self.protection.protect_rtp(&mut datagram)
            {
                self.outputs.push_back(Output::Rtp { to, datagram });
            }
        }
    }

    fn report(&mut self, now: Instant, clock: NtpTime, goodbye: bool) {
        let Some(to) = self.rtcp_target() else { return };
        let sender = (self.sender.packets() > 0).then(|| SenderReport {
            ntp: clock,
            rtp: self.sender.timestamp(),
            packets: self.sender.packets() as u32,
            octets: self.sender.octets() as u32,
        });
        let last_sr = self.last_sr.map_or((0, 0), |(middle, came)| {
            (middle, (now.saturating_duration_since(came).as_micros() * 65_536 / 1_000_000) as u32)
        });
        let block = self.reception.as_mut().map(|reception| {
            let (fraction_lost, lost) = reception.report();
            ReportBlock {
                ssrc: reception.ssrc(),
                fraction_lost,
                lost,
                extended_highest: reception.extended_highest(),
                jitter: reception.jitter(),
                last_sr: last_sr.0,
                delay_since_last_sr: last_sr.1,
            }
        });
        let report = WrittenReport { ssrc: self.sender.ssrc(), sender, block, cname: &self.cname, goodbye };
        let mut datagram = report.encode();
        if self.protection.protect_rtcp(&mut datagram) {
            self.outputs.push_back(Output::Rtcp { to, datagram });
        }
    }

    /// The agreed address, or the port above the one that was learned in its stead.
    fn rtcp_target(&self) -> Option<SocketAddr> {
        let target = self.latch.target()?;
        if target == self.negotiated.remote {
            return Some(self.negotiated.remote_rtcp);
        }
        target.port().checked_add(1).map(|port| SocketAddr::new(target.ip(), port))
    }

    fn codec_of(&self, payload_type: u8) -> Option<Codec> {
        let agreed = self.negotiated.receivable.iter().find(|(known, _)| *known == payload_type);
        agreed.map(|(_, codec)| *codec).or_else(|| Codec::from_static(payload_type))
    }
}

#[cfg(test)]
mod tests;
