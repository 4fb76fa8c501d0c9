//! Certificates for peers that speak TLS.

use std::path::PathBuf;

use chrono::{Datelike, TimeDelta, Utc};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use telefonist::trunk::tls;
use tempfile::TempDir;

use crate::support::ANY;

/// An authority for one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    dir: TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem, dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A door at 127.0.0.1 that shows the authority's certificate and believes it.
    pub fn door(&self) -> tls::Config {
        let (certificate, key) = self.sign(&ANY.ip().to_string());
        tls::Config {
            listen: Some(ANY),
            certificate: Some(self.file("door.pem", &certificate)),
            key: Some(self.file("door.key", &key)),
            trusted: Some(self.file("trusted.pem", &self.pem)),
            ..tls::Config::default()
        }
    }

    /// The settings of a baresip that shows one, and believes it.
    pub fn phone(&self) -> String {
        let (certificate, key) = self.sign(&ANY.ip().to_string());
        format!(
            "sip_certificate {}\nsip_cafile {}\nsip_verify_server no\n",
            self.file("phone.pem", &(certificate + &key)).display(),
            self.file("authority.pem", &self.pem).display(),
        )
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
