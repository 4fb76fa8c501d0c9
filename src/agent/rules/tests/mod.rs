//! Conversations as ladders: what the caller says and what happens, and what the rules make of it. The shop of these
//! tests answers tool calls by its script.

mod dialogues;
mod situations;

use std::fmt::Write as _;

use expect_test::Expect;
use proptest::prelude::*;

use super::*;
use crate::agent::Vocabulary;
use crate::agent::persona::Config;
use crate::agent::tool;
use crate::agent::vocabulary::{Make, Named};
use crate::base::Money;
use crate::base::conversation::{Notice, Via};
use crate::base::tire::{
    Availability, Axle, Season, StockLocation, Tire, TireSize, Vehicle, VehicleSize, VehicleTires, VehicleType,
};
use crate::base::tool::{Relaxed, ToolFailure, ToolOutcome};

fn named(name: &str, aliases: &str) -> Named {
    Named { name: name.to_owned(), aliases: aliases.split(',').map(str::to_owned).collect() }
}

fn vocabulary() -> Vocabulary {
    let sizes = [
        "175/70 R13",
        "185/65 R15",
        "195/65 R15",
        "205/55 R16",
        "205/60 R16",
        "215/55 R16",
        "215/60 R16",
        "205/65 R16",
        "215/55 R17",
        "225/45 R17",
        "235/45 R18",
        "235/60 R18",
        "215/65 R16C",
    ];
    Vocabulary {
        sizes: sizes.iter().map(|size| TireSize::parse(size).expect("a size")).collect(),
        brands: vec![
            named("Michelin", "мішлен,мішелін,мишлен"),
            named("Nokian", "нокіан,нокиан"),
            named("Rosava", "росава"),
            named("Toyo", "тойо"),
        ],
        makes: vec![
            Make {
                make: named("Toyota", "тойота"),
                models: vec![named("Camry", "камрі,камри"), named("RAV4", "рав чотири,рав четыре")],
            },
            Make {
                make: named("Renault", "рено"), models: vec![named("Logan", "логан"), named("Duster", "дастер")]
            },
            Make { make: named("Dacia", "дачія,дачия"), models: vec![named("Logan", "логан")] },
            Make {
                make: named("Mazda", "мазда"),
                models: vec![named("6", "шість,шістка,шесть"), named("CX-5", "сі ікс п'ять")],
            },
            Make {
                make: named("BMW", "бмв"), models: vec![named("X5", "ікс п'ять"), named("3 Series", "трійка")]
            },
        ],
    }
}

fn tire(id: &str, brand: &str, model: &str, hryvnias: i64) -> Tire {
    let dimensions = TireSize { width: 205, profile: 55, diameter: 16, commercial: false };
    Tire {
        id: id.to_owned(),
        sku: format!("SKU-{id}"),
        brand: brand.to_owned(),
        model: model.to_owned(),
        size: dimensions.to_string(),
        dimensions,
        season: Season::Winter,
        stud: None,
        vehicle_type: VehicleType::Car,
        load_index: 91,
        speed_index: "H".to_owned(),
        xl: false,
        runflat: false,
        price: Money::hryvnias(hryvnias),
        currency: "UAH".to_owned(),
        in_stock: true,
        stock_quantity: "20+".to_owned(),
        delivery_days: 0,
        rating: None,
    }
}

/// What the shop of a script does.
#[derive(Default)]
struct Shop {
    down: bool,
    empty: bool,
    relaxed: Vec<Relaxed>,
    ambiguous: bool,
    out_of_stock: bool,
}

impl Shop {
    fn answer(&self, request: &ToolRequest) -> ToolOutcome {
        match request {
            ToolRequest::TransferToOperator { .. } | ToolRequest::RequestCallback { .. } | ToolRequest::EndCall => {
                ToolOutcome::Accepted
            }
            _ if self.down => ToolOutcome::Failed { failure: ToolFailure::Unavailable },
            ToolRequest::SearchTires(_) => {
                let all = vec![
                    tire("t-1", "Rosava", "Snowgard", 2100),
                    tire("t-2", "Nokian", "Hakkapeliitta R5", 3450),
                    tire("t-3", "Michelin", "Alpin 6", 4789),
                ];
                let offers = if self.empty { Vec::new() } else { all };
                ToolOutcome::Tires { total: 3, offers, relaxed: self.relaxed.clone() }
            }
            ToolRequest::CheckAvailability { product_id, .. } => {
                let location = |name: &str, city: &str, quantity| StockLocation {
                    warehouse_id: "kyiv-main".to_owned(),
                    name: name.to_owned(),
                    city: city.to_owned(),
                    quantity,
                };
                let locations = vec![location("Магазин на Оболоні", "Київ", 8), location("Склад у Львові", "Львів", 2)];
                let locations = if self.out_of_stock { Vec::new() } else { locations };
                let availability = Availability {
                    product_id: product_id.clone(),
                    in_stock: !self.out_of_stock,
                    total_quantity: locations.iter().map(|location| location.quantity).sum(),
                    locations,
                    supplier_days: Some(3),
                };
                ToolOutcome::Availability { availability }
            }
            ToolRequest::GetVehicleTireSizes { model, modification: None, .. } if self.ambiguous => {
                let _ = model;
                ToolOutcome::AmbiguousVehicle { modifications: vec!["E70".to_owned(), "F15".to_owned()] }
            }
            ToolRequest::GetVehicleTireSizes { make, model, year, modification } => {
                let sizes: &[&str] = match model.as_str() {
                    "Camry" => &["205/65 R16", "215/55 R17", "235/45 R18"],
                    "Logan" => &["185/65 R15"],
                    "6" => &["205/60 R16", "215/60 R16"],
                    "X5" => &["235/60 R18"],
                    _ => return ToolOutcome::NotFound,
                };
                let size = |size: &&str| VehicleSize {
                    size: (*size).to_owned(),
                    dimensions: TireSize::parse(size).expect("a size"),
                    axle: Axle::Any,
                    is_oem: true,
                };
                let vehicle = Vehicle {
                    make: make.clone(),
                    model: model.clone(),
                    year: *year,
                    modification: modification.clone(),
                };
                let found = VehicleTires { vehicle, sizes: sizes.iter().map(size).collect(), recommended: Vec::new() };
                ToolOutcome::VehicleTires { found }
            }
            ToolRequest::Unusable { .. } => {
                ToolOutcome::InvalidArgument { field: "name".to_owned(), allowed: String::new() }
            }
        }
    }

    fn set(&mut self, what: &str) {
        match what {
            "down" => self.down = true,
            "up" => self.down = false,
            "empty" => self.empty = true,
            "ambiguous" => self.ambiguous = true,
            "out of stock" => self.out_of_stock = true,
            "no brand" => self.relaxed.push(Relaxed::Brand),
            "no price" => self.relaxed.push(Relaxed::Price),
            other => panic!("the shop cannot be {other}"),
        }
    }
}

fn notice(what: &str) -> Notice {
    match what {
        "call started" => Notice::CallStarted,
        "silent 1" => Notice::CallerSilent { times: 1 },
        "silent 2" => Notice::CallerSilent { times: 2 },
        "silent 3" => Notice::CallerSilent { times: 3 },
        "not understood 1" => Notice::NotUnderstood { times: 1, noisy: true },
        "not understood 2" => Notice::NotUnderstood { times: 2, noisy: false },
        "not understood 3" => Notice::NotUnderstood { times: 3, noisy: false },
        "transfer failed" => Notice::TransferFailed { busy: false },
        "transfer busy" => Notice::TransferFailed { busy: true },
        "keypad only" => Notice::KeypadOnly,
        "closing" => Notice::Closing,
        "number unknown" => Notice::NumberUnknown,
        other => panic!("no notice {other}"),
    }
}

/// Answers the history until nothing but the caller can go on; writes what happens.
fn answer(context: &RulesContext<'_>, history: &mut Vec<HistoryItem>, shop: &Shop, ladder: &mut String) {
    for _ in 0..6 {
        let deltas = decide(context, history);
        let mut running = false;
        for delta in deltas {
            match delta {
                BrainDelta::Text(text) => {
                    writeln!(ladder, "agent   {text}").expect("a string takes everything");
                    history.push(HistoryItem::Agent { text, cut: false });
                }
                BrainDelta::ToolCall { id, name, arguments } => {
                    writeln!(ladder, "tool    {name} {arguments}").expect("a string takes everything");
                    let request = tool::parse(&name, &arguments).expect("the rules call tools rightly");
                    let outcome = shop.answer(&request);
                    running |= outcome != ToolOutcome::Accepted;
                    history.push(HistoryItem::ToolCall { id: id.clone(), request });
                    history.push(HistoryItem::ToolResult { id, outcome });
                }
                BrainDelta::Expect(expectation) => {
                    writeln!(ladder, "        {expectation:?}").expect("a string takes everything");
                }
            }
        }
        if !running {
            return;
        }
    }
    panic!("the rules go round in circles:\n{ladder}");
}

/// Script lines: `shop down`, `keys 205*55*16#`, `notice silent 1`; anything else is said.
fn run(language: Language, script: &str) -> String {
    let vocabulary = vocabulary();
    let (persona, names) = (Persona::new(Config::default()), Names::from(&vocabulary));
    let today = "2026-11-20".parse().expect("a date");
    let context = RulesContext { persona: &persona, names: &names, language, today };
    let (mut history, mut shop, mut ladder) = (Vec::new(), Shop::default(), String::new());
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(what) = line.strip_prefix("shop ") {
            shop.set(what);
            continue;
        }
        writeln!(ladder, "caller  {line}").expect("a string takes everything");
        history.push(match (line.strip_prefix("keys "), line.strip_prefix("notice ")) {
            (Some(keys), _) => HistoryItem::Caller { text: keys.to_owned(), via: Via::Keypad },
            (_, Some(what)) => HistoryItem::Notice { notice: notice(what) },
            _ => HistoryItem::Caller { text: line.to_owned(), via: Via::Voice },
        });
        answer(&context, &mut history, &shop, &mut ladder);
    }
    ladder
}

fn check(script: &str, expect: Expect) {
    expect.assert_eq(&run(Language::Ukrainian, script));
}

/// One entry of a history, likely or not.
fn entries() -> impl Strategy<Value = HistoryItem> {
    let lines: Vec<&'static str> = include_str!("awkward.txt").lines().filter(|line| !line.is_empty()).collect();
    let likely =
        vec!["так", "ні", "зимові", "205 55 16", "тойота камрі 2018", "перший", "оператор", "сімнадцять", "дякую"];
    let notices = vec![
        Notice::CallStarted,
        Notice::CallerSilent { times: 1 },
        Notice::NotUnderstood { times: 2, noisy: true },
        Notice::TransferFailed { busy: true },
        Notice::KeypadOnly,
    ];
    let said = |text: String| HistoryItem::Caller { text, via: Via::Voice };
    prop_oneof![
        any::<String>().prop_map(said),
        prop::sample::select(lines).prop_map(move |line| said(line.to_owned())),
        prop::sample::select(likely).prop_map(move |line| said(line.to_owned())),
        "[0-9*#]{0,12}".prop_map(|text| HistoryItem::Caller { text, via: Via::Keypad }),
        prop::sample::select(notices).prop_map(|notice| HistoryItem::Notice { notice }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_turn_is_answered(entries in prop::collection::vec(entries(), 1..6), language in 0..3usize) {
        let vocabulary = vocabulary();
        let (persona, names) = (Persona::new(Config::default()), Names::from(&vocabulary));
        let today = "2026-11-20".parse().expect("a date");
        let context = RulesContext { persona: &persona, names: &names, language: Language::ALL[language], today };
        let mut history = Vec::new();
        for entry in entries {
            history.push(entry);
            let deltas = decide(&context, &history);
            let speaks = deltas.iter().any(|delta| matches!(delta, BrainDelta::Text(text) if !text.trim().is_empty()));
            prop_assert!(speaks, "{:?} after {:?}", deltas, history);
            let calls = deltas.iter().any(|delta| matches!(delta, BrainDelta::ToolCall { .. }));
            let asks = deltas.iter().any(|delta| matches!(delta, BrainDelta::Expect(_)));
            prop_assert!(calls || asks, "{:?} after {:?}", deltas, history);
            answer(&context, &mut history, &Shop::default(), &mut String::new());
        }
    }
}
