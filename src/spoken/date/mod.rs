//! Days as words: «сьомого серпня», «у п'ятницю»; never digits. Which day it is today is told, not asked.

mod en;
mod ru;
mod uk;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::base::Language;
use crate::spoken::fold;
use crate::spoken::number::{self, Gender, Item, Ordinal, numbers};

/// One language's calendar. Months and weekdays from January and Monday.
struct Words {
    months: [&'static str; 12],
    weekdays: [&'static str; 7],
    on_weekdays: [&'static str; 7],
    year: &'static str,
    today: &'static str,
    tomorrow: &'static str,
    after_tomorrow: &'static str,
}

fn words(language: Language) -> &'static Words {
    match language {
        Language::Ukrainian => &uk::WORDS,
        Language::Russian => &ru::WORDS,
        Language::English => &en::WORDS,
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).expect("invariant: months and weekdays fit any usize")
}

/// «сьомого серпня», `August seventh`.
pub fn speak(language: Language, date: NaiveDate) -> String {
    let day = number::speak_ordinal(language, u64::from(date.day()), Ordinal::MasculineGenitive);
    let month = words(language).months[place(date.month0())];
    match language {
        Language::Ukrainian | Language::Russian => format!("{day} {month}"),
        Language::English => format!("{month} {day}"),
    }
}

/// «сьомого серпня дві тисячі двадцять шостого року».
pub fn speak_with_year(language: Language, date: NaiveDate) -> String {
    let year = u64::from(date.year().unsigned_abs());
    let day = speak(language, date);
    match language {
        Language::Ukrainian | Language::Russian => {
            let year = number::speak_ordinal(language, year, Ordinal::MasculineGenitive);
            format!("{day} {year} {}", words(language).year)
        }
        Language::English => format!("{day}, {}", number::speak(language, year, Gender::Masculine)),
    }
}

/// «п'ятниця».
pub fn weekday(language: Language, day: Weekday) -> &'static str {
    words(language).weekdays[place(day.num_days_from_monday())]
}

/// «у п'ятницю».
pub fn on_weekday(language: Language, day: Weekday) -> &'static str {
    words(language).on_weekdays[place(day.num_days_from_monday())]
}

/// «сьогодні», «завтра», «післязавтра», «у п'ятницю» within a week, else the day and month.
pub fn speak_near(language: Language, date: NaiveDate, today: NaiveDate) -> String {
    let words = words(language);
    match (date - today).num_days() {
        0 => words.today.to_owned(),
        1 => words.tomorrow.to_owned(),
        2 => words.after_tomorrow.to_owned(),
        3..=6 => on_weekday(language, date.weekday()).to_owned(),
        _ => speak(language, date),
    }
}

/// The month a folded word names, from 1.
fn month(word: &str) -> Option<u32> {
    let named = |words: &Words| words.months.iter().position(|month| fold::fold(month) == word);
    Language::ALL.into_iter().find_map(|language| named(words(language))).and_then(|at| u32::try_from(at + 1).ok())
}

/// The weekday a folded word names, in any case form.
fn weekday_heard(word: &str) -> Option<Weekday> {
    let at =
        Language::ALL.into_iter().find_map(|language| {
            let words = words(language);
            words.weekdays.iter().zip(words.on_weekdays).position(|(name, on)| {
                fold::fold(name) == word || fold::words(on).last().is_some_and(|last| last == word)
            })
        })?;
    u8::try_from(at).ok().and_then(|at| Weekday::try_from(at).ok())
}

/// Hears the first day named in a sentence. A day without a year is the next one from `today` on; a weekday is the
/// next one after today.
pub fn hear(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    let items = number::items(text);
    let numbers = numbers(&items);
    for (at, item) in items.iter().enumerate() {
        let Item::Word(word) = item else { continue };
        if let Some(month) = month(word) {
            // The day before the month, «сьомого серпня», or after it, `August seventh`.
            let day = numbers
                .iter()
                .rev()
                .find(|number| number.span.end <= at && number.value <= 31 && at - number.span.end <= 1)
                .or_else(|| numbers.iter().find(|number| number.span.start == at + 1 && number.value <= 31))?;
            let year = numbers.iter().find(|number| number.span.start > at && (1900..=2199).contains(&number.value));
            let day = u32::try_from(day.value).ok()?;
            return match year {
                Some(year) => NaiveDate::from_ymd_opt(i32::try_from(year.value).ok()?, month, day),
                // The 29th of February may be up to eight years away.
                None => (0..9)
                    .filter_map(|years| NaiveDate::from_ymd_opt(today.year() + years, month, day))
                    .find(|date| *date >= today),
            };
        }
        if let Some(weekday) = weekday_heard(word) {
            return (1..=7).filter_map(|days| today.checked_add_days(Days::new(days))).find(|d| d.weekday() == weekday);
        }
    }
    // Longer phrases first: `the day after tomorrow` holds `tomorrow`.
    let said = format!(" {} ", fold::fold(text));
    let relative = |pick: fn(&Words) -> &'static str| {
        Language::ALL.into_iter().any(|language| said.contains(&format!(" {} ", fold::fold(pick(words(language))))))
    };
    let days = match () {
        () if relative(|words| words.after_tomorrow) => 2,
        () if relative(|words| words.tomorrow) => 1,
        () if relative(|words| words.today) => 0,
        () => return None,
    };
    today.checked_add_days(Days::new(days))
}

/// The month of a written date such as «7 серпня», from 1.
pub(crate) fn month_named(word: &str) -> Option<u32> {
    month(&fold::fold(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("an ISO date")
    }

    #[test]
    fn days_as_they_are_spoken() {
        let august = day("2026-08-07");
        assert_eq!(speak(Language::Ukrainian, august), "сьомого серпня");
        assert_eq!(speak(Language::Russian, august), "седьмого августа");
        assert_eq!(speak(Language::English, august), "August seventh");
        let with_year = speak_with_year(Language::Ukrainian, august);
        assert_eq!(with_year, "сьомого серпня дві тисячі двадцять шостого року");
        assert_eq!(weekday(Language::Ukrainian, august.weekday()), "п'ятниця");
        for (date, spoken) in [
            ("2026-08-07", "сьогодні"),
            ("2026-08-08", "завтра"),
            ("2026-08-09", "післязавтра"),
            ("2026-08-11", "у вівторок"),
            ("2026-08-14", "чотирнадцятого серпня"),
        ] {
            assert_eq!(speak_near(Language::Ukrainian, day(date), august), spoken);
        }
    }

    #[test]
    fn days_as_they_are_heard() {
        let today = day("2026-11-20");
        for (heard, date) in [
            ("на сьоме серпня", Some("2027-08-07")),
            ("двадцять першого листопада", Some("2026-11-21")),
            ("21 ноября", Some("2026-11-21")),
            ("the seventh of august", Some("2027-08-07")),
            ("завтра зранку", Some("2026-11-21")),
            ("у суботу", Some("2026-11-21")),
            ("в пятницу", Some("2026-11-27")),
            ("двадцять дев'ятого лютого", Some("2028-02-29")),
            ("тридцятого лютого", None),
            ("зимові шини", None),
        ] {
            assert_eq!(hear(heard, today), date.map(day), "{heard}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spoken_is_heard(days in 0u64..20_000, ahead in prop_oneof![0u64..8, 0u64..364], language in 0..3usize) {
            let language = Language::ALL[language];
            let today = day("1999-12-31").checked_add_days(Days::new(days)).expect("in range");
            let date = today.checked_add_days(Days::new(ahead)).expect("in range");
            for spoken in [speak(language, date), speak_near(language, date, today), speak_with_year(language, date)] {
                prop_assert_eq!(hear(&spoken, today), Some(date), "{}", spoken);
            }
        }

        #[test]
        fn any_text_is_heard_without_fault(text in any::<String>()) {
            let _ = hear(&text, day("2026-11-20"));
        }
    }
}
