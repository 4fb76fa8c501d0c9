//! User-to-User (RFC 7433): the name of a handed-over call, carried to whoever takes it.

use std::fmt::Write;

/// The header's name.
pub const HEADER: &str = "User-to-User";
/// The protocol discriminator that says "IA5 characters follow" (ITU-T Q.931 table 4-26), which gateways to ISDN pass on.
const IA5: u8 = 0x04;

/// The value that carries `text`.
pub fn value(text: &str) -> String {
    let mut value = format!("{IA5:02x}");
    for byte in text.bytes() {
        // Writing to a string cannot fail.
        let _ = write!(value, "{byte:02x}");
    }
    value + ";encoding=hex"
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_is_hex_behind_its_discriminator() {
        assert_eq!(super::value("0a-Z"), "0430612d5a;encoding=hex");
    }
}
