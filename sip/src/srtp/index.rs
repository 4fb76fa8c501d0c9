//! Packet indices: the 48 bits that an RTP sequence number is the end of (RFC 3711 §3.3.1, appendix A), and which of them
//! have been seen (§3.3.2).

/// Indices below the highest whose packets may still come, at least 64 (RFC 3711 §3.3.2). What is older is too late to be
/// heard anyway.
const WINDOW: u64 = 64;

/// The indices seen of one source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    highest: u64,
    /// Bit n: `highest - n` was seen.
    marks: u64,
}

impl Seen {
    pub fn first(index: u64) -> Seen {
        Seen { highest: index, marks: 1 }
    }

    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether the packet was not seen yet and is not too old to know.
    pub fn is_new(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            Some(back) => back < WINDOW && self.marks & (1 << back) == 0,
            None => true,
        }
    }

    /// A packet proved to be the peer's: only such may move the window.
    pub fn note(&mut self, index: u64) {
        match index.checked_sub(self.highest) {
            Some(ahead) => {
                self.marks = if ahead < WINDOW { self.marks << ahead | 1 } else { 1 };
                self.highest = index;
            }
            None => self.marks |= 1 << (self.highest - index).min(WINDOW - 1),
        }
    }
}

/// The index that ends in `sequence` and is nearest to `highest`. `None` where it would be below zero.
pub(super) fn nearest(highest: u64, sequence: u16) -> Option<u64> {
    let (rollovers, last) = (highest >> 16, highest as u16);
    let behind = last < 0x8000 && i32::from(sequence) - i32::from(last) > 0x8000;
    let ahead = last >= 0x8000 && last - 0x8000 > sequence;
    let rollovers = match (behind, ahead) {
        (true, _) => rollovers.checked_sub(1)?,
        (_, true) => rollovers + 1,
        _ => rollovers,
    };
    Some(rollovers << 16 | u64::from(sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_the_nearest_with_its_sequence_number() {
        for (highest, sequence, expect) in [
            (5, 6, Some(6)),
            (0xFFFF, 0, Some(0x1_0000)),
            (0x1_0000, 0xFFFF, Some(0xFFFF)),
            (0x3, 0xFFFF, None),
            (0x1_7FFF, 0xFFFE, Some(0x1_FFFE)),
            (0x1_8002, 1, Some(0x2_0001)),
            (0x1_8001, 1, Some(0x1_0001)),
        ] {
            assert_eq!(nearest(highest, sequence), expect, "{sequence:x} after {highest:x}");
        }
    }

    #[test]
    fn each_index_is_new_once_and_old_ones_never() {
        let mut seen = Seen::first(1_000);
        for (index, expect) in
            [(1_000, false), (999, true), (999, false), (937, true), (936, false), (1_003, true), (1_001, true)]
        {
            assert_eq!(seen.is_new(index), expect, "{index}");
            if expect {
                seen.note(index);
            }
        }
        assert_eq!((seen.highest(), seen.is_new(1_001), seen.is_new(1_002)), (1_003, false, true));
        seen.note(2_000);
        assert!(!seen.is_new(1_003) && !seen.is_new(2_000) && seen.is_new(1_999));
    }

    proptest::proptest! {
        #[test]
        fn the_window_is_a_set_with_a_memory(steps in proptest::collection::vec(0u64..200, 1..300)) {
            let mut seen = Seen::first(300);
            let mut all = std::collections::BTreeSet::from([300]);
            let mut base = 200;
            for step in steps {
                base += step / 8;
                let index = base + step;
                let highest = *all.last().unwrap();
                let expect = !all.contains(&index) && index + WINDOW > highest;
                proptest::prop_assert_eq!(seen.is_new(index), expect);
                if expect {
                    seen.note(index);
                    all.insert(index);
                }
            }
        }
    }
}
