//! `portunus explain`: what the server would do for a request.
//!
//! The configuration is built as for a start, but listens on a port of its own, and answers every request with what
//! the engine has decided for it. So nothing is decided twice, in two places.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portunus_handler::SharedSite;
use portunus_server::{ListenAddress, ListenerConfig, Listeners, ServerConfig};

use crate::build::{Built, build_explained};
use crate::launch::Launch;
use crate::lifecycle;
use crate::scheduling::Scheduling;

/// How long the answer may take: a decision does not wait for anybody.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request to be explained.
#[derive(Debug, Clone)]
pub struct Question {
    /// `GET`.
    pub method: String,
    /// `/path?arguments`.
    pub target: String,
    /// `Name: value`, as they are to be sent.
    pub fields: Vec<String>,
    /// The port that the client would have come to; the first `listen` without.
    pub port: Option<u16>,
}

impl Launch {
    /// Prints what would be done for a request.
    #[must_use]
    pub fn explain(&self, question: &Question) -> ExitCode {
        let Some(mut ready) = self.load() else {
            return ExitCode::FAILURE;
        };
        let mut kept = self.kept(&ready.config);
        let built = build_explained(
            &ready.config,
            &ready.sources,
            &mut kept,
            &mut ready.diagnostics,
        );
        if ready.diagnostics.has_errors() {
            self.print(&ready.diagnostics, &ready.sources);
            return ExitCode::FAILURE;
        }
        match ask(built, &kept, question) {
            Ok(text) => {
                // A closed pipe ends an explanation like any other output.
                let _ = std::io::stdout().write_all(text.as_bytes());
                ExitCode::SUCCESS
            }
            Err(message) => {
                eprintln!("portunus explain: {message}");
                ExitCode::FAILURE
            }
        }
    }
}

fn ask(built: Built, kept: &crate::build::Kept, question: &Question) -> Result<String, String> {
    let Built {
        site, listeners, ..
    } = built;
    let chosen = choose(&listeners, question.port)?;
    let own = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listener = ListenerConfig::new(own, chosen.tag);
    let listeners = Listeners::bind(vec![listener], None, 1).map_err(|error| error.to_string())?;
    let config = ServerConfig {
        workers: 1,
        worker_connections: 16,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let site: SharedSite = Arc::new(ArcSwap::from_pointee(site));
        let handle = lifecycle::start(listeners, &config, site, kept, Scheduling::Normal)?;
        let address = handle
            .addresses()
            .into_iter()
            .find_map(|address| match address {
                ListenAddress::Inet(address) => Some(address),
                ListenAddress::Unix(_) => None,
            });
        let address = address.ok_or_else(|| "there is no socket".to_owned())?;
        let answer = exchange(address, question).map_err(|error| error.to_string());
        handle.stop_now().await;
        answer
    })
}

/// The listener that the request is for.
fn choose(listeners: &[ListenerConfig], port: Option<u16>) -> Result<&ListenerConfig, String> {
    let matches = |listener: &&ListenerConfig| match (&listener.address, port) {
        (ListenAddress::Inet(address), Some(port)) => address.port() == port,
        (ListenAddress::Unix(_), Some(_)) => false,
        (_, None) => true,
    };
    listeners.iter().find(matches).ok_or_else(|| match port {
        Some(port) => format!("nothing listens on port {port}"),
        None => "the configuration listens nowhere".to_owned(),
    })
}

/// Sends the request and gives back the body of the answer, or all of it if the server refused the request at once.
fn exchange(address: SocketAddr, question: &Question) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("{} {} HTTP/1.1\r\n", question.method, question.target);
    for field in &question.fields {
        request.push_str(field);
        request.push_str("\r\n");
    }
    request.push_str("Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Ok(match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => body.to_owned(),
        _ => format!("the request is refused before any location is looked for:\n{answer}\n"),
    })
}
