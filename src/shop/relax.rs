//! What to give up when a search finds nothing: brand, then price, then the kind of studs, then stock. Never the
//! size, which decides whether the tyre fits, nor the season, which decides whether it is safe.

use crate::base::tool::Relaxed;
use crate::shop::TireSearch;

/// A wider search, and what was given up for it so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub search: TireSearch,
    /// In the order it was given up; the caller is told of these.
    pub relaxed: Vec<Relaxed>,
}

/// The searches to try in turn after `search` found nothing, each wider than the one before. Restrictions that were
/// not set are not given up. Stock goes in two steps: first the city, because another branch is nearer than a
/// supplier, then stock itself.
pub fn relax(search: &TireSearch) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut widen = |kind: Relaxed, change: fn(&mut TireSearch)| {
        let last = steps.last();
        let mut next = last.map_or_else(|| search.clone(), |step| step.search.clone());
        let mut relaxed = last.map(|step| step.relaxed.clone()).unwrap_or_default();
        let before = next.clone();
        change(&mut next);
        if next == before {
            return;
        }
        next.page = 1;
        if !relaxed.contains(&kind) {
            relaxed.push(kind);
        }
        steps.push(Step { search: next, relaxed });
    };
    widen(Relaxed::Brand, |search| {
        search.brands.clear();
        // A model is a brand's own name for a tyre and cannot outlive it.
        search.model = None;
    });
    widen(Relaxed::Price, |search| {
        search.min_price = None;
        search.max_price = None;
    });
    widen(Relaxed::Stud, |search| search.stud = None);
    widen(Relaxed::Stock, |search| search.city = None);
    widen(Relaxed::Stock, |search| search.in_stock = false);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Money;
    use crate::base::tire::{Season, Stud, TireSize};

    /// Each step as `what was given up: what is still asked`.
    fn check(search: &TireSearch, expect: &[&str]) {
        let steps: Vec<String> = relax(search)
            .iter()
            .map(|step| {
                let left: Vec<String> = step
                    .search
                    .query()
                    .into_iter()
                    .filter(|(name, _)| !matches!(*name, "sort" | "page" | "per_page"))
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{:?}: {}", step.relaxed, left.join(" "))
            })
            .collect();
        assert_eq!(steps, expect);
    }

    #[test]
    fn brand_then_price_then_studs_then_stock() {
        let search = TireSearch {
            season: Some(Season::Winter),
            stud: Some(Stud::Studded),
            brands: vec!["Nokian".to_owned()],
            model: Some("Hakkapeliitta 10".to_owned()),
            max_price: Some(Money::hryvnias(2000)),
            city: Some("Львів".to_owned()),
            page: 3,
            ..TireSearch::of_size(TireSize::parse("205/55 R16").unwrap())
        };
        let size = "width=205 profile=55 diameter=16 commercial=false season=winter";
        check(
            &search,
            &[
                &format!("[Brand]: {size} stud=studded max_price=2000.00 in_stock=true city=Львів"),
                &format!("[Brand, Price]: {size} stud=studded in_stock=true city=Львів"),
                &format!("[Brand, Price, Stud]: {size} in_stock=true city=Львів"),
                &format!("[Brand, Price, Stud, Stock]: {size} in_stock=true"),
                &format!("[Brand, Price, Stud, Stock]: {size} in_stock=false"),
            ],
        );
        assert!(relax(&search).iter().all(|step| step.search.page == 1));
    }

    #[test]
    fn only_what_was_asked_can_be_given_up() {
        check(&TireSearch { in_stock: false, ..TireSearch::default() }, &[]);
        check(&TireSearch::default(), &["[Stock]: in_stock=false"]);
        check(
            &TireSearch { min_price: Some(Money::hryvnias(1)), in_stock: false, ..TireSearch::default() },
            &["[Price]: in_stock=false"],
        );
    }
}
