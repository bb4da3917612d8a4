//! Both sides of one handshake.

use dtls_session::{
    Acceptor, AcceptorBuilder, Connector, ConnectorBuilder, HandshakeError, Resumption, Session,
};

use super::{Pipe, lossless, patient, pipe, within};

/// What one side came to.
pub(crate) type Outcome = Result<Session, HandshakeError>;

/// Makes sessions of what should agree.
pub(crate) async fn agree(
    acceptor: AcceptorBuilder,
    connector: ConnectorBuilder,
) -> (Session, Session) {
    let (server, client) = attempt(acceptor, connector).await;
    (server.unwrap(), client.unwrap())
}

/// Returns the outcomes of what may not agree.
pub(crate) async fn attempt(
    acceptor: AcceptorBuilder,
    connector: ConnectorBuilder,
) -> (Outcome, Outcome) {
    outcomes(acceptor.session(patient()), connector.session(patient())).await
}

/// The same with the builders' own times.
pub(crate) async fn outcomes(
    acceptor: AcceptorBuilder,
    connector: ConnectorBuilder,
) -> (Outcome, Outcome) {
    let (acceptor, connector) = (acceptor.build().unwrap(), connector.build().unwrap());
    outcomes_of(&acceptor, &connector, "localhost").await
}

pub(crate) async fn outcomes_of(
    acceptor: &Acceptor,
    connector: &Connector,
    name: &str,
) -> (Outcome, Outcome) {
    let (server, client) = pipe(lossless());
    let client = connector.connect(name).over(client);
    within(async { tokio::join!(acceptor.accept(server), client) }).await
}

/// The outcomes where the client comes with a ticket.
pub(crate) async fn resumed(
    acceptor: &Acceptor,
    connector: &Connector,
    ticket: &Resumption,
) -> (Outcome, Outcome) {
    let (server, client) = pipe(lossless());
    let client = connector
        .connect("localhost")
        .resume_from(ticket)
        .over(client);
    within(async { tokio::join!(acceptor.accept(server), client) }).await
}

/// Returns the errors of what does not agree.
pub(crate) async fn failures(
    acceptor: &Acceptor,
    connector: &Connector,
    name: &str,
) -> [HandshakeError; 2] {
    let (server, client) = outcomes_of(acceptor, connector, name).await;
    [server.unwrap_err(), client.unwrap_err()]
}
