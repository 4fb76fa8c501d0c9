//! English numbers.

use super::lexicon::Form;

pub(super) static UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

static TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// `two hundred five`, `twenty-one`.
pub(super) fn cardinal(number: u64) -> String {
    let mut spoken = Vec::new();
    for (size, name) in [(1_000_000, "million"), (1000, "thousand")] {
        let count = number / size % 1000;
        if count > 0 {
            below_thousand(count, &mut spoken);
            spoken.push(name.to_owned());
        }
    }
    below_thousand(number % 1000, &mut spoken);
    if spoken.is_empty() { UNITS[0].to_owned() } else { spoken.join(" ") }
}

fn below_thousand(number: u64, spoken: &mut Vec<String>) {
    let place = |digit: u64| usize::try_from(digit).expect("invariant: a digit or teen fits any usize");
    if number >= 100 {
        spoken.push(format!("{} hundred", UNITS[place(number / 100 % 10)]));
    }
    match number % 100 {
        0 => {}
        rest @ 1..20 => spoken.push(UNITS[place(rest)].to_owned()),
        rest if rest % 10 == 0 => spoken.push(TENS[place(rest / 10)].to_owned()),
        rest => spoken.push(format!("{}-{}", TENS[place(rest / 10)], UNITS[place(rest % 10)])),
    }
}

/// `twenty-first`, `two thousand eighteenth`.
pub(super) fn ordinal(number: u64) -> String {
    let cardinal = cardinal(number);
    let (before, last) = match cardinal.rfind([' ', '-']) {
        Some(at) => cardinal.split_at(at + 1),
        None => ("", cardinal.as_str()),
    };
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        last => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    format!("{before}{last}")
}

pub(super) static FORMS: &[Form] = &[
    Form::whole(0, "zero nought oh"),
    Form::whole(1, "one first"),
    Form::whole(2, "two second"),
    Form::whole(3, "three third"),
    Form::whole(4, "four fourth"),
    Form::whole(5, "five fifth"),
    Form::whole(6, "six sixth"),
    Form::whole(7, "seven seventh"),
    Form::whole(8, "eight eighth"),
    Form::whole(9, "nine ninth"),
    Form::whole(10, "ten tenth"),
    Form::whole(11, "eleven eleventh"),
    Form::whole(12, "twelve twelfth"),
    Form::stems(13, "thirteen", " s th ths"),
    Form::stems(14, "fourteen", " s th ths"),
    Form::stems(15, "fifteen", " s th ths"),
    Form::stems(16, "sixteen", " s th ths"),
    Form::stems(17, "seventeen", " s th ths"),
    Form::stems(18, "eighteen", " s th ths"),
    Form::stems(19, "nineteen", " s th ths"),
    Form::whole(20, "twenty twentieth twenties"),
    Form::whole(30, "thirty thirtieth"),
    Form::whole(40, "forty fourty fortieth"),
    Form::whole(50, "fifty fiftieth"),
    Form::whole(60, "sixty sixtieth"),
    Form::whole(70, "seventy seventieth"),
    Form::whole(80, "eighty eightieth"),
    Form::whole(90, "ninety ninetieth"),
    Form::whole(100, "hundred hundredth"),
    Form::whole(1000, "thousand thousandth"),
    Form::whole(1_000_000, "million"),
];
