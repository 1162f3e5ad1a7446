//! A scanner as a stream.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::error::ClientError;
use crate::scan::{Progress, Record, Scanner};

/// The records of a scan as a stream; see [`Scanner::into_stream`].
pub struct ScanStream {
    state: State,
}

type Fetch = Pin<Box<dyn Future<Output = (Scanner, Result<Progress, ClientError>)> + Send>>;

enum State {
    /// Records of the last batch may be left.
    Delivering(Box<Scanner>),
    /// The next batch is on its way.
    Fetching(Fetch),
    Done,
}

impl Scanner {
    /// The same records as a stream. It ends after the last record; an error does not end it.
    #[must_use]
    pub fn into_stream(self) -> ScanStream {
        ScanStream {
            state: State::Delivering(Box::new(self)),
        }
    }
}

impl Stream for ScanStream {
    type Item = Result<Record, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Delivering(scanner) => {
                    if let Some(record) = scanner.take() {
                        return Poll::Ready(Some(record));
                    }
                    let State::Delivering(mut scanner) =
                        std::mem::replace(&mut self.state, State::Done)
                    else {
                        unreachable!("matched above");
                    };
                    self.state = State::Fetching(Box::pin(async move {
                        let progress = scanner.fetch().await;
                        (*scanner, progress)
                    }));
                }
                State::Fetching(fetch) => {
                    let (scanner, progress) = ready!(fetch.as_mut().poll(cx));
                    self.state = match progress {
                        Ok(Progress::Done) => State::Done,
                        Ok(Progress::Batch) | Err(_) => State::Delivering(Box::new(scanner)),
                    };
                    if let Err(error) = progress {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
    }
}

impl fmt::Debug for ScanStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanStream").finish_non_exhaustive()
    }
}
