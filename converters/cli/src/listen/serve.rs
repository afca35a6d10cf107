//! `redpoll listen --wyoming`: the Wyoming protocol with the models given.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use redpoll_wyoming::{Model, Note, Options, Server, Services};
use serde_json::json;

use super::model::Prepared;
use super::models::Models;
use crate::exit::Usage;
use crate::load::Dims;

/// Bytes of a token file at most.
const LONGEST_TOKEN: usize = 4096;

/// What a server offers, and to whom.
#[derive(clap::Args)]
#[command(next_help_heading = "Server")]
pub struct Serving {
    /// Serves the Wyoming protocol here instead of listening to a recording; a port alone is one of this machine
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["input", "task", "model"])]
    pub wyoming: Option<String>,
    /// Lets other machines connect
    #[arg(long, requires = "wyoming")]
    allow_remote: bool,
    /// Clients at a time
    #[arg(long, default_value_t = 8, value_name = "N", requires = "wyoming")]
    clients: usize,
    /// A file with a token that every client's first event must bring: {"type":"authenticate","data":{"token":…}}
    #[arg(long, value_name = "FILE", requires = "wyoming")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) for encrypted connections; needs the cargo feature tls
    #[arg(long, value_name = "FILE", requires = "wyoming", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the first certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// Serves until the process ends.
pub fn run(
    address: &str,
    args: &Serving,
    models: &Models,
    threshold: Option<f32>,
    dims: &Dims,
    as_json: bool,
) -> Result<()> {
    let services = services(models, threshold, dims)?;
    let offered: Vec<String> = services
        .wake
        .iter()
        .map(|model| format!("wake word {}", model.name))
        .chain(services.vad.iter().map(|_| "voice activity".to_owned()))
        .chain(
            services
                .transcribe
                .iter()
                .map(|m| format!("transcripts by {}", m.name)),
        )
        .collect();
    let address = match address.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => address.to_owned(),
    };
    let server = Server::bind(&address, services, options(args)?).map_err(|e| match e {
        e @ redpoll_wyoming::ServerError::Remote(_) => {
            anyhow::Error::new(Usage(format!("{e}, with --allow-remote")))
        }
        e => e.into(),
    })?;
    if as_json {
        let address = server.address().to_string();
        say!(
            "{}",
            json!({"event": "listening", "address": address, "offers": offered})
        );
    } else {
        say!("listening on {}: {}", server.address(), offered.join(", "));
    }
    server.run(|note| tell(&note, as_json));
    Ok(())
}

fn services(models: &Models, threshold: Option<f32>, dims: &Dims) -> Result<Services> {
    let mut services = Services::default();
    for (name, prepared) in models.wakes(threshold, dims)? {
        let phrase = name.replace('_', " ");
        services.wake.push(offer(name, phrase, prepared));
    }
    if let Some(vad) = models.vad(dims)? {
        services.vad = Some(offer(models.vad_name(), "voice activity".into(), vad));
    }
    if let Some(words) = models.words(None, dims)? {
        let labels = words.labels.clone();
        let offered = offer(models.words_name(), labels.join(", "), words);
        services.transcribe = Some(offered.labels(labels));
    }
    if services.wake.is_empty() && services.vad.is_none() && services.transcribe.is_none() {
        bail!(Usage(
            "--wyoming: give at least one of --wake, --vad, --words".into()
        ));
    }
    Ok(services)
}

fn offer(name: String, description: String, prepared: Prepared) -> Model {
    Model::new(name, description, move || prepared.task())
}

fn options(args: &Serving) -> Result<Options> {
    let mut options = Options {
        clients: args.clients,
        remote: args.allow_remote,
        ..Options::default()
    };
    if let Some(path) = &args.token_file {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let token = text.trim();
        if token.is_empty() || token.len() > LONGEST_TOKEN {
            let path = path.display();
            bail!(Usage(format!(
                "{path}: expected a token of 1 to {LONGEST_TOKEN} bytes"
            )));
        }
        options.token = Some(token.to_owned());
    }
    if let (Some(certificates), Some(key)) = (&args.tls_cert, &args.tls_key) {
        encrypt(&mut options, certificates, key)?;
    }
    Ok(options)
}

#[cfg(feature = "tls")]
fn encrypt(options: &mut Options, certificates: &Path, key: &Path) -> Result<()> {
    options.tls = Some(redpoll_wyoming::Tls::open(certificates, key)?);
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn encrypt(_: &mut Options, _: &Path, _: &Path) -> Result<()> {
    bail!(Usage(
        "--tls-cert: this redpoll was built without the cargo feature tls".into()
    ))
}

fn tell(note: &Note<'_>, as_json: bool) {
    let (peer, event, more) = match note {
        Note::Opened(peer) => (peer, "client", None),
        Note::Refused(peer) => (
            peer,
            "refused",
            Some("as many clients as allowed".to_owned()),
        ),
        Note::Detected(peer, name) => (peer, "detection", Some((*name).to_owned())),
        Note::Closed(peer, why) => (peer, "gone", why.map(ToString::to_string)),
        _ => return,
    };
    let peer = peer.to_string();
    match (as_json, more) {
        (true, more) => say!("{}", json!({"event": event, "peer": peer, "what": more})),
        (false, Some(more)) => say!("{peer} {event}: {more}"),
        (false, None) => say!("{peer} {event}"),
    }
}
