//! The session keys made of a master key (RFC 3711 §4.3), and what they do to one packet: counter mode with HMAC-SHA1
//! (RFC 3711 §4.1.1, §4.2.1, RFC 6188) or GCM (RFC 7714). Which packet has which index is for others.

use aes::cipher::{InnerIvInit, KeyInit, StreamCipher};
use aes::{Aes128, Aes256};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, Nonce, Tag};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::{MasterKey, Suite};

/// Labels of RFC 3711 §4.3.1 and §4.3.2 for encryption, authentication and salt.
const RTP: [u8; 3] = [0, 1, 2];
const RTCP: [u8; 3] = [3, 4, 5];
/// The index word of an SRTCP packet says by its first bit that the packet is encrypted (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;
/// Octets of the index word.
pub(super) const WORD: usize = 4;
/// Octets of an RTCP packet that stay clear: its first header with the sender's SSRC.
pub(super) const RTCP_CLEAR: usize = 8;

/// Both kinds of packets of one direction.
pub(super) struct Session {
    pub suite: Suite,
    rtp: Keys,
    rtcp: Keys,
}

impl Session {
    pub fn new(master: &MasterKey) -> Session {
        Session { suite: master.suite(), rtp: Keys::derive(master, RTP), rtcp: Keys::derive(master, RTCP) }
    }

    /// Encrypts the packet from `clear` on, and appends the tag.
    pub fn seal_rtp(&self, packet: &mut Vec<u8>, clear: usize, ssrc: u32, index: u64) {
        match &self.rtp {
            Keys::Counter { aes, salt, mac } => {
                aes.apply(&counter(salt, ssrc, index), &mut packet[clear..]);
                let tag = tag(mac, &[packet, &rollovers(index)]);
                packet.extend_from_slice(&tag[..self.suite.rtp_tag()]);
            }
            Keys::Gcm(gcm) => {
                let tag = gcm.seal(&rtp_nonce(&gcm.salt, ssrc, index), packet, clear, &[]);
                packet.extend_from_slice(&tag);
            }
        }
    }

    /// Proves and decrypts the packet, which has lost its key identifier; the tag goes. False leaves it as it was.
    pub fn open_rtp(&self, packet: &mut Vec<u8>, clear: usize, ssrc: u32, index: u64) -> bool {
        let Some(end) = packet.len().checked_sub(self.suite.rtp_tag()).filter(|end| *end >= clear) else {
            return false;
        };
        let (body, proof) = packet.split_at_mut(end);
        let opened = match &self.rtp {
            Keys::Counter { aes, salt, mac } => {
                let proved = proves(mac, &[body, &rollovers(index)], proof);
                if proved {
                    aes.apply(&counter(salt, ssrc, index), &mut body[clear..]);
                }
                proved
            }
            Keys::Gcm(gcm) => gcm.open(&rtp_nonce(&gcm.salt, ssrc, index), body, clear, &[], proof),
        };
        if opened {
            packet.truncate(end);
        }
        opened
    }

    /// As `seal_rtp`, for a compound RTCP packet. The index word goes where the suite has it.
    pub fn seal_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) {
        let word = (ENCRYPTED | index).to_be_bytes();
        match &self.rtcp {
            Keys::Counter { aes, salt, mac } => {
                aes.apply(&counter(salt, ssrc, u64::from(index)), &mut packet[RTCP_CLEAR..]);
                packet.extend_from_slice(&word);
                let tag = tag(mac, &[packet]);
                packet.extend_from_slice(&tag[..self.suite.rtcp_tag()]);
            }
            Keys::Gcm(gcm) => {
                let tag = gcm.seal(&rtcp_nonce(&gcm.salt, ssrc, index), packet, RTCP_CLEAR, &word);
                packet.extend_from_slice(&tag);
                packet.extend_from_slice(&word);
            }
        }
    }

    /// As `open_rtp`. A packet that says it is not encrypted is refused: nothing but encryption is agreed on.
    pub fn open_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) -> bool {
        let tag = self.suite.rtcp_tag();
        let Some(end) = packet.len().checked_sub(tag + WORD).filter(|end| *end >= RTCP_CLEAR) else { return false };
        let word = (ENCRYPTED | index).to_be_bytes();
        let opened = match &self.rtcp {
            Keys::Counter { aes, salt, mac } => {
                let (body, proof) = packet.split_at_mut(end + WORD);
                let proved = body.ends_with(&word) && proves(mac, &[body], proof);
                if proved {
                    aes.apply(&counter(salt, ssrc, u64::from(index)), &mut body[RTCP_CLEAR..end]);
                }
                proved
            }
            Keys::Gcm(gcm) => {
                let (body, proof) = packet.split_at_mut(end);
                proof.ends_with(&word)
                    && gcm.open(&rtcp_nonce(&gcm.salt, ssrc, index), body, RTCP_CLEAR, &word, &proof[..tag])
            }
        };
        if opened {
            packet.truncate(end);
        }
        opened
    }

    /// The index that an SRTCP packet without key identifier carries.
    pub fn rtcp_index(&self, packet: &[u8]) -> Option<u32> {
        let behind = if self.suite.is_aead() { 0 } else { self.suite.rtcp_tag() };
        let end = packet.len().checked_sub(behind)?;
        Some(u32::from_be_bytes(*packet.get(..end)?.last_chunk::<WORD>()?) & !ENCRYPTED)
    }
}

/// The session keys of one kind of packet.
enum Keys {
    Counter { aes: Aes, salt: [u8; 14], mac: Hmac<Sha1> },
    Gcm(Gcm),
}

impl Keys {
    fn derive(master: &MasterKey, [encryption, authentication, salting]: [u8; 3]) -> Keys {
        let mut key = [0; 32];
        let key = &mut key[..master.suite().key_length()];
        derive(master, encryption, key);
        if master.suite().is_aead() {
            let mut salt = [0; 12];
            derive(master, salting, &mut salt);
            return Keys::Gcm(Gcm { aes: GcmAes::new(key), salt });
        }
        let (mut salt, mut mac) = ([0; 14], [0; 20]);
        derive(master, salting, &mut salt);
        derive(master, authentication, &mut mac);
        let mac = Hmac::new_from_slice(&mac).expect("invariant: HMAC takes keys of any length");
        Keys::Counter { aes: Aes::new(key), salt, mac }
    }
}

/// RFC 3711 §4.3.3: the keystream of the master key at the salt with the label. A salt of 96 bits stands at the left
/// (RFC 7714 §11).
fn derive(master: &MasterKey, label: u8, out: &mut [u8]) {
    let mut block = [0; 16];
    block[..master.salt().len()].copy_from_slice(master.salt());
    block[7] ^= label;
    Aes::new(master.key()).apply(&block, out);
}

/// AES as a generator of keystream.
enum Aes {
    Short(Aes128),
    Long(Aes256),
}

const FITS: &str = "invariant: a suite's keys have its length";

impl Aes {
    fn new(key: &[u8]) -> Aes {
        match key.len() {
            16 => Aes::Short(Aes128::new_from_slice(key).expect(FITS)),
            _ => Aes::Long(Aes256::new_from_slice(key).expect(FITS)),
        }
    }

    fn apply(&self, block: &[u8; 16], octets: &mut [u8]) {
        match self {
            Aes::Short(aes) => {
                let core = ctr::CtrCore::<_, ctr::flavors::Ctr128BE>::inner_iv_init(aes.clone(), block.into());
                ctr::Ctr128BE::from_core(core).apply_keystream(octets);
            }
            Aes::Long(aes) => {
                let core = ctr::CtrCore::<_, ctr::flavors::Ctr128BE>::inner_iv_init(aes.clone(), block.into());
                ctr::Ctr128BE::from_core(core).apply_keystream(octets);
            }
        }
    }
}

/// The first block of a packet's keystream (RFC 3711 §4.1.1).
fn counter(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut block = [0; 16];
    block[..14].copy_from_slice(salt);
    mix(&mut block[4..8], &ssrc.to_be_bytes());
    mix(&mut block[8..14], &index.to_be_bytes()[2..]);
    block
}

/// The 32 bits of the index that the packet does not carry (RFC 3711 §4.2).
fn rollovers(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

fn mix(block: &mut [u8], with: &[u8]) {
    block.iter_mut().zip(with).for_each(|(octet, with)| *octet ^= with);
}

fn mac(mac: &Hmac<Sha1>, parts: &[&[u8]]) -> Hmac<Sha1> {
    let mut mac = mac.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac
}

fn tag(key: &Hmac<Sha1>, parts: &[&[u8]]) -> [u8; 20] {
    mac(key, parts).finalize().into_bytes().into()
}

/// In a time that tells nothing of the right tag.
fn proves(key: &Hmac<Sha1>, parts: &[&[u8]], proof: &[u8]) -> bool {
    mac(key, parts).verify_truncated_left(proof).is_ok()
}

struct Gcm {
    aes: GcmAes,
    salt: [u8; 12],
}

enum GcmAes {
    Short(Aes128Gcm),
    Long(Aes256Gcm),
}

impl GcmAes {
    fn new(key: &[u8]) -> GcmAes {
        match key.len() {
            16 => GcmAes::Short(Aes128Gcm::new_from_slice(key).expect(FITS)),
            _ => GcmAes::Long(Aes256Gcm::new_from_slice(key).expect(FITS)),
        }
    }
}

/// Octets that GCM authenticates beside what it encrypts: a header with its extension, or an index word behind it.
const MOST_ASIDE: usize = RTCP_CLEAR + WORD;

impl Gcm {
    /// Encrypts from `clear` on. What comes before, and `more`, is authenticated only.
    fn seal(&self, nonce: &[u8; 12], packet: &mut [u8], clear: usize, more: &[u8]) -> [u8; 16] {
        let (head, body) = packet.split_at_mut(clear);
        let mut joined = [0; MOST_ASIDE];
        let aside = aside(head, more, &mut joined);
        let body = InOutBuf::from(body);
        let sealed = match &self.aes {
            GcmAes::Short(aes) => aes.encrypt_inout_detached(&Nonce::<Aes128Gcm>::from(*nonce), aside, body),
            GcmAes::Long(aes) => aes.encrypt_inout_detached(&Nonce::<Aes256Gcm>::from(*nonce), aside, body),
        };
        sealed.expect("invariant: a datagram is shorter than GCM's limit").into()
    }

    fn open(&self, nonce: &[u8; 12], packet: &mut [u8], clear: usize, more: &[u8], proof: &[u8]) -> bool {
        let (head, body) = packet.split_at_mut(clear);
        let mut joined = [0; MOST_ASIDE];
        let aside = aside(head, more, &mut joined);
        let Ok(proof) = <[u8; 16]>::try_from(proof) else { return false };
        let body = InOutBuf::from(body);
        let opened = match &self.aes {
            GcmAes::Short(aes) => aes.decrypt_inout_detached(
                &Nonce::<Aes128Gcm>::from(*nonce),
                aside,
                body,
                &Tag::<Aes128Gcm>::from(proof),
            ),
            GcmAes::Long(aes) => aes.decrypt_inout_detached(
                &Nonce::<Aes256Gcm>::from(*nonce),
                aside,
                body,
                &Tag::<Aes256Gcm>::from(proof),
            ),
        };
        opened.is_ok()
    }
}

/// RFC 7714 §9.2 has the index word behind the header of RTCP; RTP has none.
fn aside<'a>(head: &'a [u8], more: &[u8], joined: &'a mut [u8; MOST_ASIDE]) -> &'a [u8] {
    if more.is_empty() {
        return head;
    }
    let end = head.len() + more.len();
    joined[..head.len()].copy_from_slice(head);
    joined[head.len()..end].copy_from_slice(more);
    &joined[..end]
}

/// RFC 7714 §8.1.
fn rtp_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> [u8; 12] {
    let mut nonce = *salt;
    mix(&mut nonce[2..6], &ssrc.to_be_bytes());
    mix(&mut nonce[6..12], &index.to_be_bytes()[2..]);
    nonce
}

/// RFC 7714 §9.1.
fn rtcp_nonce(salt: &[u8; 12], ssrc: u32, index: u32) -> [u8; 12] {
    let mut nonce = *salt;
    mix(&mut nonce[2..6], &ssrc.to_be_bytes());
    mix(&mut nonce[8..12], &index.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
    }

    /// RFC 3711 appendix B.2.
    #[test]
    fn the_keystream_is_that_of_the_rfc() {
        let aes = Aes::new(&hex("2B7E151628AED2A6ABF7158809CF4F3C"));
        let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
        let mut stream = [0; 48];
        aes.apply(&counter(&salt, 0, 0), &mut stream);
        let expect =
            "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
        assert_eq!(stream[..], hex(expect));
    }

    /// RFC 3711 appendix B.3, and RFC 6188 §7.4 for AES-256.
    #[test]
    fn session_keys_are_those_of_the_rfcs() {
        let check = |suite, octets: &str, [key, salt, mac]: [&str; 3]| {
            let master = MasterKey::new(suite, &hex(octets)).unwrap();
            for (label, expect) in [(RTP[0], key), (RTP[2], salt), (RTP[1], mac)] {
                let expect = hex(expect);
                let mut derived = vec![0; expect.len()];
                derive(&master, label, &mut derived);
                assert_eq!(derived, expect, "{suite:?}, label {label}");
            }
        };
        check(
            Suite::Aes128Sha1Tag80,
            "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6",
            [
                "C61E7A93744F39EE10734AFE3FF7A087",
                "30CBBC08863D8C85D49DB34A9AE1",
                "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
            ],
        );
        check(
            Suite::Aes256Sha1Tag80,
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
            [
                "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
                "fa31791685ca444a9e07c6c64e93",
                "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
            ],
        );
    }

    /// RFC 7714 §16.1.1, whose key and salt are those of the session.
    #[test]
    fn a_packet_under_gcm_is_that_of_the_rfc() {
        let salt = hex("517569642070726f2071756f").try_into().unwrap();
        let gcm = Gcm { aes: GcmAes::new(&hex("000102030405060708090a0b0c0d0e0f")), salt };
        let head = hex("8040f17b8041f8d35501a0b2");
        let mut packet = [&head[..], b"Gallia est omnis divisa in partes tres"].concat();
        let plain = packet.clone();
        let nonce = rtp_nonce(&gcm.salt, 0x5501a0b2, 0xf17b);
        assert_eq!(nonce[..], hex("51753c6580c2726f20718414"));
        let tag = gcm.seal(&nonce, &mut packet, 12, &[]);
        let expect = "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833";
        assert_eq!(packet[12..], hex(expect));
        assert_eq!(tag[..], hex("899d7f27beb16a9152cf765ee4390cce"));
        assert!(gcm.open(&nonce, &mut packet, 12, &[], &tag) && packet == plain);
    }

    /// RFC 3711 §3.4 lets a sender leave single reports clear. Nothing of the kind is agreed on, so it proves nothing.
    #[test]
    fn a_proved_report_that_is_not_encrypted_is_refused() {
        let master = MasterKey::new(Suite::Aes128Sha1Tag80, &[7; 30]).unwrap();
        let session = Session::new(&master);
        let Keys::Counter { mac, .. } = &session.rtcp else { panic!("counter mode") };
        let report = hex("80c90001 00000007");
        let wire = |word: u32| {
            let mut wire = [&report[..], &word.to_be_bytes()].concat();
            wire.extend_from_slice(&tag(mac, &[&wire])[..10]);
            wire
        };
        assert!(!session.open_rtcp(&mut wire(3), 7, 3));
        assert!(session.open_rtcp(&mut wire(ENCRYPTED | 3), 7, 3));
    }
}
