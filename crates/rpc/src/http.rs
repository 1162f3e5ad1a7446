//! HTTP on the RPC port: a connection whose first bytes are an HTTP method is served by hyper; what
//! the paths mean is the service's matter.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::timeout;
use tracing::debug;

use crate::service::Service;

/// Largest request body that is read.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Largest head of a request. It is parsed anew with each piece of it that comes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// An HTTP request, as far as services look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Path with empty segments dropped: `/meta/app`.
    pub path: String,
    /// Query string without the question mark; empty if there is none.
    pub query: String,
    /// Body, empty for GET.
    pub body: Bytes,
}

/// An answer; always `text/plain`, as upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status code.
    pub status: u16,
    /// Text or JSON.
    pub body: String,
}

impl HttpResponse {
    /// Status 200.
    #[must_use]
    pub fn ok(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            body: body.into(),
        }
    }

    /// Status 404 in upstream's words.
    #[must_use]
    pub fn not_found(path: &str) -> Self {
        Self {
            status: 404,
            body: format!("service not found for \"{path}\""),
        }
    }
}

/// Serves HTTP until the client closes the connection, or has sent no whole request for longer than
/// `patience`. `prefix` was read already.
pub async fn serve<S: Service, IO>(service: Rc<S>, prefix: BytesMut, stream: IO, patience: Duration)
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let io = TokioIo::new(Prefixed {
        prefix: prefix.freeze(),
        stream,
    });
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = Rc::clone(&service);
        async move { Ok::<_, Infallible>(answer(&*service, request, patience).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES_MAX)
        .header_read_timeout(patience)
        .serve_connection(io, answer);
    if let Err(error) = connection.await {
        debug!(%error, "HTTP connection ended");
    }
}

async fn answer<S: Service>(
    service: &S,
    request: Request<Incoming>,
    patience: Duration,
) -> Response<Full<Bytes>> {
    let response = match *request.method() {
        Method::GET | Method::POST => {
            let path = normalise(request.uri().path());
            let query = request.uri().query().unwrap_or_default().to_owned();
            let body = Limited::new(request.into_body(), BODY_BYTES_MAX);
            match timeout(patience, body.collect()).await {
                Ok(Ok(body)) => service.on_http(&HttpRequest {
                    path,
                    query,
                    body: body.to_bytes(),
                }),
                Ok(Err(error)) => HttpResponse {
                    status: 400,
                    body: format!("bad body: {error}"),
                },
                Err(_) => HttpResponse {
                    status: 408,
                    body: "the body has not come in time".to_owned(),
                },
            }
        }
        _ => HttpResponse {
            status: 400,
            body: "only GET and POST are served".to_owned(),
        },
    };
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = Response::new(Full::new(Bytes::from(response.body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("text/plain"),
    );
    reply
}

fn normalise(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        normal.push('/');
        normal.push_str(segment);
    }
    if normal.is_empty() {
        "/".to_owned()
    } else {
        normal
    }
}

/// A stream whose first bytes were read before the protocol was known.
struct Prefixed<IO> {
    prefix: Bytes,
    stream: IO,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Prefixed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.prefix.len().min(buffer.remaining());
        buffer.put_slice(&self.prefix[..length]);
        self.prefix.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Prefixed<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_path_segments_are_dropped() {
        assert_eq!(normalise("//meta//app/"), "/meta/app");
        assert_eq!(normalise("/"), "/");
        assert_eq!(normalise(""), "/");
    }
}
