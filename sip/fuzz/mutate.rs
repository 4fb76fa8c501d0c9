//! New inputs out of known ones: a few random changes, most of them of the kind that grammars of text and of lengths
//! are sensitive to.

use rand::Rng;
use rand::rngs::StdRng;

/// Inputs grow no longer than this.
const LONGEST: usize = 8_192;

const BYTES: &[u8] = b"\0\r\n\t \"'<>()[]{};:,=@%&?/\\*+-.~!#09azAZ\x7f\x80\xc0\xfe\xff";

const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "99",
    "100",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999999",
    "-1",
];

/// Words of the grammars that are read here.
const WORDS: [&str; 66] = [
    "\r\n",
    "\r\n ",
    "\r\n\r\n",
    "\n\n",
    "\r",
    "RTP/SAVP ",
    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 ",
    "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
    "|2^20|1:4",
    "SIP/2.0",
    "SIP/2.0/UDP ",
    "SIP/2.0/TCP ",
    "INVITE ",
    "ACK ",
    "BYE ",
    "CANCEL ",
    "REGISTER ",
    "PRACK ",
    "UPDATE ",
    "REFER ",
    "NOTIFY ",
    "Via: ",
    "v: ",
    "From: ",
    "f: ",
    "To: ",
    "t: ",
    "Contact: ",
    "m: ",
    "Contact: *\r\n",
    "Content-Length: ",
    "l: 0\r\n",
    "CSeq: ",
    "Call-ID: ",
    "i: ",
    "Route: ",
    "Record-Route: ",
    "Require: 100rel\r\n",
    "Session-Expires: 90;refresher=uas\r\n",
    "Replaces: ",
    "Refer-To: ",
    "Content-Type: application/sdp\r\n",
    "Expires: ",
    ";tag=",
    ";branch=z9hG4bK",
    ";rport",
    ";received=",
    ";lr",
    ";lr=on",
    ";ttl=",
    ";maddr=",
    "sip:",
    "sips:",
    "tel:",
    "<sip:",
    "[::1]",
    "[2001:db8:::192.0.2.1]",
    "%00",
    "%",
    "\"\\\"",
    "\\",
    "m=audio 0 RTP/AVP 0\r\n",
    "c=IN IP4 0.0.0.0\r\n",
    "a=rtpmap:96 telephone-event/8000\r\n",
    "a=sendonly\r\n",
    "\x01\x02\x03\x04",
];

pub struct Mutator {
    random: StdRng,
}

impl Mutator {
    pub fn new(random: StdRng) -> Mutator {
        Mutator { random }
    }

    /// An input made of `one`, with parts of `other` where it is spliced.
    pub fn mutate(&mut self, one: &[u8], other: &[u8]) -> Vec<u8> {
        let mut input = one.to_vec();
        // Mostly small steps: an input far from every valid one is refused at its first octet.
        let steps = 1 << self.random.random_range(0..4);
        for _ in 0..self.random.random_range(1..=steps) {
            self.step(&mut input, other);
        }
        input.truncate(LONGEST);
        input
    }

    fn step(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        match self.random.random_range(0..13) {
            0 => self.set(input, |random, old| old ^ 1 << random.random_range(0..8)),
            1 => self.set(input, |random, _| BYTES[random.random_range(0..BYTES.len())]),
            2 => self.set(input, |random, _| random.random()),
            3 => {
                let byte = BYTES[self.random.random_range(0..BYTES.len())];
                self.insert(input, &[byte]);
            }
            4 => {
                let word = WORDS[self.random.random_range(0..WORDS.len())];
                self.insert(input, word.as_bytes());
            }
            5 => {
                let range = self.range(input.len());
                input.drain(range);
            }
            6 => {
                let part = input[self.range(input.len())].to_vec();
                let times = self.random.random_range(1..=if part.len() < 64 { 60 } else { 3 });
                self.insert(input, &part.repeat(times));
            }
            7 => {
                let part = other[self.range(other.len())].to_vec();
                self.insert(input, &part);
            }
            8 => {
                // The head of one and the tail of the other.
                let (end, start) = (self.at(input.len()), self.at(other.len()));
                input.truncate(end);
                input.extend_from_slice(&other[start..]);
            }
            9 => {
                let end = self.at(input.len());
                input.truncate(end);
            }
            10 => self.number(input),
            11 => self.lines(input, other),
            _ => {
                let (from, to) = (self.range(input.len()), self.at(input.len()));
                let part: Vec<u8> = input.drain(from).collect();
                let to = to.min(input.len());
                input.splice(to..to, part);
            }
        }
    }

    fn at(&mut self, length: usize) -> usize {
        self.random.random_range(0..=length)
    }

    /// Short ranges are likelier.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.at(length);
        let most = (length - start).min(1 << self.random.random_range(0..11));
        start..start + self.random.random_range(0..=most)
    }

    fn set(&mut self, input: &mut [u8], change: impl Fn(&mut StdRng, u8) -> u8) {
        if !input.is_empty() {
            let at = self.random.random_range(0..input.len());
            input[at] = change(&mut self.random, input[at]);
        }
    }

    fn insert(&mut self, input: &mut Vec<u8>, part: &[u8]) {
        let at = self.at(input.len());
        input.splice(at..at, part.iter().copied());
    }

    /// Another number in place of one that is there.
    fn number(&mut self, input: &mut Vec<u8>) {
        let starts: Vec<usize> = (0..input.len())
            .filter(|&at| input[at].is_ascii_digit() && (at == 0 || !input[at - 1].is_ascii_digit()))
            .collect();
        if starts.is_empty() {
            return;
        }
        let start = starts[self.random.random_range(0..starts.len())];
        let length = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = NUMBERS[self.random.random_range(0..NUMBERS.len())];
        input.splice(start..start + length, number.bytes());
    }

    /// A line of the other comes in, or one of ours goes, doubles or trades places.
    fn lines(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let cut = |bytes: &[u8]| bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (mut ours, theirs) = (cut(input), cut(other));
        let at = self.at(ours.len());
        match self.random.random_range(0..4) {
            0 if !theirs.is_empty() => {
                let theirs = &theirs[self.random.random_range(0..theirs.len())];
                ours.insert(at, theirs.clone());
            }
            1 if at < ours.len() => drop(ours.remove(at)),
            2 if at < ours.len() => ours.insert(at, ours[at].clone()),
            3 if at < ours.len() => {
                let with = self.random.random_range(0..ours.len());
                ours.swap(at, with);
            }
            _ => {}
        }
        *input = ours.concat();
    }
}
