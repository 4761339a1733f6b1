//! FPM's own ping and status pages, asked on a connection outside of the pool.
//!
//! The pool leaves one worker free for this, and only one question is asked at a time. The
//! `fastcgi-client` crate does the talking: an independent implementation, and speed is of no
//! concern here. What it cannot tell, a cut answer from a whole one, shows in the content.

use std::time::Duration;

use bytes::Bytes;
use fastcgi_client::{Client, Params, Request};
use http::StatusCode;
use portunus_errno::errno_text;
use portunus_fastcgi::{CgiHead, HeadError, HeadParser};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;

use crate::config::Address;
use crate::discovery::{FpmFacts, ProcessManager};

/// Asks one FPM how it is.
#[derive(Debug)]
pub struct Health {
    address: Address,
    timeout: Duration,
    one_at_a_time: Mutex<()>,
}

/// Why FPM's health is not known. All variants mean that it is not well.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// No answer in time.
    #[error("FPM did not answer within {0:?}")]
    Timeout(Duration),
    /// It cannot be reached.
    #[error("FPM cannot be reached: {}", errno_text(.0))]
    Connect(#[from] std::io::Error),
    /// The exchange failed.
    #[error("FPM did not answer: {0}")]
    Exchange(#[from] fastcgi_client::ClientError),
    /// What came is no CGI answer.
    #[error("FPM's answer makes no sense: {0}")]
    Head(#[from] HeadError),
    /// An answer, but not the one asked for: the path is not configured, most likely.
    #[error("FPM answered {0}")]
    Status(StatusCode),
    /// The answer ends too early.
    #[error("FPM's answer is incomplete")]
    Incomplete,
}

/// The figures of `pm.status_path`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FpmStatus {
    /// The pool's name.
    pub pool: String,
    /// `pm`, as written.
    pub process_manager: String,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections waiting in the socket's backlog: other clients of the same FPM, or a pool
    /// with more slots than there are workers.
    pub listen_queue: u64,
    /// Workers that wait for a connection.
    pub idle: u64,
    /// Workers with a connection; an idle kept connection counts.
    pub active: u64,
    /// Workers.
    pub total: u64,
    /// Most workers with a connection at a time, since the start.
    pub max_active: u64,
    /// How often `pm.max_children` was reached.
    pub max_children_reached: u64,
    /// Requests beyond `request_slowlog_timeout`.
    pub slow_requests: u64,
}

impl Health {
    /// Questions to `address`, each answered within `timeout` or not at all.
    #[must_use]
    pub fn new(address: Address, timeout: Duration) -> Self {
        Self {
            address,
            timeout,
            one_at_a_time: Mutex::new(()),
        }
    }

    /// Asks `ping.path`. Some worker is alive and answers if this succeeds.
    ///
    /// # Errors
    /// [`HealthError`].
    pub async fn ping(&self, path: &str) -> Result<Bytes, HealthError> {
        self.ask(path).await
    }

    /// Learns about the pool from its `pm.status_path`, where neither process nor files can be looked at.
    pub async fn facts(&self, path: &str) -> Option<FpmFacts> {
        let status = self.status(path).await.ok()?;
        status.facts(&self.address, path)
    }

    /// Asks `pm.status_path`.
    ///
    /// # Errors
    /// [`HealthError`].
    pub async fn status(&self, path: &str) -> Result<FpmStatus, HealthError> {
        let page = self.ask(path).await?;
        FpmStatus::parse(&String::from_utf8_lossy(&page)).ok_or(HealthError::Incomplete)
    }

    async fn ask(&self, path: &str) -> Result<Bytes, HealthError> {
        let asked = async {
            let _turn = self.one_at_a_time.lock().await;
            self.exchange(path).await
        };
        let stdout = tokio::time::timeout(self.timeout, asked);
        let stdout = stdout
            .await
            .map_err(|_| HealthError::Timeout(self.timeout))??;
        let parsed = HeadParser::default().push(stdout.into())?;
        let (CgiHead { status, .. }, body) = parsed.ok_or(HealthError::Incomplete)?;
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(HealthError::Status(status))
        }
    }

    async fn exchange(&self, path: &str) -> Result<Vec<u8>, HealthError> {
        let params = Params::default()
            .request_method("GET")
            .script_name(path)
            .script_filename(path)
            .request_uri(path)
            .query_string("");
        let request = Request::new(params, fastcgi_client::io::empty());
        let response = match &self.address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                Client::new_tokio(stream).execute_once(request).await?
            }
            Address::Unix(socket) => {
                let stream = UnixStream::connect(socket).await?;
                Client::new_tokio(stream).execute_once(request).await?
            }
        };
        Ok(response.stdout.unwrap_or_default())
    }
}

impl FpmStatus {
    /// What the page tells of the pool at `address`; `None` where it cannot tell how many workers there may
    /// be: fewer run than may, and there never were as many.
    fn facts(&self, address: &Address, path: &str) -> Option<FpmFacts> {
        let process_manager = ProcessManager::named(&self.process_manager);
        let workers = match process_manager {
            ProcessManager::Static => self.total,
            _ if self.max_children_reached > 0 => self.total.max(self.max_active),
            _ => 0,
        };
        Some(FpmFacts {
            name: self.pool.clone(),
            listen: address.to_string(),
            process_manager,
            max_children: usize::try_from(workers)
                .ok()
                .filter(|workers| *workers > 0)?,
            status_path: Some(path.to_owned()),
            ping_path: None,
            request_terminate_timeout: None,
            php_version: None,
        })
    }

    /// Reads the plain text form. None if the page is not whole.
    fn parse(page: &str) -> Option<Self> {
        let mut status = Self::default();
        let mut whole = false;
        for (key, value) in page.lines().filter_map(|line| line.split_once(':')) {
            let number = value.trim().parse().unwrap_or(0);
            match key {
                "pool" => value.trim().clone_into(&mut status.pool),
                "process manager" => value.trim().clone_into(&mut status.process_manager),
                "max active processes" => status.max_active = number,
                "accepted conn" => status.accepted = number,
                "listen queue" => status.listen_queue = number,
                "idle processes" => status.idle = number,
                "active processes" => status.active = number,
                "total processes" => status.total = number,
                "max children reached" => status.max_children_reached = number,
                "slow requests" => {
                    status.slow_requests = number;
                    whole = true;
                }
                _ => {}
            }
        }
        whole.then_some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_page_is_read_only_when_whole() {
        let page = "pool:                 www\nprocess manager:      static\naccepted conn:        7\nlisten queue:         1\n\
                    idle processes:       2\nactive processes:     3\ntotal processes:      5\n\
                    max children reached: 4\nslow requests:        0\n";
        let status = FpmStatus::parse(page).unwrap();
        assert_eq!(
            (status.accepted, status.listen_queue, status.total),
            (7, 1, 5)
        );
        assert_eq!(FpmStatus::parse(&page[..page.len() - 20]), None);
        let workers = |status: FpmStatus| {
            let address = Address::Unix("/run/fpm.sock".into());
            status
                .facts(&address, "/status")
                .map(|facts| facts.max_children)
        };
        assert_eq!(workers(status.clone()), Some(5));
        for (max_children_reached, found) in [(0, None), (1, Some(5))] {
            let status = FpmStatus {
                process_manager: "dynamic".into(),
                max_children_reached,
                ..status.clone()
            };
            assert_eq!(workers(status), found);
        }
    }
}
