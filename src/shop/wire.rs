//! The shapes of the Store API's JSON that are not already words of the domain (`base::tire`): the envelope, errors,
//! details and dictionaries. Both the client and the reference store speak in them.

use serde::{Deserialize, Serialize};

use super::error::FieldIssue;
use crate::base::Money;
use crate::base::tire::{Tire, TireSize, VehicleTires};

/// What every successful answer is wrapped in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    pub data: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pagination {
    /// From 1.
    pub page: u32,
    pub per_page: u32,
    /// Articles on all pages.
    pub total: u32,
    pub total_pages: u32,
}

/// What the articles on all pages have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facets {
    pub brands: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_min: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_max: Option<Money>,
}

/// What every refusal is wrapped in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    pub error: ErrorBody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// `not_found`, `validation_error`, …
    pub code: String,
    /// For people who read logs; never spoken.
    pub message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<FieldIssue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One page of a search, as the client gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct TirePage {
    pub tires: Vec<Tire>,
    pub pagination: Pagination,
    pub facets: Option<Facets>,
}

/// `GET /tires/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TireDetails {
    #[serde(flatten)]
    pub tire: Tire,
    /// The price before it was lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_price: Option<Money>,
    /// Marks on the sidewall and properties: `M+S`, `3PMSF`, `XL`, …
    #[serde(default)]
    pub features: Vec<String>,
    /// Year of manufacture, from the DOT mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dot_year: Option<u16>,
    /// Country of manufacture, in the shop's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warranty_months: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eu_label: Option<EuLabel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The label of Regulation (EU) 2020/740.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EuLabel {
    /// Rolling resistance, `A` to `E`.
    pub fuel: String,
    /// Grip on wet road, `A` to `E`.
    pub wet: String,
    pub noise_db: u8,
}

/// Which tyres fit a car, as the client gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum VehicleFit {
    Fits(VehicleTires),
    /// The car was made in several modifications with different tyres: ask which, then ask the store again.
    Ambiguous(Vec<String>),
    /// The store does not know this car.
    Unknown,
}

/// `data` of `GET /vehicles/tires` where the modification decides; comes with status 300 (RFC 9110 §15.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ambiguous {
    pub ambiguous: Vec<Modification>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modification {
    pub modification: String,
}

/// How people say a name: lower case, the commonest form first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Aliases {
    #[serde(default)]
    pub uk: Vec<String>,
    #[serde(default)]
    pub ru: Vec<String>,
}

/// `GET /vehicles/makes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Make {
    pub name: String,
    #[serde(default)]
    pub aliases: Aliases,
}

/// `GET /vehicles/models`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    pub make: String,
    pub name: String,
    /// First and last year it was made; still made where there is no last one.
    pub year_from: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year_to: Option<u16>,
    #[serde(default)]
    pub aliases: Aliases,
}

/// `GET /tires/brands`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
    #[serde(default)]
    pub aliases: Aliases,
}

/// The class of price a brand plays in; orders offers, is never spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    Budget,
    Middle,
    Premium,
}

/// `GET /tires/sizes`: a size the catalogue has articles of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueSize {
    pub size: String,
    #[serde(flatten)]
    pub dimensions: TireSize,
    /// Articles of this size, in stock or not.
    pub articles: u32,
}
