//! Tyre sizes from the keypad: `205*55*16#`.

use super::SizeParts;
use crate::base::tire::TireSize;

/// A size keyed in: `205*55*16#`, or seven digits without stars. Parts from the left may be all there is; `None` when
/// a part is not one that tyres have.
pub fn from_keys(keys: &str) -> Option<SizeParts> {
    let keys = keys.trim().trim_end_matches('#').trim_matches('*');
    let groups: Vec<&str> = match keys.len() {
        _ if keys.contains('*') => keys.split('*').collect(),
        7 if keys.is_ascii() => vec![&keys[..3], &keys[3..5], &keys[5..]],
        5 if keys.is_ascii() => vec![&keys[..3], &keys[3..]],
        _ => vec![keys],
    };
    if groups.len() > 3 {
        return None;
    }
    let mut parts = SizeParts::default();
    let checks = [TireSize::is_width, TireSize::is_profile, TireSize::is_diameter];
    let places = [&mut parts.width, &mut parts.profile, &mut parts.diameter];
    if let [only] = groups.as_slice() {
        // One number alone says by its own size which part it is: the three ranges do not overlap.
        let number = digits(only)?;
        let (place, _) = places.into_iter().zip(checks).find(|(_, check)| check(number))?;
        *place = Some(number);
        return Some(parts);
    }
    for ((group, place), check) in groups.into_iter().zip(places).zip(checks) {
        let number = digits(group)?;
        if !check(number) {
            return None;
        }
        *place = Some(number);
    }
    Some(parts)
}

fn digits(group: &str) -> Option<u16> {
    group.bytes().all(|b| b.is_ascii_digit()).then(|| group.parse().ok()).flatten()
}
