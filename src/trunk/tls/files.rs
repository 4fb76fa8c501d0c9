//! Certificates and keys out of PEM files, made into what rustls works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, ServerConfig};

use super::verify::Verifier;
use super::{Config, TlsError};

/// Our own certificate with those between it and its authority, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a peer that connects to us meets; `None` where there is no certificate to show.
pub fn server(config: &Config) -> Result<Option<ServerConfig>, TlsError> {
    let Some((chain, key)) = identity(config)? else { return Ok(None) };
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(TlsError::Refused)?;
    let builder = match &config.clients {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let (roots, _) = authorities(path, "clients")?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            let refused = |error: rustls::server::VerifierBuilderError| TlsError::NotUsable {
                key: "clients",
                path: path.clone(),
                reason: error.to_string(),
            };
            builder.with_client_cert_verifier(verifier.map_err(refused)?)
        }
    };
    builder.with_single_cert(chain, key).map(Some).map_err(|error| unfit(config, error))
}

/// How we meet a peer we connect to.
pub fn client(config: &Config) -> Result<ClientConfig, TlsError> {
    let (roots, pinned) = match &config.trusted {
        Some(path) => authorities(path, "trusted")?,
        None => (authorities_of_the_system()?, Vec::new()),
    };
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let verifier = Verifier::new(chains.map_err(|_| TlsError::NoAuthorities)?, pinned);
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(TlsError::Refused)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut client = match identity(config)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| unfit(config, error))?,
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = config.alpn.iter().map(|name| name.clone().into_bytes()).collect();
    Ok(client)
}

/// Our certificate with the end of its life, where that is past or nearer than `within`.
pub fn expiring(config: &Config, now: SystemTime, within: Duration) -> Result<Vec<(PathBuf, SystemTime)>, TlsError> {
    let mut found = Vec::new();
    // Of the chain it is the first that somebody forgot to renew; an authority's own life is its business.
    if let Some((chain, _)) = identity(config)?
        && let Some(path) = &config.certificate
        && let Some(end) = chain.first().and_then(|certificate| end_before(certificate, now + within))
    {
        found.push((path.clone(), end));
    }
    Ok(found)
}

/// Later than any certificate in use ends, 9999 being the year of those that never do (RFC 5280 §4.1.2.5).
const LONG_AFTER: Duration = Duration::from_secs(253_402_300_800);

/// The end of the certificate's life.
pub fn last_day(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    end_before(certificate, SystemTime::UNIX_EPOCH + LONG_AFTER)
}

/// The end of the certificate's life where it is before `time`.
fn end_before(certificate: &CertificateDer<'_>, time: SystemTime) -> Option<SystemTime> {
    let time = UnixTime::since_unix_epoch(time.duration_since(SystemTime::UNIX_EPOCH).ok()?);
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    // Dates are looked at first, so nothing else about the chain matters here.
    let verdict = parsed.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[],
        &[],
        time,
        webpki::KeyUsage::server_auth(),
        None,
        None,
    );
    match verdict {
        Err(webpki::Error::CertExpired { not_after, .. }) => {
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(not_after.as_secs()))
        }
        _ => None,
    }
}

fn identity(config: &Config) -> Result<Option<Identity>, TlsError> {
    let (Some(certificate), Some(key_path)) = (&config.certificate, &config.key) else { return Ok(None) };
    let chain = certificates(certificate, "certificate")?;
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| unreadable("key", key_path, &error))?;
    Ok(Some((chain, key)))
}

/// The authorities in a file, and the file's certificates as they are.
fn authorities(path: &Path, key: &'static str) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let certificates = certificates(path, key)?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        let not_usable =
            |error: rustls::Error| TlsError::NotUsable { key, path: path.to_owned(), reason: error.to_string() };
        roots.add(certificate.clone()).map_err(not_usable)?;
    }
    Ok((roots, certificates))
}

fn authorities_of_the_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // One odd certificate among the system's hundreds makes none of the others worse.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() { Err(TlsError::NoAuthorities) } else { Ok(roots) }
}

fn certificates(path: &Path, key: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unreadable(key, path, &error))?;
    if certificates.is_empty() { Err(unreadable(key, path, &pem::Error::NoItemsFound)) } else { Ok(certificates) }
}

fn unreadable(key: &'static str, path: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound if key == "key" => "no PRIVATE KEY in PEM".to_owned(),
        pem::Error::NoItemsFound => "no CERTIFICATE in PEM".to_owned(),
        other => other.to_string(),
    };
    TlsError::NotUsable { key, path: path.to_owned(), reason }
}

/// What is wrong with our own certificate and key together.
fn unfit(config: &Config, error: rustls::Error) -> TlsError {
    let (certificate, key) = (config.certificate.clone().unwrap_or_default(), config.key.clone().unwrap_or_default());
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch { certificate, key },
        // A key that its own signer cannot use is the key's fault; everything else is the certificate's.
        rustls::Error::General(reason) => TlsError::NotUsable { key: "key", path: key, reason },
        other => TlsError::NotUsable { key: "certificate", path: certificate, reason: other.to_string() },
    }
}
