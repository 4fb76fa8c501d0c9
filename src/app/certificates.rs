//! What a person must know of the certificates, before the first call and at each start.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use super::reasons;
use crate::errors::{ErrorCode, Problem};
use crate::trunk;
use crate::trunk::tls::{self, TlsError};

/// How long before its end a certificate is spoken of: those of the common free authority are renewed 30 days before.
const NOTICE: Duration = Duration::from_secs(14 * 24 * 3_600);

/// Files that cannot be used are an error, those that are or will soon be out of date a warning.
pub fn check(sip: &trunk::Config, warnings: &mut Vec<Problem>) -> Result<(), Problem> {
    let now = SystemTime::now();
    let ending = tls::check(&sip.tls, now, NOTICE).map_err(|error| problem(&error))?;
    warnings.extend(ending.into_iter().map(|(path, until)| {
        let code = if until < now { ErrorCode::CertificateExpired } else { ErrorCode::CertificateExpires };
        let until = DateTime::<Utc>::from(until).format("%Y-%m-%d %H:%M UTC");
        Problem::new(code).with("path", path.display()).with("until", until)
    }));
    Ok(())
}

/// A mistake of the files, in the catalogue's words.
pub fn problem(error: &TlsError) -> Problem {
    match error {
        TlsError::NotUsable { key, path, reason } => Problem::new(ErrorCode::TlsFileUnusable)
            .with("key", format!("sip.tls.{key}"))
            .with("path", path.display())
            .with("reason", reason),
        TlsError::KeyMismatch { certificate, key } => Problem::new(ErrorCode::TlsKeyMismatch)
            .with("certificate", certificate.display())
            .with("key", key.display()),
        TlsError::NoCertificate => Problem::new(ErrorCode::Missing)
            .with("key", "sip.tls.certificate")
            .with("example", "[sip.tls] certificate = \"/etc/telefonist/fullchain.pem\""),
        TlsError::NoAuthorities => Problem::new(ErrorCode::NoAuthorities),
        TlsError::Refused(_) => Problem::new(ErrorCode::WrongValue)
            .with("key", "[sip.tls]")
            .with("found", "…")
            .with("allowed", reasons(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// The codes of what is wrong with these files: the error, or the warnings.
    fn found(certificate: &str, key: &str) -> Vec<ErrorCode> {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| -> Option<PathBuf> {
            let path = dir.path().join(name);
            if !text.is_empty() {
                std::fs::write(&path, text).unwrap();
            }
            Some(path)
        };
        let (certificate, key) = (file("c.pem", certificate), file("k.pem", key));
        let sip =
            trunk::Config { tls: tls::Config { certificate, key, ..tls::Config::default() }, ..Default::default() };
        let mut warnings = Vec::new();
        match check(&sip, &mut warnings) {
            Ok(()) => warnings.iter().map(|problem| problem.code).collect(),
            Err(problem) => {
                assert!(!problem.title(crate::base::Language::Ukrainian).contains('{'));
                vec![problem.code]
            }
        }
    }

    #[test]
    fn what_is_wrong_with_the_files_is_in_the_catalogue() {
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let until = |year: i32, month: u8, day: u8| {
            let mut params = CertificateParams::new(vec!["sip.example".to_owned()]).unwrap();
            params.not_after = date_time_ymd(year, month, day);
            params.self_signed(&key).unwrap().pem()
        };
        let soon = DateTime::<Utc>::from(SystemTime::now() + NOTICE / 2).format("%Y %m %d").to_string();
        let soon: Vec<i32> = soon.split(' ').map(|part| part.parse().unwrap()).collect();
        let (good, key, other) = (until(2090, 1, 1), key.serialize_pem(), other.serialize_pem());
        for (what, certificate, key, expect) in [
            ("good", good.as_str(), key.as_str(), None),
            ("no certificate", "", &key, Some(ErrorCode::TlsFileUnusable)),
            ("no key", &good, "", Some(ErrorCode::TlsFileUnusable)),
            ("not PEM", "good day", &key, Some(ErrorCode::TlsFileUnusable)),
            ("swapped", &key, &good, Some(ErrorCode::TlsFileUnusable)),
            ("another key", &good, &other, Some(ErrorCode::TlsKeyMismatch)),
            ("expired", &until(2020, 1, 1), &key, Some(ErrorCode::CertificateExpired)),
            (
                "soon",
                &until(soon[0], soon[1].unsigned_abs() as u8, soon[2].unsigned_abs() as u8),
                &key,
                Some(ErrorCode::CertificateExpires),
            ),
        ] {
            assert_eq!(found(certificate, key), Vec::from_iter(expect), "{what}");
        }
    }
}
