//! `HEAD`: what `GET` answers, without its body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::web::Bytes;

/// What is below has a `HEAD` of its own, which its protocol describes.
const TUS: &str = "/tus/";

/// Has a `HEAD` answered by what answers `GET`; tells whether it is one.
pub(super) fn ask_as_get(request: &mut ServiceRequest) -> bool {
    let is_head = request.method() == Method::HEAD && !request.path().starts_with(TUS);
    if is_head {
        request.head_mut().method = Method::GET;
    }
    is_head
}

/// A body in its size alone.
pub(super) fn bare(size: BodySize) -> BoxBody {
    BoxBody::new(Bare(size))
}

struct Bare(BodySize);

impl MessageBody for Bare {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}
