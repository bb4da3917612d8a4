use thiserror::Error;

/// Why [`Serve`](crate::Serve) ended before its stream did.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ServeError<E> {
    /// The stream yielded an error instead of a request.
    #[error("cannot receive a request")]
    Recv(#[source] E),
    /// The sink did not take or did not flush a reply.
    #[error("cannot send a reply")]
    Send(#[source] E),
}
