//! Tyres, as the Store API (`/api/v1/tires…`) gives them and as the agent reasons about them. How a size is spoken
//! belongs to `spoken::size`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Money;

/// A passenger or commercial tyre size such as 205/55 R16 or 215/65 R16C (ECE R30, R54).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TireSize {
    /// Section width, millimetres: 125 to 355, ending in 5.
    pub width: u16,
    /// Height of the sidewall, per cent of the width: 25 to 85, a multiple of 5.
    pub profile: u16,
    /// Rim diameter, inches: 12 to 24.
    pub diameter: u16,
    /// `C`: a reinforced tyre for vans.
    #[serde(default)]
    pub commercial: bool,
}

impl TireSize {
    /// `None` when a part is outside what is made.
    pub fn new(width: u16, profile: u16, diameter: u16, commercial: bool) -> Option<TireSize> {
        let made = TireSize::is_width(width) && TireSize::is_profile(profile) && TireSize::is_diameter(diameter);
        made.then_some(TireSize { width, profile, diameter, commercial })
    }

    pub fn is_width(number: u16) -> bool {
        (125..=355).contains(&number) && number % 10 == 5
    }

    pub fn is_profile(number: u16) -> bool {
        (25..=85).contains(&number) && number.is_multiple_of(5)
    }

    pub fn is_diameter(number: u16) -> bool {
        (12..=24).contains(&number)
    }

    /// Reads the written form: `205/55 R16`, `215/65R16C`.
    pub fn parse(text: &str) -> Option<TireSize> {
        let text = text.replace(' ', "").to_uppercase();
        let (width, rest) = text.split_once('/')?;
        let (profile, rim) = rest.split_once('R')?;
        let (rim, commercial) = match rim.strip_suffix('C') {
            Some(rim) => (rim, true),
            None => (rim, false),
        };
        TireSize::new(width.parse().ok()?, profile.parse().ok()?, rim.parse().ok()?, commercial)
    }
}

impl fmt::Display for TireSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} R{}{}", self.width, self.profile, self.diameter, if self.commercial { "C" } else { "" })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Season {
    Summer,
    Winter,
    AllSeason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stud {
    Studded,
    /// Made for studs, sold without them.
    Studdable,
    Friction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VehicleType {
    Car,
    Suv,
    Van,
    Truck,
}

/// One article of the catalogue, as `GET /tires/search` lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tire {
    /// Opaque; never spoken.
    pub id: String,
    pub sku: String,
    pub brand: String,
    pub model: String,
    /// The written size; the parts follow.
    pub size: String,
    #[serde(flatten)]
    pub dimensions: TireSize,
    pub season: Season,
    #[serde(default)]
    pub stud: Option<Stud>,
    pub vehicle_type: VehicleType,
    pub load_index: u16,
    pub speed_index: String,
    #[serde(default)]
    pub xl: bool,
    #[serde(default)]
    pub runflat: bool,
    /// Price of one tyre.
    pub price: Money,
    pub currency: String,
    pub in_stock: bool,
    /// Pieces in stock, `"20+"` where there are more than the shop wants to say.
    pub stock_quantity: String,
    #[serde(default)]
    pub delivery_days: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<f32>,
}

/// Where and how many, as `GET /tires/{id}/availability` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    pub product_id: String,
    pub in_stock: bool,
    pub total_quantity: u32,
    pub locations: Vec<StockLocation>,
    /// Days until the supplier can deliver more, where the shop knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_days: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StockLocation {
    pub warehouse_id: String,
    pub name: String,
    pub city: String,
    pub quantity: u32,
}

/// A car as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vehicle {
    pub make: String,
    pub model: String,
    pub year: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modification: Option<String>,
}

/// Which tyres fit a car, as `GET /vehicles/tires` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VehicleTires {
    pub vehicle: Vehicle,
    pub sizes: Vec<VehicleSize>,
    #[serde(default)]
    pub recommended: Vec<RecommendedTires>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleSize {
    pub size: String,
    #[serde(flatten)]
    pub dimensions: TireSize,
    pub axle: Axle,
    pub is_oem: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axle {
    Any,
    Front,
    Rear,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecommendedTires {
    pub size: String,
    pub tires: Vec<Tire>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_written() {
        let size = TireSize { width: 205, profile: 55, diameter: 16, commercial: false };
        assert_eq!(TireSize::parse("205/55 R16"), Some(size));
        assert_eq!(TireSize::parse("205/55r16"), Some(size));
        assert_eq!(size.to_string(), "205/55 R16");
        assert_eq!(TireSize::parse("215/65 R16C").unwrap().to_string(), "215/65 R16C");
        assert_eq!(TireSize::parse("205/53 R16"), None);
        assert_eq!(TireSize::parse("200/55 R16"), None);
    }
}
