//! Encrypted connections by rustls with ring.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::deadline::Timed;
use crate::error::ServerError;

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// From PEM files: a chain of certificates, and the key of the first.
    ///
    /// # Errors
    ///
    /// [`ServerError::Tls`] for files that cannot be read or do not fit each other.
    pub fn open(certificates: &Path, key: &Path) -> Result<Self, ServerError> {
        let failed =
            |path: &Path, why: String| ServerError::Tls(format!("{}: {why}", path.display()));
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect)
            .map_err(|e| failed(certificates, e.to_string()))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|e| failed(key, e.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, secret)
            })
            .map_err(|e| failed(certificates, e.to_string()))?;
        Ok(Self(Arc::new(config)))
    }

    /// A stream over `socket`; the handshake happens with the first read, under its time limit.
    pub(crate) fn accept(&self, socket: Timed) -> io::Result<StreamOwned<ServerConnection, Timed>> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, socket))
    }
}
