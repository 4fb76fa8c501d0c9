//! Tool calls good and bad.

use proptest::prelude::*;

use super::*;

fn check(name: &str, arguments: &str, expected: &str) {
    let arguments: Value = serde_json::from_str(arguments).expect("the test writes JSON");
    let outcome = match parse(name, &arguments) {
        Ok(request) => write(&request).1.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(outcome, expected, "{name} {arguments}");
}

#[test]
fn arguments_are_checked() {
    let search = "search_tires";
    check(
        search,
        r#"{"width": 205, "profile": 55, "diameter": 16, "season": "winter"}"#,
        r#"{"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}"#,
    );
    check(
        search,
        r#"{"width": "215", "profile": "65", "diameter": "16", "commercial": true, "brand": null, "max_price": 2500, "quantity": 2}"#,
        r#"{"commercial":true,"diameter":16,"max_price":"2500.00","profile":65,"quantity":2,"width":215}"#,
    );
    for (arguments, error) in [
        (
            r#"{"width": 205, "profile": 53, "diameter": 16}"#,
            "argument profile is wrong; allowed: 25 to 85 per cent, a multiple of 5",
        ),
        (
            r#"{"width": 200, "profile": 55, "diameter": 16}"#,
            "argument width is wrong; allowed: 125 to 355 millimetres, ending in 5",
        ),
        (r#"{"width": 205, "profile": 55, "diameter": 16.5}"#, "argument diameter is wrong; allowed: 12 to 24 inches"),
        (r#"{"profile": 55, "diameter": 16}"#, "argument width is wrong; allowed: 125 to 355 millimetres, ending in 5"),
        (
            r#"{"width": 205, "profile": 55, "diameter": 16, "season": "spring"}"#,
            "argument season is wrong; allowed: summer, winter, all_season",
        ),
        (
            r#"{"width": 205, "profile": 55, "diameter": 16, "quantity": 10000}"#,
            "argument quantity is wrong; allowed: 1 to 20",
        ),
        (
            r#"{"width": 205, "profile": 55, "diameter": 16, "quantity": -4}"#,
            "argument quantity is wrong; allowed: 1 to 20",
        ),
        (
            r#"{"width": 205, "profile": 55, "diameter": 16, "max_price": "-1"}"#,
            "argument max_price is wrong; allowed: a positive amount such as 2500.00",
        ),
        (r#"[205, 55, 16]"#, "argument arguments is wrong; allowed: a JSON object"),
    ] {
        check(search, arguments, error);
    }
    check(
        "get_vehicle_tire_sizes",
        r#"{"make": "Toyota", "model": "Camry", "year": 1066}"#,
        "argument year is wrong; allowed: a year from 1970 to 2100",
    );
    check(
        "transfer_to_operator",
        r#"{"reason": "bored", "summary": "x"}"#,
        "argument reason is wrong; allowed: caller_asked, not_understood, shop_unavailable, complaint, out_of_scope, sensitive",
    );
    check(
        "check_availability",
        r#"{"product_id": "  "}"#,
        "argument product_id is wrong; allowed: text that is not empty",
    );
    check("end_call", "null", "{}");
}

#[test]
fn nobody_says_who_they_are_by_argument() {
    for name in ["request_callback", "transfer_to_operator", "end_call"] {
        let arguments = json!({"note": "x", "reason": "caller_asked", "summary": "x", "phone": "+380671234567"});
        assert!(parse(name, &arguments).is_err(), "{name}");
    }
    for tool in catalogue() {
        let schema = tool.parameters.to_string();
        assert!(!schema.contains("phone") && !schema.contains("caller_id"), "{schema}");
    }
}

#[test]
fn unknown_tools_are_refused_with_the_known_ones() {
    let error = parse("delete_everything", &json!({})).expect_err("no such tool");
    assert_eq!(error.field, "name");
    assert_eq!(error.allowed.split(", ").count(), 6);
}

#[test]
fn only_products_of_this_call_are_known() {
    let request = ToolRequest::CheckAvailability { product_id: "invented".to_owned(), city: None, quantity: 4 };
    let error = check_known(&request, &Vocabulary::default(), &[]).expect_err("never offered");
    assert_eq!(error.field, "product_id");
}

fn requests() -> impl Strategy<Value = ToolRequest> {
    let text = "[а-яa-z]{1,20}";
    let size = (0..24u16, 0..13u16, 0..13u16, any::<bool>()).prop_map(|(w, p, d, commercial)| TireSize {
        width: 125 + w * 10,
        profile: 25 + p * 5,
        diameter: 12 + d,
        commercial,
    });
    let season = prop::option::of(prop::sample::select(SEASONS)).prop_map(|season| season.map(|(_, season)| season));
    let stud = prop::option::of(prop::sample::select(STUDS)).prop_map(|stud| stud.map(|(_, stud)| stud));
    let price = prop::option::of((1..10_000_000i64).prop_map(|kopecks| Money { kopecks }));
    let search = (size, season, stud, prop::option::of(text), price, 1..=QUANTITY_MAX).prop_map(
        |(size, season, stud, brand, max_price, quantity)| {
            ToolRequest::SearchTires(SearchTires { size, season, stud, brand, max_price, quantity })
        },
    );
    let availability = (text, prop::option::of(text), 1..=QUANTITY_MAX)
        .prop_map(|(product_id, city, quantity)| ToolRequest::CheckAvailability { product_id, city, quantity });
    let sizes =
        (text, text, YEAR_MIN..=YEAR_MAX, prop::option::of(text)).prop_map(|(make, model, year, modification)| {
            ToolRequest::GetVehicleTireSizes { make, model, year, modification }
        });
    let transfer = (prop::sample::select(REASONS), text)
        .prop_map(|((_, reason), summary)| ToolRequest::TransferToOperator { reason, summary });
    let callback = text.prop_map(|note| ToolRequest::RequestCallback { note });
    prop_oneof![search, availability, sizes, transfer, callback, Just(ToolRequest::EndCall)]
}

proptest! {
    #[test]
    fn what_is_written_is_read(request in requests()) {
        let (name, arguments) = write(&request);
        prop_assert_eq!(parse(name, &arguments), Ok(request));
    }

    #[test]
    fn any_arguments_are_refused_without_fault(name in "[a-z_]{0,24}", key in "[a-z_]{0,12}", text in any::<String>(), number in any::<f64>()) {
        for tool in catalogue().iter().map(|tool| tool.name).chain([name.as_str()]) {
            let _ = parse(tool, &json!({&key: &text}));
            let _ = parse(tool, &json!({"width": number, "year": &text, "product_id": [number], "summary": {"a": &text}}));
        }
    }
}
