//! The machine in virtual time.

use super::*;

const NOON: u16 = 12 * 60;

fn ask(config: &Config, target: &str) -> Result<bool, Barred> {
    Toll::new(config.clone()).ask(Instant::now(), NOON, target).map(|permit| permit.is_some())
}

#[test]
fn destinations_by_default() {
    let config = Config::default();
    for (target, verdict) in [
        // Names cost nothing.
        ("sip:olena@192.168.1.20", Ok(false)),
        ("sip:192.168.1.20", Ok(false)),
        ("sips:shop@example.com", Ok(false)),
        // Our own country, however it is written.
        ("+380441234567", Ok(true)),
        ("0441234567", Ok(true)),
        ("00380441234567", Ok(true)),
        ("sip:+380441234567@carrier.example;user=phone", Ok(true)),
        ("sip:%2B380441234567@carrier.example", Ok(true)),
        ("tel:+380-44-123-45-67;phone-context=x", Ok(true)),
        // Extensions and local numbers.
        ("600", Ok(true)),
        ("sip:600@10.0.0.1", Ok(true)),
        ("2345678", Ok(true)),
        // Abroad.
        ("+12025550100", Err(Barred::Destination)),
        ("0012025550100", Err(Barred::Destination)),
        ("sip:0012025550100@10.0.0.1", Err(Barred::Destination)),
        ("SIP:+1(202)555-0100@10.0.0.1", Err(Barred::Destination)),
        ("sip:%2b1%32025550100@10.0.0.1", Err(Barred::Destination)),
        ("sip:+12025550100;isub=1:secret@10.0.0.1", Err(Barred::Destination)),
        ("sip:12025550100%3Bx=y@10.0.0.1", Err(Barred::Destination)),
        ("tel:+12025550100", Err(Barred::Destination)),
        ("81012025550100", Err(Barred::Destination)),
        ("90112025550100", Err(Barred::Destination)),
        ("+0", Err(Barred::Destination)),
        ("+1+2", Err(Barred::Destination)),
        // Premium at home, and satellites.
        ("0900123456", Err(Barred::Premium)),
        ("+380703123456", Err(Barred::Premium)),
        ("+88212345678", Err(Barred::Destination)),
        // Orders to an exchange, and the emergency services.
        ("*21*0012025550100#", Err(Barred::Destination)),
        ("sip:*72@carrier.example", Err(Barred::Destination)),
        ("112", Err(Barred::Premium)),
        ("sip:911@carrier.example", Err(Barred::Premium)),
    ] {
        assert_eq!(ask(&config, target), verdict, "{target}");
    }
}

#[test]
fn the_longest_prefix_decides() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let config = Config {
        allowed: words(&["+", "+49900555", "*72"]),
        barred: words(&["+7", "+4930", "101"]),
        local: false,
        ..Config::default()
    };
    for (target, verdict) in [
        ("+12025550100", Ok(true)),
        ("+19005550100", Err(Barred::Premium)),
        ("+4990012345", Err(Barred::Premium)),
        ("+499005551", Ok(true)),
        ("+493012345", Err(Barred::Premium)),
        ("+493112345", Ok(true)),
        ("+88212345678", Err(Barred::Premium)),
        ("+79161234567", Err(Barred::Premium)),
        ("*72", Ok(true)),
        ("*73", Err(Barred::Destination)),
        ("101", Err(Barred::Premium)),
        ("102", Err(Barred::Destination)),
    ] {
        assert_eq!(ask(&config, target), verdict, "{target}");
    }
}

#[test]
fn hours_may_pass_midnight() {
    let number = "+380441234567";
    for (hours, open) in
        [((9 * 60, 18 * 60), vec![9, 17]), ((22 * 60, 2 * 60), vec![22, 23, 0, 1]), ((0, DAY), vec![0, 12, 23])]
    {
        let config = Config { hours, ..Config::default() };
        for hour in [0, 1, 2, 8, 9, 12, 17, 18, 21, 22, 23] {
            let verdict = Toll::new(config.clone()).ask(Instant::now(), hour * 60, number);
            let within = open.contains(&hour) || hours == (0, DAY) || (hours.0 == 540 && hour == 12);
            assert_eq!(verdict.is_ok(), within, "{hours:?} at {hour}: {verdict:?}");
            // Names may be called at any hour.
            assert_eq!(Toll::new(config.clone()).ask(Instant::now(), hour * 60, "sip:olena@10.0.0.1"), Ok(None));
        }
    }
}

#[test]
fn an_hour_has_so_many_calls() {
    let mut toll = Toll::new(Config { calls_per_hour: 3, ..Config::default() });
    let start = Instant::now();
    let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
    for minute in [0, 10, 20] {
        assert!(toll.ask(at(minute), NOON, "+380441234567").is_ok());
    }
    assert_eq!(toll.ask(at(21), NOON, "+380441234567"), Err(Barred::CallsPerHour));
    assert_eq!(toll.ask(at(21), NOON, "sip:olena@10.0.0.1"), Ok(None));
    assert_eq!(toll.ask(at(59), NOON, "600"), Err(Barred::CallsPerHour));
    assert!(toll.ask(at(60), NOON, "600").is_ok(), "the first is an hour ago");
    assert_eq!(toll.ask(at(61), NOON, "600"), Err(Barred::CallsPerHour));
}

#[test]
fn an_hour_has_so_much_money() {
    let rate = |prefix: &str, per_minute| Rate { prefix: prefix.to_owned(), per_minute };
    let config =
        Config { spend_per_hour: Some(10.0), rates: vec![rate("+380", 1.0), rate("+38067", 2.0)], ..Config::default() };
    let mut toll = Toll::new(config);
    let start = Instant::now();
    let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
    let landline = toll.ask(at(0), NOON, "+380441234567").unwrap().unwrap();
    toll.ended(at(4), landline); // 4
    let mobile = toll.ask(at(4), NOON, "0671234567").unwrap().unwrap();
    assert!(toll.ask(at(6), NOON, "600").is_ok(), "8 so far");
    assert_eq!(toll.ask(at(7), NOON, "600"), Err(Barred::SpendPerHour), "10, and the call still runs");
    toll.ended(at(7), mobile);
    assert_eq!(toll.ask(at(8), NOON, "600"), Err(Barred::SpendPerHour));
    assert!(toll.ask(at(61), NOON, "600").is_ok(), "the first minute is more than an hour ago");
    // A call that goes on for ever costs an hour in an hour, and is not forgotten.
    let mut toll =
        Toll::new(Config { spend_per_hour: Some(61.0), rates: vec![rate("+380", 1.0)], ..Config::default() });
    toll.ask(at(0), NOON, "+380441234567").unwrap();
    assert!((toll.spent(at(600)) - 60.0).abs() < 0.01);
    assert!(toll.ask(at(600), NOON, "600").is_ok());
    assert!((toll.spent(at(601)) - 60.0).abs() < 0.01);
}
