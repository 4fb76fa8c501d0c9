//! Certificates for peers that speak TLS.

use chrono::{Datelike, TimeDelta, Utc};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

/// An authority for one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a name or an address, and its key.
    pub fn sign(&self, name: &str) -> (String, String) {
        self.sign_params(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// One that ends in so many days.
    pub fn sign_until(&self, name: &str, days: i64) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let last = Utc::now() + TimeDelta::days(days);
        params.not_after = date_time_ymd(last.year(), last.month() as u8, last.day() as u8);
        self.sign_params(params)
    }

    fn sign_params(&self, params: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}
