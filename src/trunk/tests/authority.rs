//! Certificates made for a test: an authority of its own, and files as a running program would find them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trunk::tls;

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    pub dir: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem, dir: tempfile::tempdir().unwrap() }
    }

    /// A certificate for `name` and its key, both in PEM.
    pub fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        replace(&path, text);
        path
    }

    /// The authority's own certificate.
    pub fn trusted(&self) -> PathBuf {
        self.file("authority.pem", &self.pem)
    }

    /// A door that shows a certificate for `name` and believes this authority.
    pub fn door(&self, name: &str) -> tls::Config {
        let (certificate, key) = self.sign(name);
        tls::Config {
            listen: super::loopback(),
            certificate: Some(self.file(&format!("{name}.pem"), &certificate)),
            key: Some(self.file(&format!("{name}.key"), &key)),
            trusted: Some(self.trusted()),
            look_again: std::time::Duration::ZERO,
            ..tls::Config::default()
        }
    }

    /// A client of the library's, not ours.
    pub fn client(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    /// A server of the library's, with a certificate for `name`.
    pub fn server(&self, name: &str) -> ServerConfig {
        let (certificate, key) = self.sign(name);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_no_client_auth().with_single_cert(chain, key).unwrap()
    }
}

/// Writes a file as those who renew certificates do: the new one takes the old one's place at once.
pub fn replace(path: &Path, text: &str) {
    let next = path.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, path).unwrap();
}

/// A connection of the library's client.
pub async fn connect(config: ClientConfig, to: SocketAddr, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}
