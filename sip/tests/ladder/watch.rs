//! OPTIONS to the servers of an account, and what their answers are taken for.

use std::time::Duration;

use expect_test::expect;
use sip::endpoint::{AccountId, Command, Hop, Watch};
use sip::message::{HeaderName, NameAddr};

use super::bench::{Bench, address};

#[test]
fn servers_are_asked_now_and_again_and_each_answer_is_told() {
    let mut bench = Bench::new();
    let other = Hop { remote: address("192.0.2.3:5060"), ..bench.hop() };
    let watch = Watch {
        target: "sip:carrier.example".parse().expect("a URI"),
        from: NameAddr::new("sip:alice@carrier.example".parse().expect("a URI")),
        ways: vec![bench.hop(), other],
        every: Duration::from_secs(60),
        first: Duration::ZERO,
    };
    bench.command(Command::Watch { account: AccountId(1), watch: Box::new(watch) }).pass(0.0);
    let second = bench.request("OPTIONS");
    bench.pass(0.2);
    bench.reply_to(&second, 404, "Date: Fri, 20 Nov 2026 12:00:00 GMT\nServer: proxy");
    // The first server says nothing for 32 seconds; the next round asks both again.
    bench.pass(32.0).pass(28.0);
    let lines = bench.look();
    let told: Vec<&str> = lines.lines().filter(|line| line.contains("**") || line.starts_with("60")).collect();
    expect![[r#"
        0.2 ** Replied OPTIONS 192.0.2.3:5060 Ok((404, "Not Found")) Some(200ms)
        32.0 ** Replied OPTIONS 192.0.2.2:5060 Err(TimedOut) Some(32s)
        60.0 -> 192.0.2.2:5060 OPTIONS sip:carrier.example
        60.0 -> 192.0.2.3:5060 OPTIONS sip:carrier.example"#]]
    .assert_eq(&told.join("\n"));
    assert_eq!(second.uri.to_string(), "sip:carrier.example");
    assert!(second.headers.get(&HeaderName::Contact).is_some());
}
