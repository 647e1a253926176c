//! Waiting until a started target answers.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use crate::http::{ProbeClient, ProbeClientOptions, Request, SetupError};

/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest wait for one answer; a target that hangs is asked again.
const ONE_ANSWER: Duration = Duration::from_secs(2);
/// From here on a ready path is not ready yet.
const SERVER_ERROR: u16 = 500;

/// Asks one URL until it answers.
pub(super) struct Readiness {
    client: ProbeClient,
    url: Url,
    path_given: bool,
}

impl Readiness {
    /// No secret is sent here, so any certificate will do.
    pub(super) fn new(url: Url, path_given: bool) -> Result<Self, SetupError> {
        let client = ProbeClient::new(ProbeClientOptions {
            timeout: ONE_ANSWER,
            keep_body: 0,
            read_body: 64 << 10,
            insecure: true,
            ..ProbeClientOptions::default()
        })?;
        Ok(Self {
            client,
            url,
            path_given,
        })
    }

    /// Returns once the target is ready, or at the deadline with what was seen last.
    pub(super) async fn wait(&self, deadline: Instant) -> Result<(), String> {
        let mut last = "no answer".to_owned();
        loop {
            let exchange = self.client.send(Request::get(self.url.clone()));
            let Ok(exchange) = timeout_at(deadline, exchange).await else {
                return Err(last);
            };
            last = match exchange.outcome {
                Ok(answer) if !self.path_given || answer.status < SERVER_ERROR => return Ok(()),
                Ok(answer) => format!("status {}", answer.status),
                // Headers came, so somebody is there, whatever became of the body.
                Err(failure) => match &failure.partial {
                    Some(head) if !self.path_given || head.status < SERVER_ERROR => return Ok(()),
                    _ => failure.message,
                },
            };
            let next = Instant::now() + PAUSE;
            if next >= deadline {
                sleep_until(deadline).await;
                return Err(last);
            }
            sleep_until(next).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection with the next status; the last one for ever.
    async fn serve(statuses: &'static [u16]) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/health", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for index in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let status = statuses[index.min(statuses.len() - 1)];
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Url::parse(&url).unwrap()
    }

    async fn wait(url: Url, path_given: bool, limit: Duration) -> Result<(), String> {
        let readiness = Readiness::new(url, path_given).unwrap();
        readiness.wait(Instant::now() + limit).await
    }

    #[tokio::test]
    async fn a_ready_path_must_answer_below_500() {
        let long = Duration::from_secs(20);
        assert_eq!(
            wait(serve(&[503, 500, 404]).await, true, long).await,
            Ok(())
        );
        let short = Duration::from_millis(400);
        let never = wait(serve(&[503]).await, true, short).await;
        assert_eq!(never.unwrap_err(), "status 503");
    }

    #[tokio::test]
    async fn without_a_path_any_answer_will_do() {
        assert_eq!(
            wait(serve(&[500]).await, false, Duration::from_secs(20)).await,
            Ok(())
        );
    }

    #[tokio::test]
    async fn a_closed_port_is_named_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let message = wait(url, false, Duration::from_millis(300))
            .await
            .unwrap_err();
        assert!(message.contains("refused"), "{message}");
    }

    #[tokio::test]
    async fn a_target_that_hangs_does_not_hang_us() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let message = wait(url, false, Duration::from_millis(300))
            .await
            .unwrap_err();
        assert_eq!(message, "no answer");
        drop(listener);
    }
}
