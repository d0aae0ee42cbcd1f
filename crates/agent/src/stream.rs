//! The one stream to the manager: opened, kept, opened again.

use std::sync::Arc;
use std::time::Duration;

use plan::Backoff;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wire::v1::agents_client::AgentsClient;
use wire::v1::{FromAgent, Hello, ToAgent, from_agent, to_agent};

use crate::connection::{Connect, is_refusal};
use crate::error_chain;

/// The manager has to say welcome in this time.
const WELCOME: Duration = Duration::from_secs(10);
/// So many messages wait to be sent.
const OUTGOING: usize = 256;
/// Between attempts, in milliseconds: a restart of the manager costs an agent no more than seconds.
const RECONNECT: Backoff = Backoff { base: 100, most: 5_000 };
/// Between attempts of a machine that the manager refuses, in milliseconds.
const REFUSED: Backoff = Backoff { base: 5_000, most: 60_000 };
/// A stream that stood for so long was a good one: the next attempt is made soon.
const GOOD: Duration = Duration::from_secs(10);

/// What the stream tells.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A new one stands; what is sent goes there. The number tells its messages from those of earlier ones.
    Up(u64, mpsc::Sender<FromAgent>),
    /// The manager said something.
    Message(u64, Box<ToAgent>),
    /// It is gone.
    Down(u64),
}

/// Keeps a stream until it is stopped.
pub(crate) struct Keeper {
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) hello: Hello,
    /// The oldest protocol that may be spoken.
    pub(crate) protocol: u32,
    pub(crate) events: mpsc::Sender<Stream>,
    pub(crate) stop: CancellationToken,
}

impl Keeper {
    pub(crate) async fn run(self) {
        let mut attempts = 0;
        for number in 1.. {
            let started = tokio::time::Instant::now();
            let ended = tokio::select! {
                ended = self.one(number) => ended,
                () = self.stop.cancelled() => return,
            };
            if self.events.send(Stream::Down(number)).await.is_err() {
                return;
            }
            attempts = if started.elapsed() > GOOD { 0 } else { attempts + 1 };
            let backoff = if ended.refused { REFUSED } else { RECONNECT };
            let wait = Duration::from_millis(backoff.wait(attempts, random()));
            tracing::info!(why = ended.why, ?wait, "no stream to the manager");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Opens a stream and serves it until it ends.
    async fn one(&self, number: u64) -> Ended {
        let channel = match self.connect.connect().await {
            Ok(channel) => channel,
            Err(error) => {
                let refused = matches!(error, crate::tls::ConnectError::Refused { .. });
                return Ended { why: error_chain(&error), refused };
            }
        };
        let mut client = AgentsClient::new(channel)
            .max_decoding_message_size(wire::MAX_MESSAGE)
            .max_encoding_message_size(wire::MAX_MESSAGE);
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        let hello = FromAgent { message: Some(from_agent::Message::Hello(self.hello.clone())) };
        if sender.send(hello).await.is_err() {
            return Ended::because("the stream ended before it began");
        }
        let opening = async {
            let mut incoming = client.connect(ReceiverStream::new(outgoing)).await?.into_inner();
            let first = incoming.message().await?;
            Ok::<_, tonic::Status>((incoming, first))
        };
        let (mut incoming, first) = match tokio::time::timeout(WELCOME, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(status)) => return Ended::by(&status),
            Err(_) => return Ended::because("the manager does not say welcome"),
        };
        match first.and_then(|first| first.message) {
            Some(to_agent::Message::Welcome(welcome)) if welcome.protocol < self.protocol => {
                return Ended { why: format!("the manager speaks only protocol {}", welcome.protocol), refused: true };
            }
            Some(to_agent::Message::Welcome(_)) => {}
            _ => return Ended::because("the manager does not say welcome"),
        }
        if self.events.send(Stream::Up(number, sender)).await.is_err() {
            return Ended::because("the agent ends");
        }
        loop {
            match incoming.message().await {
                Ok(Some(message)) => {
                    // When the agent ends nobody listens; what it said last is still being sent.
                    let _ = self.events.send(Stream::Message(number, Box::new(message))).await;
                }
                Ok(None) => return Ended::because("the manager ended the stream"),
                Err(status) => return Ended::by(&status),
            }
        }
    }
}

/// Why a stream ended.
struct Ended {
    why: String,
    refused: bool,
}

impl Ended {
    fn because(why: &str) -> Ended {
        Ended { why: why.to_owned(), refused: false }
    }

    fn by(status: &tonic::Status) -> Ended {
        Ended { why: format!("{}: {}", status.code(), status.message()), refused: is_refusal(status) }
    }
}

fn random() -> u64 {
    // Jitter need not be good, only different.
    getrandom::u64().unwrap_or(0)
}
