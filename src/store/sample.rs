//! Calls for tests: one that has every kind of event, told as a conversation that could have been.

use serde_json::json;

use crate::base::conversation::{Notice, Via};
use crate::base::ending::Party;
use crate::base::event::{Arrived, Encryption, LegParty, Quality, Stage, StepState, TransferStep, TurnLatency};
use crate::base::leg::{MoveState, MoveWay, Redirection};
use crate::base::tire::{StockLocation, TireSize};
use crate::base::tool::{SearchTires, ToolOutcome, ToolRequest, TransferReason};
use crate::base::{CallEvent, CallId, EndingCode, EventKind, LegId, Personal, PhoneNumber, TurnId};

/// 20 November 2026, 14:30 UTC.
pub const START_MS: i64 = 1_795_185_000_000;

pub fn id(number: u16) -> CallId {
    // Version 7 as real identifiers have it: the time first, so that they sort.
    let at_ms = (START_MS + i64::from(number) * 60_000) as u128;
    CallId(uuid::Uuid::from_u128((at_ms << 80) | (0x7abc_u128 << 64) | (0x8000_u128 << 48) | u128::from(number)))
}

fn arrived(number: u16) -> EventKind {
    EventKind::Arrived(Arrived {
        door: if number.is_multiple_of(3) { "audiosocket" } else { "sip" }.to_owned(),
        door_name: "main".to_owned(),
        caller: PhoneNumber::parse(&format!("+38067{:07}", 1_234_500 + u32::from(number))).ok(),
        caller_name: Some(Personal::new("Олена Коваль".to_owned())),
        redirection: Some(Redirection { dialled: "+380441234567".to_owned(), by: "700".to_owned(), cause: Some(486) }),
        dialled: "tyres".to_owned(),
        foreign_id: format!("a84b4c76e66710-{number}@pc33.example.com"),
        remote: "198.51.100.7:5060".to_owned(),
    })
}

fn tire(brand: &str, model: &str, price: &str, stock: &str) -> serde_json::Value {
    json!({
        "id": format!("t-{model}"), "sku": "W205", "brand": brand, "model": model, "size": "205/55 R16",
        "width": 205, "profile": 55, "diameter": 16, "season": "winter", "stud": "friction", "vehicle_type": "car",
        "load_index": 91, "speed_index": "T", "price": price, "currency": "UAH", "in_stock": true,
        "stock_quantity": stock,
    })
}

fn latency(parts: [u32; 4]) -> TurnLatency {
    TurnLatency {
        final_text_ms: Some(parts[0]),
        first_token_ms: Some(parts[1]),
        first_audio_ms: Some(parts[2]),
        first_out_ms: Some(parts[3]),
        total_ms: Some(parts.iter().sum()),
    }
}

/// What happens in the call, with the seconds since its start.
fn told(number: u16) -> Vec<(f64, EventKind)> {
    let turn = TurnId;
    let say = |turn, sentence, text: &str| EventKind::AgentSaying { turn, sentence, text: text.to_owned() };
    let partial = |turn, text: &str| EventKind::CallerPartial { turn, text: text.to_owned() };
    let said = |turn, text: &str, confidence| EventKind::CallerSaid {
        turn,
        text: text.to_owned(),
        via: Via::Voice,
        confidence: Some(confidence),
    };
    let spoke = |turn, text: &str, heard: &str| EventKind::AgentSaid {
        turn,
        text: text.to_owned(),
        heard: heard.to_owned(),
        cut: heard != text,
    };
    let greeting = "Добрий день! Вас вітає автоматичний помічник магазину шин. Чим можу допомогти?";
    let offers = "Є три варіанти. Нокіан Хакапелліта — дві тисячі вісімсот гривень. Матадор — дві тисячі сто.";
    let stock = "Так, у Києві на Оболоні є вісім штук. Що ще підказати?";
    let hand_over = "З'єдную вас з оператором.";
    let search = ToolRequest::SearchTires(SearchTires {
        size: TireSize { width: 205, profile: 55, diameter: 16, commercial: false },
        season: Some(crate::base::tire::Season::Winter),
        stud: None,
        brand: None,
        max_price: None,
        quantity: 4,
    });
    let found = ToolOutcome::Tires {
        offers: [tire("Matador", "MP93", "2100.00", "12"), tire("Nokian", "Hakkapeliitta R5", "2800.00", "20+")]
            .into_iter()
            .filter_map(|offer| serde_json::from_value(offer).ok())
            .collect(),
        total: 7,
        relaxed: Vec::new(),
    };
    let check =
        ToolRequest::CheckAvailability {
            product_id: "t-MP93".to_owned(), city: Some("Київ".to_owned()), quantity: 4
        };
    let available = ToolOutcome::Availability {
        availability: crate::base::tire::Availability {
            product_id: "t-MP93".to_owned(),
            in_stock: true,
            total_quantity: 12,
            locations: vec![StockLocation {
                warehouse_id: "w1".to_owned(),
                name: "Оболонь".to_owned(),
                city: "Київ".to_owned(),
                quantity: 8,
            }],
            supplier_days: None,
        },
    };
    let summary = "Шини 205/55 R16, зимові; питає про шиномонтаж".to_owned();
    let transfer = ToolRequest::TransferToOperator { reason: TransferReason::CallerAsked, summary: summary.clone() };
    let tool = |turn, id: &str, request| EventKind::ToolCalled { turn, id: id.to_owned(), request };
    let result =
        |turn, id: &str, outcome, took_ms| EventKind::ToolReturned { turn, id: id.to_owned(), outcome, took_ms };
    let step = |step, state| EventKind::TransferStep { step, state, target: "sip:operator@192.0.2.10".to_owned() };
    let moved = |state| {
        let (party, way, by) = (LegParty::Operator, MoveWay::SentOn, None);
        EventKind::Moved { party, way, to: Personal::new("sip:+380501112233@192.0.2.10".to_owned()), by, state }
    };
    let quality = Quality {
        packets_sent: 4100,
        packets_received: 4080,
        packets_lost: 9,
        jitter_ms: 3.5,
        late_frames: 1,
        mos: Some(4.3),
        ..Quality::default()
    };
    let encryption = Some(Encryption { suite: "AEAD_AES_256_GCM".to_owned(), keys_in_clear: number == 1 });
    vec![
        (0.0, arrived(number)),
        (0.0, EventKind::LegJoined { leg: LegId(0xfeed), party: LegParty::Caller }),
        (0.2, EventKind::Answered),
        (0.2, EventKind::SoundEncrypted { by: Party::Caller, encryption }),
        (0.2, EventKind::Recording { path: format!("recordings/{}.wav", id(number)) }),
        (0.2, EventKind::Noticed { notice: Notice::CallStarted }),
        (0.3, say(turn(1), 0, greeting)),
        (4.9, spoke(turn(1), greeting, greeting)),
        (5.6, EventKind::CallerSpeaking { turn: turn(2) }),
        (6.1, partial(turn(2), "мені потрібні")),
        (6.8, partial(turn(2), "мені потрібні зимові шини двісті п'ять")),
        (8.0, said(turn(2), "мені потрібні зимові шини двісті п'ять на п'ятдесят п'ять на шістнадцять", 0.94)),
        (8.1, tool(turn(3), "call_1", search)),
        (8.2, result(turn(3), "call_1", found, 62)),
        (8.5, say(turn(3), 0, "Є три варіанти.")),
        (8.5, EventKind::TurnTimed { turn: turn(3), latency: latency([310, 120, 240, 12]) }),
        (9.9, say(turn(3), 1, "Нокіан Хакапелліта — дві тисячі вісімсот гривень.")),
        (11.2, EventKind::Resumed { turn: turn(3) }),
        (12.3, EventKind::CallerSpeaking { turn: turn(4) }),
        (12.5, EventKind::BargedIn { turn: turn(3), after_ms: 180 }),
        (12.5, spoke(turn(3), offers, "Є три варіанти. Нокіан Хакапелліта — дві тисячі")),
        (14.0, said(turn(4), "а дешевші є в Києві", 0.88)),
        (14.1, tool(turn(5), "call_2", check)),
        (14.2, result(turn(5), "call_2", available, 41)),
        (14.5, say(turn(5), 0, stock)),
        (14.5, EventKind::TurnTimed { turn: turn(5), latency: latency([280, 90, 190, 11]) }),
        (18.0, spoke(turn(5), stock, stock)),
        (21.5, EventKind::CallerSpeaking { turn: turn(6) }),
        (22.0, EventKind::CallerUnclear { turn: turn(6), noisy: true }),
        (24.0, EventKind::Noticed { notice: Notice::CallerSilent { times: 1 } }),
        (25.0, EventKind::Key { digit: '0' }),
        (25.4, EventKind::Key { digit: '#' }),
        (25.5, tool(turn(7), "call_3", transfer)),
        (25.5, result(turn(7), "call_3", ToolOutcome::Accepted, 1)),
        (25.6, EventKind::TransferAsked { reason: TransferReason::CallerAsked, summary }),
        (25.7, say(turn(7), 0, hand_over)),
        (27.0, spoke(turn(7), hand_over, hand_over)),
        (27.1, step(TransferStep::Refer, StepState::Begun)),
        (27.6, step(TransferStep::Refer, StepState::Failed { status: 603 })),
        (27.7, step(TransferStep::Bridge, StepState::Ringing)),
        (27.8, moved(MoveState::Begun)),
        (27.9, moved(MoveState::Failed { status: 486 })),
        (31.0, step(TransferStep::Bridge, StepState::TimedOut)),
        (31.1, EventKind::Degraded { stage: Stage::Shop }),
        (
            34.0,
            EventKind::CallbackRequested {
                phone: None,
                note: "передзвонити щодо шиномонтажу, пошта olena@example.com".to_owned(),
            },
        ),
        (39.5, EventKind::Quality(quality)),
        (40.0, EventKind::Ended { ending: EndingCode::CallbackPromised.ending(), duration_ms: 40_000 }),
    ]
}

/// A whole call with every kind of event; calls of higher numbers come later.
pub fn whole(number: u16) -> Vec<CallEvent> {
    let call = id(number);
    let start = START_MS + i64::from(number) * 60_000;
    let at = |seconds: f64| start + (seconds * 1000.0) as i64;
    told(number).into_iter().map(|(seconds, kind)| CallEvent { call, at_ms: at(seconds), kind }).collect()
}

/// The beginning of that call: these seconds of it.
pub fn begun(number: u16, seconds: f64) -> Vec<CallEvent> {
    let mut events = whole(number);
    let end = START_MS + i64::from(number) * 60_000 + (seconds * 1000.0) as i64;
    events.retain(|event| event.at_ms <= end);
    events
}

/// A call that ended so.
pub fn short(number: u16, ending: EndingCode) -> Vec<CallEvent> {
    let mut events = begun(number, 5.0);
    let last = events.last().map_or(0, |event| event.at_ms);
    let kind = EventKind::Ended { ending: ending.ending(), duration_ms: 5_000 };
    events.push(CallEvent { call: id(number), at_ms: last + 100, kind });
    events
}
