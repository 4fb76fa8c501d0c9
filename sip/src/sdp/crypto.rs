//! The attribute `a=crypto` (RFC 4568 §4, §6, §9): read into a key that we can work with, or not at all, and written. A
//! line with anything we cannot do is passed over, for another may follow (§5.1.2). Which one is taken is decided in
//! `negotiate`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::srtp::{KeyIdentifier, MasterKey, Suite};

/// Keys end in `=` where they should, but some peers leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The most packets a key may encrypt, as a power of two (RFC 3711 §9.2).
const LONGEST_LIFE: u32 = 48;
/// The longest key identifier (RFC 4568 §6.1).
const LONGEST_IDENTIFIER: usize = 128;

/// A line of a peer that we can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crypto {
    /// What the answer names the line by.
    pub tag: u32,
    /// The peer encrypts with it.
    pub key: MasterKey,
    /// Stands in each of the peer's packets; empty where the line has none.
    pub identifier: KeyIdentifier,
}

impl Crypto {
    /// Reads `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^20|1:4 WSH=64`. `None`: not for us.
    pub fn read(value: &str) -> Option<Crypto> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9 && tag.bytes().all(|c| c.is_ascii_digit()))?.parse().ok()?;
        let suite = Suite::from_name(words.next()?)?;
        // Several keys (`;`) would need each packet to say which one it is of.
        let given = words.next()?.split_once(':').filter(|(method, _)| method.eq_ignore_ascii_case("inline"))?.1;
        let mut parts = given.split('|');
        let key = MasterKey::new(suite, &BASE64.decode(parts.next()?).ok()?)?;
        let mut identifier = KeyIdentifier::new();
        let (mut may_be_life, mut may_be_identifier) = (true, true);
        for part in parts {
            match part.split_once(':') {
                Some((value, length)) if std::mem::take(&mut may_be_identifier) => {
                    identifier = read_identifier(value, length)?;
                    may_be_life = false;
                }
                None if std::mem::take(&mut may_be_life) => is_life(part).then_some(())?,
                _ => return None,
            }
        }
        words.all(is_harmless).then_some(Crypto { tag, key, identifier })
    }

    /// The value that tells the peer a key of ours. It lives as long as RFC 3711 lets it, and needs no identifier.
    pub fn write(tag: u32, key: &MasterKey) -> String {
        format!("{tag} {} inline:{}", key.suite().name(), BASE64.encode(key.expose()))
    }
}

/// How many packets the peer will encrypt with the key (RFC 4568 §6.1): it brings another one in time, and what comes
/// after is its own affair.
fn is_life(text: &str) -> bool {
    match text.strip_prefix("2^") {
        Some(power) => power.parse::<u32>().is_ok_and(|power| power <= LONGEST_LIFE),
        None => text.parse::<u64>().is_ok_and(|packets| (1..=1 << LONGEST_LIFE).contains(&packets)),
    }
}

/// A number in so many octets (RFC 4568 §6.1).
fn read_identifier(value: &str, length: &str) -> Option<KeyIdentifier> {
    let length: usize = length.parse().ok().filter(|length| (1..=LONGEST_IDENTIFIER).contains(length))?;
    let number = value.parse::<u128>().ok()?.to_be_bytes();
    let mut octets = vec![0; length];
    let common = length.min(number.len());
    octets[length - common..].copy_from_slice(&number[number.len() - common..]);
    number[..number.len() - common].iter().all(|octet| *octet == 0).then_some(octets)
}

/// Session parameters that change nothing for us (RFC 4568 §6.3): the size of a window, which is advice, and what may be
/// passed over. All others must be done or the line refused: packets without encryption or proof, keys derived again and
/// again, forward error correction.
fn is_harmless(parameter: &str) -> bool {
    let window = parameter.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="));
    parameter.starts_with('-') || (window && parameter[4..].parse::<u32>().is_ok())
}

/// Overwrites the keys in a description, or in a message that holds one, with stars. Lengths stay.
pub fn hide_keys(octets: &mut [u8]) {
    const LINE: &[u8] = b"a=crypto:";
    const KEY: &[u8] = b"inline:";
    let find = |octets: &[u8], wanted: &[u8]| {
        octets.windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted)).map(|at| at + wanted.len())
    };
    let mut rest = octets;
    while let Some(begin) = find(rest, LINE) {
        rest = &mut rest[begin..];
        let end = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(rest.len());
        let (mut line, after) = rest.split_at_mut(end);
        while let Some(begin) = find(line, KEY) {
            line = &mut line[begin..];
            let end = line.iter().position(|octet| matches!(octet, b'|' | b';' | b' ')).unwrap_or(line.len());
            line[..end].fill(b'*');
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tag, suite, identifier; then the octets of key and salt.
    fn check(value: &str, expect: Option<(&str, &[u8])>) {
        let read = Crypto::read(value);
        let shown = read.as_ref().map(|crypto| {
            let identifier: String = crypto.identifier.iter().map(|octet| format!("{octet:02x}")).collect();
            let shown = format!("{} {} {identifier}", crypto.tag, crypto.key.suite().name()).trim_end().to_owned();
            (shown, crypto.key.expose())
        });
        assert_eq!(shown, expect.map(|(shown, octets)| (shown.to_owned(), octets)), "{value}");
    }

    #[test]
    fn lines_of_the_rfc() {
        // As it prints them.
        check(
            "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4",
            Some(("1 AES_CM_128_HMAC_SHA1_80 00000001", b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ")),
        );
        check(
            "1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32",
            Some((&format!("1 AES_CM_128_HMAC_SHA1_32 {}01", "00".repeat(31)), b"70xwPH5@/,L:S1wY\"~='EpgT%(i_Vc")),
        );
        check(
            "2 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4",
            Some(("2 AES_CM_128_HMAC_SHA1_80 0000042a", b"aBCdefghiJKLmoPQrsTuVwyz123456")),
        );
    }

    const KEY: &str = "inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2";

    #[test]
    fn what_the_field_sends_is_read() {
        let key = b"aBCdefghiJKLmoPQrsTuVwyz123456";
        for tail in ["", "|2^48", "|1048576", "|2^31|1:1", " WSH=128", " -somebodys=own", "|2^20 wsh=64 -x"] {
            let read = Crypto::read(&format!("7 aes_cm_128_hmac_sha1_80 INLINE:{}{tail}", &KEY[7..]));
            assert_eq!(read.map(|crypto| crypto.key.expose().to_vec()).as_deref(), Some(&key[..]), "{tail}");
        }
        // Keys of GCM with and without their padding.
        for padding in ["=", ""] {
            let line = format!(
                "3 AEAD_AES_256_GCM inline:HGAPy4Cedy/qumbZvpuCZSVT7rNDk8vG4TdUXp5hkyWqJCqiLRGab0KJy1g{padding}"
            );
            assert_eq!(Crypto::read(&line).map(|crypto| crypto.key.suite()), Some(Suite::Aes256Gcm), "{line}");
        }
    }

    #[test]
    fn lines_that_ask_for_what_we_cannot_do_are_passed_over() {
        for line in [
            "1 AES_CM_128_HMAC_SHA1_80",
            "1 F8_128_HMAC_SHA1_80 KEY",
            "x AES_CM_128_HMAC_SHA1_80 KEY",
            "1234567890 AES_CM_128_HMAC_SHA1_80 KEY",
            "1 AES_CM_128_HMAC_SHA1_80 KEY UNENCRYPTED_SRTP",
            "1 AES_CM_128_HMAC_SHA1_80 KEY UNENCRYPTED_SRTCP",
            "1 AES_CM_128_HMAC_SHA1_80 KEY WSH=64 UNAUTHENTICATED_SRTP",
            "1 AES_CM_128_HMAC_SHA1_80 KEY KDR=24",
            "1 AES_CM_128_HMAC_SHA1_80 KEY FEC_ORDER=FEC_SRTP",
            "1 AES_CM_128_HMAC_SHA1_80 KEY WSH=many",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|2^49",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|0",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|2^20|2^20",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|1:0",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|1:129",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|256:1",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|1:4|2:4",
            "1 AES_CM_128_HMAC_SHA1_80 KEY|2^20|1:4;KEY|2^20|2:4",
            "1 AES_256_CM_HMAC_SHA1_80 KEY",
            "1 AEAD_AES_128_GCM KEY",
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:!",
            "1 AES_CM_128_HMAC_SHA1_80 uri:KEY",
        ] {
            check(&line.replace("KEY", KEY), None);
        }
    }

    #[test]
    fn keys_are_hidden_wherever_they_stand() {
        let mut text = format!(
            "INVITE sip:a SIP/2.0\r\n\r\nv=0\r\na=crypto:1 X {KEY}|2^20|1:4;{KEY}|2:4 WSH=64\r\na=CRYPTO:2 Y {KEY}\na=x:{KEY}"
        )
        .into_bytes();
        let length = text.len();
        hide_keys(&mut text);
        let text = String::from_utf8(text).unwrap();
        let stars = "*".repeat(40);
        assert_eq!(text.len(), length);
        assert!(
            text.contains(&format!("a=crypto:1 X inline:{stars}|2^20|1:4;inline:{stars}|2:4 WSH=64\r\n")),
            "{text}"
        );
        assert!(text.contains(&format!("a=CRYPTO:2 Y inline:{stars}\n")), "{text}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tag in 0u32..1_000_000_000, suite in 0usize..6, octets in proptest::collection::vec(any::<u8>(), 46)) {
            let suite = Suite::ALL[suite];
            let key = MasterKey::new(suite, &octets[..suite.key_length() + suite.salt_length()]).unwrap();
            let read = Crypto::read(&Crypto::write(tag, &key));
            prop_assert_eq!(read, Some(Crypto { tag, key, identifier: Vec::new() }));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,120}", octets in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Crypto::read(&text);
            let _ = Crypto::read(&format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}{text}"));
            let mut octets = [b"a=crypto:inline:", &octets[..]].concat();
            hide_keys(&mut octets);
        }
    }
}
