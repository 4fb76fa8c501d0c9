//! Whether the parties' sound is encrypted, as the record tells it.

use super::*;
use crate::base::event::Encryption;

/// The leg's event by its word.
pub fn event(word: &str) -> LegEvent {
    match word {
        "plain" => LegEvent::Encrypted(None),
        "unencrypted" => LegEvent::Ended(LegEnd { by: EndedBy::Us, sip_status: 488, q850: Some(NOT_ENCRYPTED) }),
        _ => LegEvent::Encrypted(Some(Encryption { suite: "AES".to_owned(), keys_in_clear: false })),
    }
}

#[test]
fn the_encryption_of_both_parties_is_told() {
    check(
        REFER,
        "0 admitted\n1 answered\n1 encrypted\n2 plain\n3 encrypted\n5 transfer\n6 declined\n8 op-answers\n8 op-encrypted\n30 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            1 SoundEncrypted { by: Caller, encryption: Some(Encryption { suite: "AES", keys_in_clear: false }) }
            2 SoundEncrypted { by: Caller, encryption: None }
            3 SoundEncrypted { by: Caller, encryption: Some(Encryption { suite: "AES", keys_in_clear: false }) }
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            6 Refer sip:op@pbx Failed { status: 603 }
            6 Bridge sip:first@op Begun
            6 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            8 Bridge sip:first@op Succeeded
            8 Wait(false)
            8 Bridge { operator: OperatorId(0) }
            8 SoundEncrypted { by: Operator, encryption: Some(Encryption { suite: "AES", keys_in_clear: false }) }
            30 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

#[test]
fn a_call_that_could_not_be_encrypted_says_so() {
    check(
        REFER,
        "0 admitted\n1 unencrypted",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        ended refused_unencrypted by Program with 488
    "#]],
    );
}
